/** Large files, cut where their format allows it, so that several shards read one. */
import type { PlanInput } from '../commit/documents.ts';
import type { Piece } from '../commit/plan.ts';
import { ForebayError } from '../contract/errors.ts';
import type { ReadSettings } from '../contract/task.ts';
import type { EngineInput } from '../engine/engine.ts';
import type { OpenInput } from './inputs.ts';

/**
 * Parts of about `targetBytes` that tile the file; none where it is to be read whole: it cannot be cut, or changed since
 * it was listed, which whoever reads it finds out. `onRead` is told of the bytes that had to be read.
 */
export async function cutFile(
  planned: PlanInput,
  open: OpenInput,
  read: ReadSettings,
  targetBytes: number,
  onRead: (bytes: number) => void,
): Promise<readonly Piece[]> {
  try {
    const ranges = await findRanges(open(planned), read, targetBytes, onRead);
    return ranges.map(({ bytes, columns, ...range }) => ({
      input: { ...planned, range: { ...range, ...(columns === undefined ? {} : { columns: [...columns] }) } },
      bytes,
    }));
  } catch (thrown) {
    if (thrown instanceof ForebayError && thrown.code === 'FileChanged') return [];
    throw thrown;
  }
}

async function findRanges(
  input: EngineInput,
  { format, compression, maxRecordBytes, ...read }: ReadSettings,
  targetBytes: number,
  onRead: (bytes: number) => void,
) {
  const { canCut, cutCsv, cutJsonLines, cutParquet, headBytes } = await import('../engine/cut.ts');
  if (format.type === 'Parquet') return await cutParquet(input, targetBytes);
  if (!canCut({ format, compression, maxRecordBytes, ...read }, await readHead(input, headBytes))) return [];
  if (format.type !== 'CSV') return cutJsonLines(input.size, targetBytes);
  return await cutCsv(counted(input.read(), onRead), format.csv, { size: input.size, targetBytes, maxRecordBytes });
}

async function readHead(input: EngineInput, headBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of input.read(0, headBytes)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function* counted(bytes: AsyncIterable<Uint8Array>, onRead: (bytes: number) => void) {
  for await (const chunk of bytes) {
    onRead(chunk.length);
    yield chunk;
  }
}
