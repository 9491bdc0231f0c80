/** Comparisons of JSON values as JSON Schema means them; integers past 2^53 may be bigints. */
import { exactInteger } from './exact.ts';
import { isObject } from './schemadocument.ts';

export type Numeric = number | bigint;

export function isNumeric(value: unknown): value is Numeric {
  return typeof value === 'number' || typeof value === 'bigint';
}

export function isSame(a: unknown, b: unknown): boolean {
  // biome-ignore lint/suspicious/noDoubleEquals: 5n == 5, and both are numbers
  if (isNumeric(a) && isNumeric(b)) return a == b;
  if (Array.isArray(a))
    return Array.isArray(b) && a.length === b.length && a.every((item, index) => isSame(item, b[index]));
  if (!isObject(a) || !isObject(b)) return a === b;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && isSame(a[key], b[key]));
}

/** Tells whether a value is one of these. */
export function isOneOf(values: readonly unknown[]): (value: unknown) => boolean {
  const texts = new Set(values.filter((value) => typeof value === 'string'));
  const others = values.filter((value) => typeof value !== 'string');
  return (value) => (typeof value === 'string' ? texts.has(value) : others.some((other) => isSame(other, value)));
}

export function hasUniqueItems(asked: boolean, items: unknown): boolean {
  if (!asked || !Array.isArray(items)) return true;
  const seen = new Set<unknown>();
  const containers: object[] = [];
  for (const item of items) {
    if (typeof item === 'object' && item !== null) {
      if (containers.some((other) => isSame(other, item))) return false;
      containers.push(item);
    } else {
      // A bigint is one only where no number is the same.
      if (seen.has(item)) return false;
      seen.add(item);
    }
  }
  return true;
}

/** Decimal, as people mean it: 19.99 is a multiple of 0.01 though the doubles' quotient is no integer. */
export function isMultipleOf(divisor: Numeric, value: unknown): boolean {
  if (!isNumeric(value)) return true;
  if (typeof value === 'number' && !Number.isFinite(value)) return false;
  const [a, scaleA] = decimal(value);
  const [b, scaleB] = decimal(divisor);
  const scale = Math.max(scaleA, scaleB);
  // A double reaches from 1e-324 to 1e308: at most 633 digits.
  return (a * 10n ** BigInt(scale - scaleA)) % (b * 10n ** BigInt(scale - scaleB)) === 0n;
}

/** The number as an integer over a power of ten. */
function decimal(value: Numeric): [bigint, number] {
  if (typeof value === 'bigint') return [value, 0];
  if (Number.isSafeInteger(value)) return [BigInt(value), 0];
  const [digits = '', exponent = '0'] = String(value).split('e');
  const [whole = '', fraction = ''] = digits.split('.');
  const scale = fraction.length - Number(exponent);
  const unscaled = exactInteger(`${whole}${fraction}`) ?? 0n;
  return scale < 0 ? [unscaled * 10n ** BigInt(-scale), 0] : [unscaled, scale];
}
