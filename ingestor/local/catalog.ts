/**
 * The manifests as a small cluster: resources found by name, ConfigMaps and Secrets read as the kubelet and the operator
 * would. Nothing changes in it but the status of resources.
 */
import { createHash } from 'node:crypto';
import type { SourceConnection, StreamInlet } from '../../operator/api/types.gen.ts';
import type { ValidObject, ValidResource } from '../../operator/api/validate.ts';
import type { LocalBatch, LocalDataset } from '../../operator/api/validation/local-fields.ts';
import { canonicalJson } from '../../operator/specs/canonical.ts';
import { ForebayError } from '../contract/errors.ts';
import type { Manifest } from './manifests.ts';

export type LocalResource = LocalDataset | LocalBatch | StreamInlet | SourceConnection;

/** Where a resource was written: relative paths in it start there. */
interface Entry {
  readonly resource: LocalResource;
  readonly file: string;
}

export class Catalog {
  readonly #entries: readonly Entry[];
  readonly #manifests: readonly Manifest[];
  readonly #namespace: string;

  constructor(valid: readonly ValidResource[], manifests: readonly Manifest[], namespace: string) {
    this.#namespace = namespace;
    this.#manifests = manifests;
    this.#entries = valid.map(({ object, file }) => ({ resource: stored(object, namespace), file }));
  }

  get resources(): readonly LocalResource[] {
    return this.#entries.map((entry) => entry.resource);
  }

  ofKind<K extends LocalResource['kind']>(kind: K): Extract<LocalResource, { kind: K }>[] {
    return this.resources.filter((resource): resource is Extract<LocalResource, { kind: K }> => resource.kind === kind);
  }

  find<K extends LocalResource['kind']>(
    kind: K,
    namespace: string,
    name: string,
  ): Extract<LocalResource, { kind: K }> | undefined {
    return this.ofKind(kind).find(({ metadata }) => metadata.name === name && metadata.namespace === namespace);
  }

  /** The file that the resource was written in. */
  fileOf(resource: LocalResource): string {
    return this.#entries.find((entry) => entry.resource.metadata.uid === resource.metadata.uid)?.file ?? '.';
  }

  /** The schema of a dataset, as text. Throws InvalidSchema when its ConfigMap is not among the manifests. */
  schemaOf(dataset: LocalDataset): string {
    const { inline, configMapRef } = dataset.spec.schema;
    if (inline !== undefined) return canonicalJson(inline);
    const { name = '', key = '' } = configMapRef ?? {};
    const text = this.data('ConfigMap', dataset.metadata.namespace, name)?.[key];
    if (text === undefined) {
      throw new ForebayError(
        'InvalidSchema',
        `no ConfigMap ${name} with a key ${key} is among the manifests: add its file with -f`,
      );
    }
    return text;
  }

  /** All keys of a ConfigMap or Secret as text; undefined when it is not among the manifests. */
  data(kind: 'ConfigMap' | 'Secret', namespace: string, name: string): Record<string, string> | undefined {
    const found = this.#manifests.find(
      ({ value }) =>
        text(value, 'kind') === kind &&
        text(member(value, 'metadata'), 'name') === name &&
        (text(member(value, 'metadata'), 'namespace') ?? this.#namespace) === namespace,
    );
    if (!found) return undefined;
    const plain = Object.entries(strings(member(found.value, kind === 'Secret' ? 'stringData' : 'data')));
    const encoded = kind === 'Secret' ? Object.entries(strings(member(found.value, 'data'))) : [];
    return Object.fromEntries([...encoded.map(([key, value]) => [key, decode(value)] as const), ...plain]);
  }
}

/** What the API server adds. The uid is fixed by the name, so that a repeated run asks for the same. */
function stored(object: ValidObject, defaultNamespace: string): LocalResource {
  const { name, namespace = defaultNamespace } = object.metadata;
  const uid = createHash('sha256').update(`${object.kind}/${namespace}/${name}`).digest('hex').slice(0, 32);
  const metadata = { ...object.metadata, namespace, uid, generation: 1 };
  return { ...object, metadata, status: { observedGeneration: -1 } };
}

function member(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.getOwnPropertyDescriptor(value, name)?.value;
}

function text(value: unknown, name: string): string | undefined {
  const found = member(value, name);
  return typeof found === 'string' ? found : undefined;
}

function strings(value: unknown): Record<string, string> {
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

function decode(base64: string): string {
  return Buffer.from(base64, 'base64').toString('utf8');
}
