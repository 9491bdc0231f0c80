/**
 * JSON whose integers never lose a digit: ids of snapshots are random 63-bit numbers, which a double does not hold.
 * Both functions need what ES2026 adds to JSON: the source text of a number, and raw output.
 */
import type { Long } from './spec.ts';

/** Integers past 2^53 become bigint, all others numbers. Throws SyntaxError. */
export function parseJSON(text: string): unknown {
  return JSON.parse(text, (_name: string, value: unknown, context?: { source?: string }) => {
    if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
    const source = context?.source;
    return source !== undefined && /^-?[0-9]+$/.test(source) ? BigInt(source) : value;
  });
}

/** As JSON.stringify; a bigint is written as an integer. */
export function printJSON(value: unknown): string {
  return JSON.stringify(withRawLongs(value));
}

/** Copies only what holds a bigint: a replacer is called for every member and takes twice as long. */
function withRawLongs(value: unknown): unknown {
  if (typeof value === 'bigint') return rawNumber(String(value));
  if (Array.isArray(value)) {
    const members: unknown[] = value;
    const changed = members.map(withRawLongs);
    return changed.some((member, index) => member !== members[index]) ? changed : value;
  }
  if (typeof value !== 'object' || value === null) return value;
  let copy: Record<string, unknown> | undefined;
  for (const [name, member] of Object.entries(value)) {
    const changed = withRawLongs(member);
    if (changed === member) continue;
    copy ??= { ...value };
    copy[name] = changed;
  }
  return copy ?? value;
}

/** The types of JSON.rawJSON are not in the libraries this project names. */
function rawNumber(digits: string): unknown {
  if ('rawJSON' in JSON && typeof JSON.rawJSON === 'function') return JSON.rawJSON(digits);
  throw new Error('this version of Node has no JSON.rawJSON');
}

/** A number where it is exact, else a bigint: what `parseJSON` gives for the same digits. */
export function toLong(value: Long | string): Long {
  const exact = BigInt(value);
  const number = Number(exact);
  return Number.isSafeInteger(number) ? number : exact;
}

export function sameLong(a: Long | undefined, b: Long | undefined): boolean {
  return a === undefined || b === undefined ? a === b : BigInt(a) === BigInt(b);
}
