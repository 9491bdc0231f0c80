/**
 * Generates operator/api/types.gen.ts (an interface for every object of the CRDs) and operator/api/crds.gen.ts (the
 * schemas themselves, for validation without a cluster).
 *
 *   node scripts/generate/types.ts [--check]
 */
import type { StructuralSchema as Schema } from '../../operator/api/validation/schema.ts';
import { type Crd, readCrds } from '../crds.ts';
import { emit } from './emit.ts';

/** Objects that several kinds share, by the end of their path; the longest end that fits wins. */
const sharedNames: Record<string, string> = {
  'Dataset.spec.storage.s3': 'S3Place',
  'SourceConnection.spec.source.s3': 'S3Place',
  '.datasetRef': 'NameRef',
  '.credentialsSecretRef': 'NameRef',
  '.secretRef': 'NameRef',
  '.imagePullSecrets[]': 'NameRef',
  '.configMapRef': 'KeyRef',
  '.caConfigMapRef': 'KeyRef',
  '.format': 'Format',
  '.format.csv': 'CsvFormat',
  '.mapping[]': 'FieldMapping',
  '.errorPolicy': 'ErrorPolicy',
  '.conditions[]': 'Condition',
  '.errors[]': 'ErrorClass',
  '.errors[].sample': 'ErrorSample',
  '.diagnostics': 'Diagnostics',
  '.lastBatch': 'BatchMention',
  '.lastFailedBatch': 'BatchMention',
  '.lastRun': 'RunMention',
  '.lastSuccessfulRun': 'RunMention',
  '.podTemplate': 'PodTemplate',
  '.podTemplate.metadata': 'PodTemplateMetadata',
  '.podTemplate.spec': 'PodTemplateSpec',
  '.resources': 'PodResources',
  '.tolerations[]': 'Toleration',
  '.topologySpreadConstraints[]': 'TopologySpreadConstraint',
  '.affinity': 'Affinity',
  '.nodeAffinity': 'NodeAffinity',
  '.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution': 'NodeSelector',
  '.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[]': 'PreferredNode',
  '.nodeSelectorTerms[]': 'NodeSelectorTerm',
  '.preference': 'NodeSelectorTerm',
  '.nodeSelectorTerms[].matchExpressions[]': 'NodeRequirement',
  '.preference.matchExpressions[]': 'NodeRequirement',
  '.matchFields[]': 'NodeRequirement',
  '.podAffinity': 'PodAffinity',
  '.podAntiAffinity': 'PodAffinity',
  '.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[]': 'PodAffinityTerm',
  '.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[]': 'PodAffinityTerm',
  '.podAffinity.preferredDuringSchedulingIgnoredDuringExecution[]': 'PreferredPods',
  '.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution[]': 'PreferredPods',
  '.podAffinityTerm': 'PodAffinityTerm',
  '.labelSelector': 'LabelSelector',
  '.namespaceSelector': 'LabelSelector',
  '.labelSelector.matchExpressions[]': 'LabelRequirement',
  '.namespaceSelector.matchExpressions[]': 'LabelRequirement',
};

/** Objects that get no `default: {}` themselves: their defaults, for where they are absent. */
const objectDefaults = ['CsvFormat'];

const objectMeta = `/** What Kubernetes keeps about every object, as far as Forebay reads it. */
export interface ObjectMeta {
  name: string;
  namespace: string;
  uid: string;
  generation: number;
  resourceVersion?: string;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  ownerReferences?: OwnerReference[];
}

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}
`;

const crds = readCrds();
await emit('operator/api/types.gen.ts', typesFile(crds));
await emit('operator/api/crds.gen.ts', schemasFile(crds));

function typesFile(crds: readonly Crd[]): string {
  const objects: Objects = new Map();
  for (const crd of crds) addKind(crd, objects);
  return [
    '/**',
    ' * Generated from crds/ by scripts/generate/types.ts; do not edit.',
    ' *',
    ' * The types are those of objects as the API server gives them: a field with a default is always there, and so are',
    ' * the objects around it that have `default: {}`.',
    ' */',
    constants(crds),
    objectMeta,
    ...[...objects].map(([name, object]) => interfaceText(name, object)),
    ...objectDefaults.map((name) => defaultsText(name, objects)),
  ].join('\n');
}

function constants(crds: readonly Crd[]): string {
  const [first] = crds;
  if (!first) throw new Error('there are no CRDs');
  const version = JSON.stringify(`${first.group}/${first.version}`).replaceAll('"', "'");
  const kinds = crds.map(({ names }) => `  ${names.kind}: { plural: '${names.plural}' },`);
  return `export const apiVersion = ${version};

/** The annotation \`ingest.forebay.dev/crd-version\` of the CRDs that this code was made for. */
export const crdVersion = '${first.crdVersion}';

export const kinds = {
${kinds.join('\n')}
} as const;
export type Kind = keyof typeof kinds;
`;
}

/** An interface to be: its comment, and its fields in the order of the CRD. */
interface ObjectType {
  comment: string | undefined;
  readonly fields: Map<string, Field>;
}

interface Field {
  comment: string | undefined;
  readonly type: string;
  readonly present: boolean;
  readonly default: unknown;
}

type Objects = Map<string, ObjectType>;

function addKind(crd: Crd, objects: Objects): void {
  const { kind } = crd.names;
  const { spec, status } = crd.schema.properties ?? {};
  if (!spec || !status) throw new Error(`${kind} has no spec or status`);
  const field = (type: string) => ({ comment: undefined, type, present: true, default: undefined });
  const fields = new Map([
    ['apiVersion', field('typeof apiVersion')],
    ['kind', field(`'${kind}'`)],
    ['metadata', field('ObjectMeta')],
    ['spec', field(typeOf(spec, `${kind}.spec`, objects))],
    ['status', field(typeOf(status, `${kind}.status`, objects))],
  ]);
  objects.set(kind, { comment: crd.schema.description, fields });
}

function typeOf(schema: Schema, path: string, objects: Objects): string {
  if (schema['x-kubernetes-int-or-string']) return 'number | string';
  if (schema.enum) return schema.enum.map((value) => `'${value}'`).join(' | ');
  if (schema.type === 'array') return listOf(typeOf(schema.items ?? {}, `${path}[]`, objects));
  if (schema.type === 'integer') return 'number';
  if (schema.type !== 'object') return schema.type ?? 'unknown';
  if (schema.properties) return addObject(schema, path, objects);
  if (schema.additionalProperties) {
    return `Record<string, ${typeOf(schema.additionalProperties, `${path}{}`, objects)}>`;
  }
  return schema['x-kubernetes-preserve-unknown-fields'] ? 'Record<string, unknown>' : 'Record<string, never>';
}

function listOf(item: string): string {
  return item.includes('|') ? `(${item})[]` : `${item}[]`;
}

function addObject(schema: Schema, path: string, objects: Objects): string {
  const name = interfaceName(path);
  const fields = new Map<string, Field>();
  for (const [key, property] of Object.entries(schema.properties ?? {})) {
    const present = schema.required?.includes(key) || property.default !== undefined;
    const type = typeOf(property, `${path}.${key}`, objects);
    fields.set(key, { comment: property.description, type, present, default: property.default });
  }
  const object = { comment: schema.description, fields };
  const earlier = objects.get(name);
  if (earlier) meet(earlier, object, `${path}, called ${name}`);
  else objects.set(name, object);
  return name;
}

/** A shared name stands for one shape; of the comments those stay that fit every use. */
function meet(earlier: ObjectType, later: ObjectType, what: string): void {
  if (shape(earlier) !== shape(later)) throw new Error(`${what} as others are, has other fields`);
  if (earlier.comment !== later.comment) earlier.comment = undefined;
  for (const [key, field] of earlier.fields) {
    if (field.comment !== later.fields.get(key)?.comment) field.comment = undefined;
  }
}

function shape(object: ObjectType): string {
  return [...object.fields].map(([key, { type, present }]) => `${key} ${type} ${present}`).join('\n');
}

function interfaceText(name: string, object: ObjectType): string {
  const lines = [...object.fields].flatMap(([key, field]) => [
    ...comment(field.comment, '  '),
    `  ${key}${field.present ? '' : '?'}: ${field.type};`,
  ]);
  return [...comment(object.comment, ''), `export interface ${name} {`, ...lines, '}', ''].join('\n');
}

function interfaceName(path: string): string {
  const ends = Object.keys(sharedNames).filter((end) => path.endsWith(end));
  const longest = ends.toSorted((a, b) => b.length - a.length)[0];
  const shared = longest && sharedNames[longest];
  if (shared) return shared;
  return path
    .split(/[.[\]{}]+/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
}

function defaultsText(name: string, objects: Objects): string {
  const fields = [...(objects.get(name)?.fields ?? [])].filter(([, field]) => field.default !== undefined);
  const lines = fields.map(([key, field]) => `  ${key}: ${JSON.stringify(field.default)},`);
  const constant = `${name.charAt(0).toLowerCase()}${name.slice(1)}Defaults`;
  return [
    `/** What holds where there is no ${name}. */`,
    `export const ${constant}: ${name} = {`,
    ...lines,
    '};',
    '',
  ].join('\n');
}

/** A doc comment of lines of at most 120 columns. */
function comment(description: string | undefined, indent: string): string[] {
  if (!description) return [];
  const words = description.replaceAll('*/', '*\\/').split(/\s+/);
  const one = `${indent}/** ${words.join(' ')} */`;
  if (one.length <= 120) return [one];
  const lines: string[] = [];
  let line = `${indent} *`;
  for (const word of words) {
    if (line.length + 1 + word.length > 120) {
      lines.push(line);
      line = `${indent} *`;
    }
    line += ` ${word}`;
  }
  return [`${indent}/**`, ...lines, line, `${indent} */`];
}

function schemasFile(crds: readonly Crd[]): string {
  const entries = crds.map(({ names, schema }) => `  ${names.kind}: ${JSON.stringify(schema)},`);
  return `/** Generated from crds/ by scripts/generate/types.ts; do not edit. The openAPIV3Schema of each kind. */
import type { Kind } from './types.gen.ts';
import type { StructuralSchema } from './validation/schema.ts';

export const crdSchemas: Readonly<Record<Kind, StructuralSchema>> = {
${entries.join('\n')}
};
`;
}
