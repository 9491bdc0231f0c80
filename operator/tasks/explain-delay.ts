/** Why the pods of a Job do not run: from their own status, else from events, which are asked for only then. */

import type { CoreV1Event } from '@kubernetes/client-node';
import type { ApiObject, Job, Pod, ResourceType } from '../runtime/index.ts';
import type { OperatorContext } from './context.ts';
import type { WorkingTask } from './observe.ts';
import { ageFrom, hasStarted, isStuckOnNode, type Note, oneLine, startProblem, terminationOf } from './pods.ts';

type Event = ApiObject<CoreV1Event>;

const events: ResourceType<Event> = { group: '', version: 'v1', plural: 'events', kind: 'Event', namespaced: true };

/** A Job without pods is looked into after this time: its controller needs a moment. */
const patienceMilliseconds = 3_000;

export async function explainDelay(
  context: OperatorContext,
  { job, pods: all }: WorkingTask,
  signal: AbortSignal,
): Promise<Note | undefined> {
  const pods = all.filter((pod) => terminationOf(pod) === undefined);
  const problem = pods.map(startProblem).find((note) => note !== undefined);
  if (problem !== undefined || pods.some(hasStarted)) return problem;
  const now = context.clock.now();
  const stuck = pods.find((pod) => isStuckOnNode(pod, now));
  if (stuck !== undefined) return await newestWarning(context, stuck, 'a pod cannot start', signal);
  // Between two pods their Job pauses: only what was told since the last one ended is of now.
  const since = Math.max(ageFrom(job), ...all.map((pod) => terminationOf(pod)?.finishedAt ?? 0));
  if (pods.length > 0 || job.spec?.suspend === true || now - since < patienceMilliseconds) return undefined;
  return await newestWarning(context, job, 'no pod can be made', signal, since);
}

export async function explainPods(
  context: OperatorContext,
  pods: readonly Pod[],
  signal: AbortSignal,
): Promise<Note | undefined> {
  const problem = pods.map(startProblem).find((note) => note !== undefined);
  if (problem !== undefined) return problem;
  const stuck = pods.find((pod) => isStuckOnNode(pod, context.clock.now()));
  return stuck && (await newestWarning(context, stuck, 'a pod cannot start', signal));
}

/** The names of events are the kubelet's and the controllers': FailedMount, FailedCreate, ... */
async function newestWarning(
  { client }: OperatorContext,
  about: Job | Pod,
  what: string,
  signal: AbortSignal,
  since = 0,
): Promise<Note | undefined> {
  const { namespace, uid } = about.metadata;
  const fieldSelector = `involvedObject.uid=${uid},type=Warning`;
  const { items } = await client.list(events, { ...(namespace !== undefined && { namespace }), fieldSelector, signal });
  const newest = items.sort((a, b) => timeOf(b) - timeOf(a))[0];
  if (newest?.reason === undefined || timeOf(newest) < since) return undefined;
  return { reason: newest.reason, message: `${what}: ${stableText(newest.message)}` };
}

function timeOf({ series, lastTimestamp, eventTime, metadata }: Event): number {
  return Date.parse(series?.lastObservedTime ?? lastTimestamp ?? eventTime ?? metadata.creationTimestamp ?? '');
}

/** Names of pods change with every try; a message in a condition should not. */
function stableText(message: string | undefined): string {
  return oneLine(message).replace(/^Error creating: pods "[^"]*" is /, '');
}
