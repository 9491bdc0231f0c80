import { describe, expect, test } from 'vitest';
import type { CheckResult } from '../../ingestor/contract/result.ts';
import { exampleJob, examplePod, exampleTime, failedResult, type PodExample } from './examples.ts';
import { findJob, nextRetryAt, observeTask } from './observe.ts';

const result: CheckResult = { version: 1, verb: 'check', matchingFiles: 3, more: false };

describe('a task of one pod', () => {
  test('is done as soon as a pod gave its result, before its Job knows', () => {
    expect(observeTask(exampleJob(), [examplePod({ exit: { code: 0, result } })])).toMatchObject({
      phase: 'done',
      result,
    });
  });

  test('whose pod is gone before it was read is lost, and to be run again', () => {
    expect(observeTask(exampleJob({ condition: 'Complete' }), [])).toMatchObject({ phase: 'failed', kind: 'lost' });
    expect(observeTask(exampleJob({ condition: 'Failed' }), [])).toMatchObject({ phase: 'failed', kind: 'lost' });
  });

  test('works on while another pod replaces one that failed, and says what happened', () => {
    const killed = examplePod({ exit: { code: 137, reason: 'OOMKilled' } });
    expect(observeTask(exampleJob(), [killed, examplePod({ name: 'pod-2', running: true })])).toMatchObject({
      phase: 'working',
      lastFailure: 'the pod ran out of memory (OOMKilled, limit 1Gi)',
    });
  });

  test.each([
    [
      'permanent',
      'BucketNotFound',
      { code: 42, result: failedResult('BucketNotFound', 'no bucket lake') },
      'no bucket lake',
    ],
    ['retryable', 'StoreUnavailable', { code: 10, result: failedResult('StoreUnavailable', 'no answer') }, 'no answer'],
    ['crashed', 'JobFailed', { code: 137, reason: 'OOMKilled' }, 'the pod ran out of memory (OOMKilled, limit 1Gi)'],
    ['crashed', 'JobFailed', { code: 42 }, 'the pod ended with exit code 42'],
  ])('failed: %s, %s', (kind, code, exit, message) => {
    const state = observeTask(exampleJob({ condition: 'Failed' }), [examplePod({ exit })]);
    expect(state).toMatchObject({ phase: 'failed', kind, code, message, endedAt: Date.parse(exampleTime) });
  });

  test('failed for the reason of its last pod', () => {
    const first = examplePod({ exit: { code: 137, reason: 'OOMKilled', at: '2026-11-24T08:00:00Z' } });
    const last = examplePod({ exit: { code: 10, result: failedResult('StoreUnavailable', 'no answer') } });
    expect(observeTask(exampleJob({ condition: 'Failed' }), [first, last])).toMatchObject({ kind: 'retryable' });
  });
});

describe('a task of several shards', () => {
  test('is complete when its Job is, not when one shard is', () => {
    const pods = [examplePod({ index: 0, exit: { code: 0, result } })];
    expect(observeTask(exampleJob({ shards: 2 }), pods)).toMatchObject({ phase: 'working' });
    expect(observeTask(exampleJob({ shards: 2, condition: 'Complete' }), pods)).toMatchObject({ phase: 'complete' });
  });

  test('failed for the reason of the shard that used up its retries, not of those stopped because of it', () => {
    const pods = [
      examplePod({ name: 'a', index: 1, exit: { code: 137, reason: 'OOMKilled', at: '2026-11-24T08:00:00Z' } }),
      examplePod({ name: 'b', index: 0, exit: { code: 10, result: failedResult('Interrupted', 'told to stop') } }),
    ];
    const job = exampleJob({ shards: 12, condition: 'Failed', failedIndexes: '1,4-6' });
    expect(observeTask(job, pods)).toMatchObject({ kind: 'crashed' });
  });
});

test('of the Jobs of an attempt the newest counts; those of other attempts and verbs do not', () => {
  const newest = exampleJob({ retry: 10 });
  const jobs = [
    exampleJob({ retry: 9 }),
    newest,
    exampleJob({ attempt: '2', retry: 11 }),
    exampleJob({ verb: 'shard', retry: 12 }),
  ];
  expect(findJob(jobs, 'plan', '1')).toBe(newest);
  expect(findJob([], 'plan', '1')).toBeUndefined();
});

describe('pauses between Jobs', () => {
  const pauses = (exit: PodExample['exit']) =>
    [0, 1, 2, 4, 5, 50].map((retry) => {
      const pods = exit === undefined ? [] : [examplePod({ exit })];
      const state = observeTask(exampleJob({ retry, condition: 'Failed' }), pods);
      return state.phase === 'failed' ? (nextRetryAt(state) - Date.parse(exampleTime)) / 1_000 : undefined;
    });

  test('double from 30 seconds to 15 minutes', () => {
    expect(pauses({ code: 10 })).toEqual([30, 60, 120, 480, 900, 900]);
  });

  test('begin with none where only the answer was lost', () => {
    expect(pauses(undefined)).toEqual([0, 30, 60, 240, 480, 900]);
  });
});
