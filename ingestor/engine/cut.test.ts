import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../test/support/waiting.ts';
import { addRecords, zeroRecords } from '../contract/counts.ts';
import type { CsvOptions, Format, ReadSettings } from '../contract/task.ts';
import { DataWriter } from '../parquet/writer.ts';
import { type CutRange, canCut, cutCsv, cutJsonLines, cutParquet } from './cut.ts';
import type { EngineInput, InputRange, RejectedRecord } from './engine.ts';
import { createEngine } from './index.ts';
import { engineSettings, type Ingested, inputOf, memorySink, type Options, rejectsOf, rowsOf } from './testing.ts';

const csv: CsvOptions = {
  delimiter: ',',
  quote: '"',
  escape: '"',
  header: true,
  charset: 'UTF-8',
  skipLines: 0,
  comment: '',
};
const schema = {
  type: 'object',
  properties: { id: { type: 'integer' }, text: { type: 'string', maxLength: 12 } },
};
const maxRecordBytes = 60;

/** Whole numbers from 0 on, the same ones for the same seed. */
function randomFrom(seed: number): (below: number) => number {
  const { number } = seededRandom(seed);
  return (below) => Math.floor(number() * below);
}

type Random = ReturnType<typeof randomFrom>;

function pick<T>(random: Random, from: readonly T[], fallback: T): T {
  return from[random(from.length)] ?? fallback;
}

type Read = Pick<Ingested, 'rows' | 'rejects' | 'inputs' | 'output'>;

/** An input read by an engine of its own, as another pod would. */
async function read(input: EngineInput, options: Options): Promise<Read> {
  const files = new Map<string, Buffer>();
  const engine = createEngine(engineSettings(schema, files, options));
  const inputs = [await engine.ingest(input)];
  const output = await engine.finish();
  const rows = await Promise.all(output.dataFiles.map(({ key }) => rowsOf(files.get(key) ?? Buffer.alloc(0))));
  return { output, inputs, rows: rows.flat(), rejects: rejectsOf(files.get('rejects')) };
}

/** What the parts of a file say together is what the whole file says, and their spans meet from its start to its end. */
async function expectSame(
  bytes: Buffer,
  ranges: readonly InputRange[],
  options: Options,
  random: Random,
): Promise<void> {
  const input = () => inputOf(bytes, 'file', 1 + random(40));
  const whole = await read(input(), options);
  const parts: Read[] = [];
  for (const range of ranges) parts.push(await read({ ...input(), range }, options));
  const numbered = ranges.every(({ records }) => records !== undefined);
  // Each reject file names the columns once.
  const known = ({ record, columns: _, ...rest }: RejectedRecord) => ({ ...rest, record: numbered ? record : 0 });
  expect(parts.flatMap((part) => part.rejects).map(known)).toEqual(whole.rejects.map(known));
  expect(parts.flatMap((part) => part.rows)).toEqual(whole.rows);
  const counts = parts.reduce((sum, part) => addRecords(sum, part.output.records), zeroRecords());
  expect(counts).toEqual(whole.output.records);
  expect(tiles(parts.map((part) => part.inputs[0]?.span))).toEqual([0, bytes.length]);
  expect(parts.reduce((sum, part) => sum + part.output.inputBytes, 0)).toBe(bytes.length);
}

/** From where to where the spans reach without a gap. */
function tiles(spans: readonly ({ readonly from: number; readonly to: number } | undefined)[]): unknown {
  for (const [index, span] of spans.entries()) {
    const next = spans[index + 1];
    if (!span || span.from > span.to || (next && next.from !== span.to)) return spans;
  }
  return [spans[0]?.from, spans.at(-1)?.to];
}

const jsonLines = [
  '{"id":1,"text":"a"}',
  '{"id":2}',
  '',
  '  ',
  'no json',
  '{"text":"far too long a text"}',
  `{"text":"${'x'.repeat(80)}"}`,
  '{"id":"seven"}',
  '{"text":"ä😀"}',
  '{"id":3}\r',
];

describe('JSON lines', () => {
  test.each(Array.from({ length: 50 }, (_, seed) => seed))(
    'cut anywhere give the same records (seed %i)',
    async (seed) => {
      const random = randomFrom(seed);
      const lines = Array.from({ length: random(40) }, () => pick(random, jsonLines, ''));
      const text = `${pick(random, ['', '\ufeff'], '')}${lines.join('\n')}${pick(random, ['', '\n'], '')}`;
      const bytes =
        random(4) === 0 ? Buffer.concat([Buffer.from(text), Buffer.from([0x0a, 0xff, 0x0a])]) : Buffer.from(text);
      const cuts = Array.from({ length: random(8) }, () => random(bytes.length + 1)).sort((a, b) => a - b);
      const borders = [0, ...cuts, bytes.length];
      const ranges = borders.slice(1).map((end, index) => ({ start: borders[index] ?? 0, end }));
      await expectSame(bytes, ranges, { maxRecordBytes }, random);
    },
  );

  test('are cut into even parts about the target', () => {
    expect(cutJsonLines(100, 30)).toEqual([
      { start: 0, end: 33, bytes: 33 },
      { start: 33, end: 66, bytes: 33 },
      { start: 66, end: 100, bytes: 34 },
    ]);
    expect(cutJsonLines(100, 80)).toEqual([]);
    expect(cutJsonLines(0, 80)).toEqual([]);
  });

  test('a part without a record says where the next one begins', async () => {
    const bytes = Buffer.from(`{"id":1,"text":"${'x'.repeat(50)}"}\n{"id":2}\n`);
    const { inputs, output } = await read({ ...inputOf(bytes), range: { start: 10, end: 20 } }, {});
    expect([output.records.read, inputs[0]?.span]).toEqual([0, { from: 69, to: 69 }]);
  });

  test('little is read past the end of a part', async () => {
    const bytes = Buffer.from('{"id":1}\n'.repeat(100_000));
    let last = 0;
    const { size, name, read: all } = inputOf(bytes);
    const watched: EngineInput = {
      name,
      size,
      range: { start: 5, end: 3005 },
      read: (start, end) => {
        last = end ?? size;
        return all(start, end);
      },
    };
    expect((await read(watched, {})).output.records.read).toBe(333);
    expect(last).toBeLessThan(100_000);
  });
});

const csvLines = [
  '1,a',
  '2,"b"',
  '3,"two\nlines"',
  '4,"a ""quoted"" one"',
  '5',
  '',
  'x,y',
  '# a comment',
  '"6","a"x',
  '7,"never closed',
  `8,${'y'.repeat(70)}`,
  `9,"${'z\n'.repeat(40)}"`,
  '10,far too long a text',
  '11,ä😀\r',
  `# ${'long comment '.repeat(10)}`,
];

function randomCsv(random: Random): { bytes: Buffer; options: CsvOptions } {
  const options: CsvOptions = {
    ...csv,
    header: random(3) > 0,
    skipLines: random(4) === 0 ? 2 : 0,
    comment: random(2) === 0 ? '#' : '',
    ...(random(3) === 0 ? { columns: ['id', 'text'] } : {}),
  };
  const head = [
    ...(options.skipLines > 0 ? ['skipped', `${'skipped '.repeat(20)}`] : []),
    ...(options.header ? ['id,text'] : ['0,zero']),
  ];
  const lines = Array.from({ length: random(40) }, () => pick(random, csvLines, ''));
  const lineEnd = pick(random, ['\n', '\r\n'], '\n');
  const text = [...head, ...lines].join(lineEnd) + pick(random, ['', lineEnd], '');
  return { bytes: Buffer.from(`${pick(random, ['', '\ufeff'], '')}${text}`), options };
}

describe('CSV', () => {
  test.each(Array.from({ length: 80 }, (_, seed) => seed))(
    'cut by the reader gives the same records (seed %i)',
    async (seed) => {
      const random = randomFrom(seed + 1000);
      const { bytes, options } = randomCsv(random);
      const settings = { size: bytes.length, targetBytes: 20 + random(200), maxRecordBytes };
      const ranges = await cutCsv(inputOf(bytes, '', 1 + random(100)).read(), options, settings);
      expect(await cutCsv(inputOf(bytes, '', 1 + random(100)).read(), options, settings)).toEqual(ranges);
      for (const { start, lines } of ranges)
        expect(lines).toBe(bytes.subarray(0, start).toString('latin1').split('\n').length - 1);
      if (ranges.length === 0) return;
      await expectSame(bytes, ranges, { maxRecordBytes, format: { type: 'CSV', csv: options } }, random);
    },
  );

  test('ranges bring the columns and what lies before them', async () => {
    const bytes = Buffer.from('id,text\n1,"a\nb"\n\n2,b\n3,c\n4,d\n');
    const ranges = await cutCsv(inputOf(bytes).read(), csv, { size: bytes.length, targetBytes: 10, maxRecordBytes });
    expect(ranges).toEqual([
      { start: 0, end: 17, records: 0, lines: 0, bytes: 17 },
      { start: 17, end: 21, columns: ['id', 'text'], records: 1, lines: 4, bytes: 4 },
      { start: 21, end: 29, columns: ['id', 'text'], records: 2, lines: 5, bytes: 8 },
    ]);
  });

  test('is not cut without a header, or where the parts would be few', async () => {
    const cut = async (text: string, targetBytes: number) =>
      await cutCsv(inputOf(text).read(), csv, { size: Buffer.byteLength(text), targetBytes, maxRecordBytes });
    expect(await cut('a,a\n1,2\n3,4\n', 2)).toEqual([]);
    expect(await cut('a,b\n1,2\n3,4\n', 10)).toEqual([]);
    expect(await cut('', 10)).toEqual([]);
  });

  test('errors of the source are no reason to read the file whole', async () => {
    async function* broken() {
      yield Buffer.from('a,b\n1,2\n');
      throw new Error('no network');
    }
    await expect(cutCsv(broken(), csv, { size: 100, targetBytes: 2, maxRecordBytes })).rejects.toThrow('no network');
  });

  test('a range past the start without columns is a fault of the program', async () => {
    const input = { ...inputOf('id,text\n1,a\n2,b\n'), range: { start: 12, end: 16 } };
    await expect(read(input, { format: { type: 'CSV', csv } })).rejects.toMatchObject({ code: 'InvalidTask' });
  });
});

async function parquetFile(rowGroups: readonly number[]): Promise<Buffer> {
  const files = new Map<string, Buffer>();
  const column = (name: string, type: 'long' | 'string') => ({ name, type, required: false, children: [], path: '' });
  const writer = new DataWriter({
    columns: [column('id', 'long'), column('text', 'string')],
    compression: 'None',
    targetFileSizeBytes: 2 ** 30,
    open: () => memorySink('file', files),
  });
  let id = 0;
  for (const rows of rowGroups) {
    for (let row = 0; row < rows; row += 1) writer.add([id, id % 5 === 0 ? 'far too long a text' : `text ${id++}`]);
    id += 1;
    await writer.flush();
  }
  await writer.finish();
  return files.get('file') ?? Buffer.alloc(0);
}

describe('Parquet', () => {
  const format: Format = { type: 'Parquet' };

  test('is cut between row groups, and the parts give the same records with their numbers', async () => {
    const bytes = await parquetFile([10, 20, 30, 5, 1]);
    const whole = await read(inputOf(bytes), { format });
    const ranges = await cutParquet(inputOf(bytes), 400);
    expect(ranges.length).toBeGreaterThan(2);
    expect(ranges.map(({ start, records }) => [start, records])[1]?.[1]).toBeGreaterThan(0);
    const parts = await Promise.all(ranges.map((range) => read({ ...inputOf(bytes), range }, { format })));
    expect(parts.flatMap(({ rows }) => rows)).toEqual(whole.rows);
    expect(parts.flatMap(({ rejects }) => rejects)).toEqual(whole.rejects);
    expect(whole.rejects.length).toBeGreaterThan(3);
    expect(tiles(parts.map(({ inputs }) => inputs[0]?.span))).toEqual([0, 5]);
  });

  test('with few row groups, or none that can be read, is read whole', async () => {
    expect(await cutParquet(inputOf(await parquetFile([10])), 1)).toEqual([]);
    expect(await cutParquet(inputOf(await parquetFile([10, 10])), 1_000_000)).toEqual([]);
    expect(await cutParquet(inputOf('no parquet at all'), 1)).toEqual([]);
  });

  test('of another file than the one that was cut is unreadable', async () => {
    const input = { ...inputOf(await parquetFile([10])), range: { start: 1, end: 2 } };
    await expect(read(input, { format })).rejects.toMatchObject({ code: 'UnreadableFile' });
  });
});

describe('a file can be cut', () => {
  const text = Buffer.from('a,b\n');
  const gzip = Buffer.from([0x1f, 0x8b, 8, 0]);
  const settings = (format: Format, compression: ReadSettings['compression']): ReadSettings => ({
    format,
    compression,
    mapping: [],
    maxRecordBytes,
  });
  const lines: Format = { type: 'JSONLines' };
  const cases: readonly [string, Format, ReadSettings['compression'], Buffer, boolean][] = [
    ['when it is said to be uncompressed', lines, 'None', gzip, true],
    ['when it looks uncompressed', { type: 'CSV', csv }, 'Auto', text, true],
    ['but not when it looks compressed', lines, 'Auto', gzip, false],
    ['nor when it is said to be', lines, 'Gzip', gzip, false],
    ['nor when it is one JSON value', { type: 'JSON' }, 'None', text, false],
    ['and always when it is Parquet', { type: 'Parquet' }, 'Auto', text, true],
  ];
  test.each(cases)('%s', (_, format, compression, head, expected) => {
    expect(canCut(settings(format, compression), head)).toBe(expected);
  });
});

test('a compressed or whole JSON file is never read by a range', async () => {
  const input = { ...inputOf('[{"id":1}]'), range: { start: 0, end: 5 } satisfies InputRange };
  await expect(read(input, { format: { type: 'JSON' } })).rejects.toMatchObject({ code: 'InvalidTask' });
});

test('a CSV file that was cut says so in full: the parts add up to its bytes', async () => {
  const bytes = Buffer.from(`id,text\n${'1,a\n'.repeat(1000)}`);
  const ranges: CutRange[] = await cutCsv(inputOf(bytes).read(), csv, {
    size: bytes.length,
    targetBytes: 500,
    maxRecordBytes,
  });
  expect(ranges.length).toBe(8);
  expect(ranges.reduce((sum, range) => sum + range.bytes, 0)).toBe(bytes.length);
});
