/** Checks values against the schema, as the API server does, with messages that say what to write instead. */
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { closest } from './hints.ts';
import { childSchema, type Finding, isObject, type Path, type StructuralSchema } from './schema.ts';

export interface ValueChecker<T> {
  /** Narrows the value when there is nothing to find; what is found is in `findings`. */
  readonly isValid: (value: unknown) => value is T;
  readonly findings: (value: unknown) => Finding[];
}

export function valueChecker<T>(schema: StructuralSchema): ValueChecker<T> {
  const validate: ValidateFunction<T> = new Ajv({
    allErrors: true,
    verbose: true,
    strict: true,
    allowUnionTypes: true,
  }).compile<T>(toJsonSchema(schema));
  return {
    isValid: validate,
    findings: (value) => {
      const errors = validate(value) ? [] : (validate.errors ?? []);
      return [...errors.map((error) => finding(error, schema)), ...repeated(schema, value, [])];
    },
  };
}

/** Only what values are checked by; ajv's `strict` refuses any other keyword. */
function toJsonSchema(schema: StructuralSchema): Record<string, unknown> {
  const { description: _, default: __, anyOf: ___, format, properties, items, additionalProperties, ...rest } = schema;
  const keywords = Object.fromEntries(Object.entries(rest).filter(([key]) => !key.startsWith('x-kubernetes-')));
  const fields = Object.entries(properties ?? {}).map(([key, property]) => [key, toJsonSchema(property)]);
  return {
    ...(format === 'int32' && { minimum: -(2 ** 31), maximum: 2 ** 31 - 1 }),
    ...keywords,
    ...(schema['x-kubernetes-int-or-string'] && { type: ['integer', 'string'] }),
    ...(properties && { properties: Object.fromEntries(fields) }),
    ...(items && { items: toJsonSchema(items) }),
    ...(additionalProperties && { additionalProperties: toJsonSchema(additionalProperties) }),
  };
}

function finding(error: ErrorObject, root: StructuralSchema): Finding {
  const path = error.instancePath
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
  // An index is a number only where the schema has a list.
  let schema: StructuralSchema | undefined = root;
  const steps: (string | number)[] = [];
  for (const step of path) {
    const next: string | number = schema?.type === 'array' ? Number(step) : step;
    schema = childSchema(schema, next);
    steps.push(next);
  }
  if (error.keyword !== 'required') return { path: steps, message: explain(error) };
  const missing = String(error.params.missingProperty);
  const description = childSchema(schema, missing)?.description?.replaceAll(/\s+/g, ' ');
  return { path: [...steps, missing], message: description ? `is required. ${description}` : 'is required' };
}

function explain(error: ErrorObject): string {
  const limit: unknown = error.params.limit;
  const value: unknown = error.data;
  switch (error.keyword) {
    case 'type':
      return wrongType([error.schema].flat().map(String), value);
    case 'enum':
      return notInEnum([error.schema].flat().map(String), value);
    case 'pattern':
      return `${show(value)} ${patternWords[String(error.schema)] ?? `does not match ${error.schema}`}`;
    case 'minLength':
      return limit === 1 ? 'must not be empty' : `must have at least ${limit} characters`;
    case 'maxLength':
      return `has ${[...String(value)].length} characters; at most ${limit} are allowed`;
    case 'minimum':
      return `must be at least ${limit}, not ${show(value)}`;
    case 'maximum':
      return `must be at most ${limit}, not ${show(value)}`;
    case 'minItems':
      return `must have at least ${limit === 1 ? 'one entry' : `${limit} entries`}`;
    case 'maxItems':
    case 'maxProperties':
      return `must have at most ${limit} entries`;
    default:
      return error.message ?? `breaks ${error.keyword}`;
  }
}

function wrongType(wanted: readonly string[], value: unknown): string {
  const names: Record<string, string> = {
    object: 'an object',
    array: 'a list',
    string: 'a string',
    integer: 'a whole number',
    boolean: 'true or false',
  };
  const must = `must be ${wanted.map((type) => names[type] ?? type).join(' or ')}, not ${kindOf(value)}`;
  const cure = typeCure(wanted, value);
  return cure ? `${must}: ${cure}` : must;
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (isObject(value)) return 'an object';
  return `the ${typeof value} ${show(value)}`;
}

function typeCure(wanted: readonly string[], value: unknown): string | undefined {
  if (wanted.includes('string') && typeof value === 'boolean') {
    return 'put it in quotes (YAML reads words like yes, no, on and off as true and false)';
  }
  if (wanted.includes('string') && typeof value === 'number') return 'put it in quotes';
  if (wanted.includes('integer') && typeof value === 'string' && /^-?[0-9]+$/.test(value)) return 'remove the quotes';
  if (wanted.includes('boolean') && (value === 'true' || value === 'false')) return 'remove the quotes';
  if (wanted.includes('array') && !Array.isArray(value))
    return 'write [a, b], or each entry on a line that begins with "- "';
  if (wanted.includes('object') && Array.isArray(value)) return 'remove the "-" or the brackets';
  return undefined;
}

function notInEnum(allowed: readonly string[], value: unknown): string {
  const meant = typeof value === 'string' ? closest(value, allowed) : undefined;
  if (meant) return `${show(value)} is not allowed; did you mean ${meant}?`;
  return allowed.length === 1
    ? `${show(value)} is not allowed; write ${allowed[0]}`
    : `${show(value)} is not allowed; write one of ${allowed.join(', ')}`;
}

/** What the patterns of the CRDs ask for. */
const patternWords: Record<string, string> = {
  '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$': 'is no name of a resource: write lower-case letters, digits and dashes',
  '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$': 'is no name of a resource: write lower-case letters, digits, dashes and dots',
  '^[-._a-zA-Z0-9]+$': 'is no key of a ConfigMap: write letters, digits, dashes, dots and underscores',
  '^[^/]+(/[^/]+)?$': 'is no ID of a batch: write namespace/name, or an externalID, which has no slash',
  '^[^\\r\\n]*$': 'must not be a line break',
  '^[A-Za-z0-9_-]+$': 'is no region: write letters, digits, dashes and underscores, like eu-central-1',
  '^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$':
    'is no value of a label: write letters, digits, dashes, dots and underscores',
  '^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$': 'is no time zone: write its IANA name, like Europe/Berlin',
};

/** At most 60 characters: enough to find the place, too little to fill a terminal. */
export function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** Entries of sets that are there twice. */
function repeated(schema: StructuralSchema | undefined, value: unknown, path: Path): Finding[] {
  if (Array.isArray(value)) {
    const inner = value.flatMap((item, index) => repeated(schema?.items, item, [...path, index]));
    if (schema?.['x-kubernetes-list-type'] !== 'set') return inner;
    const twice = value.flatMap((item, index) => (value.indexOf(item) < index ? [{ item, index }] : []));
    return [
      ...inner,
      ...twice.map(({ item, index }) => ({
        path: [...path, index],
        message: `${show(item)} is there twice: remove one`,
      })),
    ];
  }
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([key, item]) => repeated(childSchema(schema, key), item, [...path, key]));
}
