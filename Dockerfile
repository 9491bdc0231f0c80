# The image of operator and ingestor for those who have a container engine;
# "make image" makes the same without one.
FROM node:26.10.0-bookworm AS build
WORKDIR /src
COPY package.json package-lock.json ./
RUN npm install --no-save
COPY . .
RUN node image/build.ts --bundle && image/base.sh /base

FROM scratch
COPY --from=build /base /
COPY --from=build /src/dist/layer /
ENV PATH=/usr/bin NODE_ENV=production NODE_OPTIONS=--max-old-space-size-percentage=60
USER 65532:65532
WORKDIR /
ENTRYPOINT ["node", "/app/main.js"]
LABEL org.opencontainers.image.title=forebay org.opencontainers.image.licenses=Apache-2.0
