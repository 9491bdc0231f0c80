import { expect, test } from 'vitest';
import { mutations } from './mutation-list.ts';
import { findSeed } from './mutations.ts';

/** Each is found within some dozens. */
const most = 400;

test.for(mutations.filter(({ quick }) => quick).map((mutation) => [mutation.guard, mutation] as const))(
  'it is missed: %s',
  { timeout: 600_000 },
  async ([, mutation]) => {
    expect(await findSeed(mutation, most, 1)).toMatchObject({ seed: expect.any(Number) });
  },
);
