/** Large files in parts: what the parts say must fit together in the decision, whatever stands at their borders. */
import { expect, test } from 'vitest';
import { finishTask, planTask, shardTask } from '../../test/support/lake-in-memory.ts';
import type { Format } from '../contract/task.ts';
import { runFinish } from '../tasks/finish.ts';
import { runPlan } from '../tasks/plan.ts';
import { runShard } from '../tasks/shard.ts';
import { newLake } from './testing.ts';

const csv: Format = {
  type: 'CSV',
  csv: {
    delimiter: ',',
    quote: '"',
    escape: '"',
    header: true,
    charset: 'UTF-8',
    skipLines: 0,
    comment: '',
  },
};
const jsonLines: Format = { type: 'JSONLines' };

const count = 60_000;
const padding = 'x'.repeat(40);

function lines(line: (n: number) => string, newline = '\n'): string {
  return Array.from({ length: count }, (_, n) => line(n)).join(newline);
}

const json = (n: number) => JSON.stringify({ id: `${n}-${padding}`, n });

test.for<[string, Format, string]>([
  ['JSON lines', jsonLines, `${lines(json)}\n`],
  ['JSON lines without a last line feed', jsonLines, lines(json)],
  [
    'JSON lines with CRLF, a byte-order mark and empty lines at the end',
    jsonLines,
    `\uFEFF${lines(json, '\r\n')}\r\n\r\n\r\n`,
  ],
  [
    'JSON lines of one record that is longer than a part',
    jsonLines,
    `${lines(json)}\n{"id":"${'y'.repeat(1_500_000)}","n":1}\n`,
  ],
  ['CSV', csv, `id,n\n${lines((n) => `${n}-${padding},${n}`)}\n`],
  ['CSV with line breaks in quotes', csv, `id,n\r\n${lines((n) => `"${n}\n${padding}",${n}`, '\r\n')}`],
  ['CSV with empty lines at the end', csv, `id,n\n${lines((n) => `${n}-${padding},${n}`)}\n\n\n\n`],
])('%s', { timeout: 60_000 }, async ([, format, text]) => {
  const lake = await newLake('Iceberg');
  await lake.bucket('source').put('large', text);
  const read = { ...planTask('x').request.read, format, maxRecordBytes: 2 ** 21 };
  const { plan, batch: early } = await runPlan(planTask('x', { read, shardBytes: 1 }), lake.process());
  expect(early).toBeUndefined();
  expect(plan.shards).toBeGreaterThan(1);
  for (let index = 0; index < plan.shards; index += 1) await runShard(shardTask('x', index), lake.process());
  const { batch, table } = await runFinish(finishTask('x'), lake.process());
  const records = text.includes('yyy') ? count + 1 : count;
  expect(batch).toMatchObject({
    outcome: 'Committed',
    records: { read: records, ingested: records, failed: 0, skipped: 0 },
    files: { input: 1, skipped: 0, failed: 0 },
    bytes: { input: Buffer.byteLength(text) },
  });
  expect(table?.records).toBe(records);
});
