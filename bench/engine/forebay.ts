/** Ingests a file as a shard does, from one local file to others: `node forebay.ts TASK`, see child.ts. */
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { release } from '../../ingestor/contract/memory.ts';
import type { ByteSink, EngineInput } from '../../ingestor/engine/engine.ts';
import { createEngine } from '../../ingestor/engine/index.ts';
import { layoutOf } from '../../ingestor/engine/testing.ts';
import { type ChildTask, measureWork } from './child.ts';
import { inputNamed } from './data/inputs.ts';

async function ingest({ file, times, threads, outFolder, plain = false }: ChildTask) {
  const engine = createEngine({
    schema: JSON.stringify(schema),
    read: {
      format: format === 'CSV' ? { type: 'CSV', csv: csvOptions } : { type: format },
      compression: 'None',
      mapping: [...mapping],
      maxRecordBytes: 1024 * 1024,
    },
    compression: 'Zstd',
    layout,
    targetFileSizeBytes: 256 * 1024 * 1024,
    threads,
    plain,
    signal: new AbortController().signal,
    openDataFile: (k) => fileSink(join(outFolder, `data-${k}.parquet`)),
    openRejectFile: () => fileSink(join(outFolder, 'rejects.jsonl.zst')),
  });
  for (let time = 0; time < times; time += 1) await engine.ingest(fileInput(file.path, file.bytes));
  const { records, walked, dataFiles } = await engine.finish();
  const bytes = dataFiles.reduce((sum, { bytes }) => sum + bytes, 0);
  return {
    outputBytes: bytes,
    rows: records.ingested,
    records: { read: records.read, failed: records.failed, walked },
  };
}

const csvOptions = {
  delimiter: ',',
  quote: '"',
  escape: '"',
  header: true,
  charset: 'UTF-8',
  skipLines: 0,
  comment: '',
} as const;

/** As the local store reads: pieces of 1 MiB, each in a buffer of its own. */
const readBytes = 1024 * 1024;

function fileInput(path: string, size: number): EngineInput {
  return {
    name: path,
    size,
    async *read(start = 0, end = size) {
      await using file = await open(path);
      for (let position = start; position < end; ) {
        const buffer = Buffer.allocUnsafeSlow(Math.min(readBytes, end - position));
        const { bytesRead } = await file.read({ buffer, position });
        if (bytesRead === 0) return;
        position += bytesRead;
        yield buffer.subarray(0, bytesRead);
      }
    },
  };
}

function fileSink(path: string): ByteSink {
  let file: Promise<FileHandle> | undefined;
  let written = 0;
  const opened = () => (file ??= open(path, 'w'));
  return {
    key: path,
    async write(bytes) {
      await (await opened()).writeFile(bytes);
      written += bytes.length;
      release(bytes);
    },
    async complete() {
      await (await opened()).close();
      return written;
    },
    async abort() {
      await (await file)?.close();
    },
  };
}

const task: ChildTask = JSON.parse(process.argv[2] ?? '');
const { schema, mapping, format } = inputNamed(task.input);
// Of the plan, which a shard does not make.
const layout = layoutOf(schema);
await measureWork(() => ingest(task));
