/** JSON whose integers are not rounded: those past 2^53 are bigints, all other numbers are numbers as ever. */

/** JSON.parse with source text access (ES2026): Node 22 has it, the types of TypeScript 7.0 do not yet. */
interface JsonWithSource {
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
  ): unknown;
  rawJSON(text: string): unknown;
}
const json = JSON as unknown as JsonWithSource;

/** Throws SyntaxError as JSON.parse does. */
export function parseExact(text: string): unknown {
  return json.parse(text, (_key, value, context) => {
    if (typeof value !== 'number' || Number.isSafeInteger(value) || context.source === undefined) return value;
    return exactInteger(context.source) ?? value;
  });
}

/** JSON text of a value that `parseExact` gave; bytes that Parquet has and JSON has not are base64. */
export function stringifyExact(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => {
    if (typeof item === 'bigint') return rawNumber(item);
    return item instanceof Uint8Array ? Buffer.from(item).toString('base64') : item;
  });
}

/** True when a number in it may have been rounded by JSON.parse: an integer past 2^53. */
export function mayBeRounded(value: unknown): boolean {
  return someLeaf(value, (leaf) => typeof leaf === 'number' && Math.abs(leaf) > Number.MAX_SAFE_INTEGER);
}

/** The same with numbers in place of bigints. */
export function rounded(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(rounded);
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, rounded(item)]));
}

/** True when a number in it was too large for a double (`1e400`), so that JSON has no text for it. */
export function hasInfinity(value: unknown): boolean {
  return someLeaf(value, (leaf) => leaf === Number.POSITIVE_INFINITY || leaf === Number.NEGATIVE_INFINITY);
}

/** True when JSON.stringify would not do: there are bigints or bytes in it. */
export function needsExactText(value: unknown): boolean {
  return someLeaf(value, (leaf) => typeof leaf === 'bigint' || leaf instanceof Uint8Array);
}

/** True when there is a bigint in it. */
export function hasBigInt(value: unknown): boolean {
  return someLeaf(value, (leaf) => typeof leaf === 'bigint');
}

/** Without recursion: records nest as deep as they like. */
function someLeaf(value: unknown, test: (leaf: unknown) => boolean): boolean {
  if (!isContainer(value)) return test(value);
  const pending: object[] = [value];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    for (const item of Object.values(next)) {
      if (isContainer(item)) pending.push(item);
      else if (test(item)) return true;
    }
  }
  return false;
}

function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !(value instanceof Uint8Array);
}

/**
 * The integer that a JSON number means (`5.0`, `1e3` and `12.5e1` are integers), or undefined when it means none or has
 * more than 40 digits, which no column holds.
 */
export function exactInteger(source: string): bigint | undefined {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/.exec(source);
  if (!match) return undefined;
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match;
  const significant = `${whole}${fraction}`.replace(/0+$/, '');
  const shift = Number(exponent) - fraction.length + (whole.length + fraction.length - significant.length);
  if (significant.replace(/^0+/, '') === '') return 0n;
  if (shift < 0 || significant.length + shift > 40) return undefined;
  const magnitude = BigInt(significant) * 10n ** BigInt(shift);
  return sign === '-' ? -magnitude : magnitude;
}

/** What JSON.stringify writes as the digits of the bigint, without quotes. */
function rawNumber(value: bigint): unknown {
  return json.rawJSON(value.toString());
}
