/** What schemas ask of single values, as checks of a walker. `undefined`: more than it can check. */
import type { CheckText } from '../../kernel/kernel.ts';
import { type Budget, compileAutomaton, intersect } from '../automata/automaton.ts';
import { automatonOfFormat } from '../automata/formats.ts';
import type { ColumnPlan } from '../columns.ts';
import { stringifyExact } from '../exact.ts';
import { allFormats } from '../formats.ts';
import type { Patterns } from '../pattern.ts';
import type { JsonObject } from '../schemadocument.ts';
import { isNumeric, isOneOf, isSame, type Numeric } from '../values.ts';
import { asksOnlyType } from './keywords.ts';
import type { BooleanValue, DoubleValue, IntegerValue, JsonValue, Span, TextCheck, TextValue } from './plan.ts';

/** All schemas that hold at a place. */
type Schemas = readonly JsonObject[];

export function textValue(schemas: Schemas, checks: TextChecks): TextValue {
  return { kind: 'text', length: spanOf(schemas, 'minLength', 'maxLength'), check: checks.of(schemas) };
}

/** A date or a date-time, which is no text any more once it is in its column. */
export function dateValue({ type }: ColumnPlan, schemas: Schemas): TextValue | undefined {
  const kind = type === 'date' ? 'date' : 'date-time';
  const others = schemas.map(({ format, ...rest }) => (format === kind ? rest : { format, ...rest }));
  if (others.some((schema) => textKeywords.some((keyword) => schema[keyword] !== undefined))) return undefined;
  return { kind, length: spanOf(schemas, 'minLength', 'maxLength'), check: undefined };
}

const textKeywords = ['enum', 'const', 'pattern', 'format'];

/** The checks of one schema's texts: each is made once, and the automata of all within a budget. */
export class TextChecks {
  /** By what is asked. */
  readonly #made = new Map<string, TextCheck | undefined>();
  /** About a second. */
  readonly #budget: Budget = { visits: 30_000_000 };
  readonly #patterns: Patterns;

  constructor(patterns: Patterns) {
    this.#patterns = patterns;
  }

  /** Undefined where nothing is asked. */
  of(schemas: Schemas): TextCheck | undefined {
    const asked = schemas.map(({ enum: values, const: value, pattern, format }) => [values, value, pattern, format]);
    const key = stringifyExact(asked);
    if (!this.#made.has(key)) this.#made.set(key, this.#all(schemas.flatMap((schema) => this.#each(schema))));
    return this.#made.get(key);
  }

  #each(schema: JsonObject): TextCheck[] {
    const { pattern, format } = schema;
    const choices = choicesOf(schema);
    const checks: TextCheck[] = [];
    if (choices) checks.push({ allows: isOneOf(choices), automaton: undefined });
    if (typeof pattern === 'string') checks.push(this.#pattern(pattern));
    const test = typeof format === 'string' ? formatTest(format) : undefined;
    if (test) checks.push({ allows: test, automaton: automatonOfFormat(String(format), this.#budget) });
    return checks;
  }

  #pattern(source: string): TextCheck {
    const compiled = this.#patterns.get(source);
    return { allows: (text) => compiled.test(text), automaton: compileAutomaton(source, this.#budget) };
  }

  #all([first, ...rest]: readonly TextCheck[]): TextCheck | undefined {
    if (!first) return undefined;
    return rest.reduce(
      (all, { allows, automaton }) => ({
        allows: (text) => all.allows(text) && allows(text),
        automaton: all.automaton && automaton && intersect(all.automaton, automaton, this.#budget),
      }),
      first,
    );
  }
}

/** The very test that the judge uses; absent where the format says nothing of texts. */
function formatTest(name: string): CheckText | undefined {
  const format = allFormats()[name];
  if (format === undefined || format === true) return undefined;
  if (typeof format === 'string') return textTest(new RegExp(format));
  if (typeof format === 'function' || format instanceof RegExp) return textTest(format);
  if (format.type === 'number' || format.async) return undefined;
  return textTest(format.validate);
}

function textTest(test: unknown): CheckText {
  if (test instanceof RegExp) return (text) => test.test(text);
  if (typeof test === 'function') return (text) => Boolean(test(text));
  throw new TypeError('a format is a function or a regular expression');
}

/** The values that `enum` or `const` allows; of both, those that both do. */
function choicesOf({ enum: values, const: value }: JsonObject): readonly unknown[] | undefined {
  if (value === undefined) return Array.isArray(values) ? values : undefined;
  return Array.isArray(values) ? values.filter((one) => isSame(one, value)) : [value];
}

/** Those that all schemas allow. */
function commonChoices(schemas: Schemas): readonly unknown[] | undefined {
  return schemas.map(choicesOf).reduce((common, choices) => {
    if (common === undefined || choices === undefined) return common ?? choices;
    return common.filter((one) => choices.some((other) => isSame(one, other)));
  }, undefined);
}

/** More than any text, list or object has. */
export const mostOfAll = 0xffff_ffff;
const leastOfAll = 2 ** 30 - 1;

export function spanOf(schemas: Schemas, least: string, most: string): Span {
  const bounds = (keyword: string) =>
    schemas
      .map((schema) => schema[keyword])
      .filter(isNumeric)
      .map(Number);
  return {
    least: Math.min(leastOfAll, Math.max(0, ...bounds(least))),
    most: Math.min(mostOfAll, ...bounds(most)),
  };
}

export function integerValue(column: ColumnPlan, schemas: Schemas): IntegerValue | undefined {
  if (hasEndlessBound(schemas)) return undefined;
  if (schemas.some(({ format }) => isNumberFormat(format) && !integerFormats.has(String(format)))) return undefined;
  const range = column.range ?? { min: -(2n ** 63n), max: 2n ** 63n - 1n };
  const lower = [...boundsOf(schemas, 'minimum').map(ceil), ...boundsOf(schemas, 'exclusiveMinimum').map(above)];
  const upper = [...boundsOf(schemas, 'maximum').map(floor), ...boundsOf(schemas, 'exclusiveMaximum').map(below)];
  const min = lower.reduce((a, b) => (b > a ? b : a), range.min);
  const max = upper.reduce((a, b) => (b < a ? b : a), range.max);
  const choices = commonChoices(schemas)?.flatMap(wholeOf);
  const held = choices?.filter((value) => value >= min && value <= max);
  if (min > max || held?.length === 0) return undefined;
  return { kind: column.type === 'int' ? 'int' : 'long', min, max, choices: held };
}

/** Formats that say of integers no more than the column's range. */
const integerFormats = new Set(['int32', 'int64', 'float', 'double']);

function isNumberFormat(name: unknown): boolean {
  const format = typeof name === 'string' ? allFormats()[name] : undefined;
  return typeof format === 'object' && !(format instanceof RegExp) && format.type === 'number';
}

function wholeOf(value: unknown): bigint[] {
  if (typeof value === 'bigint') return [value];
  return typeof value === 'number' && Number.isInteger(value) ? [BigInt(value)] : [];
}

function boundsOf(schemas: Schemas, keyword: string): Numeric[] {
  return schemas.map((schema) => schema[keyword]).filter(isNumeric);
}

/** A bound that is too large for a double, such as 1e400. */
function hasEndlessBound(schemas: Schemas): boolean {
  return boundKeywords.some((keyword) => boundsOf(schemas, keyword).some((bound) => !Number.isFinite(Number(bound))));
}

const boundKeywords = ['minimum', 'exclusiveMinimum', 'maximum', 'exclusiveMaximum'];

function ceil(bound: Numeric): bigint {
  return typeof bound === 'bigint' ? bound : BigInt(Math.ceil(bound));
}

function floor(bound: Numeric): bigint {
  return typeof bound === 'bigint' ? bound : BigInt(Math.floor(bound));
}

function above(bound: Numeric): bigint {
  return floor(bound) + 1n;
}

function below(bound: Numeric): bigint {
  return ceil(bound) - 1n;
}

export function doubleValue(schemas: Schemas): DoubleValue | undefined {
  if (hasEndlessBound(schemas)) return undefined;
  if (schemas.some(({ format }) => isNumberFormat(format) && format !== 'float' && format !== 'double'))
    return undefined;
  const numbers = (keyword: string) => boundsOf(schemas, keyword).map(Number);
  const min = Math.max(-Infinity, ...numbers('minimum'), ...numbers('exclusiveMinimum').map((bound) => next(bound, 1)));
  const max = Math.min(Infinity, ...numbers('maximum'), ...numbers('exclusiveMaximum').map((bound) => next(bound, -1)));
  const choices = commonChoices(schemas)?.filter(isNumeric).map(Number);
  if (choices?.length === 0) return undefined;
  return { kind: 'double', min, max, choices };
}

/** The double right above (1) or below (-1). */
function next(value: number, direction: 1 | -1): number {
  if (value === 0) return direction * Number.MIN_VALUE;
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const away = value > 0 === direction > 0;
  view.setBigInt64(0, view.getBigInt64(0) + (away ? 1n : -1n));
  return view.getFloat64(0);
}

export function booleanValue(schemas: Schemas): BooleanValue {
  const choices = commonChoices(schemas);
  const allowed = [false, true].filter((value) => choices === undefined || choices.includes(value));
  return { kind: 'boolean', allowed };
}

/** Only where nothing is asked but the type. */
export function jsonValue({ kinds }: ColumnPlan, schemas: Schemas): JsonValue | undefined {
  return schemas.every(asksOnlyType) ? { kind: 'json', kinds: kinds ?? new Set() } : undefined;
}
