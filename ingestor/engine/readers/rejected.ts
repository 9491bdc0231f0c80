/**
 * Reject files read again: the raw text of each line is one record of the format that it came from. It keeps its file and
 * number, so that one that is refused again says where it stands in what the user knows.
 */
import { isUtf8 } from 'node:buffer';
import type { CsvOptions, ReadSettings } from '../../contract/task.ts';
import type { RejectedRecord } from '../engine.ts';
import { hasBigInt, parseExact } from '../exact.ts';
import { notAnObject } from '../examine.ts';
import type { RecordError } from '../schema.ts';
import { isObject, type JsonObject } from '../schemadocument.ts';
import { scanRow } from './csv.ts';
import { CsvScanner } from './csvscanner.ts';
import { readJsonLines } from './jsonlines.ts';
import { MovingSink } from './moving.ts';
import { type ParquetRecords, rowGiver } from './parquet.ts';
import {
  type Bytes,
  invalidUtf8,
  malformedJson,
  type RecordSink,
  type RecordSource,
  tooLarge,
  unreadable,
} from './reader.ts';
import { RowRecords } from './rows.ts';

/** Where a record stood when it was refused first. */
export type Origin = Pick<RejectedRecord, 'file' | 'record'>;

export interface ReplaySink extends RecordSink {
  /** The records from here on stand for this one. */
  standFor(origin: Origin | undefined): void;
}

type Records = ParquetRecords & { readonly sink: ReplaySink };

/** Lines hold 64 KiB of raw text, at most six times as long as JSON, and what was wrong with it. 16 MiB. */
const mostLineBytes = 16 * 1024 * 1024;

/** Throws UnreadableFile for what is no reject file. */
export async function readRejects(bytes: Bytes, read: ReadSettings, records: Records): Promise<void> {
  await readJsonLines(
    bytes,
    mostLineBytes,
    new RejectedLines(records.sink, rawReader(read, records), read.maxRecordBytes),
  );
}

/** Gives the record of a raw text to the sink, or refuses it. */
type ReadRaw = (raw: Raw) => void;

function rawReader(read: ReadSettings, records: Records): ReadRaw {
  switch (read.format.type) {
    case 'CSV':
      return csvReader(read.format.csv, records);
    case 'Parquet':
    case 'Avro':
      return parquetReader(records);
    default:
      return jsonReader(records);
  }
}

class RejectedLines implements RecordSink {
  readonly #sink: ReplaySink;
  readonly #readRaw: ReadRaw;
  readonly #maxRecordBytes: number;
  /** Of CSV: those that were told last. */
  #columns: readonly string[] | undefined;

  constructor(sink: ReplaySink, readRaw: ReadRaw, maxRecordBytes: number) {
    this.#sink = sink;
    this.#readRaw = readRaw;
    this.#maxRecordBytes = maxRecordBytes;
  }

  accept(line: JsonObject, { offset }: RecordSource): void {
    if (!isRejected(line)) throw unreadable(`is no reject file: see byte ${offset}`);
    this.#columns = line.columns ?? this.#columns;
    this.#sink.standFor({ file: line.file, record: line.record });
    const raw = new Raw(line, this.#columns);
    if (raw.isCut) this.#sink.refuse(cut(raw), raw);
    else if (raw.size > this.#maxRecordBytes) this.#sink.refuse(tooLarge(this.#maxRecordBytes), raw);
    else this.#readRaw(raw);
  }

  acceptExact(line: JsonObject, source: RecordSource): void {
    this.accept(line, source);
  }

  refuse(_error: RecordError, { offset }: RecordSource): void {
    throw unreadable(`is no reject file: see byte ${offset}`);
  }

  async drain(): Promise<void> {
    await this.#sink.drain();
  }
}

/** A record as it was kept. */
class Raw implements RecordSource {
  readonly offset: number | undefined;
  readonly size: number;
  readonly isCut: boolean;
  readonly columns: readonly string[] | undefined;
  readonly errors: RejectedRecord['errors'];
  readonly #bytes: Buffer;
  #text: string | undefined;

  constructor({ offset, errors, raw, rawBase64, rawBytes }: RejectedRecord, columns: readonly string[] | undefined) {
    this.#bytes = raw === undefined ? Buffer.from(rawBase64 ?? '', 'base64') : Buffer.from(raw);
    this.offset = offset;
    this.size = rawBytes ?? this.#bytes.length;
    this.isCut = rawBytes !== undefined;
    this.columns = columns;
    this.errors = errors;
  }

  raw(): Buffer {
    return this.#bytes;
  }

  /** Undefined where it is no UTF-8. */
  get text(): string | undefined {
    this.#text ??= isUtf8(this.#bytes) ? this.#bytes.toString() : undefined;
    return this.#text;
  }

  exact(): unknown {
    return parseExact(this.text ?? '');
  }
}

function cut({ size }: Raw): RecordError {
  return { code: 'RecordTooLarge', path: '', message: `is ${size} bytes long, so that only its beginning was kept` };
}

function jsonReader({ moves, sink }: Records): ReadRaw {
  const moving = new MovingSink(sink, moves);
  return (raw) => giveParsed(raw, JSON.parse, moving, (record) => moving.accept(record, raw));
}

function parquetReader(records: Records): ReadRaw {
  const give = rowGiver(records);
  return (raw) => {
    // Its bytes are kept as base64, which would now pass for text.
    const bytes = raw.errors.find(({ code }) => code === 'InvalidEncoding');
    if (bytes) records.sink.refuse({ code: 'InvalidEncoding', path: bytes.path, message: bytes.message }, raw);
    else giveParsed(raw, parseExact, records.sink, (record) => give(record, hasBigInt(record), raw));
  };
}

function giveParsed(
  raw: Raw,
  parse: (text: string) => unknown,
  sink: RecordSink,
  give: (record: JsonObject) => void,
): void {
  if (raw.text === undefined) {
    sink.refuse(invalidUtf8, raw);
    return;
  }
  let value: unknown;
  try {
    value = parse(raw.text);
  } catch (error) {
    sink.refuse(malformedJson(error), raw);
    return;
  }
  if (isObject(value)) give(value);
  else sink.refuse(notAnObject, raw);
}

function csvReader(csv: CsvOptions, { columns, moves, sink }: Records): ReadRaw {
  const rows = new RowRecords(columns, moves, sink);
  const scanner = new CsvScanner(csv);
  let header: readonly string[] | undefined;
  return (raw) => {
    const names = raw.columns ?? csv.columns;
    if (names === undefined) {
      sink.refuse({ code: 'MalformedRecord', path: '', message: 'was kept without the names of its fields' }, raw);
      return;
    }
    if (names !== header) rows.header(names);
    header = names;
    const fields = scanRow(raw.raw(), scanner, names.length, csv.charset);
    if ('code' in fields) sink.refuse(fields, raw);
    else rows.row(fields, raw);
  };
}

/** A line of ours, of any version. */
function isRejected(line: JsonObject): line is JsonObject & RejectedRecord {
  const { file, record, offset, errors, raw, rawBase64, rawBytes, columns } = line;
  return (
    typeof file === 'string' &&
    typeof record === 'number' &&
    isOptional(offset, 'number') &&
    Array.isArray(errors) &&
    errors.every(
      (error) => isObject(error) && ['code', 'path', 'message'].every((name) => typeof error[name] === 'string'),
    ) &&
    (typeof raw === 'string' || typeof rawBase64 === 'string') &&
    isOptional(rawBytes, 'number') &&
    (columns === undefined || (Array.isArray(columns) && columns.every((name) => typeof name === 'string')))
  );
}

function isOptional(value: unknown, type: 'number'): boolean {
  return value === undefined || typeof value === type;
}
