import { expect, test } from 'vitest';
import { runSeeds } from './runner.ts';
import type { SeedResult } from './simulate.ts';

const seeds = 5_000;
const inOneTest = 500;

/** Generous: other tests run beside it. */
const timeout = 600_000;

async function results(first: number, count: number): Promise<SeedResult[]> {
  const all: SeedResult[] = [];
  await runSeeds({
    first,
    seeds: count,
    threads: 1,
    onResult: (result) => {
      all.push(result);
      return false;
    },
  });
  return all;
}

test.for(Array.from({ length: seeds / inOneTest }, (_, index) => index * inOneTest))(
  'whatever goes wrong, each record is there once and counted: 500 seeds from %i',
  { timeout },
  async (first) => {
    const failed = (await results(first, inOneTest)).filter(({ failures }) => failures.length > 0);
    expect(failed.map(({ seed, failures }) => `make simulate SEED=${seed}: ${failures[0]}`)).toEqual([]);
  },
);

test('a seed decides everything: what happens in it happens again', { timeout }, async () => {
  const hashes = (all: readonly SeedResult[]) => all.map(({ seed, hash }) => `${seed} ${hash}`);
  const [once, again] = [await results(0, 100), await results(0, 100)];
  expect(hashes(again)).toEqual(hashes(once));
  expect(new Set(once.map(({ hash }) => hash)).size).toBe(100);
});
