/** A StreamInlet: pods, a Service and a budget are kept as wanted; what the pods tell goes into status. */
import { hasSchemaInForce } from '../api/conditions.ts';
import { labelNames } from '../api/names.ts';
import { type Outlook, requeue } from '../api/outlook.ts';
import { streamInlets } from '../api/resources.ts';
import type { Dataset, StreamInlet } from '../api/types.gen.ts';
import {
  configMaps,
  type Deployment,
  deployments,
  keyOf,
  keyString,
  type Pod,
  podDisruptionBudgets,
  type Reconcile,
  type ReconcileResult,
  services,
  timestamp,
} from '../runtime/index.ts';
import { datasetPlace } from '../specs/dataset.ts';
import { deploymentName, type InletChildren, inletChildren, inletURLs, selectorText } from '../specs/inlet.ts';
import { selectorLabels } from '../specs/pod.ts';
import { AppliedChildren } from '../tasks/apply-child.ts';
import type { OperatorContext } from '../tasks/context.ts';
import { createOrAdopt } from '../tasks/ensure.ts';
import { explainPods } from '../tasks/explain-delay.ts';
import { asObstacle } from '../tasks/obstacle.ts';
import type { Note } from '../tasks/pods.ts';
import { reconciler } from '../tasks/reconciler.ts';
import { writeStatus } from '../tasks/write-status.ts';
import { introduced, outlookOf, reported, type Told, withOutlook } from './status.ts';

/** Each returns how the inlet stands, or nothing when the next step is to be taken. */
const steps: readonly Step[] = [introduce, addReports, findDataset, applyChildren, judge];

type Step = (work: Work) => Promise<Outlook | undefined>;

interface Work {
  readonly context: OperatorContext;
  readonly signal: AbortSignal;
  readonly memory: Memory;
  readonly stored: StreamInlet;
  /** With the status as the steps make it. */
  inlet: StreamInlet;
  dataset?: Dataset;
}

/** What saves calls, and may be lost. */
interface Memory {
  readonly applied: AppliedChildren;
  /** By inlet: the ConfigMap beside which no other is left. */
  readonly swept: Map<string, string>;
}

export function reconcileInlet(context: OperatorContext): Reconcile {
  const memory: Memory = { applied: new AppliedChildren(), swept: new Map() };
  return reconciler(context, {
    resources: context.caches.inlets,
    reconcile: async (inlet, { signal }) => {
      const work: Work = { context, signal, memory, stored: inlet, inlet };
      return await conclude(work, await takeSteps(work));
    },
    forget: (key) => {
      memory.swept.delete(keyString(key));
    },
  });
}

async function takeSteps(work: Work): Promise<Outlook> {
  try {
    for (const step of steps) {
      const outlook = await step(work);
      if (outlook !== undefined) return outlook;
    }
    throw new Error('no step told how the inlet stands');
  } catch (error) {
    const obstacle = asObstacle(error);
    if (obstacle === undefined) throw error;
    const { reason, message } = obstacle;
    return { state: 'Reconciling', reason, message, isProblem: true, requeueAfterSeconds: 15 };
  }
}

async function conclude(work: Work, outlook: Outlook): Promise<ReconcileResult> {
  const { context, signal, stored, inlet } = work;
  const status = withOutlook(inlet, inlet.status, outlook, timestamp(context.clock.now()));
  await writeStatus(context, streamInlets, stored, status, outlook, signal);
  return requeue(outlook);
}

async function introduce(work: Work): Promise<undefined> {
  const { inlet, context } = work;
  const service = context.caches.services.store.get(keyOf(inlet));
  const addresses = (service?.status?.loadBalancer?.ingress ?? []).flatMap(({ hostname, ip }) => hostname ?? ip ?? []);
  const urls = inletURLs(inlet, inlet.spec.service.type === 'LoadBalancer' ? addresses : []);
  const replicas = deploymentOf(work)?.status?.replicas ?? 0;
  const status = introduced(inlet, urls, selectorText(inlet, context.config));
  work.inlet = { ...inlet, status: { ...status, replicas } };
}

/** Also of pods of a Deployment that cannot be changed at the moment. */
async function addReports(work: Work): Promise<undefined> {
  const { context, inlet } = work;
  const told = podsOf(work).flatMap((pod): Told[] => {
    const heard = context.progress.of(pod);
    if (heard === undefined || !('sequence' in heard.report)) return [];
    return [{ report: heard.report, at: timestamp(heard.at) }];
  });
  work.inlet = { ...inlet, status: reported(inlet.status, told) };
  const { namespace } = inlet.metadata;
  for (const { report } of told) {
    if (report.table !== undefined) context.totals.offer({ namespace, name: inlet.spec.datasetRef.name }, report.table);
  }
}

/** A running inlet goes on without its Dataset: what it takes in is durable, and the place says who owns it. */
async function findDataset(work: Work): Promise<Outlook | undefined> {
  const { namespace } = work.inlet.metadata;
  const { name } = work.inlet.spec.datasetRef;
  const dataset = work.context.caches.datasets.store.get({ namespace, name });
  const waiting = { state: 'Reconciling' as const };
  if (dataset === undefined || dataset.metadata.deletionTimestamp !== undefined) {
    return { ...waiting, reason: 'DatasetNotFound', message: `Dataset ${name} does not exist`, isProblem: true };
  }
  if (!hasSchemaInForce(dataset)) {
    return { ...waiting, reason: 'DatasetNotReady', message: `Dataset ${name} has no schema in force yet` };
  }
  work.dataset = dataset;
  return undefined;
}

async function applyChildren(work: Work): Promise<undefined> {
  const { context, inlet, dataset, signal, memory } = work;
  if (dataset === undefined) throw new TypeError('the dataset is looked for first');
  const { config, caches, client } = context;
  const children = inletChildren(inlet, dataset, datasetPlace(dataset, config.installation), config);
  const { configMap, deployment, service, budget } = children;
  const { applied } = memory;
  const cachedDeployment = deploymentOf(work);
  if (cachedDeployment === undefined || taskOf(cachedDeployment) !== configMap.metadata.name) {
    await createOrAdopt(context, configMaps, configMap, inlet, signal);
  }
  await applied.apply(context, deployments, deployment, cachedDeployment, inlet, signal);
  await applied.apply(context, services, service, caches.services.store.get(keyOf(service)), inlet, signal);
  const cachedBudget = caches.budgets.store.get(keyOf(deployment));
  if (budget !== undefined) await applied.apply(context, podDisruptionBudgets, budget, cachedBudget, inlet, signal);
  else if (cachedBudget !== undefined) await client.delete(podDisruptionBudgets, keyOf(cachedBudget), { signal });
  await sweepTasks(work, children);
}

function taskOf(deployment: Deployment): string | undefined {
  const task = deployment.spec?.template.spec?.volumes?.find(({ name }) => name === 'task');
  return task?.projected?.sources?.find(({ configMap }) => configMap !== undefined)?.configMap?.name;
}

/** Tasks of pods that are gone: once all pods have the newest, the others are needed no more. */
async function sweepTasks(work: Work, { configMap }: InletChildren): Promise<void> {
  const { context, inlet, signal, memory } = work;
  const { name, namespace } = configMap.metadata;
  const key = keyString(keyOf(inlet));
  if (memory.swept.get(key) === name || !isRolledOut(deploymentOf(work), name)) return;
  const labels = { ...selectorLabels(inlet, context.config), [labelNames.verb]: 'inlet' };
  const labelSelector = Object.entries(labels)
    .map(([label, value]) => `${label}=${value}`)
    .join(',');
  const within = namespace === undefined ? {} : { namespace };
  for await (const page of context.client.pages(configMaps, { ...within, labelSelector, signal })) {
    for (const found of page.items) {
      if (found.metadata.name !== name) await context.client.delete(configMaps, keyOf(found), { signal });
    }
  }
  memory.swept.set(key, name);
}

function isRolledOut(deployment: Deployment | undefined, task: string): boolean {
  if (deployment === undefined || taskOf(deployment) !== task) return false;
  const { observedGeneration = 0, updatedReplicas = 0, replicas = 0 } = deployment.status ?? {};
  return observedGeneration >= (deployment.metadata.generation ?? 0) && updatedReplicas === replicas;
}

async function judge(work: Work): Promise<Outlook> {
  const { context, inlet, signal } = work;
  const pods = podsOf(work);
  const problem = await explainPods(context, pods, signal);
  const outlook = outlookOf(inlet, deploymentOf(work), problem, troubleOf(context, pods));
  const { progressSeconds, inletReportSeconds } = context.config;
  return { ...outlook, requeueAfterSeconds: outlook.state === 'Ready' ? inletReportSeconds : progressSeconds };
}

/** Told by the newest view, as the counts are. */
function troubleOf({ progress }: OperatorContext, pods: readonly Pod[]): Note | undefined {
  const reports = pods.flatMap((pod) => {
    const report = progress.of(pod)?.report;
    return report !== undefined && 'sequence' in report ? [report] : [];
  });
  const trouble = reports.sort((a, b) => b.sequence - a.sequence)[0]?.problem;
  return trouble && { reason: trouble.code, message: trouble.message };
}

/** Those that are leaving tell no more. */
function podsOf({ context, inlet }: Work): Pod[] {
  const pods = context.caches.pods.store.byIndex('inlet', keyString(keyOf(inlet)));
  return pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
}

function deploymentOf({ context, inlet }: Work): Deployment | undefined {
  const { namespace } = inlet.metadata;
  return context.caches.deployments.store.get({ namespace, name: deploymentName(inlet) });
}
