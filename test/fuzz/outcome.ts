/** What an engine makes of a trial, in a form that can be compared. */
import { createHash } from 'node:crypto';
import { ForebayError } from '../../ingestor/contract/errors.ts';
import { cutCsv, cutJsonLines } from '../../ingestor/engine/cut.ts';
import type { Engine, EngineInput, EngineSettings, InputRange, RejectedRecord } from '../../ingestor/engine/engine.ts';
import { createEngine } from '../../ingestor/engine/index.ts';
import { engineSettings, rejectsOf, rowsOf } from '../../ingestor/engine/testing.ts';
import { bytesOf, type Trial } from './trial.ts';

/** Counts, places, refusals and rows, as plain values. */
export interface Outcome {
  readonly failure?: { readonly code: string; readonly message: string };
  /** Of each input: its counts, its bytes, its span. */
  readonly inputs: readonly unknown[];
  readonly counts: unknown;
  readonly errors: readonly unknown[];
  readonly rejects: readonly RejectedRecord[];
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  /** SHA-256 of the data files, where all rows fit one row group: both ways fill the same columns. */
  readonly digests: readonly string[];
  /** Of the rows, those that the kernel took by itself. */
  readonly walked: number;
}

export type MakeEngine = (settings: EngineSettings) => Engine;

export const fastEngine: MakeEngine = createEngine;
export const plainEngine: MakeEngine = (settings) => createEngine({ ...settings, plain: true });

/** Throws what is no ForebayError: that is a defect whoever throws it. */
export async function outcomeOf(trial: Trial, make: MakeEngine = fastEngine): Promise<Outcome> {
  const files = new Map<string, Buffer>();
  const { schema, mapping, format, maxRecordBytes, targetFileSizeBytes, threads } = trial;
  const options = { format, mapping, maxRecordBytes, targetFileSizeBytes, threads, inputCompression: 'None' as const };
  const inputs: unknown[] = [];
  let engine: Engine | undefined;
  try {
    engine = make(engineSettings(schema, files, options));
    for (const input of await inputsOf(trial)) inputs.push(await engine.ingest(input));
    const { records, errors, dataFiles, walked } = await engine.finish();
    const rows = await Promise.all(dataFiles.map(({ key }) => rowsOf(files.get(key) ?? Buffer.alloc(0))));
    const rejects = rejectsOf(files.get('rejects'));
    const digests = dataFiles.map(({ key }) => digestOf(files.get(key)));
    return { inputs, counts: records, errors, rejects, rows: rows.flat(), digests, walked };
  } catch (error) {
    await engine?.abort();
    if (!(error instanceof ForebayError)) throw error;
    const { code, message } = error;
    return {
      failure: { code, message },
      inputs,
      counts: undefined,
      errors: [],
      rejects: [],
      rows: [],
      digests: [],
      walked: 0,
    };
  }
}

function digestOf(bytes: Uint8Array = new Uint8Array()): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function inputsOf(trial: Trial): Promise<EngineInput[]> {
  const bytes = bytesOf(trial);
  const ranges = await rangesOf(trial, bytes);
  const input = {
    name: 'file',
    size: bytes.length,
    read: (start = 0, end = bytes.length) => inPieces(bytes, start, end, trial),
  };
  return ranges.length === 0 ? [input] : ranges.map((range) => ({ ...input, range }));
}

async function rangesOf(trial: Trial, bytes: Buffer): Promise<readonly InputRange[]> {
  const { format, parts, maxRecordBytes } = trial;
  if (parts === 1 || bytes.length === 0) return [];
  const targetBytes = Math.ceil(bytes.length / parts);
  if (format.type === 'JSONLines') return cutJsonLines(bytes.length, targetBytes);
  if (format.type !== 'CSV') return [];
  return await cutCsv(inPieces(bytes, 0, bytes.length, trial), format.csv, {
    size: bytes.length,
    targetBytes,
    maxRecordBytes,
  });
}

async function* inPieces(bytes: Buffer, start: number, end: number, { pieces }: Trial): AsyncGenerator<Uint8Array> {
  for (let at = start, turn = 0; at < end; turn += 1) {
    const next = Math.min(end, at + (pieces[turn % pieces.length] ?? 1));
    // A buffer of its own, so that whoever reads past it does not read on in the file.
    yield Buffer.from(bytes.subarray(at, next));
    at = next;
  }
}
