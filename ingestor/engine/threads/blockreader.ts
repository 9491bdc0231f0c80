/** Reads blocks of whole records, as a reader of a whole file would read them there. */
import { ForebayError } from '../../contract/errors.ts';
import { free } from '../../contract/memory.ts';
import { Kernel } from '../../kernel/kernel.ts';
import { DataWriter } from '../../parquet/writer.ts';
import type { ByteSink, DataFile } from '../engine.ts';
import { createExaminer, type Examiner } from '../examine.ts';
import { Intake, type Outcome } from '../intake.ts';
import { compileMoves, type Move } from '../mapping.ts';
import { readRows } from '../readers/csv.ts';
import { readLines } from '../readers/jsonlines.ts';
import { MovingSink } from '../readers/moving.ts';
import { RowRecords } from '../readers/rows.ts';
import { parseSchemaDocument } from '../schemadocument.ts';
import { createWalkers, type Walkers, walkPlan } from '../walk.ts';
import type { Block, ThreadSettings } from './messages.ts';

export class BlockReader {
  readonly #settings: ThreadSettings;
  readonly #examiner: Examiner;
  readonly #moves: readonly Move[];
  readonly #data: DataWriter;
  readonly #intake: Intake;
  readonly #walkers: Walkers;
  readonly #rows: RowRecords;

  constructor(settings: ThreadSettings, openDataFile: () => ByteSink) {
    this.#settings = settings;
    const document = parseSchemaDocument(settings.schema);
    const plan = walkPlan(document, settings);
    this.#examiner = createExaminer(document, true);
    const { columns } = this.#examiner;
    const { compression, layout, targetFileSizeBytes, read } = settings;
    this.#moves = compileMoves(read.mapping, columns);
    const kernel = new Kernel();
    this.#data = new DataWriter({ columns, compression, layout, targetFileSizeBytes, open: openDataFile, kernel });
    this.#intake = new Intake(this.#examiner, this.#data);
    this.#rows = new RowRecords(columns, this.#moves, this.#intake);
    this.#walkers = createWalkers(plan, read, columns, this.#moves, kernel, this.#intake);
  }

  async read({ bytes, offset, columns }: Block): Promise<Outcome> {
    const { format, maxRecordBytes } = this.#settings.read;
    const intake = this.#intake;
    if (format.type === 'JSONLines') {
      readLines(bytes, offset, maxRecordBytes, new MovingSink(intake, this.#moves), this.#walkers.lines);
    } else if (format.type === 'CSV' && columns) {
      const csv = { ...format.csv, header: false, skipLines: 0, columns: [...columns] };
      await readRows(bytes, offset, csv, maxRecordBytes, this.#rows, intake, (names) => this.#walkers.rows(names));
    } else {
      throw new ForebayError('InvalidTask', `${format.type} is not read in blocks`);
    }
    free(bytes);
    await intake.drain();
    return intake.outcome();
  }

  async finish(): Promise<readonly DataFile[]> {
    return await this.#data.finish();
  }
}
