/** Pods and Jobs as the API server gives them, for tests. */
import type { Result } from '../../ingestor/contract/result.ts';
import type { Job, Pod } from '../runtime/core.ts';

export const exampleTime = '2026-11-24T09:00:00Z';

export interface PodExample {
  readonly name?: string;
  readonly index?: number;
  readonly phase?: string;
  readonly waiting?: { readonly reason: string; readonly message?: string };
  readonly running?: boolean;
  readonly exit?: {
    readonly code: number;
    readonly result?: Result;
    readonly message?: string;
    readonly reason?: string;
    readonly at?: string;
  };
  readonly status?: Pod['status'];
}

export function examplePod({
  name = 'pod-1',
  index,
  phase = 'Pending',
  waiting,
  running,
  exit,
  status,
}: PodExample): Pod {
  const terminated = exit && {
    exitCode: exit.code,
    finishedAt: exit.at ?? exampleTime,
    ...(exit.reason !== undefined && { reason: exit.reason }),
    message: exit.result === undefined ? (exit.message ?? '') : JSON.stringify(exit.result),
  };
  const state = {
    ...(waiting && { waiting }),
    ...(running && { running: { startedAt: exampleTime } }),
    ...(terminated && { terminated }),
  };
  return {
    metadata: {
      name,
      namespace: 'shop',
      uid: `uid-of-${name}`,
      creationTimestamp: exampleTime,
      ...(index !== undefined && { annotations: { 'batch.kubernetes.io/job-completion-index': String(index) } }),
    },
    spec: {
      nodeName: 'node-1',
      containers: [{ name: 'ingestor', resources: { limits: { memory: '1Gi' } } }],
    },
    status: {
      phase,
      containerStatuses: [
        { name: 'ingestor', image: 'forebay:test', imageID: '', ready: false, restartCount: 0, state },
      ],
      ...status,
    },
  };
}

export interface JobExample {
  readonly verb?: string;
  readonly attempt?: string;
  readonly retry?: number;
  readonly condition?: string;
  readonly shards?: number;
  readonly failedIndexes?: string;
  readonly suspend?: boolean;
  readonly annotations?: Record<string, string>;
}

export function exampleJob({
  verb = 'plan',
  attempt = '1',
  retry = 0,
  condition,
  shards,
  failedIndexes,
  suspend,
  annotations,
}: JobExample = {}): Job {
  return {
    metadata: {
      name: `job-${verb}-${attempt}-${retry}`,
      namespace: 'shop',
      uid: `uid-of-job-${verb}-${attempt}-${retry}`,
      creationTimestamp: exampleTime,
      labels: { 'ingest.forebay.dev/verb': verb },
      annotations: {
        'ingest.forebay.dev/attempt': attempt,
        'ingest.forebay.dev/retry': String(retry),
        ...annotations,
      },
    },
    spec: {
      template: {},
      ...(suspend !== undefined && { suspend }),
      ...(shards !== undefined && { completionMode: 'Indexed', completions: shards, parallelism: shards }),
    },
    status: {
      ...(failedIndexes !== undefined && { failedIndexes }),
      ...(condition !== undefined && {
        conditions: [{ type: condition, status: 'True', lastTransitionTime: exampleTime }],
      }),
    },
  };
}

export function failedResult(code: string, message: string): Result {
  return { version: 1, verb: 'plan', error: { code, message } };
}
