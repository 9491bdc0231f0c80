import { describe, expect, test } from 'vitest';
import type { BatchOutcome } from '../../ingestor/contract/result.ts';
import { ownConditions } from '../api/outlook.ts';
import type { Batch, BatchStatus } from '../api/types.gen.ts';
import { kubeStatus } from '../runtime/conditions.ts';
import { attemptDigest } from '../specs/batch.ts';
import { exampleBatch } from '../specs/examples.ts';
import {
  ended,
  endOf,
  expiryOf,
  isToBeReverted,
  openAttempt,
  outlookAfterStop,
  outlookAtEnd,
  progressed,
  standingOf,
  succeededEnd,
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
  return { ...batch, status: withOutlook(batch, status, outlookAtEnd(batch, endOf(outcome)), now) };
}

/** What the operator writes when it looks again, with nothing to be done. */
function lookedAtAgain(batch: Batch): Batch {
  const standing = standingOf(batch);
  if (standing === undefined) throw new Error('there is something to be done');
  return { ...batch, status: withOutlook(batch, batch.status, standing, now) };
}

/** After `finish` stopped or reverted it. */
function stopped(batch: Batch, outcome: BatchOutcome): Batch {
  const outlook = outlookAfterStop(batch, succeededEnd(batch), outcome);
  return { ...batch, status: withOutlook(batch, ended(batch.status, outcome), outlook, now) };
}

/** `Succeeded Ready`, and what is there only while True. */
function standing({ status }: Batch): string {
  const { conditions = [] } = status;
  return conditions
    .map(({ type, status: is, reason }) => (type === 'Succeeded' ? `${is} ${reason}` : is === 'True' ? type : ''))
    .filter((text) => text !== '')
    .join(', ');
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

describe('desiredState', () => {
  const reverted: BatchOutcome = { ...committed, outcome: 'Reverted', reason: 'Reverted', message: 'taken out' };
  const aborted: BatchOutcome = { ...committed, outcome: 'Aborted', reason: 'Aborted', message: 'stopped as asked' };
  const wish = (batch: Batch, desiredState: Batch['spec']['desiredState']) => edited(batch, { desiredState });

  test('Aborted and Reverted are ends as asked', () => {
    expect(standing(stopped(wish(exampleBatch(), 'Aborted'), aborted))).toBe('False Aborted, Ready');
    const out = stopped(wish(endedBy(committed), 'Reverted'), reverted);
    expect(standing(out)).toBe('False Reverted, Ready');
    expect(kstatus(out)).toBe('Current');
    expect(isToBeReverted(out)).toBe(false);
    expect(standing(lookedAtAgain(out))).toBe('False Reverted, Ready');
  });

  test('Aborted that comes too late takes nothing out, and says so however often it is looked at', () => {
    for (const batch of [endedBy(committed), stopped(wish(exampleBatch(), 'Aborted'), committed)]) {
      const late = lookedAtAgain(lookedAtAgain(wish(batch, 'Aborted')));
      expect(standing(late)).toBe('True Active, Ready');
      expect(late.status.conditions?.map(({ message }) => message)).toEqual([
        '9 records were ingested',
        '9 records were ingested; it was committed before it could be stopped; desiredState Reverted takes its rows out',
      ]);
      expect(standing(lookedAtAgain(edited(late, {})))).toBe('True Active, Ready');
    }
  });

  test('Reverted is to be done once, whatever the end was, but for one that left no rows for sure', () => {
    const isToBeDone = (outcome: BatchOutcome) => isToBeReverted(wish(endedBy(outcome), 'Reverted'));
    expect([committed, failed, { ...failed, reason: 'CredentialsRefused' }].map(isToBeDone)).toEqual([
      true,
      true,
      true,
    ]);
    const without = ['Aborted', 'Validated', 'Replaced', 'AlreadyCommitted'];
    expect(without.map((reason) => isToBeDone({ ...failed, reason }))).toEqual([false, false, false, false]);
    expect(isToBeReverted(stopped(wish(endedBy(failed), 'Reverted'), failed))).toBe(false);
  });

  test('a revert that the table refuses leaves the batch committed, and stalled until the wish is taken back', () => {
    const refusal: BatchOutcome = { ...committed, reason: 'FilesRewritten', message: 'its files were compacted' };
    const kept = stopped(wish(endedBy(committed), 'Reverted'), refusal);
    expect(standing(kept)).toBe('True Active, Stalled');
    expect(isToBeReverted(kept)).toBe(false);
    expect(standing(lookedAtAgain(kept))).toBe('True Active, Stalled');
    expect(kept.status.conditions?.at(-1)).toMatchObject({
      reason: 'FilesRewritten',
      message: 'the rows stay in: its files were compacted',
    });
    expect(standing(lookedAtAgain(wish(kept, 'Active')))).toBe('True Active, Ready');
  });

  test('Active again changes nothing and is Stalled, until another attempt is asked for', () => {
    const back = wish(stopped(wish(endedBy(committed), 'Reverted'), reverted), undefined);
    expect(wantedAttempt(back)).toBeUndefined();
    expect(standing(lookedAtAgain(back))).toBe('False Reverted, Stalled');
    expect(lookedAtAgain(lookedAtAgain(back)).status.conditions?.at(-1)?.message).toBe(
      'taken out; that is final; set the annotation ingest.forebay.dev/requestedAt to a new value to ingest it after all',
    );
    expect(wantedAttempt(asked('x', back))).toMatchObject({ token: 'x' });
    expect(wantedAttempt(edited(back, { errorPolicy: { maxFailed: 9 } }))).toMatchObject({
      token: 'edit-2-uid-of-day-1',
    });
  });

  test('another attempt is not opened while the batch is to stay out', () => {
    const out = stopped(wish(endedBy(committed), 'Reverted'), reverted);
    expect(wantedAttempt(asked('x', out))).toBeUndefined();
    expect(wantedAttempt(edited(out, { errorPolicy: { maxFailed: 9 } }))).toBeUndefined();
  });

  test('Aborted says of a failure that it is taken note of', () => {
    const noted = lookedAtAgain(wish(endedBy(failed), 'Aborted'));
    expect(standing(noted)).toBe('False TooManyFailed, Ready');
    expect(standing(lookedAtAgain(wish(noted, 'Active')))).toBe('False TooManyFailed, Stalled');
  });
});

test('a batch that was only to be checked is Ready without rows; asked to ingest, it is another attempt', () => {
  const outcome: BatchOutcome = { ...committed, outcome: 'Aborted', reason: 'Validated', message: 'would be ingested' };
  const validated = endedBy(outcome, exampleBatch({ validateOnly: true }));
  expect(standing(validated)).toBe('False Validated, Ready');
  expect(kstatus(validated)).toBe('Current');
  expect(wantedAttempt(edited(validated, { validateOnly: false }))).toMatchObject({ token: 'edit-2-uid-of-day-1' });
});

test('a batch that another replaced is Ready without rows', () => {
  const outcome: BatchOutcome = { ...committed, outcome: 'Reverted', reason: 'Replaced', message: 'by shop/day-2' };
  expect(standing(endedBy(outcome))).toBe('False Replaced, Ready');
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
