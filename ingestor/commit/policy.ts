import type { RecordCounts } from '../contract/counts.ts';
import type { MaxFailed } from '../contract/task.ts';

/** Shares are exact to four decimals of a per cent: all is 100 % = 1,000,000 parts. */
const partsOfAll = 1_000_000n;

/** True when more records failed than allowed: than a number of them, or than a share of those read (`"0.5%"`). */
export function exceeds(records: RecordCounts, maxFailed: MaxFailed): boolean {
  if (typeof maxFailed === 'number') return records.failed > maxFailed;
  return BigInt(records.failed) * partsOfAll > parseShare(maxFailed) * BigInt(records.read);
}

/** True when every record may fail. */
export function allowsAll(maxFailed: MaxFailed): boolean {
  return typeof maxFailed === 'string' && parseShare(maxFailed) >= partsOfAll;
}

function parseShare(share: string): bigint {
  const [, whole = '0', fraction = ''] = /^([0-9]+)(?:\.([0-9]+))?%$/.exec(share) ?? [];
  return BigInt(whole) * 10_000n + BigInt(fraction.padEnd(4, '0'));
}
