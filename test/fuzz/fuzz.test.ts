import { describe, expect, test } from 'vitest';
import { createEngine } from '../../ingestor/engine/index.ts';
import { checkTrial } from './check.ts';
import { type KeptTrial, textOf, trialOf } from './kept.ts';
import { minimise } from './minimise.ts';
import type { MakeEngine } from './outcome.ts';
import { seeds } from './seeds.ts';
import { makeTrial, type Trial } from './trial.ts';

describe('the kernel decides as ajv does', () => {
  // In groups, so that a failure names its seed and several workers share them.
  test.each(Array.from({ length: 10 }, (_, group) => group))(
    'seeds of group %i',
    async (group) => {
      for (let seed = group * 15; seed < (group + 1) * 15; seed += 1) {
        const { differences } = await checkTrial(makeTrial(seed));
        expect({ seed, differences }).toEqual({ seed, differences: [] });
      }
    },
    120_000,
  );

  test.each(seeds)('as it once did not: $title', async (kept) => {
    const { differences } = await checkTrial(trialOf(kept));
    expect(differences).toEqual([]);
  });
});

test('the same seed makes the same trial', () => {
  expect(makeTrial(5)).toEqual(makeTrial(5));
  expect(makeTrial(5)).not.toEqual(makeTrial(6));
});

describe('records that fit are taken by the kernel', () => {
  const schema = {
    type: 'object',
    properties: {
      _id: { type: 'string', minLength: 1, maxLength: 64 },
      timestamp: { type: 'string', format: 'date-time' },
      day: { type: 'string', format: 'date' },
      type: { type: 'string', enum: ['view', 'buy'] },
      code: { type: 'string', pattern: '^[A-Z]{3}$' },
      count: { type: 'integer', minimum: 0 },
      price: { type: ['number', 'null'], minimum: 0 },
      ok: { type: 'boolean' },
      place: {
        type: 'object',
        properties: { city: { type: 'string' }, latitude: { type: 'number', minimum: -90, maximum: 90 } },
        required: ['city'],
        additionalProperties: false,
      },
    },
    required: ['_id', 'timestamp'],
    additionalProperties: false,
  };
  const texts = Array.from({ length: 50 }, (_, index) =>
    JSON.stringify({
      _id: `Zoë ${index}`,
      timestamp: '2026-11-24T15:02:33.123Z',
      day: '2026-11-24',
      type: index % 2 ? 'view' : 'buy',
      code: 'USD',
      count: index * 1e6,
      price: index % 3 ? index / 7 : null,
      ok: true,
      place: { city: '東京', latitude: 35.68 },
    }),
  );
  const lines: KeptTrial = {
    title: 'lines',
    trial: { schema, format: { type: 'JSONLines' } },
    records: texts.map((text) => `${text}\n`),
  };

  const array: KeptTrial = {
    title: 'array',
    trial: { schema, format: { type: 'JSON' } },
    head: '[',
    between: ',\n',
    tail: ']\n',
    records: texts,
  };
  const csv = {
    delimiter: ',',
    quote: '"',
    escape: '"',
    header: true,
    charset: 'UTF-8',
    skipLines: 0,
    comment: '',
  } as const;
  const rows: KeptTrial = {
    title: 'rows',
    trial: { schema, format: { type: 'CSV', csv }, mapping: [{ source: 'latitude', destination: 'place.latitude' }] },
    head: '_id,timestamp,day,type,code,count,price,ok,place.city,latitude\n',
    records: texts.map((text, index) => {
      const { _id, timestamp, day, type, code, count, price, ok } = JSON.parse(text);
      const city = index % 4 ? '東京' : '"Köln, ""Mitte"""';
      return `${_id},${timestamp},${day},${type},${code},${count},${price ?? ''},${ok},${city},35.68\n`;
    }),
  };

  test.each([lines, array, rows])('$title', async (kept) => {
    const { differences, rows, rejects, walked } = await checkTrial(trialOf(kept));
    expect({ differences, rows, rejects, walked }).toEqual({ differences: [], rows: 50, rejects: 0, walked: 50 });
  });
});

describe('a kernel that decides wrongly is found', () => {
  /** An engine for which the schema does not have the keyword: it accepts what the other one refuses. */
  const withoutKeyword =
    (keyword: string): MakeEngine =>
    (settings) =>
      createEngine({ ...settings, plain: true, schema: JSON.stringify(without(JSON.parse(settings.schema), keyword)) });

  const keywords = [
    'maximum',
    'exclusiveMinimum',
    'required',
    'pattern',
    'enum',
    'minLength',
    'maxLength',
    'additionalProperties',
    'minItems',
    'format',
  ];

  test.each(keywords)(
    'when it passes over %s',
    async (keyword) => {
      expect(await firstFailure(withoutKeyword(keyword))).toBeDefined();
    },
    120_000,
  );

  test('when it loses a record', async () => {
    const losing: MakeEngine = (settings) =>
      createEngine({ ...settings, plain: true, read: { ...settings.read, maxRecordBytes: 100 } });
    expect(await firstFailure(losing)).toBeDefined();
  });

  test('and is made small', async () => {
    const fast = withoutKeyword('required');
    const trial = await firstFailure(fast, 'JSONLines');
    const fails = async (smaller: Trial) =>
      (await checkTrial(smaller, fast)).differences[0]?.startsWith('counts') === true;
    const smallest = trial && (await minimise(trial, fails));
    expect(smallest?.records.length).toBe(1);
    const text = textOf(smallest as Trial, 'found');
    expect(text.length).toBeLessThan(600);
    expect(await fails(trialOf(JSON.parse(text)))).toBe(true);
  }, 120_000);
});

async function firstFailure(fast: MakeEngine, format?: 'JSONLines'): Promise<Trial | undefined> {
  for (let seed = 0; seed < 100; seed += 1) {
    const trial = makeTrial(seed, { records: 40, strangeness: 0.04, mutations: false, ...(format ? { format } : {}) });
    const { differences } = await checkTrial(trial, fast);
    if (differences[0]?.startsWith('counts')) return trial;
  }
  return undefined;
}

/** The same schema with the keyword left out wherever it stands. */
function without(schema: unknown, keyword: string): unknown {
  if (Array.isArray(schema)) return schema.map((item) => without(item, keyword));
  if (typeof schema !== 'object' || schema === null) return schema;
  const entries = Object.entries(schema).filter(([name]) => name !== keyword);
  return Object.fromEntries(entries.map(([name, value]) => [name, without(value, keyword)]));
}
