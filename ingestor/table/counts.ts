/** Running totals that no file tells: what was ingested and set aside, and how batches ended. */
import { type Static, Type } from 'typebox';
import type { TableChange, TableCounts } from './table.ts';

const count = Type.Integer({ minimum: 0 });
const BatchMark = Type.Object({ id: Type.String(), time: count });

export const Counts = Type.Object({
  ingested: count,
  failed: count,
  batches: Type.Object({ succeeded: count, failed: count }),
  lastBatch: Type.Optional(BatchMark),
  lastFailedBatch: Type.Optional(BatchMark),
});
export type Counts = Static<typeof Counts>;

const none: Counts = { ingested: 0, failed: 0, batches: { succeeded: 0, failed: 0 } };

export function addCounts(totals: TableCounts | undefined, { count: added = {} }: TableChange): Counts {
  const { ingested, failed, batches, ...marks }: Counts = totals ?? none;
  const { lastBatch = marks.lastBatch, lastFailedBatch = marks.lastFailedBatch } = added;
  return {
    ingested: ingested + (added.ingested ?? 0),
    failed: failed + (added.failed ?? 0),
    batches: {
      succeeded: batches.succeeded + (added.batchesSucceeded ?? 0),
      failed: batches.failed + (added.batchesFailed ?? 0),
    },
    ...(lastBatch === undefined ? {} : { lastBatch }),
    ...(lastFailedBatch === undefined ? {} : { lastFailedBatch }),
  };
}
