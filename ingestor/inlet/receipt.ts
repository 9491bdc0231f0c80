/**
 * One pass of the engine over the segments of a round: data files, a reject file, and the receipt that says what became
 * of each record. Nothing of it is visible before the receipt is committed.
 */
import { setImmediate } from 'node:timers/promises';
import { addsUp, type ErrorClass, mergeErrorClasses } from '../contract/counts.ts';
import type { Waiting } from '../contract/environment.ts';
import { errorTable, ForebayError, toForebayError } from '../contract/errors.ts';
import type { TableLayout } from '../contract/layout.ts';
import type { TableSettings } from '../contract/task.ts';
import type { ByteSink, Engine, EngineInput, EngineOutput } from '../engine/engine.ts';
import { createEngine } from '../engine/index.ts';
import type { Store } from '../store/store.ts';
import { untilClear } from '../table/back-off.ts';
import type { InletSettings, RoundPlan, RoundReceipt, WritersProgress } from './documents.ts';
import { roundDataKey, roundRejectKey, segmentKey, unreadableSegmentKey } from './names.ts';
import { type ReadSegment, readSegments } from './read-segments.ts';
import type { Segment } from './segment.ts';
import { Tally } from './tally.ts';

export interface RoundWork {
  readonly store: Store;
  readonly inlet: string;
  readonly plan: RoundPlan;
  /** How far the writers were taken before this round. */
  readonly before: WritersProgress;
  readonly settings: InletSettings;
  /** The schema in force, as text. */
  readonly schema: string;
  readonly tableSettings: TableSettings;
  readonly layout: TableLayout;
  /** Of the table. */
  readonly dataFolder: string;
  /** Segments that the engine failed on, and how often: after `mostFailures` they are set aside. */
  readonly failures: Map<string, number>;
}

/** A failure may be of the moment; a segment that fails so often would stop the inlet for ever. */
const mostFailures = 3;

/** Leaves nothing behind when it throws. */
export async function makeReceipt(work: RoundWork, waiting: Waiting): Promise<RoundReceipt> {
  const attempt = waiting.random.nonce();
  const files = new AttemptFiles(work, attempt);
  const engine = openEngine(work, files, waiting);
  try {
    const tally = await ingestAll(work, engine, waiting);
    const output = await engine.finish();
    return toReceipt(work, attempt, tally, output);
  } catch (thrown) {
    await engine.abort();
    await discard(work.store, files.keys, waiting);
    throw thrown;
  }
}

/** Deletes objects of an attempt that no receipt will ever name. What cannot be deleted is garbage. */
export async function discard(store: Store, keys: readonly string[], waiting: Waiting): Promise<void> {
  if (keys.length === 0 || waiting.signal.aborted) return;
  await store.delete(keys, { signal: waiting.signal }).catch(() => {});
}

export function receiptKeys({ files, rejects }: RoundReceipt): string[] {
  return [...files.map((file) => file.key), ...(rejects ? [rejects.key] : [])];
}

class AttemptFiles {
  readonly keys: string[] = [];
  readonly #work: RoundWork;
  readonly #attempt: string;

  constructor(work: RoundWork, attempt: string) {
    this.#work = work;
    this.#attempt = attempt;
  }

  openDataFile(k: number): ByteSink {
    const { dataFolder, inlet, plan } = this.#work;
    return this.#open(roundDataKey(dataFolder, inlet, plan.round, this.#attempt, k));
  }

  openRejectFile(): ByteSink {
    const { inlet, plan } = this.#work;
    return this.#open(roundRejectKey(inlet, plan.round, this.#attempt));
  }

  #open(key: string): ByteSink {
    this.keys.push(key);
    return this.#work.store.upload(key);
  }
}

function openEngine(work: RoundWork, files: AttemptFiles, { signal }: Waiting): Engine {
  const { mapping, maxRecordBytes } = work.settings;
  return createEngine({
    schema: work.schema,
    read: { format: { type: 'JSONLines' }, compression: 'None', mapping, maxRecordBytes },
    compression: work.tableSettings.compression,
    layout: work.layout,
    targetFileSizeBytes: work.tableSettings.targetFileSizeBytes,
    signal,
    openDataFile: (k) => files.openDataFile(k),
    openRejectFile: () => files.openRejectFile(),
  });
}

async function ingestAll(work: RoundWork, engine: Engine, waiting: Waiting): Promise<Tally> {
  const tally = new Tally(work.before, work.plan.takes);
  for await (const read of readSegments(work.store, work.inlet, work.plan.takes, waiting)) {
    const key = segmentKey(work.inlet, read.writer, read.sequence);
    const fails = work.failures.get(key) ?? 0;
    if (read.segment === undefined || fails >= mostFailures) {
      await keepAside(work, read, waiting);
      tally.addUnreadable(read);
    } else {
      await ingest(work, engine, key, read.segment);
      tally.addReadable(read.segment.header, read.object?.lastModified ?? 0);
    }
  }
  return tally;
}

async function ingest(work: RoundWork, engine: Engine, key: string, { header, lines }: Segment): Promise<void> {
  try {
    const { records } = await engine.ingest(toInput(`segments/${header.writer}/${header.sequence}`, lines));
    if (records.read !== header.records || !addsUp(records)) {
      throw new ForebayError('CountsDoNotAddUp', `of ${header.records} records in ${key} ${records.read} were read`);
    }
  } catch (thrown) {
    const kind = errorTable[toForebayError(thrown).code].kind;
    if (kind !== 'retryable') work.failures.set(key, (work.failures.get(key) ?? 0) + 1);
    throw thrown;
  }
}

/** Pieces small enough that requests are served between them. */
const pieceBytes = 64 * 1024;

function toInput(name: string, lines: Buffer): EngineInput {
  async function* read(start = 0, end = lines.length): AsyncGenerator<Uint8Array> {
    for (let at = start; at < end; at += pieceBytes) {
      yield lines.subarray(at, Math.min(at + pieceBytes, end));
      await setImmediate();
    }
  }
  return { name, size: lines.length, read };
}

/** A damaged segment was acknowledged: its bytes are kept where no garbage collection looks. */
async function keepAside({ store, inlet }: RoundWork, read: ReadSegment, waiting: Waiting): Promise<void> {
  const { object, writer, sequence } = read;
  if (object === undefined) return;
  const key = unreadableSegmentKey(inlet, writer, sequence);
  await untilClear(() => store.put(key, object.body, { signal: waiting.signal }), waiting);
}

function toReceipt(work: RoundWork, attempt: string, tally: Tally, output: EngineOutput): RoundReceipt {
  const { received, lost, bytes } = tally.counts();
  const { ingested, failed, skipped, warnings } = output.records;
  const records = { read: received, ingested, failed: failed + lost, skipped, warnings };
  if (!addsUp(records)) {
    throw new ForebayError('CountsDoNotAddUp', `round ${work.plan.round}: the counts of the engine do not add up`);
  }
  return {
    version: 1,
    attempt,
    round: work.plan.round,
    files: [...output.dataFiles],
    ...(output.rejectFile ? { rejects: output.rejectFile } : {}),
    records,
    bytes,
    errors: mergeErrorClasses([output.errors, lostClass(lost)]),
    unreadable: tally.unreadable,
    writers: writersAfter(work, tally),
  };
}

function writersAfter({ before, plan }: RoundWork, tally: Tally): WritersProgress {
  const kept = Object.entries(before).filter(([writer]) => !plan.forget.includes(writer));
  return { ...Object.fromEntries(kept), ...tally.progress() };
}

function lostClass(count: number): ErrorClass[] {
  const message = 'acknowledged records whose segment is damaged or gone';
  return count === 0 ? [] : [{ code: 'UnreadableSegment', message, count }];
}
