/** What a running pod serves at GET /progress on its status port. The operator polls it; losing it loses nothing else. */
import { type Static, Type } from 'typebox';
import { ByteCounts, ErrorClass, RecordCounts } from './counts.ts';
import { TableTotals } from './result.ts';
import { documentVersion } from './task.ts';

export const TaskProgress = Type.Object({
  version: Type.Literal(documentVersion),
  verb: Type.String(),
  phase: Type.Enum(['Starting', 'Planning', 'Running', 'Committing', 'Done']),
  records: RecordCounts,
  bytes: ByteCounts,
  /** Input bytes this pod will read, once known. */
  totalInputBytes: Type.Optional(Type.Integer({ minimum: 0 })),
});
export type TaskProgress = Static<typeof TaskProgress>;

/** One pod's view of the whole inlet, from the bucket: the view with the highest `sequence` is the newest. */
export const InletProgress = Type.Object({
  version: Type.Literal(documentVersion),
  verb: Type.Literal('inlet'),
  /** Number of the last round that was committed. */
  sequence: Type.Integer({ minimum: 0 }),
  /** `received = ingested + failed + skipped + pending`; all but `pending` of the rounds committed so far. */
  records: Type.Object({
    received: Type.Integer({ minimum: 0 }),
    ingested: Type.Integer({ minimum: 0 }),
    failed: Type.Integer({ minimum: 0 }),
    skipped: Type.Integer({ minimum: 0 }),
    /** Durable and acknowledged, not yet committed. */
    pending: Type.Integer({ minimum: 0 }),
  }),
  bytes: Type.Integer({ minimum: 0 }),
  /** Age of the oldest record not yet committed, in seconds; 0 when there is none. */
  lagSeconds: Type.Integer({ minimum: 0 }),
  lastCommitTime: Type.Optional(Type.String()),
  errors: Type.Array(ErrorClass),
  diagnostics: Type.Optional(Type.String()),
  /** The dataset's table, as the pod saw it last. */
  table: Type.Optional(TableTotals),
  /** Why no round can be committed at the moment. */
  problem: Type.Optional(Type.Object({ code: Type.String(), message: Type.String() })),
});
export type InletProgress = Static<typeof InletProgress>;
