/** What a pod's status tells: why it does not start, how it ended, what it reported. */
import type { V1ContainerStatus } from '@kubernetes/client-node';
import { parseDocument } from '../../ingestor/contract/documents.ts';
import { exitCodes } from '../../ingestor/contract/errors.ts';
import { Result } from '../../ingestor/contract/result.ts';
import type { Pod } from '../runtime/core.ts';
import type { Wire } from '../runtime/objects.ts';
import { containerName } from '../specs/pod.ts';

/** Something to tell people: a reason in one word, and a line. */
export interface Note {
  readonly reason: string;
  readonly message: string;
}

/** How the container of a pod ended. */
export interface Termination {
  readonly exitCode: number;
  readonly result?: Result;
  /** Milliseconds since 1970. */
  readonly finishedAt: number;
  /** One line: out of memory, evicted, exit code. */
  readonly description: string;
}

/** Undefined while it starts as it should, or runs. */
export function startProblem(pod: Pod): Note | undefined {
  const scheduled = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
  if (scheduled?.status === 'False' && scheduled.reason !== undefined) {
    return { reason: scheduled.reason, message: `a pod finds no node: ${oneLine(scheduled.message)}` };
  }
  const container = ingestor(pod);
  const waiting = container?.state?.waiting;
  if (waiting?.reason === undefined || isOnItsWay(waiting.reason)) return undefined;
  const last = container?.lastState?.terminated;
  if (waiting.reason === 'CrashLoopBackOff' && last !== undefined) return crashNote(pod, last);
  if (waiting.reason.startsWith('ErrImage') || waiting.reason === 'ImagePullBackOff') {
    return { reason: 'ImagePullBackOff', message: `the image cannot be pulled: ${pullError(waiting.message)}` };
  }
  return { reason: waiting.reason, message: `a pod cannot start: ${oneLine(waiting.message)}` };
}

/** An inlet that cannot go on ends with its reason, and is started again and again. */
function crashNote(pod: Pod, last: Terminated): Note {
  const result = parseResult(last.message, pod.metadata.name);
  if (result !== undefined && 'error' in result) return { reason: result.error.code, message: result.error.message };
  return { reason: 'CrashLoopBackOff', message: describeEnd(pod, last, undefined) };
}

function isOnItsWay(reason: string): boolean {
  return reason === 'ContainerCreating' || reason === 'PodInitializing';
}

/** The kubelet says the same in two ways, in turn: status must not follow it to and fro. */
function pullError(message: string | undefined): string {
  return oneLine(message).replace(/^Back-off pulling image "[^"]*"(: ErrImagePull)?: /, '');
}

/** A node has it, but no container runs: a volume that cannot be mounted shows in events alone. */
export function isStuckOnNode(pod: Pod, now: number): boolean {
  const { status, spec } = pod;
  if (status?.phase !== 'Pending' || spec?.nodeName === undefined) return false;
  return startProblem(pod) === undefined && now - ageFrom(pod) > 4_000;
}

export function ageFrom(object: { readonly metadata: { readonly creationTimestamp?: string } }): number {
  return Date.parse(object.metadata.creationTimestamp ?? '');
}

export function hasStarted(pod: Pod): boolean {
  const state = ingestor(pod)?.state;
  return state?.running !== undefined || state?.terminated !== undefined;
}

/** Undefined while the pod lives. */
export function terminationOf(pod: Pod): Termination | undefined {
  const terminated = ingestor(pod)?.state?.terminated;
  if (terminated !== undefined) {
    const result = parseResult(terminated.message, pod.metadata.name);
    return {
      exitCode: terminated.exitCode,
      ...(result && { result }),
      finishedAt: Date.parse(terminated.finishedAt ?? ''),
      description: describeEnd(pod, terminated, result),
    };
  }
  if (pod.status?.phase !== 'Failed') return undefined;
  return { exitCode: -1, finishedAt: ageFrom(pod), description: describeLoss(pod) };
}

function parseResult(message: string | undefined, pod: string): Result | undefined {
  if (message === undefined || message === '') return undefined;
  try {
    return parseDocument(Result, message, `the result of pod ${pod}`, 'InvalidTask');
  } catch {
    return undefined;
  }
}

type Terminated = NonNullable<NonNullable<Wire<V1ContainerStatus>['state']>['terminated']>;

function describeEnd(pod: Pod, terminated: Terminated, result: Result | undefined): string {
  if (result !== undefined && 'error' in result) return `${result.error.code}: ${result.error.message}`;
  if (terminated.reason === 'OOMKilled') return `the pod ran out of memory (OOMKilled${limitOf(pod)})`;
  if (pod.status?.reason === 'Evicted') return describeLoss(pod);
  // 128 + signal: V8 aborts when its heap is full.
  if (terminated.exitCode === 134) return `the pod aborted (exit code 134): its heap was full${limitOf(pod)}`;
  if (terminated.exitCode === exitCodes.done) return 'the pod ended without a result';
  return `the pod ended with exit code ${terminated.exitCode}`;
}

function describeLoss(pod: Pod): string {
  const { reason, message } = pod.status ?? {};
  if (reason === 'Evicted') return `the pod was evicted: ${oneLine(message)}`;
  const disrupted = pod.status?.conditions?.find(
    ({ type, status }) => type === 'DisruptionTarget' && status === 'True',
  );
  if (disrupted) return `the pod was disrupted (${disrupted.reason}): ${oneLine(disrupted.message)}`;
  return `the pod was lost (${reason ?? 'no reason given'})`;
}

function limitOf(pod: Pod): string {
  const limit = pod.spec?.containers[0]?.resources?.limits?.memory;
  return limit === undefined ? '' : `, limit ${limit}`;
}

function ingestor(pod: Pod): Wire<V1ContainerStatus> | undefined {
  return pod.status?.containerStatuses?.find(({ name }) => name === containerName);
}

/** Messages of others may have several lines and any length. */
export function oneLine(text: string | undefined): string {
  const line = (text ?? '').replace(/\s+/g, ' ').trim();
  return line.length > 500 ? `${line.slice(0, 497)}...` : line;
}
