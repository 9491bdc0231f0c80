/** Records on their way in: each is counted once, and goes to the data files or to those that are refused. */
import type { DataWriter } from '../parquet/writer.ts';
import type { Examiner } from './examine.ts';
import type { RecordSource } from './readers/reader.ts';
import type { Origin, ReplaySink } from './readers/rejected.ts';
import { RefusalWriter, type Refused } from './rejects.ts';
import type { RecordError } from './schema.ts';
import type { JsonObject } from './schemadocument.ts';

/** What came of records that were read one after the other. Travels between threads. */
export interface Outcome {
  read: number;
  ingested: number;
  warnings: number;
  /** Of the ingested ones, those that the kernel took by itself. */
  walked: number;
  refused: RefusedRecord[];
  /** Characters that are kept of the refused ones. */
  held: number;
}

export interface RefusedRecord {
  /** Its number among the records of this outcome, from 1 on. */
  readonly nth: number;
  /** Where it stood when it was refused before. */
  readonly origin?: Origin | undefined;
  readonly refused: Refused;
}

export class Intake implements ReplaySink {
  readonly #examiner: Examiner;
  readonly #data: DataWriter;
  readonly #row: unknown[] = [];
  readonly #refusals = new RefusalWriter();
  #origin: Origin | undefined;
  #outcome = nothingYet();

  constructor(examiner: Examiner, data: DataWriter) {
    this.#examiner = examiner;
    this.#data = data;
  }

  accept(record: JsonObject, source: RecordSource, warned = false): void {
    const exact = source.exact && (() => source.exact?.());
    this.#settle(this.#examiner.examine(record, this.#row, exact), source, warned);
  }

  acceptExact(record: JsonObject, source: RecordSource, warned = false): void {
    this.#settle(this.#examiner.examineExact(record, this.#row), source, warned);
  }

  refuse(error: RecordError, source: RecordSource): void {
    this.#settle([error], source, false);
  }

  /** The kernel put rows into the columns by itself. */
  took(rows: number, warned: number): void {
    this.#outcome.read += rows;
    this.#outcome.ingested += rows;
    this.#outcome.walked += rows;
    this.#outcome.warnings += warned;
  }

  /** The records from here on stand for this one. */
  standFor(origin: Origin | undefined): void {
    this.#origin = origin;
  }

  async drain(): Promise<void> {
    if (this.#data.isFull) await this.#data.flush();
  }

  /** What came since the last call. */
  outcome(): Outcome {
    const outcome = this.#outcome;
    this.#outcome = nothingYet();
    return outcome;
  }

  #settle(errors: readonly RecordError[], source: RecordSource, warned: boolean): void {
    const outcome = this.#outcome;
    outcome.read += 1;
    if (errors.length === 0) {
      outcome.ingested += 1;
      if (warned || this.#examiner.extra) outcome.warnings += 1;
      this.#data.add(this.#row);
    } else {
      const refused = this.#refusals.refused(errors, source);
      outcome.refused.push({ nth: outcome.read, origin: this.#origin, refused });
      outcome.held += refused.text.length;
    }
  }
}

function nothingYet(): Outcome {
  return { read: 0, ingested: 0, warnings: 0, walked: 0, refused: [], held: 0 };
}
