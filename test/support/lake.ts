/**
 * What is in a dataset's table, seen by a reader that shares no code with us: DuckDB over the files that the table's
 * newest published version lists, in either format.
 */
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { GetObjectCommand, ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3';
import { DuckDBInstance, type JS } from '@duckdb/node-api';
import { type S3Address, s3Client } from '../servers/s3.ts';
import { readLiveFiles } from './iceberg.ts';

export type TableLocation = { address: S3Address; bucket: string; prefix?: string };

/** Runs SQL over the view `records`; a dataset without a commit has no such view, which gives no rows. */
export async function queryTable(location: TableLocation, sql: string): Promise<Record<string, JS>[]> {
  const client = s3Client(location.address);
  try {
    return await queryFiles(location, await tableFiles(client, location), sql);
  } finally {
    client.destroy();
  }
}

/** As `queryTable`, over these objects below the dataset's prefix. */
export async function queryFiles(location: TableLocation, keys: string[], sql: string): Promise<Record<string, JS>[]> {
  if (keys.length === 0) return [];
  const client = s3Client(location.address);
  const folder = await mkdtemp(join(tmpdir(), 'forebay-lake-'));
  try {
    const files = await download(client, location, keys, folder);
    const connection = await (await DuckDBInstance.create()).connect();
    const list = files.map((file) => `'${file}'`).join(', ');
    // By name: files may be older than a column.
    await connection.run(`CREATE VIEW records AS SELECT * FROM read_parquet([${list}], union_by_name = true)`);
    const reader = await connection.runAndReadAll(sql);
    const rows = reader.getRowObjectsJS();
    connection.closeSync();
    return rows;
  } finally {
    await rm(folder, { recursive: true });
    client.destroy();
  }
}

export async function countRecords(location: TableLocation): Promise<number> {
  const [row] = await queryTable(location, 'SELECT count(*)::DOUBLE AS records FROM records');
  return Number(row?.records ?? 0);
}

/** Keys below the dataset's prefix. */
export async function listKeys(location: TableLocation, below = ''): Promise<string[]> {
  const client = s3Client(location.address);
  try {
    return await keysBelow(client, location.bucket, place(location) + below);
  } finally {
    client.destroy();
  }
}

/** Text of an object below the dataset's prefix. */
export async function readText(location: TableLocation, key: string): Promise<string> {
  const client = s3Client(location.address);
  try {
    return await textOf(client, location.bucket, place(location) + key);
  } finally {
    client.destroy();
  }
}

/** Bytes of an object below the dataset's prefix. */
export async function readBytes(location: TableLocation, key: string): Promise<Uint8Array> {
  const client = s3Client(location.address);
  try {
    return await bytesOf(client, location.bucket, place(location) + key);
  } finally {
    client.destroy();
  }
}

/** Keys of the files that hold the rows. */
async function tableFiles(client: S3Client, location: TableLocation): Promise<string[]> {
  const { bucket } = location;
  const prefix = place(location);
  const dataset = JSON.parse(await textOf(client, bucket, `${prefix}dataset.json`));
  const table = `${prefix}table-${dataset.table.uuid}`;
  const version = (await textOf(client, bucket, `${table}/metadata/version-hint.text`)).trim();
  const metadata = JSON.parse(await textOf(client, bucket, `${table}/metadata/v${version}.metadata.json`));
  return 'format-version' in metadata ? await icebergFiles(client, location, metadata) : parquetFiles(metadata);
}

async function download(client: S3Client, location: TableLocation, keys: string[], folder: string): Promise<string[]> {
  return Promise.all(
    keys.map(async (key, index) => {
      const file = join(folder, `${index}.parquet`);
      const { Body } = await client.send(new GetObjectCommand({ Bucket: location.bucket, Key: place(location) + key }));
      if (!(Body instanceof Readable)) throw new Error(`${key}: no body`);
      await pipeline(Body, createWriteStream(file));
      return file;
    }),
  );
}

function parquetFiles({ files }: { files: { key: string }[] }): string[] {
  return files.map(({ key }) => key);
}

interface IcebergMetadata {
  readonly 'current-snapshot-id'?: number;
  readonly snapshots?: { 'snapshot-id': number; 'manifest-list': string }[];
}

/** Ids lose their last digits here: enough to tell snapshots of a test apart. */
async function icebergFiles(client: S3Client, location: TableLocation, metadata: IcebergMetadata): Promise<string[]> {
  const { bucket } = location;
  const current = metadata.snapshots?.find((it) => it['snapshot-id'] === metadata['current-snapshot-id']);
  if (current === undefined) return [];
  const start = `s3://${bucket}/`;
  const read = async (url: string) => await bytesOf(client, bucket, url.slice(start.length));
  const files = await readLiveFiles(read, current['manifest-list']);
  return files.map(({ path }) => path.slice(start.length + place(location).length));
}

async function bytesOf(client: S3Client, bucket: string, key: string): Promise<Uint8Array> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
  if (!Body) throw new Error(`${key}: no body`);
  return await Body.transformToByteArray();
}

async function keysBelow(client: S3Client, bucket: string, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for (let token: string | undefined; ; ) {
    const page = await client.send(
      new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ContinuationToken: token }),
    );
    for (const { Key } of page.Contents ?? []) if (Key) keys.push(Key.slice(prefix.length));
    token = page.NextContinuationToken;
    if (!token) return keys.sort();
  }
}

async function textOf(client: S3Client, bucket: string, key: string): Promise<string> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
  return (await Body?.transformToString()) ?? '';
}

function place({ prefix }: TableLocation): string {
  return prefix ? `${prefix}/` : '';
}
