/** Plain calls of the cluster's API server, as tests of the API itself want them: nothing between them and the answer. */
import { readFileSync } from 'node:fs';
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { Agent, request } from 'undici';
import { parse } from 'yaml';
import { kubeconfig } from '../support/cluster.ts';

const Kubeconfig = Type.Object({
  clusters: Type.Tuple([
    Type.Object({ cluster: Type.Object({ server: Type.String(), 'certificate-authority-data': Type.String() }) }),
  ]),
  users: Type.Tuple([
    Type.Object({ user: Type.Object({ 'client-certificate-data': Type.String(), 'client-key-data': Type.String() }) }),
  ]),
});

/** What of an object or a Status tests look at. */
const Answer = Type.Object({
  message: Type.Optional(Type.String()),
  metadata: Type.Optional(Type.Object({ resourceVersion: Type.Optional(Type.String()) })),
  spec: Type.Optional(Type.Unknown()),
  status: Type.Optional(Type.Unknown()),
  items: Type.Optional(Type.Array(Type.Object({ metadata: Type.Object({ name: Type.String() }) }))),
  columnDefinitions: Type.Optional(Type.Array(Type.Object({ name: Type.String(), priority: Type.Integer() }))),
});
type Answer = Static<typeof Answer>;

export interface Call {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly body?: unknown;
  /** For PATCH a merge patch, by default. */
  readonly contentType?: string;
  readonly accept?: string;
}

export interface ApiServer {
  readonly call: (path: string, call?: Call) => Promise<{ readonly code: number; readonly answer: Answer }>;
  readonly close: () => Promise<void>;
}

export function connect(): ApiServer {
  const { clusters, users } = Value.Parse(Kubeconfig, parse(readFileSync(kubeconfig, 'utf8')));
  const { server, 'certificate-authority-data': ca } = clusters[0].cluster;
  const { 'client-certificate-data': cert, 'client-key-data': key } = users[0].user;
  const decode = (data: string) => Buffer.from(data, 'base64');
  const agent = new Agent({ connect: { ca: decode(ca), cert: decode(cert), key: decode(key) } });
  return {
    call: async (path, { method = 'GET', body, contentType, accept = 'application/json' } = {}) => {
      const type = contentType ?? (method === 'PATCH' ? 'application/merge-patch+json' : 'application/json');
      const response = await request(new URL(path, server), {
        method,
        dispatcher: agent,
        headers: { accept, 'content-type': type },
        body: body === undefined ? null : JSON.stringify(body),
      });
      return { code: response.statusCode, answer: Value.Parse(Answer, await response.body.json()) };
    },
    close: () => agent.close(),
  };
}
