import { describe, expect, test } from 'vitest';
import type { InletProgress } from '../../ingestor/contract/progress.ts';
import type { StreamInlet } from '../api/types.gen.ts';
import { exampleInlet } from '../specs/examples.ts';
import { introduced, outlookOf, reported } from './status.ts';

const at = '2026-11-24T09:00:00Z';

function view(sequence: number, ingested: number, pending = 0): InletProgress {
  const records = { received: ingested + pending, ingested, failed: 0, skipped: 0, pending };
  return { version: 1, verb: 'inlet', sequence, records, bytes: ingested * 10, lagSeconds: 1, errors: [] };
}

describe('what pods tell of the inlet', () => {
  test('is not added: the newest view counts', () => {
    const told = [view(3, 30), view(5, 50, 2), view(4, 40)].map((report) => ({ report, at }));
    expect(reported({}, told)).toMatchObject({
      records: { received: 52, ingested: 50, pending: 2 },
      lagSeconds: 1,
      lastReportTime: at,
    });
  });

  test('never takes totals back', () => {
    const status = reported({}, [{ report: view(5, 50), at }]);
    expect(reported(status, [{ report: view(4, 40), at }])).toBe(status);
    expect(reported(status, [])).toBe(status);
  });

  test('clears errors that are told no more', () => {
    const errors = [{ code: 'WrongType', message: 'no number', count: 1 }];
    const status = reported({}, [{ report: { ...view(1, 1), errors, diagnostics: 's3://x' }, at }]);
    expect(status).toMatchObject({ errors, diagnostics: { location: 's3://x' } });
    expect(reported(status, [{ report: view(2, 2), at }])).not.toHaveProperty('errors');
  });
});

describe('an inlet is', () => {
  const deployment = (available: number, updated = available, there = updated, observedGeneration = 2) => ({
    metadata: { name: 'x', generation: 2 },
    status: { availableReplicas: available, updatedReplicas: updated, replicas: there, observedGeneration },
  });
  const outlook = (
    spec: Partial<StreamInlet['spec']>,
    ...rest: Parameters<typeof outlookOf> extends [unknown, ...infer R] ? R : never
  ) => outlookOf(exampleInlet(spec), ...rest);

  test('Starting while no pod is available, RollingOut while pods are replaced', () => {
    expect(outlook({}, undefined, undefined, undefined)).toMatchObject({
      state: 'Reconciling',
      ready: 'False',
      reason: 'Starting',
    });
    expect(outlook({}, deployment(2, 1, 3), undefined, undefined)).toMatchObject({
      ready: 'True',
      reason: 'RollingOut',
    });
    expect(outlook({}, deployment(2, 2, 2, 1), undefined, undefined)).toMatchObject({
      ready: 'True',
      reason: 'RollingOut',
    });
  });

  test('Available when all its pods are', () => {
    expect(outlook({}, deployment(2), undefined, undefined)).toMatchObject({ state: 'Ready', reason: 'Available' });
  });

  test('Closed as asked without replicas', () => {
    expect(outlook({ replicas: 0 }, deployment(0), undefined, undefined)).toMatchObject({
      state: 'Ready',
      reason: 'Closed',
    });
    expect(outlook({ replicas: 0 }, deployment(0, 0, 1), undefined, undefined).state).toBe('Reconciling');
  });

  test('waiting with the words of the pod that cannot start', () => {
    const problem = { reason: 'ImagePullBackOff', message: 'not found' };
    expect(outlook({}, deployment(0), problem, undefined)).toMatchObject({
      state: 'Reconciling',
      ready: 'False',
      ...problem,
    });
  });

  test('not ready while rounds cannot be committed, Stalled when only a person can help', () => {
    const trouble = (reason: string) => outlook({}, deployment(2), undefined, { reason, message: 'm' });
    expect(trouble('StoreUnavailable')).toMatchObject({ state: 'Reconciling', reason: 'StoreUnavailable' });
    expect(trouble('DatasetPurged')).toMatchObject({ state: 'Stalled', reason: 'DatasetPurged' });
  });
});

test('the id of an inlet is a digest of namespace and name', () => {
  expect(introduced(exampleInlet(), ['http://x'], 'a=b')).toMatchObject({
    inletID: expect.stringMatching(/^[0-9a-f]{64}$/),
    urls: ['http://x'],
    selector: 'a=b',
  });
});
