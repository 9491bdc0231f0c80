/** Why ajv refused a record, in our codes: places in the record, no content of it. */
import type { ErrorObject } from 'ajv';
import type { ErrorCode } from '../contract/errors.ts';
import type { ColumnPlan } from './columns.ts';
import { plainKeyword } from './exactkeywords.ts';
import type { RecordError } from './schema.ts';
import { appendPointer, isObject, splitPointer } from './schemadocument.ts';

/** Reasons that are kept of one record: enough to mend it, however broken it is. */
const maxErrorsPerRecord = 20;

/** At least one, one for each code and place. */
export function recordErrors(errors: readonly ErrorObject[], columns: readonly ColumnPlan[]): RecordError[] {
  const found = new Map<string, RecordError>();
  for (const error of withoutEchoes(errors)) {
    const translated = translate(error, plainKeyword(error.keyword), columns);
    const key = `${translated.code}\n${translated.path}`;
    if (!found.has(key)) found.set(key, translated);
    if (found.size === maxErrorsPerRecord) break;
  }
  return [...found.values()];
}

/**
 * The path of an error's class: `*` for the index of a list, for the key of a map, and for names that only records know
 * and that may be content (anything but plain identifiers).
 */
export function classPath(path: string, columns: readonly ColumnPlan[]): string {
  let at: Pick<ColumnPlan, 'type' | 'children'> | undefined = { type: 'struct', children: columns };
  const names = splitPointer(path).map((name) => {
    const here: typeof at = at;
    if (here?.type === 'list' || here?.type === 'map') {
      at = here.children.at(-1);
      return '*';
    }
    at = here?.type === 'struct' ? here.children.find((column) => column.name === name) : undefined;
    return at || isIdentifier(name) ? name : '*';
  });
  return appendPointer('', ...names);
}

function isIdentifier(name: string): boolean {
  return /^[A-Za-z_][\w .-]{0,63}$/.test(name);
}

/** Leaves out what only repeats other errors: branches of anyOf that failed, and the keyword around them. */
function withoutEchoes(errors: readonly ErrorObject[]): ErrorObject[] {
  let kept: ErrorObject[] = [];
  for (const error of errors) {
    if (error.keyword === 'anyOf' || error.keyword === 'oneOf') {
      const [before, branches] = splitBelow(kept, error.instancePath);
      const real = isOptional(error.schema) ? branches.filter((branch) => !saysNull(branch)) : [];
      kept = real.length > 0 ? [...before, ...real] : [...before, error];
    } else if (error.keyword === 'propertyNames') {
      kept = [...kept.filter((other) => other.propertyName !== error.params.propertyName), error];
    } else {
      kept.push(error);
    }
  }
  const real = kept.filter((error) => error.keyword !== 'if');
  return real.length > 0 ? real : kept;
}

/** The errors at the end of the list that are at a place or below it, and those before. */
function splitBelow(errors: readonly ErrorObject[], place: string): [ErrorObject[], ErrorObject[]] {
  let first = errors.length;
  while (first > 0 && isBelow(errors[first - 1]?.instancePath ?? '', place)) first -= 1;
  return [errors.slice(0, first), errors.slice(first)];
}

function isBelow(path: string, place: string): boolean {
  return path === place || path.startsWith(`${place}/`);
}

/** One branch and null: what failed is the one branch. */
function isOptional(branches: unknown): boolean {
  return Array.isArray(branches) && branches.filter((branch) => !isNull(branch)).length === 1;
}

function isNull(branch: unknown): boolean {
  return isObject(branch) && [branch.type, branch.exactType].includes('null');
}

function saysNull(error: ErrorObject): boolean {
  return plainKeyword(error.keyword) === 'type' && error.schema === 'null';
}

const codes: Readonly<Record<string, ErrorCode>> = {
  type: 'WrongType',
  required: 'RequiredMissing',
  dependentRequired: 'RequiredMissing',
  dependencies: 'RequiredMissing',
  additionalProperties: 'UnknownField',
  unevaluatedProperties: 'UnknownField',
  'false schema': 'UnknownField',
  enum: 'NotInEnum',
  const: 'NotInEnum',
  pattern: 'PatternMismatch',
  format: 'FormatMismatch',
  minimum: 'OutOfRange',
  maximum: 'OutOfRange',
  exclusiveMinimum: 'OutOfRange',
  exclusiveMaximum: 'OutOfRange',
  minLength: 'OutOfRange',
  maxLength: 'OutOfRange',
  minItems: 'OutOfRange',
  maxItems: 'OutOfRange',
  minProperties: 'OutOfRange',
  maxProperties: 'OutOfRange',
};

function translate(error: ErrorObject, keyword: string, columns: readonly ColumnPlan[]): RecordError {
  const { instancePath: place, params } = error;
  const code = codes[keyword] ?? 'SchemaMismatch';
  switch (keyword) {
    case 'required':
    case 'dependentRequired':
    case 'dependencies':
      return { code, path: appendPointer(place, String(params.missingProperty)), message: 'is required and missing' };
    case 'additionalProperties':
    case 'unevaluatedProperties': {
      const name = String(params.additionalProperty ?? params.unevaluatedProperty);
      return { code, path: appendPointer(place, name), message: 'is no field of the schema' };
    }
    case 'false schema':
      return { code, path: place, message: 'must not be there' };
    case 'type':
      return wrongType(error, columns);
    case 'enum':
    case 'const':
      return { code, path: place, message: 'must be one of the values the schema allows' };
    default:
      return { code, path: place, message: messageOf(error, keyword) };
  }
}

function wrongType({ instancePath: path, data, schema }: ErrorObject, columns: readonly ColumnPlan[]): RecordError {
  const types = Array.isArray(schema) ? schema.join(' or ') : String(schema);
  if (data === null && isRequired(path, columns))
    return { code: 'RequiredMissing', path, message: 'is required and null' };
  if (typeof data === 'number' && !Number.isFinite(data)) {
    return { code: 'OutOfRange', path, message: 'must be a number that a double can hold' };
  }
  return { code: 'WrongType', path, message: `must be ${types}` };
}

function isRequired(path: string, columns: readonly ColumnPlan[]): boolean {
  let at: ColumnPlan | undefined;
  for (const name of splitPointer(path)) {
    const inside: boolean = at?.type === 'list' || at?.type === 'map';
    at = inside ? at?.children.at(-1) : (at?.children ?? columns).find((column) => column.name === name);
  }
  return at?.required === true && at.name !== 'element';
}

/** ajv's messages speak of the schema only; uniqueItems alone names indexes, which would make each message another one. */
function messageOf({ message, schema }: ErrorObject, keyword: string): string {
  if (keyword === 'uniqueItems') return 'must not hold the same item twice';
  if (keyword === 'multipleOf') return `must be a multiple of ${String(schema)}`;
  const bound = /^(exclusive)?(Min|Max)imum$/i.exec(keyword);
  if (bound) {
    const direction = bound[2]?.toLowerCase() === 'min' ? '>' : '<';
    return `must be ${direction}${bound[1] ? '' : '='} ${String(schema)}`;
  }
  return message ?? `breaks the keyword ${keyword}`;
}
