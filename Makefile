# Everything there is to do with this project. Each target sets up what it needs.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

export PATH := $(CURDIR)/node_modules/.bin:$(HOME)/.cache/forebay/cluster/bin:$(PATH)
generators := $(filter-out %/emit.ts %.test.ts,$(wildcard scripts/generate/*.ts))
# The results are for .ci/run, which adds them up.
vitest := vitest run --reporter=default --reporter=json --outputFile.json=dist/results
installed := node_modules/.installed

.PHONY: help
help: ## lists all targets
	@grep -E '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## */\1\t/' | expand -t 14

# npm runs under the pinned Node.js, since it leaves out binaries that say they
# do not fit an older one. Node.js itself comes by an install script.
$(installed): package.json package-lock.json
	@unset npm_config_allow_scripts; \
	version=$$(sed -n 's/^ *"node": "\([0-9.]*\)".*/\1/p' package.json); \
	npm exec --yes --allow-scripts=node --package=node@$$version -- env -u npm_config_allow_scripts npm install --no-save --no-fund --no-audit
	@touch $@

.PHONY: install
install: $(installed) ## installs the packages, Node.js among them

.PHONY: generate
generate: $(installed) ## writes the generated files anew
	@for generator in $(generators); do node $$generator; done

.PHONY: verify
verify: $(installed) ## format, lint, types, generated files, import rules, unused code
	biome check --error-on-warnings .
	tsc -p .
	@for generator in $(generators); do node $$generator --check; done
	node scripts/import-rules.ts
	knip

.PHONY: test
test: $(installed) ## unit and integration tests; starts servers and the cluster's API (first time: minutes)
	$(vitest)/test.json --project unit --project integration

.PHONY: simulate
simulate: $(installed) ## weeks of a dataset by chance: SEEDS=1000000, or one: SEED=7; MUTATIONS=1: without each guard
	@node test/simulation/$(if $(MUTATIONS),mutations,main).ts

.PHONY: conformance
conformance: $(installed) ## the official JSON-Schema-Test-Suite through the engine, SUITE=DIR; writes docs/json-schema.md
	@node test/conformance/main.ts $(if $(SUITE),$(SUITE) --write,--help)

.PHONY: fuzz
fuzz: $(installed) ## the kernel against the plain engine, in which ajv judges each record: SECONDS=600, or one: SEED=7
	@node test/fuzz/main.ts

.PHONY: e2e
e2e: $(installed) image ## tests on real pods
	$(vitest)/e2e.json --project e2e

.PHONY: demo
demo: $(installed) image ## the quickstart on a cluster, with real data
	node scripts/demo.ts

.PHONY: image
image: $(installed) ## the container image, as dist/image.tar
	@node image/build.ts

.PHONY: chart
chart: $(installed) ## the Helm chart and a plain install manifest, in dist
	@test/cluster/node/build.sh
	helm lint charts/forebay
	helm package charts/forebay --destination dist
	helm template forebay charts/forebay --namespace forebay-system --kube-version 1.34.0 >dist/install.yaml

.PHONY: bench
bench: bench-engine bench-cluster ## measures both

.PHONY: bench-engine
bench-engine: $(installed) ## the engine beside DuckDB; QUICK=1: 100 MB instead of 1 GB
	@node image/build.ts --bundle
	@node bench/engine/run.ts $(if $(QUICK),--quick)

.PHONY: bench-cluster
bench-cluster: $(installed) image ## batches, the operator, and starts, on a cluster
	node bench/cluster.ts

.PHONY: cluster-up
cluster-up: $(installed) ## a Kubernetes cluster for tests; prints how to reach it
	@test/cluster/up

.PHONY: cluster-down
cluster-down: ## ends it
	@test/cluster/down

.PHONY: clean
clean: ## deletes what was built here; caches in ~/.cache/forebay stay
	rm -rf dist node_modules
