import { describe, expect, test } from 'vitest';
import type { PrepareResult, TableTotals } from '../../ingestor/contract/result.ts';
import { ownConditions } from '../api/outlook.ts';
import type { Batch } from '../api/types.gen.ts';
import { kubeStatus } from '../runtime/conditions.ts';
import { exampleBatch, exampleDataset } from '../specs/examples.ts';
import { maintainSlot } from './maintain-slot.ts';
import { prepared, preparedOutlook, standingOf, withBatches, withOutlook, withTotals } from './status.ts';

const now = '2026-11-24T09:00:00Z';

function totals(sequence: number, ingested: number): TableTotals {
  return {
    location: 's3://lake/events/table-1',
    format: 'Parquet',
    sequence,
    records: ingested,
    files: 1,
    sizeBytes: 1,
    ingested,
    failed: 0,
    batches: { succeeded: sequence, failed: 0 },
  };
}

const result: PrepareResult = { version: 1, verb: 'prepare', schema: { digest: 'd1', fields: 3 }, table: totals(1, 0) };

function afterPrepare(prepareResult: PrepareResult) {
  const dataset = exampleDataset();
  const status = prepared(dataset, prepareResult, 'asked-1');
  return { ...dataset, status: withOutlook(dataset, status, preparedOutlook(prepareResult), now) };
}

function kstatus({ metadata, status }: ReturnType<typeof afterPrepare>) {
  return kubeStatus({ metadata, status: { ...status, conditions: ownConditions(status.conditions) } });
}

test('a prepared Dataset is Ready and tells the schema in force', () => {
  const dataset = afterPrepare(result);
  expect(dataset.status).toMatchObject({
    schema: { digest: 'd1', fields: 3 },
    preparedDigest: 'asked-1',
    table: { location: 's3://lake/events/table-1', sequence: 1 },
    records: { ingested: 0, failed: 0 },
    conditions: [{ type: 'Ready', status: 'True', reason: 'Prepared' }],
  });
  expect(kstatus(dataset)).toBe('Current');
});

test('a refused change is Stalled, while records can still be ingested', () => {
  const dataset = afterPrepare({ ...result, refused: { code: 'SchemaIncompatible', message: 'field id was string' } });
  expect(dataset.status.conditions).toMatchObject([
    { type: 'Ready', status: 'True', reason: 'SchemaIncompatible' },
    { type: 'Stalled', status: 'True', message: 'field id was string; the earlier schema stays in force' },
  ]);
  expect(kstatus(dataset)).toBe('Failed');
  expect(standingOf(dataset)).toMatchObject({ state: 'Stalled', ready: 'True', reason: 'SchemaIncompatible' });
});

describe('totals', () => {
  test('are those of the newest version, in whichever order they are told', () => {
    const later = withTotals(withTotals({}, totals(3, 30)), totals(2, 20));
    expect(later).toMatchObject({ table: { sequence: 3 }, records: { ingested: 30 }, batches: { succeeded: 3 } });
  });

  test('tell of the batches that ended last, by their IDs', () => {
    const told = { ...totals(1, 1), lastBatch: { id: 'shop/day-1', time: '2026-11-24T08:00:00.123Z' } };
    const status = withTotals({}, told);
    expect(status.lastBatch).toEqual({ batchID: 'shop/day-1', time: '2026-11-24T08:00:00Z' });
    expect(status.table).not.toHaveProperty('lastBatch');
    expect(withTotals(status, totals(2, 1)).lastBatch).toEqual(status.lastBatch);
  });

  test('of another table replace those of the one before', () => {
    const moved = { ...totals(1, 1), location: 's3://lake/other/table-2' };
    expect(withTotals(withTotals({}, totals(3, 30)), moved)).toMatchObject({ table: { sequence: 1 } });
  });
});

describe('batches', () => {
  const batch = (name: string, succeeded?: 'True' | 'False', completionTime?: string): Batch => {
    const example = exampleBatch();
    const condition = { type: 'Succeeded', reason: 'R', message: '', lastTransitionTime: now, observedGeneration: 1 };
    return {
      ...example,
      metadata: { ...example.metadata, name },
      status: {
        ...(succeeded && { conditions: [{ ...condition, status: succeeded }] }),
        ...(completionTime !== undefined && { completionTime }),
      },
    };
  };

  test('that have not ended are running', () => {
    const there = [
      batch('a'),
      batch('b', 'True', '2026-11-24T08:00:00Z'),
      batch('c', 'False', '2026-11-24T07:00:00Z'),
      batch('d', 'True', '2026-11-24T06:00:00Z'),
    ];
    expect(withBatches({ batches: { succeeded: 7, failed: 1 } }, there)).toEqual({
      batches: { succeeded: 7, failed: 1, running: 1 },
    });
  });
});

describe('maintenance', () => {
  const slot = (time: string) => maintainSlot(exampleDataset(), 3600, Date.parse(time));

  test('comes once an interval, and not in that in which the Dataset was made', () => {
    expect(slot('2026-11-24T08:00:01Z').number).toBeUndefined();
    const [first, second] = [slot('2026-11-24T09:01:00Z').number, slot('2026-11-24T10:01:00Z').number];
    expect(first).toBeTypeOf('number');
    expect(second).toBe((first ?? 0) + 1);
  });

  test('tells when the next slot begins', () => {
    const { number, nextInSeconds } = slot('2026-11-24T09:01:00Z');
    const then = new Date(Date.parse('2026-11-24T09:01:00Z') + nextInSeconds * 1_000).toISOString();
    expect(slot(then).number).toBe((number ?? 0) + 1);
  });
});
