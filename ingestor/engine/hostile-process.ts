/**
 * For tests: reads hostile inputs in a process of its own, one after the other, so that its memory can be told. Prints what
 * came of each, and the most memory that it had, as JSON. `node hostile-process.ts THREADS`
 */
import type { CsvOptions, Format } from '../contract/task.ts';
import type { EngineInput } from './engine.ts';
import { createEngine } from './index.ts';
import { engineSettings } from './testing.ts';

interface Hostile {
  readonly format: Format;
  /** What the file has, piece by piece, each so many times. */
  readonly pieces: readonly (readonly [text: string, times?: number])[];
}

const csvOptions: CsvOptions = {
  delimiter: ',',
  quote: '"',
  escape: '"',
  header: true,
  charset: 'UTF-8',
  skipLines: 0,
  comment: '',
};
const csv: Format = { type: 'CSV', csv: csvOptions };
const lines: Format = { type: 'JSONLines' };
const array: Format = { type: 'JSON' };
/** 1 MiB. */
const long = 'x'.repeat(2 ** 20);
const columns = Array.from({ length: 1_000_000 }, (_, index) => `c${index}`).join();

const inputs: Readonly<Record<string, Hostile>> = {
  'line of 200 MB': { format: lines, pieces: [['{"a":"1"}\n{"a":"'], [long, 200], ['"}\n{"a":"2"}\n']] },
  'last line of 100 MB': { format: lines, pieces: [['{"a":"1"}\n'], [long, 100]] },
  'element of 100 MB': { format: array, pieces: [['[{"a":"1"},{"a":"'], [long, 100], ['"},{"a":"2"}]']] },
  'row of 100 MB': { format: csv, pieces: [['a\n1\n'], [long, 100], ['\n2\n']] },
  'quoted field of 100 MB': { format: csv, pieces: [['a\n1\n"'], [long, 100], ['"\n2\n']] },
  'header of 100 MB': { format: csv, pieces: [[long, 100], ['\n1\n']] },
  'header of a million columns': { format: csv, pieces: [[`a,${columns}\n1${','.repeat(1_000_000)}\n2\n`]] },
  'row of a million fields': { format: csv, pieces: [[`a\n1\n${','.repeat(1_000_000)}\n2\n`]] },
  'record of a million fields': {
    format: lines,
    pieces: [['{"a":"1"}\n{"a":"2"'], ...Array.from({ length: 100 }, (_, n) => [fieldsOf(n)] as const), ['}\n']],
  },
  'lines of nothing': { format: lines, pieces: [['\n'.repeat(2 ** 20), 20], ['{"a":"1"}\n']] },
  'rows of nothing': { format: csv, pieces: [['a,b\n'], ['\n'.repeat(2 ** 20), 20], ['1,2\n']] },
  'spaces without end': { format: array, pieces: [[' '.repeat(2 ** 20), 50], ['[{"a":"1"}]']] },
  'NUL bytes without end': { format: lines, pieces: [['\0'.repeat(2 ** 20), 50], ['\n{"a":"1"}\n']] },
  'brackets without end': { format: lines, pieces: [['{"a":'], ['['.repeat(2 ** 20), 50], ['\n{"a":"1"}\n']] },
  'an array of brackets': { format: array, pieces: [['['.repeat(2 ** 20), 200]] },
  'bad lines without end': { format: lines, pieces: [['{"a":1,"b":"not what it should be"}\n'.repeat(2 ** 14), 30]] },
};

function fieldsOf(part: number): string {
  return Array.from({ length: 10_000 }, (_, index) => `,"f${part * 10_000 + index}":${index}`).join('');
}

function inputOf({ pieces }: Hostile): EngineInput {
  const parts = pieces.map(([text, times = 1]) => ({ bytes: Buffer.from(text), times }));
  return {
    name: 'hostile',
    size: parts.reduce((sum, { bytes, times }) => sum + bytes.length * times, 0),
    async *read(_start = 0, end = Number.POSITIVE_INFINITY) {
      let left = end;
      for (const { bytes, times } of parts) {
        for (let time = 0; time < times && left > 0; time += 1) {
          yield Buffer.from(bytes.subarray(0, left));
          left -= bytes.length;
        }
      }
    },
  };
}

/** Takes what is written and forgets it. */
function nowhere(key: string) {
  let bytes = 0;
  return {
    key,
    write: async (piece: Uint8Array) => {
      bytes += piece.length;
    },
    complete: async () => bytes,
    abort: async () => {},
  };
}

async function run(hostile: Hostile, threads: number) {
  const schema = { properties: { a: { type: 'string' } } };
  const engine = createEngine({
    ...engineSettings(schema, new Map(), { format: hostile.format, maxRecordBytes: 16 * 1024 * 1024 }),
    threads,
    openDataFile: (k) => nowhere(`data-${k}`),
    openRejectFile: () => nowhere('rejects'),
  });
  try {
    await engine.ingest(inputOf(hostile));
    const { records, errors } = await engine.finish();
    const codes = errors.map(({ code, count }) => `${count} ${code}`).join();
    return `${records.read} read, ${records.ingested} ingested: ${codes}`;
  } catch (error) {
    await engine.abort();
    return error instanceof Error ? error.message : String(error);
  }
}

const outcomes: Record<string, string> = {};
for (const [name, hostile] of Object.entries(inputs)) {
  outcomes[name] = await run(hostile, Number(process.argv[2]));
}
// In KiB.
const mostMiB = Math.round(process.resourceUsage().maxRSS / 1024);
process.stdout.write(JSON.stringify({ outcomes, mostMiB }));
