import { describe, expect, test } from 'vitest';
import type { Batch } from '../api/types.gen.ts';
import { exampleBatch, exampleConnection } from '../specs/examples.ts';
import { followed, lost, outdatedRuns, started } from './status.ts';

const slot = '2026-11-24T09:00:00Z';

function run(name: string, succeeded?: 'True' | 'False', completionTime?: string): Batch {
  const batch = exampleBatch();
  const annotations = { 'ingest.forebay.dev/scheduledTime': slot };
  const condition = { type: 'Succeeded', message: '', lastTransitionTime: slot, observedGeneration: 1 };
  const reason = succeeded === 'True' ? 'Active' : 'TooManyFailed';
  return {
    ...batch,
    metadata: { ...batch.metadata, name, annotations },
    status: {
      records: { read: 10, ingested: 8, failed: 1, skipped: 1, warnings: 0 },
      ...(succeeded && { conditions: [{ ...condition, status: succeeded, reason }] }),
      ...(completionTime !== undefined && { completionTime }),
    },
  };
}

describe('the last run', () => {
  const begun = started({}, 'crm-1', slot);

  test('is followed while it works', () => {
    expect(followed(begun, run('crm-1'))).toEqual({
      lastRun: { name: 'crm-1', scheduledTime: slot, reason: 'Queued' },
    });
  });

  test('is counted once when it has ended, however often it is looked at', () => {
    const end = followed(begun, run('crm-1', 'True', '2026-11-24T09:01:00Z'));
    const mention = { name: 'crm-1', scheduledTime: slot, completionTime: '2026-11-24T09:01:00Z', reason: 'Active' };
    expect(end).toEqual({
      lastRun: mention,
      lastSuccessfulRun: mention,
      runs: { succeeded: 1, failed: 0 },
      records: { read: 10, ingested: 8, failed: 1, skipped: 1 },
    });
    expect(followed(end, run('crm-1', 'True', '2026-11-24T09:01:00Z'))).toEqual(end);
  });

  test('that failed and was asked for again is counted again', () => {
    const failed = followed(begun, run('crm-1', 'False', '2026-11-24T09:01:00Z'));
    expect(failed).toMatchObject({ runs: { succeeded: 0, failed: 1 }, lastRun: { reason: 'TooManyFailed' } });
    expect(failed).not.toHaveProperty('lastSuccessfulRun');
    const again = followed(failed, run('crm-1', 'True', '2026-11-24T09:05:00Z'));
    expect(again).toMatchObject({ runs: { succeeded: 1, failed: 1 }, lastSuccessfulRun: { name: 'crm-1' } });
  });

  test('whose rows are taken out later is not counted again', () => {
    const good = followed(begun, run('crm-1', 'True', '2026-11-24T09:01:00Z'));
    const batch = run('crm-1', 'False', '2026-11-24T10:00:00Z');
    const [condition] = batch.status.conditions ?? [];
    if (condition !== undefined) condition.reason = 'Reverted';
    const { lastRun, ...counts } = followed(good, batch);
    expect(lastRun).toMatchObject({ reason: 'Reverted', completionTime: '2026-11-24T10:00:00Z' });
    const { lastRun: _, ...before } = good;
    expect(counts).toEqual(before);
  });

  test('whose Batch was deleted is waited for no more', () => {
    expect(lost(begun, slot).lastRun).toEqual({
      name: 'crm-1',
      scheduledTime: slot,
      completionTime: slot,
      reason: 'Deleted',
    });
  });
});

test('history keeps so many runs of each end, and always the newest that succeeded', () => {
  const time = (minute: number) => `2026-11-24T09:0${minute}:00Z`;
  const runs = [
    run('s1', 'True', time(1)),
    run('s2', 'True', time(2)),
    run('f3', 'False', time(3)),
    run('f4', 'False', time(4)),
    run('working'),
  ];
  const outdated = (succeeded: number, failed: number) =>
    outdatedRuns(exampleConnection({ history: { succeeded, failed } }), runs).map(({ metadata }) => metadata.name);
  expect(outdated(3, 3)).toEqual([]);
  expect(outdated(1, 1)).toEqual(['s1', 'f3']);
  expect(outdated(0, 0)).toEqual(['s1', 'f4', 'f3']);
});
