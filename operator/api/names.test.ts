import { describe, expect, test } from 'vitest';
import { childName, requestRunName, slotRunName } from './names.ts';
import type { Batch } from './types.gen.ts';

const named = (name: string, uid = 'uid-1') => ({ metadata: { name, uid } }) as Batch;

describe('the name of a child', () => {
  test('fits 63 characters and is a DNS label, whatever the name', () => {
    for (const name of ['a', 'a'.repeat(63), `${'a'.repeat(39)}-${'b'.repeat(20)}`]) {
      expect(childName(named(name), 'maintain', '1.0')).toMatch(/^[a-z0-9]([-a-z0-9]{0,58}[a-z0-9])$/);
    }
  });

  test('differs for two long names that share a prefix, since their UIDs differ', () => {
    const [first, second] = [named('a'.repeat(50), 'uid-1'), named('a'.repeat(51), 'uid-2')];
    expect(childName(first, 'plan', '1.0')).not.toBe(childName(second, 'plan', '1.0'));
  });

  test('differs for another attempt and another verb, and is the same when asked twice', () => {
    const names = [
      ['plan', '1.0'],
      ['plan', '1.1'],
      ['shard', '1.0'],
      ['plan', '1.0'],
    ] as const;
    const made = names.map(([verb, attempt]) => childName(named('x'), verb, attempt));
    expect(new Set(made).size).toBe(3);
    expect(made[0]).toBe(made[3]);
  });
});

test('names of runs fit 63 characters for the longest name of a connection', () => {
  const connection = 'c'.repeat(52);
  expect(slotRunName(connection, new Date('2026-11-24T09:00:00Z'))).toBe(`${connection}-29925180`);
  expect(requestRunName(connection, 'now').length).toBeLessThanOrEqual(63);
});
