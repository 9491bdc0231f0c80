import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { ForebayError } from '../../contract/errors.ts';
import { createEngine } from '../index.ts';
import { engineSettings, ingestAll, inputOf, type Options, rowsOf } from '../testing.ts';

const schema = {
  type: 'object',
  required: ['id'],
  properties: { id: { type: 'integer' }, text: { type: 'string' } },
  additionalProperties: false,
};
const rows = 40_000;
/** Long enough that other threads are worth it. */
const filler = 'Zoë '.repeat(120);
const isBad = (row: number) => row % 1000 === 7;

const jsonLines = (): string => {
  const lines = Array.from({ length: rows }, (_, row) => {
    return isBad(row) ? `{"id":"${row}"}` : JSON.stringify({ id: row, text: `${row} ${filler}` });
  });
  return `${lines.join('\n')}\n`;
};

/** Line feeds within quotes, so that not every one ends a row. */
const csv = (): string => {
  const lines = Array.from({ length: rows }, (_, row) => (isBad(row) ? `x${row},` : `${row},"${row}\n${filler}"`));
  return `id,text\n${lines.join('\n')}\n`;
};

const csvFormat: Options['format'] = {
  type: 'CSV',
  csv: { delimiter: ',', quote: '"', escape: '"', header: true, charset: 'UTF-8', skipLines: 0, comment: '' },
};

for (const [name, data, format] of [
  ['JSON lines', jsonLines(), { type: 'JSONLines' as const }],
  ['CSV', csv(), csvFormat],
] as const) {
  test(`three threads take every record of ${name} once`, async () => {
    const { output, rows: taken } = await ingestAll(schema, [data], { threads: 3, format });
    const ids = taken.map(({ id }) => Number(id)).sort((a, b) => a - b);
    expect(ids).toEqual([...Array(rows).keys()].filter((row) => !isBad(row)));
    expect(output.records).toEqual({ read: rows, ingested: rows - 40, failed: 40, skipped: 0, warnings: 0 });
    expect(output.dataFiles.length).toBeGreaterThan(1);
  });

  test(`refused records of ${name} have their numbers and places whichever thread met them`, async () => {
    const several = await ingestAll(schema, [data], { threads: 2, format });
    const one = await ingestAll(schema, [data], { threads: 1, format });
    expect(several.rejects).toEqual(one.rejects);
    expect(several.output.errors).toEqual(one.output.errors);
    expect(several.rejects.map(({ record }) => record)).toEqual([...Array(40).keys()].map((nth) => 1000 * nth + 8));
  });
}

test('several inputs share the threads, and each has its own counts', async () => {
  const data = jsonLines();
  const { inputs, rejects } = await ingestAll(schema, [data, '{"id":1}\n{}\n', data], { threads: 2 });
  expect(inputs.map(({ records }) => [records.read, records.failed])).toEqual([
    [rows, 40],
    [2, 1],
    [rows, 40],
  ]);
  expect(rejects.find(({ file }) => file === 'file-1')).toMatchObject({ record: 2, offset: 9 });
});

test('bytes of a thread reach their sink one after the other, however long each takes', async () => {
  const files = new Map<string, Buffer>();
  const settings = engineSettings(schema, files, { threads: 2 });
  let writes = 0;
  const openDataFile: typeof settings.openDataFile = (k) => {
    const sink = settings.openDataFile(k);
    let busy = false;
    const inTurn = async <T>(call: () => Promise<T>): Promise<T> => {
      if (busy) throw new Error('a call before the one before it was done');
      busy = true;
      writes += 1;
      // The first ones take longest.
      for (let turn = 0; turn < 100 / writes; turn += 1) await setImmediate();
      busy = false;
      return await call();
    };
    return {
      ...sink,
      write: (bytes) => inTurn(() => sink.write(bytes)),
      complete: () => inTurn(() => sink.complete()),
    };
  };
  const engine = createEngine({ ...settings, openDataFile });
  const text = (row: number) =>
    `{"id":${row},"text":"${createHash('sha512').update(String(row)).digest('base64').repeat(6)}"}`;
  await engine.ingest(inputOf(Array.from({ length: 60_000 }, (_, row) => text(row)).join('\n')));
  const { dataFiles } = await engine.finish();
  expect(dataFiles.length).toBeGreaterThan(1);
  expect(writes).toBeGreaterThan(5);
  let read = 0;
  for (const { key } of dataFiles) read += (await rowsOf(files.get(key) ?? Buffer.alloc(0))).length;
  expect(read).toBe(60_000);
});

test('what a sink fails with in another thread is what the engine fails with', async () => {
  const files = new Map<string, Buffer>();
  const settings = engineSettings(schema, files, { threads: 2 });
  const aborted: string[] = [];
  const openDataFile: typeof settings.openDataFile = (k) => ({
    ...settings.openDataFile(k),
    write: async () => {
      throw new ForebayError('StoreUnavailable', 'the store is gone');
    },
    abort: async () => {
      aborted.push(`data-${k}`);
    },
  });
  const engine = createEngine({ ...settings, openDataFile });
  const work = async () => {
    await engine.ingest(inputOf(jsonLines()));
    await engine.finish();
  };
  await expect(work()).rejects.toThrow('the store is gone');
  await engine.abort();
  expect(aborted.length).toBeGreaterThan(0);
  expect([...files.keys()]).toEqual([]);
});

test('an aborted engine ends its threads in the midst of their work', async () => {
  const controller = new AbortController();
  const onProgress: Options['onProgress'] = (_records, bytes) => {
    if (bytes > 18_000_000) controller.abort();
  };
  const settings = engineSettings(schema, new Map(), { threads: 2, signal: controller.signal, onProgress });
  const engine = createEngine(settings);
  const data = jsonLines();
  const work = async () => {
    await engine.ingest(inputOf(data));
    await engine.ingest(inputOf(data));
  };
  await expect(work()).rejects.toMatchObject({ code: 'Interrupted' });
  await engine.abort();
});
