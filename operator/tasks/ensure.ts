/** Makes the ConfigMap and the Job of a task, adopts those that are there, keeps speed and suspension of a Job. */
import { annotationNames, labelNames } from '../api/names.ts';
import {
  configMaps,
  controllerOf,
  isAlreadyExists,
  isControlledBy,
  type Job,
  jobs,
  type KubeObject,
  keyOf,
  type ResourceType,
} from '../runtime/index.ts';
import { maxTaskBytes, ownedByJob, type TaskInput, taskConfigMap, taskJob } from '../specs/task.ts';
import type { OperatorContext } from './context.ts';
import { Obstacle } from './obstacle.ts';

/**
 * The Job is made after its ConfigMap, which a pod could not start without, and then owns it: one goes with the other.
 * Should the operator die in between, the ConfigMap goes with the resource.
 */
export async function makeTask(context: OperatorContext, input: TaskInput, signal: AbortSignal): Promise<Job> {
  const configMap = taskConfigMap(input);
  if (configMap === undefined) {
    throw new Obstacle(
      'TaskTooLarge',
      `what a pod must be told is larger than ${maxTaskBytes} bytes: make the schema or the list of files shorter`,
    );
  }
  const { resource } = input;
  const told = await createOrAdopt(context, configMaps, configMap, resource, signal);
  const job = await createOrAdopt(context, jobs, taskJob(input), resource, signal);
  if (!isControlledBy(told, job)) {
    await context.client.patch(
      configMaps,
      keyOf(told),
      { metadata: { ownerReferences: [ownedByJob(job)] } },
      { signal },
    );
  }
  return job;
}

/**
 * A child of this name that the resource owns is as good as a new one: an earlier life of the operator made it. Anyone
 * else's is left alone.
 */
export async function createOrAdopt<T extends KubeObject>(
  { client, config }: OperatorContext,
  type: ResourceType<T>,
  child: T,
  owner: KubeObject,
  signal: AbortSignal,
): Promise<T> {
  try {
    return await client.create(type, child, { signal });
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    const found = await client.get(type, keyOf(child), { signal });
    requireOurs(type, found, owner, config.installation);
    return found;
  }
}

/** Throws unless the object is a child of this resource, or of its Job of the same name, and of this installation. */
export function requireOurs(type: ResourceType, found: KubeObject, owner: KubeObject, installation: string): void {
  const isLabelled = found.metadata.labels?.[labelNames.installation] === installation;
  const controller = controllerOf(found);
  const isOfJob = controller?.kind === jobs.kind && controller.name === found.metadata.name;
  if (isLabelled && (isControlledBy(found, owner) || isOfJob)) return;
  throw new Obstacle(
    'NameTaken',
    `${type.kind} ${found.metadata.name} exists and was not made for this resource: delete it, or give this one another name`,
  );
}

export interface Pace {
  readonly suspend: boolean;
  /** Of a Job of shards. */
  readonly parallelism?: number;
}

/**
 * The only changes of a Job that is there. One that another suspended (a queue) is not resumed here: the annotation
 * tells whose suspension it is.
 */
export async function keepPace(context: OperatorContext, job: Job, pace: Pace, signal: AbortSignal): Promise<void> {
  const patch = paceOf(job, pace);
  if (patch !== undefined) await context.client.patch(jobs, keyOf(job), patch, { signal });
}

export function paceOf(job: Job, { suspend, parallelism }: Pace): object | undefined {
  const isOurs = job.metadata.annotations?.[annotationNames.suspended] === 'true';
  const isSuspended = job.spec?.suspend === true;
  const suspension =
    suspend && !isSuspended
      ? { metadata: { annotations: { [annotationNames.suspended]: 'true' } }, spec: { suspend: true } }
      : !suspend && isOurs
        ? { metadata: { annotations: { [annotationNames.suspended]: null } }, spec: { suspend: false } }
        : undefined;
  const most = job.spec?.completions;
  const wanted = parallelism === undefined || most === undefined ? undefined : Math.min(parallelism, most);
  const speed = wanted === undefined || wanted === job.spec?.parallelism ? undefined : { parallelism: wanted };
  if (suspension === undefined && speed === undefined) return undefined;
  return { ...suspension, spec: { ...suspension?.spec, ...speed } };
}

/** A Job with its pods and its ConfigMap. */
export async function deleteTask({ client }: OperatorContext, job: Job, signal: AbortSignal): Promise<void> {
  const { uid } = job.metadata;
  await client.delete(jobs, keyOf(job), { signal, ...(uid !== undefined && { preconditions: { uid } }) });
}
