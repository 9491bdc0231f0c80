import { type Dataset, openDataset } from '../commit/dataset.ts';
import { decide, readDocument } from '../commit/decide.ts';
import { type Plan, Receipt } from '../commit/documents.ts';
import { batchDigest, receiptKey } from '../commit/names.ts';
import { readDecision, requirePlan } from '../commit/runs.ts';
import { zeroRecords } from '../contract/counts.ts';
import { ForebayError, toForebayError } from '../contract/errors.ts';
import type { ShardResult } from '../contract/result.ts';
import type { BatchInput, ShardTask } from '../contract/task.ts';
import { type OpenInput, withInputs } from '../sources/inputs.ts';
import { type Environment, withStore } from './environment.ts';
import { ingestInputs } from './ingest-inputs.ts';

/** Reads one shard of a plan and leaves a receipt. */
export async function runShard(task: ShardTask, environment: Environment): Promise<ShardResult> {
  const { index, input } = task;
  if (index === undefined) throw new ForebayError('InvalidTask', 'the shard task has no index');
  if (input === undefined) throw new ForebayError('InvalidTask', 'the shard task has no input');
  return await withStore(environment, task.dataset.storage, async (store) => {
    const dataset = await openDataset(store, task.dataset, environment);
    const plan = await requirePlan(dataset, task.batch, task.run, environment);
    const receipt = await ingestShard(dataset, plan, index, input, environment);
    return {
      version: 1,
      verb: 'shard',
      index,
      records: receipt?.records ?? zeroRecords(),
      bytes: receipt?.bytes ?? { input: 0, output: 0 },
    };
  });
}

/**
 * The receipt of a shard: the one that is there, else of reading it now. Undefined when the run was decided without it.
 * When a twin was faster, its receipt counts and the files written here are removed: nothing names them.
 */
export async function ingestShard(
  dataset: Dataset,
  plan: Plan,
  index: number,
  input: BatchInput,
  environment: Environment,
): Promise<Receipt | undefined> {
  const batch = batchDigest(plan.batch);
  const key = receiptKey(batch, plan.run, index);
  const earlier = await readDocument(dataset.store, key, Receipt, environment);
  if (earlier !== undefined) return earlier;
  if ((await readDecision(dataset, batch, plan.run, environment)) !== undefined) return undefined;

  environment.progress({ phase: 'Running', totalInputBytes: plan.shards[index]?.bytes ?? 0 });
  const ingest = (open: OpenInput) => ingestInputs(dataset, plan, index, open, environment);
  const receipt = await withInputs(environment, input, ingest, dataset.store);
  const decided = await decide(dataset.store, key, Receipt, receipt, environment);
  if (!decided.own) await discard(dataset, receipt, environment);
  return decided.value;
}

/** What cannot be removed now is garbage for `maintain`. */
async function discard({ store }: Dataset, receipt: Receipt, { log, signal }: Environment): Promise<void> {
  const files = receipt.rejectFile === undefined ? receipt.dataFiles : [...receipt.dataFiles, receipt.rejectFile];
  try {
    await store.delete(
      files.map((file) => file.key),
      { signal },
    );
  } catch (thrown) {
    log.warn({ code: toForebayError(thrown).code, files: files.length }, 'files of a lost race not removed');
  }
}
