/**
 * ajv as its users have it, with ajv-formats in full, as a second opinion on JSON lines: what it accepts is ingested, and
 * stored as it stands; what it refuses is not. The engine differs from it on purpose, or must:
 *
 * - integers past 2^53: JSON.parse rounds them, the engine does not. Not compared;
 * - numbers that no double holds (`1e400`) and half a surrogate pair, which no file of text can hold: the engine refuses
 *   them wherever they stand. Not compared;
 * - formats: dates are exact (2026-02-31 is none, a date-time has a `T`), and so are time, email, hostname, IP, URI,
 *   duration, byte and URI templates. Not compared where ajv's verdict on such a format decides, or the engine's;
 * - `meta:xdmType` is a bound of integers;
 * - `multipleOf` is decimal: 19.99 is a multiple of 0.01;
 * - ajv crashes where it compares objects that have a field `toString`. Not compared;
 * - a map's key `__proto__` is in the file, but our reader of Parquet makes objects of maps, and loses it. Not compared.
 */
import { isUtf8 } from 'node:buffer';
import { isDeepStrictEqual } from 'node:util';
import { Ajv, type Options } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { formatDateTime, parseDateTime } from '../../ingestor/engine/datetime.ts';
import { mayBeRounded } from '../../ingestor/engine/exact.ts';
import type { Column } from '../../ingestor/engine/index.ts';
import { compileSchema } from '../../ingestor/engine/index.ts';
import { show } from './compare.ts';
import { fastEngine, type MakeEngine, outcomeOf } from './outcome.ts';
import type { Schema } from './places.ts';
import { bytesOf, type Trial } from './trial.ts';

/** `open`: it differs on purpose, or may. */
type Verdict = 'accepts' | 'refuses' | 'open';

interface JsonObject {
  readonly [name: string]: unknown;
}

export interface Compared {
  readonly differences: readonly string[];
  readonly accepted: number;
  readonly refused: number;
  readonly open: number;
}

/** JSON lines as they are. */
export function hasReference({ format, mapping, maxRecordBytes }: Trial): boolean {
  return format.type === 'JSONLines' && mapping.length === 0 && maxRecordBytes === 2 ** 20;
}

/** Of a trial that has a reference; it is read whole. */
export async function compareWithAjv(whole: Trial, make: MakeEngine = fastEngine): Promise<Compared> {
  const trial = { ...whole, parts: 1, threads: 1 };
  const { columns } = compileSchema(JSON.stringify(trial.schema), 'Record');
  const judge = judgeOf(trial.schema);
  const outcome = await outcomeOf(trial, make);
  const rejects = new Map(outcome.rejects.map((reject) => [reject.record, reject]));
  const differences: string[] = outcome.failure ? [show(outcome.failure)] : [];
  const counts = { accepts: 0, refuses: 0, open: 0 };
  let rows = 0;
  for (const [index, line] of linesOf(bytesOf(trial)).entries()) {
    const record = index + 1;
    const [verdict, value] = judge(line);
    const reject = rejects.get(record);
    const row = reject ? undefined : outcome.rows[rows++];
    const byFormat = reject?.errors.every(({ code }) => code === 'FormatMismatch') === true;
    counts[verdict === 'accepts' && byFormat ? 'open' : verdict] += 1;
    if (verdict === 'open' || (verdict === 'accepts' && byFormat)) continue;
    const at = `record ${record}, ${show(line.toString())}`;
    if (verdict === 'refuses' && !reject) differences.push(`${at}: ajv refuses it`);
    else if (verdict === 'accepts' && reject) differences.push(`${at}: refused for ${show(reject.errors)}`);
    else if (verdict === 'accepts' && value) {
      const expected = storedStruct(value, columns);
      if (!isDeepStrictEqual(row, expected)) differences.push(`${at}: ${show(row)} is stored, not ${show(expected)}`);
    }
  }
  return { differences, accepted: counts.accepts, refused: counts.refuses, open: counts.open };
}

/** Lines that are not blank. */
function linesOf(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  const start = bytes.subarray(0, 3).equals(Buffer.from('\ufeff')) ? 3 : 0;
  for (let at = start; at < bytes.length; ) {
    const end = bytes.indexOf(0x0a, at);
    lines.push(bytes.subarray(at, end < 0 ? bytes.length : end));
    at = end < 0 ? bytes.length : end + 1;
  }
  return lines.filter((line) => !isUtf8(line) || line.toString().trim() !== '');
}

/** Those of ajv-formats that we take as they are, or that mean the same. */
const sameFormats = ['uuid', 'json-pointer', 'relative-json-pointer', 'regex', 'binary', 'password'];

function judgeOf(schema: Schema): (line: Buffer) => [Verdict, JsonObject | undefined] {
  const bounded = withSizes(schema) as Schema;
  const full = compile(bounded, []);
  const loose = compile(bounded, sameFormats);
  return (line) => {
    const value = isUtf8(line) ? parsed(line.toString()) : undefined;
    if (!isObject(value)) return ['refuses', undefined];
    if (mayBeRounded(value) || !isComparable(value)) return ['open', undefined];
    const accepts = asked(full, value);
    if (accepts === undefined || accepts !== asked(loose, value)) return ['open', undefined];
    return accepts ? ['accepts', value] : ['refuses', undefined];
  };
}

function asked(validate: (value: unknown) => boolean, value: unknown): boolean | undefined {
  try {
    return validate(value);
  } catch {
    return undefined;
  }
}

/** `only`: the formats to check; empty: all of them. */
function compile(schema: Schema, only: readonly string[]): (value: unknown) => boolean {
  const options: Options = { strict: false, ownProperties: true, logger: false, multipleOfPrecision: 9 };
  const ajv = schema.$schema === undefined ? new Ajv2020(options) : new Ajv(options);
  addFormats.default(ajv, { mode: 'full' });
  if (only.length > 0) {
    for (const name of Object.keys(ajv.formats)) if (!only.includes(name)) ajv.addFormat(name, true);
  }
  // The newer draft only adds keywords.
  const { $schema } = schema;
  return ajv.compile(
    $schema === undefined ? schema : { ...schema, $schema: 'http://json-schema.org/draft-07/schema#' },
  );
}

const sizes: Readonly<Record<string, Schema>> = {
  byte: { minimum: -128, maximum: 127 },
  short: { minimum: -(2 ** 15), maximum: 2 ** 15 - 1 },
  int: { minimum: -(2 ** 31), maximum: 2 ** 31 - 1 },
};

/** What `meta:xdmType` means, in words that ajv knows. */
function withSizes(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withSizes);
  if (!isObject(schema)) return schema;
  const size = sizes[String(schema['meta:xdmType'])];
  const own = Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, withSizes(value)]));
  return size ? { ...own, allOf: [...(Array.isArray(own.allOf) ? own.allOf : []), size] } : own;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isComparable(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed();
  if (typeof value !== 'object' || value === null) return true;
  return Object.entries(value).every(
    ([name, item]) => name.isWellFormed() && name !== '__proto__' && isComparable(item),
  );
}

/** What comes back of an accepted record: nulls and what is not there are the same. */
function storedStruct(struct: JsonObject, columns: readonly Column[]): JsonObject {
  const fields = columns.flatMap((column): [string, unknown][] => {
    const field = Object.hasOwn(struct, column.name) ? struct[column.name] : undefined;
    return field === undefined || field === null ? [] : [[column.name, stored(field, column)]];
  });
  return Object.fromEntries(fields);
}

function stored(value: unknown, column: Column): unknown {
  if (value === null) return null;
  const [first, second] = column.children;
  switch (column.type) {
    case 'json':
      return JSON.stringify(value);
    case 'int':
    case 'long':
      return Object.is(value, -0) ? 0 : value;
    case 'timestamptz':
      return formatDateTime(parseDateTime(String(value)) ?? 0);
    case 'struct':
      return isObject(value) ? storedStruct(value, column.children) : value;
    case 'list':
      return Array.isArray(value) && first ? value.map((item) => stored(item, first)) : value;
    case 'map':
      return isObject(value) && second
        ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, stored(item, second)]))
        : value;
    default:
      return value;
  }
}
