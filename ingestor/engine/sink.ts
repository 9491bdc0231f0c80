/** What readers of one input give their records to: it numbers them, and writes down why some are refused. */
import { addRecords, type RecordCounts, zeroRecords } from '../contract/counts.ts';
import { ForebayError } from '../contract/errors.ts';
import type { EngineInput } from './engine.ts';
import type { Intake, Outcome } from './intake.ts';
import type { Bytes, RecordSource } from './readers/reader.ts';
import type { Origin, ReplaySink } from './readers/rejected.ts';
import type { RejectWriter } from './rejects.ts';
import type { RecordError } from './schema.ts';
import type { JsonObject } from './schemadocument.ts';
import { Sequence } from './sequence.ts';
import type { ErrorTally } from './tally.ts';
import type { Threads } from './threads/threads.ts';

export interface Parts {
  readonly intake: Intake;
  readonly threads: Threads;
  readonly rejects: RejectWriter;
  readonly errors: ErrorTally;
  readonly signal: AbortSignal;
}

/** Input bytes between two calls of onProgress. */
const progressBytes = 4 * 1024 * 1024;

/** Characters of refused records that may wait for what other threads read before them: 32 MB of memory at most. */
const mostHeld = 16 * 1024 * 1024;

/** Most bytes handled between two looks at whether a row group is full. */
const pieceBytes = 1024 * 1024;

export class InputSink implements ReplaySink {
  /** The file that is read: the input, or one in it. */
  file: string;
  readonly #parts: Parts;
  readonly #progress: () => void;
  readonly #sequence: Sequence;
  /** Records of the file that lie before those that are taken next. */
  #before: number;
  records: RecordCounts = zeroRecords();
  walked = 0;
  readonly #size: number;
  #bytes = 0;
  #reported = 0;

  constructor({ name, size, range }: EngineInput, parts: Parts, progress: () => void) {
    this.file = name;
    this.#before = range?.records ?? 0;
    this.#size = range ? Math.min(size, range.end) - range.start : size;
    this.#parts = parts;
    this.#progress = progress;
    this.#sequence = new Sequence((outcome) => this.#take(outcome));
    parts.intake.standFor(undefined);
  }

  accept(record: JsonObject, source: RecordSource, warned = false): void {
    this.#parts.intake.accept(record, source, warned);
  }

  acceptExact(record: JsonObject, source: RecordSource, warned = false): void {
    this.#parts.intake.acceptExact(record, source, warned);
  }

  refuse(error: RecordError, source: RecordSource): void {
    this.#parts.intake.refuse(error, source);
  }

  standFor(origin: Origin): void {
    this.#parts.intake.standFor(origin);
  }

  async drain(): Promise<void> {
    const { intake, threads, rejects, signal } = this.#parts;
    if (signal.aborted) throw new ForebayError('Interrupted', `stopped in the middle of ${this.file}`);
    this.#sequence.add(intake.outcome());
    await intake.drain();
    await threads.until(() => this.#sequence.held <= mostHeld);
    await rejects.drain();
    if (this.#bytes - this.#reported < progressBytes) return;
    this.#reported = this.#bytes;
    this.#progress();
  }

  /** What is read meanwhile is of a file of its own, in the input or the input itself: its records are numbered from 1 on. */
  async within(file: string, read: () => Promise<void>): Promise<void> {
    const input = this.file;
    this.file = file;
    this.#before = 0;
    await read();
    await this.end();
    this.file = input;
  }

  /** The place in the input of what another thread reads from here on. */
  reserve(): (outcome: Outcome) => void {
    this.#sequence.add(this.#parts.intake.outcome());
    return this.#sequence.reserve();
  }

  /** Resolves when all that was given to other threads is counted. */
  async end(): Promise<void> {
    await this.#parts.threads.idle();
    await this.drain();
  }

  /** The same bytes, counted as they were stored, in pieces that do not overfill a row group. */
  async *counted(bytes: Bytes): AsyncGenerator<Uint8Array> {
    for await (const chunk of bytes) {
      this.#bytes += chunk.length;
      for (let at = 0; at < chunk.length; at += pieceBytes) yield chunk.subarray(at, at + pieceBytes);
    }
  }

  countBytes(bytes: number): void {
    this.#bytes += bytes;
  }

  setBytes(bytes: number): void {
    this.#bytes = bytes;
  }

  setBefore(records: number): void {
    this.#before = records;
  }

  /** Bytes of the input, as stored, that were not read yet. */
  get expectedBytes(): number {
    return Math.max(0, this.#size - this.#bytes);
  }

  get bytes(): number {
    return this.#bytes;
  }

  #take({ read, ingested, warnings, walked, refused }: Outcome): void {
    for (const { nth, origin, refused: what } of refused) {
      const { file, record } = origin ?? { file: this.file, record: this.#before + nth };
      this.#parts.errors.add(what.errors, file, record);
      this.#parts.rejects.add(file, record, what);
    }
    this.#before += read;
    this.walked += walked;
    this.records = addRecords(this.records, { read, ingested, failed: refused.length, skipped: 0, warnings });
  }
}
