import { describe, expect, test } from 'vitest';
import { examplePod, exampleTime, failedResult } from './examples.ts';
import { isStuckOnNode, startProblem, terminationOf } from './pods.ts';

describe('why a pod does not start', () => {
  test('no node takes it', () => {
    const message = '0/1 nodes are available: 1 Insufficient memory.';
    const conditions = [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }];
    expect(startProblem(examplePod({ status: { phase: 'Pending', conditions } }))).toEqual({
      reason: 'Unschedulable',
      message: `a pod finds no node: ${message}`,
    });
  });

  test('the image cannot be pulled, told in the same words by both of the reasons that take turns', () => {
    const detail = 'failed to pull image "x": not found';
    const pulling = { reason: 'ErrImagePull', message: detail };
    const waiting = { reason: 'ImagePullBackOff', message: `Back-off pulling image "x": ErrImagePull: ${detail}` };
    const note = { reason: 'ImagePullBackOff', message: `the image cannot be pulled: ${detail}` };
    expect(startProblem(examplePod({ waiting: pulling }))).toEqual(note);
    expect(startProblem(examplePod({ waiting }))).toEqual(note);
  });

  test('a Secret is missing', () => {
    const waiting = { reason: 'CreateContainerConfigError', message: 'secret "lake-key" not found' };
    expect(startProblem(examplePod({ waiting }))?.reason).toBe('CreateContainerConfigError');
  });

  test('it ended before, and said why', () => {
    const result = failedResult('StorageInUse', 'it belongs to another');
    const terminated = { exitCode: 42, message: JSON.stringify(result), finishedAt: exampleTime };
    const pod = examplePod({ waiting: { reason: 'CrashLoopBackOff', message: 'back-off 5m0s' } });
    const [container] = pod.status?.containerStatuses ?? [];
    const crashed = {
      ...pod,
      status: { containerStatuses: container && [{ ...container, lastState: { terminated } }] },
    };
    expect(startProblem(crashed)).toEqual({ reason: 'StorageInUse', message: 'it belongs to another' });
  });

  test.each([[{ waiting: { reason: 'ContainerCreating' } }], [{ running: true }], [{}]])('%j is on its way', (pod) => {
    expect(startProblem(examplePod(pod))).toBeUndefined();
  });

  test('a volume that cannot be mounted shows in events only, so they are looked at after a few seconds', () => {
    const pod = examplePod({ waiting: { reason: 'ContainerCreating' } });
    const created = Date.parse(exampleTime);
    expect(isStuckOnNode(pod, created + 1_000)).toBe(false);
    expect(isStuckOnNode(pod, created + 10_000)).toBe(true);
  });
});

describe('how a pod ended', () => {
  test('with a result', () => {
    const result = failedResult('StoreUnavailable', 'the store does not answer');
    expect(terminationOf(examplePod({ exit: { code: 10, result } }))).toMatchObject({
      exitCode: 10,
      result,
      description: 'StoreUnavailable: the store does not answer',
    });
  });

  test.each([
    [{ code: 137, reason: 'OOMKilled' }, 'the pod ran out of memory (OOMKilled, limit 1Gi)'],
    [{ code: 134 }, 'the pod aborted (exit code 134): its heap was full, limit 1Gi'],
    [{ code: 1 }, 'the pod ended with exit code 1'],
    [{ code: 0, message: '{"version":99}' }, 'the pod ended without a result'],
  ])('%j: %s', (exit, description) => {
    const end = terminationOf(examplePod({ exit }));
    expect(end).toMatchObject({ description });
    expect(end).not.toHaveProperty('result');
  });

  test('evicted, before any container told of it', () => {
    const status = {
      phase: 'Failed',
      reason: 'Evicted',
      message: 'The node was low on resource: memory.',
      containerStatuses: [],
    };
    expect(terminationOf(examplePod({ status }))?.description).toBe(
      'the pod was evicted: The node was low on resource: memory.',
    );
  });

  test('not at all', () => {
    expect(terminationOf(examplePod({ running: true }))).toBeUndefined();
  });
});
