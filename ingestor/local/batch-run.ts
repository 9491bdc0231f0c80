/** One batch, from plan to end, in this process: what the operator does with Jobs, one after the other. */
import { basename, dirname, isAbsolute, join } from 'node:path';
import { batchID, requestOf } from '../../operator/api/names.ts';
import type { Batch, SourceConnection } from '../../operator/api/types.gen.ts';
import type { LocalBatch } from '../../operator/api/validation/local-fields.ts';
import { batchRequest, planDocument, type ResolvedInput, resolveInput } from '../../operator/specs/batch.ts';
import { digestOf } from '../../operator/specs/canonical.ts';
import type { BatchOutcome, TableTotals } from '../contract/result.ts';
import type { BatchInput, BatchRequest, DatasetTarget } from '../contract/task.ts';
import type { Environment } from '../tasks/environment.ts';
import { runFinish } from '../tasks/finish.ts';
import { runPlan } from '../tasks/plan.ts';
import { runShard } from '../tasks/shard.ts';
import type { Mounts } from './mounts.ts';

export interface BatchEnd {
  readonly outcome: BatchOutcome;
  readonly table?: TableTotals;
}

/** Runs the plan, its shards in order of their index, and the end. */
export async function runBatch(
  target: DatasetTarget,
  request: BatchRequest,
  environment: Environment,
): Promise<BatchEnd> {
  const planned = await runPlan(planDocument(target, request), environment);
  if (planned.batch) return end(planned.batch, planned.table);
  const common = { version: 1, dataset: target, batch: request.batch, run: planned.run } as const;
  for (let index = 0; index < planned.plan.shards; index += 1) {
    const { input } = request;
    await runShard({ ...common, verb: 'shard', ...(input && { input }), index }, environment);
  }
  const finished = await runFinish({ ...common, verb: 'finish' }, environment);
  return end(finished.batch, finished.table);
}

/** Sees to it that nothing of the batch goes in; with `revert`, that what is in goes out. */
export async function stopBatch(
  target: DatasetTarget,
  { batch, requestToken, requestDigest }: BatchRequest,
  revert: boolean,
  environment: Environment,
): Promise<BatchEnd> {
  const abort = { reason: 'Aborted', message: 'stopped as asked' };
  const request = { token: requestToken, digest: requestDigest };
  const task = { version: 1, verb: 'finish', dataset: target, batch, run: 1, abort, request, revert } as const;
  const finished = await runFinish(task, environment);
  return end(finished.batch, finished.table);
}

function end(outcome: BatchOutcome, table: TableTotals | undefined): BatchEnd {
  return { outcome, ...(table && { table }) };
}

/** What the batch asks for, with its files in reach. `file`: where the batch was written. */
export async function localRequest(
  batch: LocalBatch,
  connection: SourceConnection | undefined,
  file: string,
  mounts: Mounts,
): Promise<BatchRequest> {
  const local = batch.spec.input?.local;
  if (local !== undefined) return localFileRequest(batch, resolvePath(local.path, file));
  const resolved = resolveInput(batch, connection);
  const input = await inReach(resolved, batch, mounts);
  return batchRequest(batch, { ...resolved, ...(input && { input }) }, requestOf(batch) ?? '');
}

async function inReach(
  { input, projections }: ResolvedInput,
  batch: Batch,
  mounts: Mounts,
): Promise<BatchInput | undefined> {
  if (input === undefined || !('files' in input) || !('s3' in input.files.location)) return input;
  const { location, selection } = input.files;
  const s3 = await mounts.place(location.s3, projections, batch.metadata.namespace);
  return { files: { location: { s3 }, selection } };
}

/** The rest of the request is what it would be with inline text. */
function localFileRequest(batch: LocalBatch, path: string): BatchRequest {
  const asInline: Batch = { ...batch, spec: { ...batch.spec, input: { inline: { data: '' } } } };
  const { read } = resolveInput(asInline, undefined);
  const location = { local: { path: dirname(path) } };
  const input = { files: { location, selection: { keys: [basename(path)] } } };
  const request = batchRequest(asInline, { input, read, projections: [] }, requestOf(batch) ?? '');
  const requestDigest = digestOf({ request: request.requestDigest, path: batch.spec.input?.local?.path });
  return { ...request, batch: batchID(asInline), requestDigest };
}

function resolvePath(path: string, file: string): string {
  return isAbsolute(path) ? path : join(dirname(file), path);
}
