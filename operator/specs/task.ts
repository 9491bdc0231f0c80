/** A task on its way to a pod: the document in a ConfigMap, and the Job that runs it. Both bear the same name. */
import type { V1JobSpec, V1VolumeProjection } from '@kubernetes/client-node';
import { exitCodes } from '../../ingestor/contract/errors.ts';
import type { Task } from '../../ingestor/contract/task.ts';
import { annotationNames, childName, type Resource } from '../api/names.ts';
import { apiVersion, type PodTemplate } from '../api/types.gen.ts';
import type { ConfigMap, Job } from '../runtime/core.ts';
import type { OwnerReference, Wire } from '../runtime/objects.ts';
import type { Installation } from './installation.ts';
import { childLabels, containerName, mergePodTemplates, podTemplateSpec, taskKey } from './pod.ts';

/** A document and what must be mounted for it. */
export interface TaskPlan {
  readonly document: Task;
  readonly projections: readonly Wire<V1VolumeProjection>[];
}

export interface TaskInput {
  readonly resource: Resource;
  readonly installation: Installation;
  readonly plan: TaskPlan;
  /** What it is done for: names the Job. Of several Jobs for one attempt, `retry` counts those before. */
  readonly attempt: string;
  readonly retry: number;
  readonly podTemplates: readonly (PodTemplate | undefined)[];
  /** An Indexed Job: one pod for each shard. */
  readonly shards?: { readonly count: number; readonly parallelism: number };
  /** How long Kubernetes keeps the Job after its end; default: the installation's. */
  readonly ttlSeconds?: number;
}

/** A ConfigMap holds 1 MiB: keys, values and some room for the rest. */
export const maxTaskBytes = 2 ** 20 - 2 ** 12;

/** Pods that fail before the Job gives up: after 10, 20 and 40 seconds they are replaced. */
const backoffLimit = 3;

/** Between the signal to stop and the end: a shard drops what it wrote and says that it was interrupted. */
const taskGraceSeconds = 30;

export function taskName({
  resource,
  plan,
  attempt,
  retry,
}: Pick<TaskInput, 'resource' | 'plan' | 'attempt' | 'retry'>): string {
  return childName(resource, plan.document.verb, `${attempt}.${retry}`);
}

/** Undefined when the document is too large for a ConfigMap. Immutable: nobody watches it, nobody can change it. */
export function taskConfigMap(input: TaskInput): ConfigMap | undefined {
  const text = JSON.stringify(input.plan.document);
  if (Buffer.byteLength(text) > maxTaskBytes) return undefined;
  const { resource, installation, plan } = input;
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: taskName(input),
      namespace: resource.metadata.namespace,
      labels: childLabels(resource, plan.document.verb, installation),
      ownerReferences: [ownedBy(resource)],
    },
    immutable: true,
    data: { [taskKey]: text },
  };
}

export function taskJob(input: TaskInput): Job {
  const { resource, installation, plan, podTemplates } = input;
  const { metadata } = mergePodTemplates(podTemplates);
  const name = taskName(input);
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name,
      namespace: resource.metadata.namespace,
      labels: { ...metadata?.labels, ...childLabels(resource, plan.document.verb, installation) },
      annotations: {
        ...metadata?.annotations,
        [annotationNames.attempt]: input.attempt,
        [annotationNames.retry]: String(input.retry),
      },
      ownerReferences: [ownedBy(resource)],
    },
    spec: {
      ...(input.shards ? indexed(input.shards) : { backoffLimit }),
      podFailurePolicy: {
        rules: [
          { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
          {
            action: 'FailJob',
            onExitCodes: { containerName, operator: 'In', values: [exitCodes.permanent] },
          },
        ],
      },
      podReplacementPolicy: 'Failed',
      ttlSecondsAfterFinished: input.ttlSeconds ?? installation.jobTTLSeconds,
      template: podTemplateSpec({
        resource,
        verb: plan.document.verb,
        installation,
        podTemplates,
        task: name,
        projections: plan.projections,
        terminationGracePeriodSeconds: taskGraceSeconds,
        restartPolicy: 'Never',
      }),
    },
  };
}

/** Each shard has retries of its own; one that used them up ends the Job. */
function indexed(shards: { readonly count: number; readonly parallelism: number }): Partial<Wire<V1JobSpec>> {
  return {
    completionMode: 'Indexed',
    completions: shards.count,
    parallelism: Math.min(shards.parallelism, shards.count),
    backoffLimitPerIndex: backoffLimit,
    maxFailedIndexes: 0,
  };
}

/** Without blockOwnerDeletion: that would need a verb on the owner's finalizers. */
export function ownedBy(resource: Resource): OwnerReference {
  const { name, uid } = resource.metadata;
  return { apiVersion, kind: resource.kind, name, uid, controller: true };
}

/** The ConfigMap goes with the Job that it was made for. */
export function ownedByJob(job: Job): OwnerReference {
  const { name, uid } = job.metadata;
  if (uid === undefined) throw new TypeError(`Job ${name} is not stored yet`);
  return { apiVersion: 'batch/v1', kind: 'Job', name, uid, controller: true };
}
