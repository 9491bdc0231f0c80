/** A place of a test file's own: a namespace that enforces `restricted`, a bucket, and the Secret that opens it. */
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { KubeConfig, KubernetesObjectApi } from '@kubernetes/client-node';
import type { Batch, Condition, Dataset, SourceConnection, StreamInlet } from '../../operator/api/types.gen.ts';
import { apiVersion } from '../../operator/api/types.gen.ts';
import { createBucket, type Identity, type S3Address, s3Client } from '../servers/s3.ts';
import { apply, deleteNamespace, eventually, kubeconfig, kubectl, makeNamespace } from './cluster.ts';
import type { TableLocation } from './lake.ts';

export type Resources = {
  Dataset: Dataset;
  Batch: Batch;
  StreamInlet: StreamInlet;
  SourceConnection: SourceConnection;
};
export type Kind = keyof Resources;

export type ClusterS3 = { inCluster: S3Address; fromHost: S3Address };

/** Name of the Secret that every workspace has. */
export const keySecret = 'lake-key';

export class Workspace {
  /** Of the namespace and of the bucket. */
  readonly name: string;
  readonly #s3: ClusterS3;
  /** What is asked time and again goes here: a kubectl for each question would take the processor from the pods. */
  readonly #api: KubernetesObjectApi;

  private constructor(name: string, s3: ClusterS3) {
    this.name = name;
    this.#s3 = s3;
    const config = new KubeConfig();
    config.loadFromFile(kubeconfig);
    this.#api = KubernetesObjectApi.makeApiClient(config);
  }

  static async make(purpose: string, s3: ClusterS3): Promise<Workspace> {
    const name = await makeNamespace(purpose);
    const workspace = new Workspace(name, s3);
    await createBucket(s3.fromHost, name);
    await workspace.putSecret(keySecret, s3.inCluster.admin);
    return workspace;
  }

  async delete(): Promise<void> {
    await deleteNamespace(this.name);
  }

  /** A place below the prefix in the workspace's bucket, as resources name it. */
  s3(prefix: string, secret = keySecret) {
    const { endpoint, region } = this.#s3.inCluster;
    const credentialsSecretRef = { name: secret };
    return { bucket: this.name, prefix, endpoint, region, forcePathStyle: true, credentialsSecretRef };
  }

  /** The table of a Dataset with this prefix, for a reader on the host. */
  table(prefix: string): TableLocation {
    return { address: this.#s3.fromHost, bucket: this.name, prefix };
  }

  async putObject(key: string, body: string | Uint8Array): Promise<void> {
    const client = s3Client(this.#s3.fromHost);
    await client.send(new PutObjectCommand({ Bucket: this.name, Key: key, Body: body }));
    client.destroy();
  }

  async putSecret(name: string, data: Identity | Record<string, string>): Promise<void> {
    await apply(this.name, [{ apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData: data }]);
  }

  async apply(kind: Kind, name: string, spec: object): Promise<void> {
    await apply(this.name, [{ apiVersion, kind, metadata: { name }, spec }]);
  }

  async get<K extends Kind>(kind: K, name: string): Promise<Resources[K]> {
    const read = await this.#api.read({ apiVersion, kind, metadata: { name, namespace: this.name } });
    return JSON.parse(JSON.stringify(read)); // the client's dates become text again
  }

  /** Waits for a condition, of a reason if one is given, and gives the resource as it is then. */
  async until<K extends Kind>(kind: K, name: string, wanted: Wanted, seconds = 120): Promise<Resources[K]> {
    const what = `${kind} ${name} with ${JSON.stringify(wanted)}`;
    return eventually(what, () => this.#fitting(kind, name, wanted), seconds).catch(async (cause: unknown) => {
      throw new Error(`${cause}\n${await this.#describe(kind, name)}`, { cause });
    });
  }

  async kubectl(...options: string[]): Promise<string> {
    return kubectl(['--namespace', this.name, ...options]);
  }

  async #fitting<K extends Kind>(kind: K, name: string, wanted: Wanted): Promise<Resources[K] | undefined> {
    const resource = await this.get(kind, name);
    const { generation } = resource.metadata;
    const conditions: Condition[] = resource.status?.conditions ?? [];
    const condition = conditions.find(({ type }) => type === wanted.type);
    const current = resource.status?.observedGeneration === generation;
    const fits = condition?.status === wanted.status && (!wanted.reason || condition.reason === wanted.reason);
    return current && fits ? resource : undefined;
  }

  /** What a person would look at. */
  async #describe(kind: Kind, name: string): Promise<string> {
    const parts = await Promise.all([
      this.kubectl('get', kind.toLowerCase(), name, '-o', 'yaml'),
      this.kubectl('get', 'pods,jobs'),
      this.kubectl('get', 'events', '--sort-by=.lastTimestamp'),
    ]);
    return parts.join('\n');
  }
}

export type Wanted = { type: string; status: Condition['status']; reason?: string };

export function conditionOf(resource: { status?: { conditions?: Condition[] } }, type: string): Condition | undefined {
  return resource.status?.conditions?.find((condition) => condition.type === type);
}
