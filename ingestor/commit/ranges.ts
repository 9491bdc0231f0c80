/** Whether the parts of each cut file make it whole: none missing, none read twice, none left out alone. */
import type { Receipt, Refusal } from './documents.ts';

type Range = NonNullable<Receipt['inputs'][number]['range']>;

type LeftOut = NonNullable<Receipt['leftOut']>[number];

/** Holds what it is told of cut files only; parts of files are few, since each is large. */
export class RangeCheck {
  readonly #read = new Map<string, Range[]>();
  readonly #leftOut = new Map<string, { readonly reason: LeftOut['reason']; parts: number; shards: Set<number> }>();

  add({ index, inputs, leftOut = [] }: Receipt): void {
    for (const { name, range } of inputs) {
      if (range !== undefined) this.#read.set(name, [...(this.#read.get(name) ?? []), range]);
    }
    for (const { name, reason, range } of leftOut) {
      if (range !== true) continue;
      const known = this.#leftOut.get(name) ?? { reason, parts: 0, shards: new Set() };
      known.parts += 1;
      known.shards.add(index);
      this.#leftOut.set(name, known);
    }
  }

  /** A file that lies in several shards cannot be left out: rows of it are among those of other files. */
  findTorn(): Refusal | undefined {
    for (const [name, { reason, shards }] of this.#leftOut) {
      if (shards.size === 1 && !this.#read.has(name)) continue;
      const what = reason === 'FileChanged' ? 'changed or is gone' : 'cannot be read';
      return { reason, message: `a part of ${name} ${what}, and the file lies in several shards` };
    }
    return undefined;
  }

  /** A cut file whose ranges do not meet. */
  findGap(): string | undefined {
    for (const [name, ranges] of this.#read) {
      if (!tiles(ranges)) return `the parts of ${name} do not make the whole of it`;
    }
    return undefined;
  }

  /** Files that were left out, where each of their parts was counted. */
  countOnce({ failed, skipped }: { failed: number; skipped: number }): { failed: number; skipped: number } {
    const again = (reason: LeftOut['reason']) =>
      [...this.#leftOut.values()].reduce((sum, it) => sum + (it.reason === reason ? it.parts - 1 : 0), 0);
    return { failed: failed - again('UnreadableFile'), skipped: skipped - again('FileChanged') };
  }
}

/**
 * From the start of the file to its end, each range begins where the one before ends, as planned and as read. Receipts
 * speak of all that was planned for their shards, so that the last range is the file's last.
 */
function tiles(ranges: readonly Range[]): boolean {
  const sorted = [...ranges].sort((a, b) => a.start - b.start || a.end - b.end);
  const last = sorted.at(-1);
  if (last === undefined || last.to !== last.end) return false;
  return sorted.every((range, index) => {
    const { end, to } = sorted[index - 1] ?? { end: 0, to: 0 };
    return range.start === end && range.from === to && range.from >= range.start && range.to >= range.from;
  });
}
