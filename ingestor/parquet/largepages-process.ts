/** Writes a nested file of one page a column, reads it, and prints how many rows there were and the most memory it took. */
import { openParquet } from './reader.ts';
import { column, required, writeFile } from './testing.ts';

const point = column('element', 'struct', column('x', 'double'), column('tag', 'string'));
const columns = [
  required(column('id', 'long')),
  column('points', 'list', point),
  column('counts', 'map', required(column('key', 'string')), column('value', 'long')),
];

const count = 300_000;
const large = 2 ** 28;

function* rows() {
  for (let row = 0; row < count; row += 1) {
    const points = [0, 1, 2].map((n) => ({ x: row + n, tag: `tag ${(row * n) % 1000}` }));
    yield [row, points, [{ key: `key ${row % 100}`, value: row }]];
  }
}

const settings = { pageBytes: large, pageRows: large, rowGroupRows: large, heldBytes: large };
const bytes = await writeFile(columns, rows(), settings);
const file = await openParquet({
  size: bytes.length,
  read: async function* (start, end) {
    yield Buffer.from(bytes.subarray(start, end));
  },
});
let seen = 0;
for await (const batch of file.batches()) seen += batch.rows;
const mostMiB = Math.round(process.resourceUsage().maxRSS / 1024);
process.stdout.write(JSON.stringify({ rows: seen, mostMiB }));
