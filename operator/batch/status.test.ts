import { describe, expect, test } from 'vitest';
import type { BatchOutcome } from '../../ingestor/contract/result.ts';
import { ownConditions } from '../api/outlook.ts';
import type { Batch, BatchStatus } from '../api/types.gen.ts';
import { kubeStatus } from '../runtime/conditions.ts';
import { attemptDigest } from '../specs/batch.ts';
import { exampleBatch } from '../specs/examples.ts';
import {
  ended,
  expiryOf,
  openAttempt,
  outlookOf,
  progressed,
  standingOf,
  wantedAttempt,
  withOutlook,
} from './status.ts';

const now = '2026-11-24T09:00:00Z';
const counts = { read: 10, ingested: 9, failed: 1, skipped: 0, warnings: 0 };

const committed: BatchOutcome = {
  batchID: 'shop/day-1',
  run: 1,
  outcome: 'Committed',
  reason: 'Active',
  message: '9 records were ingested',
  snapshotID: '7',
  records: counts,
  files: { input: 1, skipped: 0, failed: 0, output: 1 },
  bytes: { input: 100, output: 50 },
  errors: [{ code: 'WrongType', message: 'no number', path: '/id', count: 1 }],
  diagnostics: 's3://lake/events/ingest/batches/1/1/rejects/',
  plan: { digest: 'abc', shards: 1 },
  completionTime: '2026-11-24T08:59:00.123Z',
};
const failed: BatchOutcome = { ...committed, outcome: 'Failed', reason: 'TooManyFailed', message: '1 of 10 failed' };

function asked(value: string, batch: Batch): Batch {
  return { ...batch, metadata: { ...batch.metadata, annotations: { 'ingest.forebay.dev/requestedAt': value } } };
}

/** After its first attempt. */
function endedBy(outcome: BatchOutcome, batch = exampleBatch()): Batch {
  const attempt = wantedAttempt(batch) ?? { token: '', digest: '' };
  const status = ended(openAttempt(batch, attempt, now), outcome);
  return { ...batch, status: withOutlook(batch, status, outlookOf(outcome), now) };
}

function kstatus({ metadata, status }: Batch) {
  return kubeStatus({ metadata, status: { ...status, conditions: ownConditions(status.conditions) } });
}

function edited(batch: Batch, spec: Partial<Batch['spec']>): Batch {
  return { ...batch, metadata: { ...batch.metadata, generation: 2 }, spec: { ...batch.spec, ...spec } };
}

describe('the attempt that is wanted', () => {
  test('first: for no request, or for that which the resource came with', () => {
    expect(wantedAttempt(exampleBatch())).toEqual({ token: '', digest: attemptDigest(exampleBatch()) });
    expect(wantedAttempt(asked('x', exampleBatch()))).toMatchObject({ token: 'x' });
  });

  test('after a failure: none, until it is asked for', () => {
    expect(wantedAttempt(endedBy(failed))).toBeUndefined();
    expect(wantedAttempt(asked('x', endedBy(failed)))).toMatchObject({ token: 'x' });
    expect(wantedAttempt(endedBy(failed, asked('x', exampleBatch())))).toBeUndefined();
  });

  test('after a failure: by an edit, under a token that no request has', () => {
    const fixed = edited(endedBy(failed), { errorPolicy: { maxFailed: 1 } });
    expect(wantedAttempt(fixed)).toMatchObject({ token: 'edit-2-uid-of-day-1' });
    const stronger = edited(endedBy(failed), { podTemplate: { spec: { resources: { limits: { memory: '4Gi' } } } } });
    expect(wantedAttempt(stronger)).toMatchObject({ token: 'edit-2-uid-of-day-1' });
  });

  test('after a failure: not by what can be changed at any time', () => {
    const changed = edited(endedBy(failed), { parallelism: 1, ttlSecondsAfterFinished: 60, suspend: true });
    expect(wantedAttempt(changed)).toBeUndefined();
  });

  test('after a commit: none, whatever is asked', () => {
    expect(wantedAttempt(asked('x', endedBy(committed)))).toBeUndefined();
  });

  test('begins without the numbers of the one before', () => {
    const again = asked('x', endedBy(failed));
    const status = openAttempt(again, { token: 'x', digest: 'd' }, now);
    expect(status).toMatchObject({ attempts: 2, lastHandledRequest: 'x', request: { token: 'x' }, startTime: now });
    for (const gone of ['records', 'errors', 'completionTime', 'plan', 'run', 'progressPercent']) {
      expect(status).not.toHaveProperty(gone);
    }
  });
});

describe('the end', () => {
  test('has the numbers of the bucket, and is Ready when committed', () => {
    const { status } = endedBy(committed);
    expect(status).toMatchObject({
      records: counts,
      progressPercent: 100,
      completionTime: '2026-11-24T08:59:00Z',
      diagnostics: { location: committed.diagnostics },
      conditions: [
        { type: 'Succeeded', status: 'True', reason: 'Active', observedGeneration: 1 },
        { type: 'Ready', status: 'True' },
      ],
    });
    expect(kstatus(endedBy(committed))).toBe('Current');
  });

  test('is Stalled when failed, with the error code', () => {
    expect(endedBy(failed).status.conditions).toMatchObject([
      { type: 'Succeeded', status: 'False', reason: 'TooManyFailed' },
      { type: 'Ready', status: 'False' },
      { type: 'Stalled', status: 'True' },
    ]);
    expect(kstatus(endedBy(failed))).toBe('Failed');
    expect(standingOf(endedBy(failed))).toMatchObject({ state: 'Stalled', reason: 'TooManyFailed' });
  });

  test('starts the time to live', () => {
    expect(expiryOf(endedBy(committed))).toBeUndefined();
    const short = edited(endedBy(committed), { ttlSecondsAfterFinished: 60 });
    expect(expiryOf(short)).toBe(Date.parse('2026-11-24T09:00:00Z'));
  });
});

test('while it works it is Reconciling, while suspended it is not', () => {
  const conditions = (state: 'Reconciling' | 'Waiting', reason: string) => {
    const batch = exampleBatch();
    return withOutlook(batch, batch.status, { state, reason, message: '' }, now).conditions;
  };
  expect(conditions('Reconciling', 'Planning')).toMatchObject([
    { type: 'Succeeded', status: 'Unknown', reason: 'Planning' },
    { type: 'Ready', status: 'False' },
    { type: 'Reconciling', status: 'True' },
  ]);
  expect(conditions('Waiting', 'Suspended')).toMatchObject([
    { type: 'Succeeded', status: 'Unknown', reason: 'Suspended' },
    { type: 'Ready', status: 'False' },
  ]);
});

describe('progress', () => {
  const report = (read: number, input: number) => ({
    report: {
      version: 1 as const,
      verb: 'shard',
      phase: 'Running' as const,
      records: { read, ingested: read, failed: 0, skipped: 0, warnings: 0 },
      bytes: { input, output: 0 },
      totalInputBytes: 100,
    },
  });
  const done = {
    result: {
      version: 1 as const,
      verb: 'shard' as const,
      index: 0,
      records: counts,
      bytes: { input: 100, output: 9 },
    },
  };

  test('adds up shards that are done and shards at work', () => {
    expect(progressed({}, [done, report(5, 50), {}], 4)).toMatchObject({
      progressPercent: 37,
      records: { read: 15, ingested: 14, failed: 1 },
      bytes: { input: 150, output: 9 },
    });
  });

  test('never goes back, when a pod cannot be reached', () => {
    const before: BatchStatus = progressed({}, [report(50, 60)], 1);
    expect(progressed(before, [{}], 1)).toEqual(before);
  });

  test('stays below 100 until the end', () => {
    expect(progressed({}, [report(1, 100)], 1).progressPercent).toBe(99);
  });
});
