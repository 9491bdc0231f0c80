/** Stands for `ingestor/parquet/rewrite.ts` in simulations: rows of data files of simulations into others. */
import type { DataFile } from '../../ingestor/engine/engine.ts';
import {
  type RewriteSettings,
  rewriteFiles as rewriteRealFiles,
  type TableInput,
} from '../../ingestor/parquet/rewrite.ts';
import { inForce, readSmallFile, type SmallRow, writeSmallFiles } from '../support/small-files.ts';

export * from '../../ingestor/parquet/rewrite.ts';

export async function rewriteFiles(
  settings: RewriteSettings,
  inputs: Iterable<TableInput> | AsyncIterable<TableInput>,
): Promise<readonly DataFile[]> {
  if (inForce.isReal) return await rewriteRealFiles(settings, inputs);
  const rows: SmallRow[] = [];
  for await (const input of inputs) {
    const pieces: Uint8Array[] = [];
    for await (const piece of input.read(0, input.size)) pieces.push(piece);
    rows.push(...(readSmallFile(Buffer.concat(pieces).toString()) ?? []));
  }
  return await writeSmallFiles(settings, rows);
}
