import { expect, test } from 'vitest';
import { createEngine } from '../../ingestor/engine/index.ts';
import { trialOf } from './kept.ts';
import type { MakeEngine } from './outcome.ts';
import { compareWithAjv, hasReference } from './reference.ts';
import { seeds } from './seeds.ts';
import { makeTrial, type Trial } from './trial.ts';

/** Those of 20 seeds that ajv can be asked about. */
function trialsOf(group: number): Trial[] {
  const seeds = Array.from({ length: 20 }, (_, index) => 20 * group + index);
  return seeds.map((seed) => makeTrial(seed, { format: 'JSONLines' })).filter(hasReference);
}

test.each(Array.from({ length: 6 }, (_, group) => group))(
  'what ajv accepts is stored, what it refuses is refused: seeds of group %i',
  async (group) => {
    let [accepted, refused] = [0, 0];
    for (const trial of trialsOf(group)) {
      const compared = await compareWithAjv(trial);
      expect({ seed: trial.seed, ...compared }).toMatchObject({ seed: trial.seed, differences: [] });
      accepted += compared.accepted;
      refused += compared.refused;
    }
    // The generator must make both.
    expect(accepted).toBeGreaterThan(100);
    expect(refused).toBeGreaterThan(20);
  },
  120_000,
);

test.each(seeds.map((kept) => ({ ...kept, ...trialOf(kept) })).filter(hasReference))('$title', async (trial) => {
  expect((await compareWithAjv(trial)).differences).toEqual([]);
});

const schema = { type: 'object', properties: { a: { type: 'integer', maximum: 5 } } };
const accepted = trialOf({ title: '', trial: { schema, format: { type: 'JSONLines' } }, records: ['{"a": 5.0}\n'] });

/** An engine that has another schema. */
const engineFor =
  (other: object): MakeEngine =>
  (settings) =>
    createEngine({ ...settings, schema: JSON.stringify(other) });
const looseEngine = engineFor({ type: 'object', properties: { a: { type: 'integer' } } });

test('an engine that accepts more than ajv is found', async () => {
  const trial = { ...accepted, records: [Buffer.from('{"a": 6}\n')] };
  expect((await compareWithAjv(trial, looseEngine)).differences).toEqual(['record 1, "{\\"a\\": 6}": ajv refuses it']);
});

test('an engine that stores something else is found', async () => {
  expect((await compareWithAjv(accepted)).differences).toEqual([]);
  const another = engineFor({ type: 'object', properties: { b: { type: 'integer' } } });
  expect((await compareWithAjv(accepted, another)).differences).toEqual([
    'record 1, "{\\"a\\": 5.0}": {} is stored, not {"a":5}',
  ]);
});
