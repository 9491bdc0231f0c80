/**
 * From the text of a CSV field to a value of its column, by a strict grammar: no blanks, no hexadecimal, no `Infinity`.
 * Text that fits no grammar stays text, and the judge says what is wrong with it.
 */
import type { ColumnPlan } from './columns.ts';
import { exactInteger, parseExact } from './exact.ts';

/** The value; an integer past 2^53 is a bigint. */
export type ConvertText = (text: string) => unknown;

export function textConverter(column: ColumnPlan | undefined): ConvertText {
  switch (column?.type) {
    case 'boolean':
      return toBoolean;
    case 'int':
    case 'long':
      return toInteger;
    case 'double':
      return (text) => (isNumber.test(text) ? Number(text) : text);
    case 'list':
    case 'struct':
    case 'map':
      return (text) => parseJson(text) ?? text;
    case 'json':
      return (text) => toAny(text, column.kinds ?? new Set());
    default:
      return (text) => text;
  }
}

/** As the reference platform has them, in any case. */
const booleans: Readonly<Record<string, boolean>> = {
  true: true,
  yes: true,
  on: true,
  y: true,
  false: false,
  no: false,
  off: false,
  n: false,
};

function toBoolean(text: string): unknown {
  if (text === 'true') return true;
  if (text === 'false') return false;
  const word = text.toLowerCase();
  return Object.hasOwn(booleans, word) ? booleans[word] : text;
}

const isNumber = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

/** `5.0` and `1e3` are integers too. Up to 15 digits are read here, since nearly all are. */
function toInteger(text: string): unknown {
  const signed = text.charCodeAt(0) === 0x2d || text.charCodeAt(0) === 0x2b;
  const start = signed ? 1 : 0;
  if (text.length > start && text.length - start <= 15) {
    let value = 0;
    let at = start;
    for (; at < text.length; at += 1) {
      const digit = text.charCodeAt(at) - 48;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    if (at === text.length) return text.charCodeAt(0) === 0x2d ? 0 - value : value;
  }
  if (!isNumber.test(text)) return text;
  const whole = exactInteger(text);
  if (whole === undefined) return Number(text);
  const value = Number(whole);
  return Number.isSafeInteger(value) ? value : whole;
}

function parseJson(text: string): unknown {
  try {
    return parseExact(text);
  } catch {
    return undefined;
  }
}

/** A JSON value of a type that the schema allows, else text. */
function toAny(text: string, kinds: ReadonlySet<string>): unknown {
  const value = parseJson(text);
  const fits = [...kinds].some((kind) => isKind(value, kind));
  return value !== undefined && (fits || !kinds.has('string')) ? value : text;
}

function isKind(value: unknown, kind: string): boolean {
  if (kind === 'null') return value === null;
  if (kind === 'array') return Array.isArray(value);
  if (kind === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value);
  if (kind === 'number') return typeof value === 'number' || typeof value === 'bigint';
  if (kind === 'integer') return typeof value === 'bigint' || Number.isInteger(value);
  return typeof value === kind;
}
