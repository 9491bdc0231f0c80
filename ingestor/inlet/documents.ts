/** What an inlet writes down in the bucket, and what the table says about it. */
import { type Static, Type } from 'typebox';
import { ErrorClass, RecordCounts } from '../contract/counts.ts';
import { parseDocument } from '../contract/documents.ts';
import { DataFileFacts } from '../contract/layout.ts';
import { Mapping } from '../contract/task.ts';
import { roundProperty, type TableState } from '../table/table.ts';

const version = Type.Literal(1);
const count = Type.Integer({ minimum: 0 });
const number = Type.Integer({ minimum: 1 });

/** How far the rounds have come with a writer. */
export const WriterProgress = Type.Object({
  /** The last segment taken. */
  sequence: count,
  /** Of all segments up to it, as its header says. */
  records: count,
  bytes: count,
  /** When the store got it, milliseconds since 1970 by the store's clock. */
  time: count,
});
export type WriterProgress = Static<typeof WriterProgress>;

export type WritersProgress = Readonly<Record<string, WriterProgress>>;

/** The table's property of an inlet: running totals over all rounds, so that they survive every pod. */
export const InletState = Type.Object({
  version,
  /** The last round that was committed; 0 before the first. */
  round: count,
  /** The round whose receipt says how far each writer was taken; 0: none was. */
  taken: count,
  records: Type.Object({ received: count, ingested: count, failed: count, skipped: count }),
  bytes: count,
  errors: Type.Array(ErrorClass),
  /** Milliseconds since 1970. */
  lastCommitTime: Type.Optional(count),
});
export type InletState = Static<typeof InletState>;

const initialState: InletState = {
  version: 1,
  round: 0,
  taken: 0,
  records: { received: 0, ingested: 0, failed: 0, skipped: 0 },
  bytes: 0,
  errors: [],
};

/** Throws NewerDocument, DamagedDocument. */
export function inletState(table: Pick<TableState, 'properties'>, inlet: string): InletState {
  const name = roundProperty(inlet);
  const text = table.properties[name];
  if (text === undefined) return initialState;
  return parseDocument(InletState, text, `the table property ${name}`, 'DamagedDocument');
}

/** Which segments a round takes, fixed once: all of each writer from `from` to `to`. */
export const RoundPlan = Type.Object({
  version,
  attempt: Type.String(),
  round: number,
  /** A plan for an earlier table in the same place must not touch this one. */
  tableUUID: Type.String(),
  takes: Type.Array(Type.Object({ writer: Type.String(), from: number, to: number })),
  /** Writers that were silent for so long that the receipt leaves them out. */
  forget: Type.Array(Type.String()),
});
export type RoundPlan = Static<typeof RoundPlan>;

const OutputFile = Type.Object({ key: Type.String(), rows: count, bytes: count });

/** What became of a round's segments, fixed once: of two pods that ran it, one receipt stands. */
export const RoundReceipt = Type.Object({
  version,
  attempt: Type.String(),
  round: number,
  files: Type.Array(Type.Object({ ...OutputFile.properties, ...DataFileFacts.properties })),
  rejects: Type.Optional(OutputFile),
  records: RecordCounts,
  bytes: count,
  errors: Type.Array(ErrorClass),
  /** Segments that were damaged or gone. */
  unreadable: Type.Array(Type.Object({ writer: Type.String(), sequence: number })),
  /** Of all writers, after this round. */
  writers: Type.Record(Type.String(), WriterProgress),
});
export type RoundReceipt = Static<typeof RoundReceipt>;

/** What it takes to run rounds without a pod of the inlet. */
export const InletSettings = Type.Object({
  version,
  namespace: Type.String(),
  name: Type.String(),
  mapping: Mapping,
  maxRecordBytes: number,
  /** Record bytes in one round, at most (a round takes at least one segment). */
  maxRoundBytes: number,
});
export type InletSettings = Static<typeof InletSettings>;

/** For how long somebody means to run the rounds. */
export const Lease = Type.Object({ version, holder: Type.String(), nonce: Type.String() });
export type Lease = Static<typeof Lease>;
