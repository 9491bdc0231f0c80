/**
 * Validates manifests without a cluster, as the API server would with `kubectl apply`: fields, defaults, values and the
 * CEL rules of the CRDs. What can only be told from what is in the cluster already (immutable fields, names that are
 * taken) is no part of it.
 */
import { crdSchemas } from './crds.gen.ts';
import { apiVersion, type Kind, kinds, type SourceConnection, type StreamInlet } from './types.gen.ts';
import { closest } from './validation/hints.ts';
import { type LocalBatch, type LocalDataset, withLocalFields } from './validation/local-fields.ts';
import { checkMetadata } from './validation/metadata.ts';
import { checkRules } from './validation/rules.ts';
import { type Finding, formatPath, isObject, type StructuralSchema } from './validation/schema.ts';
import { complete } from './validation/structural.ts';
import { type ValueChecker, valueChecker } from './validation/values.ts';

/** One YAML document. */
export interface ManifestDocument {
  readonly file: string;
  /** Number of the document in the file, from 1. */
  readonly document: number;
  /** The parsed document. */
  readonly value: unknown;
}

/** What a manifest can say of its metadata; there is no uid before there is an object. */
interface ManifestMetadata {
  name: string;
  namespace?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
}

type AsManifest<T extends { metadata: unknown }> = Omit<T, 'metadata'> & { metadata: ManifestMetadata };

export type ValidObject =
  | AsManifest<LocalDataset>
  | AsManifest<LocalBatch>
  | AsManifest<StreamInlet>
  | AsManifest<SourceConnection>;

/** A resource that the API server would take in, with all defaults. */
export interface ValidResource {
  readonly file: string;
  readonly document: number;
  readonly object: ValidObject;
}

export interface ManifestFinding {
  readonly file: string;
  readonly document: number;
  /** `Batch/movies-1`; what is known of it. */
  readonly resource: string;
  /** `spec.input.s3.bucket`; empty for the resource as a whole. */
  readonly path: string;
  /** What is wrong and what to do about it. */
  readonly message: string;
}

export interface Validation {
  /** Those of Forebay's kinds without a problem, in the order of the documents. */
  readonly resources: ValidResource[];
  readonly problems: ManifestFinding[];
  /** What was not looked at, and why: rules that need the API server, kinds that are not Forebay's. */
  readonly unchecked: ManifestFinding[];
}

export interface ValidationOptions {
  /** Takes what only the CLI knows: `input.local` in a Batch, a Dataset without `storage`. */
  readonly local?: boolean;
}

export function validateManifests(documents: readonly ManifestDocument[], options: ValidationOptions = {}): Validation {
  const validation: Validation = { resources: [], problems: [], unchecked: [] };
  const checkers = new Map<Kind, ValueChecker<ValidObject>>();
  const earlier = new Map<string, ManifestDocument>();
  for (const document of documents) {
    const reporter = reporterFor(document, validation);
    const kind = kindOf(document.value, reporter);
    if (!kind) continue;
    const schema = options.local ? withLocalFields(kind, crdSchemas[kind]) : crdSchemas[kind];
    const checker = checkers.get(kind) ?? valueChecker<ValidObject>(schema);
    checkers.set(kind, checker);
    const object = validateResource(document.value, schema, checker, reporter);
    if (object && !isRepeated(object, document, earlier, reporter)) {
      validation.resources.push({ file: document.file, document: document.document, object });
    }
  }
  return validation;
}

/** `quickstart/batches.yaml, document 2, Batch/movies-1: spec.format.type: ...` */
export function formatFinding({ file, document, resource, path, message }: ManifestFinding): string {
  return [`${file}, document ${document}, ${resource}`, path, message].filter((part) => part !== '').join(': ');
}

interface Reporter {
  readonly problems: (findings: readonly Finding[]) => void;
  readonly unchecked: (findings: readonly Finding[]) => void;
}

function reporterFor({ file, document, value }: ManifestDocument, validation: Validation): Reporter {
  const resource = nameOf(value);
  const place = ({ path, message }: Finding) => ({ file, document, resource, path: formatPath(path), message });
  return {
    problems: (findings) => validation.problems.push(...findings.map(place)),
    unchecked: (findings) => validation.unchecked.push(...findings.map(place)),
  };
}

function nameOf(value: unknown): string {
  const { kind, metadata } = isObject(value) ? value : {};
  const name = isObject(metadata) ? metadata.name : undefined;
  return `${typeof kind === 'string' ? kind : 'no kind'}/${typeof name === 'string' ? name : 'no name'}`;
}

/** The kind, when it is one of ours; says what is wrong when it was meant to be. */
function kindOf(value: unknown, reporter: Reporter): Kind | undefined {
  if (!isObject(value)) {
    reporter.problems([{ path: [], message: 'is no resource: write apiVersion, kind, metadata and spec' }]);
    return undefined;
  }
  const group = apiVersion.split('/')[0] ?? '';
  const { apiVersion: version, kind } = value;
  const known: readonly string[] = Object.keys(kinds);
  if (typeof version !== 'string' || version === '') {
    const cure = typeof kind === 'string' && known.includes(kind) ? `: write ${apiVersion}` : '';
    reporter.problems([{ path: ['apiVersion'], message: `is required${cure}` }]);
  } else if (typeof kind !== 'string' || kind === '') {
    reporter.problems([{ path: ['kind'], message: 'is required' }]);
  } else if (version === apiVersion && isKind(kind)) {
    return kind;
  } else if (version === apiVersion) {
    const meant = closest(kind, known) ?? known.find((name) => closest(kind, [`${name}s`, `${name}es`]));
    const cure = meant ? `did you mean ${meant}?` : `write one of ${known.join(', ')}`;
    reporter.problems([{ path: ['kind'], message: `${kind} is no kind of ${apiVersion}; ${cure}` }]);
  } else if (version.startsWith(`${group}/`) || (isKind(kind) && closest(version, [apiVersion]))) {
    reporter.problems([{ path: ['apiVersion'], message: `there is no ${version}; write ${apiVersion}` }]);
  } else {
    reporter.unchecked([{ path: [], message: `not checked: ${version} is not of ${group}` }]);
  }
  return undefined;
}

function isKind(kind: string): kind is Kind {
  return Object.hasOwn(kinds, kind);
}

function validateResource(
  value: unknown,
  schema: StructuralSchema,
  checker: ValueChecker<ValidObject>,
  reporter: Reporter,
): ValidObject | undefined {
  const metadata = isObject(value) ? value.metadata : undefined;
  const inMetadata = checkMetadata(metadata);
  const completed = complete(schemaOfMetadata(schema), withoutStatus(value));
  const inValues = checker.findings(completed.value);
  const suspect = [...inMetadata, ...completed.unknown, ...inValues].map(({ path }) => path);
  const rules = checkRules(schema, completed.value, suspect);
  const problems = [...inMetadata, ...completed.unknown, ...inValues, ...rules.broken];
  reporter.problems(problems);
  reporter.unchecked(rules.unchecked);
  return problems.length === 0 && checker.isValid(completed.value) ? completed.value : undefined;
}

/** The API server takes no status from those who create a resource: it begins with its default. */
function withoutStatus(value: unknown): unknown {
  if (!isObject(value)) return value;
  const { status: _, ...rest } = value;
  return rest;
}

/** The CRDs say `metadata: {type: object}`; its fields are Kubernetes' own and checked apart. */
function schemaOfMetadata(schema: StructuralSchema): StructuralSchema {
  const metadata: StructuralSchema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  return { ...schema, properties: { ...schema.properties, metadata } };
}

/** kubectl would apply both, and the last would win. */
function isRepeated(
  object: ValidObject,
  document: ManifestDocument,
  earlier: Map<string, ManifestDocument>,
  reporter: Reporter,
): boolean {
  const key = `${object.kind} ${object.metadata.namespace ?? ''}/${object.metadata.name}`;
  const first = earlier.get(key);
  if (!first) {
    earlier.set(key, document);
    return false;
  }
  const message = `is there twice, first in ${first.file}, document ${first.document}: rename or remove one`;
  reporter.problems([{ path: ['metadata', 'name'], message }]);
  return true;
}
