/** Which segments the next round takes. */
import type { Backlog, WriterBacklog } from './backlog.ts';
import type { RoundPlan, WritersProgress } from './documents.ts';

/**
 * Segments in turn from each writer, in their order, until the round has `maxBytes`; at least one. In turn, so that no
 * writer's segments wait behind another's long line.
 */
export function takeSegments(backlogs: readonly WriterBacklog[], maxBytes: number): RoundPlan['takes'] {
  const counts = backlogs.map(() => 0);
  let bytes = 0;
  for (let turn = 0; backlogs.some(({ sizes }) => turn < sizes.length); turn += 1) {
    for (const [index, { sizes }] of backlogs.entries()) {
      const size = sizes[turn];
      if (size === undefined) continue;
      if (bytes > 0 && bytes + size > maxBytes) return toTakes(backlogs, counts);
      bytes += size;
      counts[index] = turn + 1;
    }
  }
  return toTakes(backlogs, counts);
}

function toTakes(backlogs: readonly WriterBacklog[], counts: readonly number[]): RoundPlan['takes'] {
  return backlogs.flatMap(({ writer, from }, index) => {
    const count = counts[index] ?? 0;
    return count === 0 ? [] : [{ writer, from, to: from + count - 1 }];
  });
}

const day = 24 * 60 * 60 * 1_000;
/** A writer takes a new id after hours of silence: after so many days no segment of it can be under way. */
const forgottenAfter = 30 * day;

/**
 * Writers to leave out of the inlet's memory. Only those whose introduction was collected, which is done after their
 * last segment: as long as a segment of a writer is there, forgetting how far it was taken would take it again.
 */
export function writersToForget(before: WritersProgress, { writers, known }: Backlog): string[] {
  const now = Math.max(0, ...writers.map(({ newestTime }) => newestTime));
  return Object.entries(before)
    .filter(([writer, { time }]) => !known.has(writer) && now - time > forgottenAfter)
    .map(([writer]) => writer)
    .sort();
}
