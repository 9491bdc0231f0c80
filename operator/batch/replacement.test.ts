import { expect, test } from 'vitest';
import type { Batch, BatchSpec } from '../api/types.gen.ts';
import { exampleBatch } from '../specs/examples.ts';
import { isReplacedBy } from './replacement.ts';

function ended(
  name: string,
  spec: Partial<BatchSpec>,
  completionTime: string,
  status: 'True' | 'False' = 'True',
): Batch {
  const batch = exampleBatch(spec);
  const condition = { type: 'Succeeded', status, reason: 'R', message: '', lastTransitionTime: completionTime };
  return {
    ...batch,
    metadata: { ...batch.metadata, name },
    status: { completionTime, conditions: [condition] },
  };
}

const day = ended('day-1', {}, '2026-11-24T08:00:00Z');
const external = ended('day-2', { externalID: 'crm-2' }, '2026-11-24T08:00:00Z');

test('a batch is replaced by one that was committed later and names it', () => {
  const later = ended('mended', { replaces: ['shop/day-1', 'crm-2'] }, '2026-11-24T09:00:00Z');
  expect(isReplacedBy(day, later)).toBe(true);
  expect(isReplacedBy(external, later)).toBe(true);
});

test.each([
  ['failed', ended('mended', { replaces: ['shop/day-1'] }, '2026-11-24T09:00:00Z', 'False')],
  ['came before', ended('mended', { replaces: ['shop/day-1'] }, '2026-11-24T07:00:00Z')],
  ['names others', ended('mended', { replaces: ['day-1', 'shop/day-2'] }, '2026-11-24T09:00:00Z')],
  ['names none', ended('mended', {}, '2026-11-24T09:00:00Z')],
  [
    'is of another Dataset',
    ended('m', { replaces: ['shop/day-1'], datasetRef: { name: 'o' } }, '2026-11-24T09:00:00Z'),
  ],
])('not by one that %s', (_, other) => {
  expect(isReplacedBy(day, other)).toBe(false);
});
