/**
 * What a reader of the lake sees in a version of the table, of either format, and what rows a data file holds. Shares no
 * code with those who write them.
 */
import { parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { type AvroRow, readAvro } from './avro.ts';
import { readSmallFile } from './small-files.ts';

export type ReadObject = (key: string) => Uint8Array | undefined;

export interface SeenVersion {
  /** +1 with each commit of ours. */
  readonly number: number;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly properties: Readonly<Record<string, string>>;
  readonly totals: SeenTotals;
  /** Data files that it holds now, by key: rows. */
  readonly files: ReadonlyMap<string, number>;
  /** Keys of everything that somebody may read who reads this version, or travels from it to a snapshot. */
  readonly named: ReadonlySet<string>;
  readonly snapshots: readonly SeenSnapshot[];
}

export interface SeenTotals {
  readonly records: number;
  readonly ingested: number;
  readonly failed: number;
  readonly batches: { readonly succeeded: number; readonly failed: number };
}

export interface SeenSnapshot {
  readonly id: string;
  readonly sequence: number;
  readonly time: number;
}

const versionPattern = /^table-[0-9a-f-]{36}\/metadata\/v([1-9][0-9]*)\.metadata\.json$/;

/** The number in the name of a version's file. */
export function parseVersionKey(key: string): number | undefined {
  const [, number] = versionPattern.exec(key) ?? [];
  return number === undefined ? undefined : Number(number);
}

/** Throws when it is not as a reader needs it. `place`: URL of what keys are relative to. */
export function readVersion(body: Uint8Array, read: ReadObject, place: string): SeenVersion {
  const metadata = JSON.parse(quoteLongs(Buffer.from(body).toString()));
  return 'format-version' in metadata ? readIceberg(metadata, read, place) : readParquetTable(metadata);
}

/** Numbers that are not exact in JavaScript become text. */
function quoteLongs(text: string): string {
  return text.replace(/(?<=[:[,]\s*)-?[0-9]{16,}(?=\s*[,\]}])/g, '"$&"');
}

interface ParquetMetadata {
  readonly sequence: number;
  readonly lastCommitTime: number;
  readonly properties: Record<string, string>;
  readonly totals: SeenTotals;
  readonly files: readonly { readonly key: string; readonly rows: number }[];
}

function readParquetTable(metadata: ParquetMetadata): SeenVersion {
  const files = new Map(metadata.files.map(({ key, rows }) => [key, rows]));
  return {
    number: metadata.sequence,
    time: metadata.lastCommitTime,
    properties: metadata.properties,
    totals: metadata.totals,
    files,
    named: new Set(files.keys()),
    snapshots: [],
  };
}

/** As the specification has it, parsed; numbers of 64 bits as text or bigint where they are not exact. */
export interface IcebergMetadata {
  readonly 'last-updated-ms': number;
  readonly 'last-sequence-number': number | string | bigint;
  readonly 'current-snapshot-id'?: number | string | bigint;
  readonly properties?: Readonly<Record<string, string>>;
  readonly refs?: Readonly<Record<string, { readonly 'snapshot-id': number | string | bigint }>>;
  readonly snapshots?: readonly {
    readonly 'snapshot-id': number | string | bigint;
    readonly 'sequence-number': number | string | bigint;
    readonly 'timestamp-ms': number;
    readonly 'manifest-list': string;
    readonly summary: Readonly<Record<string, string>>;
  }[];
}

/** Of either catalog. Manifests and lists never change, so each is read once. */
export function readIceberg(metadata: IcebergMetadata, read: ReadObject, place: string): SeenVersion {
  const named = new Set<string>();
  let files: ReadonlyMap<string, number> = new Map();
  let records = 0;
  const current = String(metadata['current-snapshot-id'] ?? -1);
  const snapshots = metadata.snapshots ?? [];
  for (const snapshot of snapshots) {
    const held = readSnapshot(keyOf(snapshot['manifest-list'], place), read, place, named);
    if (String(snapshot['snapshot-id']) !== current) continue;
    files = held;
    records = sum(held);
    const told = snapshot.summary['total-records'];
    if (told !== undefined && Number(told) !== records) throw new Error(`summary says ${told} records of ${records}`);
    const toldFiles = snapshot.summary['total-data-files'];
    if (toldFiles !== undefined && Number(toldFiles) !== held.size) throw new Error(`summary says ${toldFiles} files`);
  }
  if (current !== '-1' && !snapshots.some((one) => String(one['snapshot-id']) === current)) {
    throw new Error(`the current snapshot ${current} is not there`);
  }
  for (const { 'snapshot-id': id } of Object.values(metadata.refs ?? {})) {
    if (!snapshots.some((one) => String(one['snapshot-id']) === String(id)))
      throw new Error(`a reference to ${id}, gone`);
  }
  const { properties = {} } = metadata;
  const totals = JSON.parse(properties['forebay.totals'] ?? '{}');
  return {
    number: Number(properties['forebay.sequence'] ?? 0),
    time: metadata['last-updated-ms'],
    properties,
    totals: { ingested: 0, failed: 0, batches: { succeeded: 0, failed: 0 }, ...totals, records },
    files,
    named,
    snapshots: snapshots.map((one) => ({
      id: String(one['snapshot-id']),
      sequence: Number(one['sequence-number']),
      time: one['timestamp-ms'],
    })),
  };
}

function sum(files: ReadonlyMap<string, number>): number {
  return [...files.values()].reduce((total, rows) => total + rows, 0);
}

function readSnapshot(list: string, read: ReadObject, place: string, named: Set<string>): ReadonlyMap<string, number> {
  named.add(list);
  const files = new Map<string, number>();
  for (const manifest of readOnce(list, read)) {
    if (Number(manifest.content ?? 0) !== 0) throw new Error(`${String(manifest.manifest_path)} holds deletes`);
    const key = keyOf(String(manifest.manifest_path), place);
    named.add(key);
    for (const entry of readOnce(key, read)) {
      if (Number(entry.status) === 2) continue;
      const file = entry.data_file as AvroRow;
      const path = keyOf(String(file.file_path), place);
      if (files.has(path)) throw new Error(`${list} names ${path} twice`);
      files.set(path, Number(file.record_count));
      named.add(path);
    }
  }
  return files;
}

const seen = new Map<string, { body: Uint8Array; rows: AvroRow[] }>();

/** By content: the key is of one run, and runs come one after the other. */
function readOnce(key: string, read: ReadObject): AvroRow[] {
  const body = read(key);
  if (body === undefined) throw new Error(`${key} is named and not there`);
  const known = seen.get(key);
  if (known?.body === body) return known.rows;
  const rows = readAvro(body);
  seen.set(key, { body, rows });
  return rows;
}

/** Between two runs. */
export function forgetManifests(): void {
  seen.clear();
}

function keyOf(url: string, place: string): string {
  if (!url.startsWith(`${place}/`)) throw new Error(`${url} is not below ${place}`);
  return url.slice(place.length + 1);
}

/** Ids of the rows of data files; those of the real format take a moment. */
export class DataFiles {
  readonly #ids = new Map<string, readonly string[]>();

  written(key: string, body: Uint8Array): void {
    const rows = readSmallFile(Buffer.from(body).toString());
    if (rows !== undefined) {
      this.#ids.set(
        key,
        rows.map(({ id }) => id),
      );
    } else {
      const file = new Uint8Array(body).buffer;
      void parquetReadObjects({ file, compressors }).then((rows) => {
        this.#ids.set(
          key,
          rows.map((row) => String(row.id)),
        );
      });
    }
  }

  ids(key: string): readonly string[] {
    const ids = this.#ids.get(key);
    if (ids === undefined) throw new Error(`${key} was never written`);
    return ids;
  }
}
