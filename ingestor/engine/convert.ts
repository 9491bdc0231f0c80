/**
 * From a record that the judge accepted to what the columns hold: dates as days, date-times as microseconds, mixed values
 * as JSON text. What the schema allows but a column cannot hold (an integer past 64 bits) is an error of the record.
 */
import type { ErrorCode } from '../contract/errors.ts';
import type { ColumnPlan, RecordPlan } from './columns.ts';
import { parseDate, parseDateTime } from './datetime.ts';
import { hasInfinity, mayBeRounded, needsExactText, stringifyExact } from './exact.ts';
import type { RecordError } from './schema.ts';
import { appendPointer, isObject, type JsonObject } from './schemadocument.ts';

export interface RowConverter {
  /** Fills `row`, one value for each column (null where there is none), and says what was met on the way. */
  convert(record: JsonObject, row: unknown[]): Conversion;
}

export interface Conversion {
  readonly errors: readonly RecordError[];
  /** An integer past 2^53 stands in the record as a number, so JSON.parse rounded it: convert it again from bigints. */
  readonly rounded: boolean;
  /** The record has fields that no column holds. */
  readonly extra: boolean;
}

export function createConverter({ columns, closed }: RecordPlan): RowConverter {
  const state = new State();
  const fields = columns.map((column) => ({ column, read: reader(column.name), convert: valueConverter(column) }));
  return {
    convert(record, row) {
      state.reset();
      let present = 0;
      for (let index = 0; index < fields.length; index += 1) {
        const field = fields[index];
        if (!field) break;
        const value = field.read(record);
        if (value !== undefined) present += 1;
        row[index] = convertField(field.column, field.convert, value, state);
      }
      if (!closed && hasMoreKeys(record, present)) state.extra = true;
      return state;
    },
  };
}

type ConvertValue = (value: unknown, state: State) => unknown;

class State implements Conversion {
  errors: RecordError[] = [];
  rounded = false;
  extra = false;
  /** Names and indexes that lead to the value at hand. */
  readonly path: (string | number)[] = [];

  reset(): void {
    if (this.errors.length > 0) this.errors = [];
    this.rounded = false;
    this.extra = false;
    this.path.length = 0;
  }

  fail(code: ErrorCode, message: string, name?: string): null {
    const path = appendPointer('', ...this.path, ...(name === undefined ? [] : [name]));
    this.errors.push({ code, path, message });
    return null;
  }
}

function convertField(column: ColumnPlan, convert: ConvertValue, value: unknown, state: State): unknown {
  if (value === undefined || value === null) {
    return column.required ? state.fail('RequiredMissing', 'is required and missing', column.name) : null;
  }
  state.path.push(column.name);
  const converted = convert(value, state);
  state.path.pop();
  return converted;
}

/** Reads a field of a record; those that every object inherits only where they are its own. */
function reader(name: string): (record: JsonObject) => unknown {
  if (name in Object.prototype) return (record) => (Object.hasOwn(record, name) ? record[name] : undefined);
  return (record) => record[name];
}

function hasMoreKeys(record: JsonObject, present: number): boolean {
  let count = 0;
  for (const key in record) if (record[key] !== undefined) count += 1;
  return count > present;
}

/** `nested`: not a top-level column, so the writer takes longs as bigints. */
function valueConverter(column: ColumnPlan, nested = false): ConvertValue {
  switch (column.type) {
    case 'string':
      return toText;
    case 'boolean':
      return (value, state) => (typeof value === 'boolean' ? value : state.fail('WrongType', 'must be boolean'));
    case 'int':
    case 'long':
      return integerConverter(column, nested && column.type === 'long');
    case 'double':
      return toDouble;
    case 'date':
      return (value, state) => parse(value, parseDate, 'date', state);
    case 'timestamptz':
      return (value, state) => parse(value, parseDateTime, 'date-time', state);
    case 'struct':
      return structConverter(column);
    case 'list':
      return listConverter(column);
    case 'map':
      return mapConverter(column);
    case 'json':
      return toJsonText;
  }
}

function toText(value: unknown, state: State): unknown {
  if (typeof value !== 'string') return state.fail('WrongType', 'must be string');
  return value.isWellFormed()
    ? value
    : state.fail('InvalidEncoding', 'holds half of a surrogate pair, which is no text');
}

function toDouble(value: unknown, state: State): unknown {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (typeof value === 'bigint') return Number(value);
  return state.fail('WrongType', 'must be number');
}

/** An int is a number, a long a number or, past 2^53 and where `big`, a bigint. */
function integerConverter({ type, range }: ColumnPlan, big: boolean): ConvertValue {
  const { min, max } = range ?? { min: -(2n ** 63n), max: 2n ** 63n - 1n };
  const [low, high] = [Number(min), Number(max)];
  return (value, state) => {
    if (Number.isSafeInteger(value) && typeof value === 'number') {
      if (value >= low && value <= high) return big ? BigInt(value) : value === 0 ? 0 : value;
    } else if (typeof value === 'bigint' || Number.isInteger(value)) {
      if (typeof value === 'number') state.rounded = true;
      const whole = BigInt(value as bigint | number);
      if (whole >= min && whole <= max) return type === 'int' ? Number(whole) : whole;
    } else {
      return state.fail('WrongType', 'must be integer');
    }
    return state.fail('OutOfRange', `must be from ${min} to ${max}`);
  };
}

function parse(value: unknown, parser: (text: string) => unknown, format: string, state: State): unknown {
  const parsed = typeof value === 'string' ? parser(value) : undefined;
  return parsed ?? state.fail('FormatMismatch', `must match format "${format}"`);
}

function toJsonText(value: unknown, state: State): unknown {
  if (mayBeRounded(value)) {
    state.rounded = true;
    if (hasInfinity(value)) return state.fail('OutOfRange', 'must hold numbers that a double can hold');
  }
  return needsExactText(value) ? stringifyExact(value) : JSON.stringify(value);
}

function structConverter({ children, closed }: ColumnPlan): ConvertValue {
  const fields = children.map((column) => ({
    column,
    read: reader(column.name),
    convert: valueConverter(column, true),
  }));
  return (value, state) => {
    if (!isObject(value)) return state.fail('WrongType', 'must be object');
    const struct: Record<string, unknown> = {};
    let present = 0;
    for (const { column, read, convert } of fields) {
      const item = read(value);
      if (item !== undefined) present += 1;
      struct[column.name] = convertField(column, convert, item, state);
    }
    if (!closed && hasMoreKeys(value, present)) state.extra = true;
    return struct;
  };
}

function listConverter({ children: [element] }: ColumnPlan): ConvertValue {
  const convert = element ? itemConverter(element) : () => null;
  return (value, state) => {
    if (!Array.isArray(value)) return state.fail('WrongType', 'must be array');
    return value.map((item, index) => convert(item, index, state));
  };
}

function mapConverter({ children: [key, item] }: ColumnPlan): ConvertValue {
  const convertKey = key ? itemConverter(key) : () => null;
  const convert = item ? itemConverter(item) : () => null;
  return (value, state) => {
    if (!isObject(value)) return state.fail('WrongType', 'must be object');
    const entries = Object.entries(value).filter(([, one]) => one !== undefined);
    return entries.map(([name, one]) => ({ key: convertKey(name, name, state), value: convert(one, name, state) }));
  };
}

function itemConverter(column: ColumnPlan): (value: unknown, at: string | number, state: State) => unknown {
  const convert = valueConverter(column, true);
  return (value, at, state) => {
    state.path.push(at);
    const nothing = value === undefined || value === null;
    const converted = !nothing
      ? convert(value, state)
      : column.required
        ? state.fail('RequiredMissing', 'must not be null')
        : null;
    state.path.pop();
    return converted;
  };
}
