/** Real data: what is wrong in it is found, the rest is stored. */
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import type { CsvOptions } from '../contract/task.ts';
import { createEngine } from './index.ts';
import { engineSettings, ingestAll, inputOf } from './testing.ts';

const root = new URL('../../', import.meta.url);

const amount = { type: ['integer', 'null'], minimum: 0 };
const words = { type: ['string', 'null'] };

const movies = {
  type: 'object',
  required: ['Title', 'Release Date'],
  additionalProperties: false,
  properties: {
    Title: { type: 'string' },
    'US Gross': amount,
    'Worldwide Gross': amount,
    'US DVD Sales': amount,
    'Production Budget': amount,
    'Release Date': { type: 'string', pattern: '^[A-Z][a-z]{2} [0-9]{2} [0-9]{4}$' },
    'MPAA Rating': { enum: ['G', 'PG', 'PG-13', 'R', 'NC-17', 'Not Rated', null] },
    'Running Time min': amount,
    Distributor: words,
    Source: words,
    'Major Genre': words,
    'Creative Type': words,
    Director: words,
    'Rotten Tomatoes Rating': { type: ['integer', 'null'], minimum: 0, maximum: 100 },
    'IMDB Rating': { type: ['number', 'null'], minimum: 0, maximum: 10 },
    'IMDB Votes': amount,
  },
};

const airports = {
  type: 'object',
  required: ['code', 'name', 'country', 'position'],
  additionalProperties: false,
  properties: {
    code: { type: 'string', pattern: '^[0-9A-Z]{3}$' },
    name: { type: 'string', minLength: 1 },
    city: words,
    state: { ...words, minLength: 2, maxLength: 2 },
    country: { type: 'string' },
    position: {
      type: 'object',
      required: ['latitude', 'longitude'],
      properties: {
        latitude: { type: 'number', minimum: -90, maximum: 90 },
        longitude: { type: 'number', minimum: -180, maximum: 180 },
      },
    },
  },
};

const flights = {
  type: 'object',
  required: ['delay', 'distance'],
  additionalProperties: false,
  properties: {
    date: { type: 'string', format: 'date-time' },
    time: { type: 'number', minimum: 0, maximum: 24 },
    delay: { type: 'integer' },
    distance: { type: 'integer', minimum: 0 },
    origin: { type: 'string' },
    destination: { type: 'string' },
  },
};

async function data(name: string): Promise<Buffer> {
  return await readFile(new URL(`node_modules/vega-datasets/data/${name}`, root));
}

const csv: CsvOptions = {
  delimiter: ',',
  quote: '"',
  escape: '"',
  header: true,
  nullMarker: 'NA',
  charset: 'UTF-8',
  skipLines: 0,
  comment: '',
};

test('movies: an array of JSON in which some titles are numbers', async () => {
  const { output, rows } = await ingestAll(movies, [await data('movies.json')], {
    format: { type: 'JSON' },
  });
  expect(output.records).toEqual({ read: 3201, ingested: 3189, failed: 12, skipped: 0, warnings: 0 });
  expect(output.errors.map(({ code, path, count }) => [code, path, count])).toEqual([
    ['WrongType', '/Title', 9],
    ['NotInEnum', '/MPAA Rating', 2],
    ['RequiredMissing', '/Title', 1],
  ]);
  expect(rows[0]).toMatchObject({ Title: 'The Land Girls', 'US Gross': 146083, 'IMDB Rating': 6.1 });
});

test('airports: CSV that a mapping nests', async () => {
  const mapping = [
    { source: 'iata', destination: 'code' },
    { source: 'latitude', destination: 'position.latitude' },
    { source: 'longitude', destination: 'position.longitude' },
  ];
  const format = { type: 'CSV', csv } as const;
  const { output, rows } = await ingestAll(airports, [await data('airports.csv')], {
    format,
    mapping,
  });
  expect(output.records).toEqual({ read: 3376, ingested: 3334, failed: 42, skipped: 0, warnings: 0 });
  expect(output.errors.map(({ code, path, count }) => [code, path, count])).toEqual([['PatternMismatch', '/code', 42]]);
  expect(rows[0]).toEqual({
    code: '00M',
    name: 'Thigpen',
    city: 'Bay Springs',
    state: 'MS',
    country: 'USA',
    position: { latitude: 31.95376472, longitude: -89.23450472 },
  });
});

test('flights: 200,000 objects on one line', async () => {
  const { output, rows } = await ingestAll(flights, [await data('flights-200k.json')], {
    format: { type: 'JSON' },
  });
  expect(output.records).toEqual({ read: 200_000, ingested: 200_000, failed: 0, skipped: 0, warnings: 0 });
  expect(rows.reduce((sum, { delay }) => sum + Number(delay), 0)).toBe(1_500_159);
}, 60_000);

test('flights: three million rows of Parquet, by ranges', async () => {
  const bytes = await data('flights-3m.parquet');
  const files = new Map<string, Buffer>();
  const engine = createEngine(engineSettings(flights, files, { format: { type: 'Parquet' } }));
  const { records } = await engine.ingest(inputOf(bytes, 'flights-3m.parquet'));
  const output = await engine.finish();
  expect(records).toEqual({ read: 3_000_000, ingested: 3_000_000, failed: 0, skipped: 0, warnings: 0 });
  expect(output.dataFiles.map(({ rows }) => rows)).toEqual([3_000_000]);
}, 120_000);
