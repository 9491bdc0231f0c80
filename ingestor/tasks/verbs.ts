/** The task verbs: what document each takes and what runs it, loaded when it is called for. */
import type { Static, TSchema } from 'typebox';
import { parseDocument } from '../contract/documents.ts';
import { ForebayError } from '../contract/errors.ts';
import type { Result } from '../contract/result.ts';
import {
  CheckTask,
  FinishTask,
  InletTask,
  MaintainTask,
  PlanTask,
  PrepareTask,
  PurgeTask,
  ShardTask,
  type Verb,
} from '../contract/task.ts';
import type { Environment } from './environment.ts';

/** Runs the task that the text is. Answers its result; undefined for a verb that runs until it is told to stop. */
export type RunTask = (text: string, environment: Environment) => Promise<Result | undefined>;

export const verbs = {
  prepare: task(PrepareTask, async () => (await import('./prepare.ts')).runPrepare),
  plan: task(PlanTask, async () => (await import('./plan.ts')).runPlan),
  shard: task(ShardTask, async () => (await import('./shard.ts')).runShard),
  finish: task(FinishTask, async () => (await import('./finish.ts')).runFinish),
  maintain: task(MaintainTask, async () => (await import('./maintain.ts')).runMaintain),
  check: task(CheckTask, async () => (await import('./check.ts')).runCheck),
  purge: task(PurgeTask, async () => (await import('./purge.ts')).runPurge),
  inlet: task(InletTask, async () => {
    const { runInlet } = await import('../inlet/main.ts');
    return async (inletTask, environment) => {
      await runInlet(inletTask, environment);
      return undefined;
    };
  }),
} as const satisfies Record<Verb, RunTask>;

/** The program is loaded while the document is checked, so that neither waits for the other. */
function task<S extends TSchema>(
  schema: S,
  load: () => Promise<(task: Static<S>, environment: Environment) => Promise<Result | undefined>>,
): RunTask {
  return async (text, environment) => {
    const document = parseDocument(schema, text, 'the task document', 'InvalidTask');
    const run = await load();
    return await run(withIndex(document), environment);
  };
}

/** Which shard of an Indexed Job this pod is stands in a variable that Kubernetes sets. */
function withIndex<T>(document: T): T {
  const index = process.env.JOB_COMPLETION_INDEX;
  if (index === undefined || !isShardTask(document)) return document;
  if (!/^[0-9]+$/.test(index)) throw new ForebayError('InvalidTask', 'JOB_COMPLETION_INDEX is no number');
  return { ...document, index: Number(index) };
}

function isShardTask(document: unknown): document is ShardTask {
  return typeof document === 'object' && document !== null && 'verb' in document && document.verb === 'shard';
}
