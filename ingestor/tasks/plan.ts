import { type Dataset, openDataset } from '../commit/dataset.ts';
import type { Plan, Refusal } from '../commit/documents.ts';
import { finishRun, reportCommitted } from '../commit/finish.ts';
import { batchDigest } from '../commit/names.ts';
import { type Found, type NewRun, openRun, planFiles, planRefusal } from '../commit/plan.ts';
import { findRejects, findReplaced, rejectSource } from '../commit/plan-replaces.ts';
import { reportOutdated, reportPlan, reportTable } from '../commit/report.ts';
import { chooseRun, readDecision, serves } from '../commit/runs.ts';
import type { BatchOutcome, PlanResult } from '../contract/result.ts';
import type { BatchInput, BatchRequest, PlanTask, ReadSettings, RunRequest } from '../contract/task.ts';
import { findFiles, listFiles } from '../sources/files.ts';
import { cutFile } from '../sources/files-cut.ts';
import { inlineInput, withInputs } from '../sources/inputs.ts';
import type { Store } from '../store/store.ts';
import { loadState } from '../table/commit.ts';
import { type Environment, withStore } from './environment.ts';
import { loadEngine } from './ingest-inputs.ts';
import { ingestShard } from './shard.ts';

/**
 * Finds or makes the run that serves a request. Where all fits one shard, that shard is run and the batch finished
 * here, so that a small batch is one pod.
 */
export async function runPlan(task: PlanTask, environment: Environment): Promise<PlanResult> {
  return await withStore(environment, task.dataset.storage, async (store) => {
    environment.progress({ phase: 'Planning' });
    // Most batches are small and read here. What goes wrong with it is told where it is needed.
    loadEngine().catch(() => {});
    const dataset = await openDataset(store, task.dataset, environment);
    const served = await serveRequest(dataset, task.request, environment);
    const { plan, refused } = served;
    const outcome = refused ?? (await finishHere(dataset, plan, task.request, environment));
    return await toResult(dataset, plan, outcome);
  });
}

/** `refused`: nothing is to be done for this request; the plan is that of another. */
interface Served {
  readonly plan: Plan;
  readonly refused?: BatchOutcome;
}

/** Other requests for the same batch may come and go meanwhile: looks again until a plan stands that serves this one. */
async function serveRequest(dataset: Dataset, request: BatchRequest, environment: Environment): Promise<Served> {
  const { batch } = request;
  const asked = requestOf(request);
  for (;;) {
    environment.signal.throwIfAborted();
    const choice = await chooseRun(dataset, batch, asked, environment);
    if (choice.kind === 'join') return { plan: choice.plan };
    if (choice.kind === 'refuse') {
      return { plan: choice.committed, refused: await reportCommitted(dataset, choice.committed, asked, environment) };
    }
    if (choice.kind === 'outdated') return { plan: choice.latest, refused: reportOutdated(choice.latest) };
    if (choice.kind === 'supersede') {
      await finishRun(dataset, choice.undecided, supersededBy(request), environment);
      continue;
    }
    const newRun: NewRun = { batch, run: choice.run, request: asked, earlier: choice.earlier };
    const plan = await makePlan(dataset, newRun, request, environment);
    if (serves(plan, asked)) return { plan };
  }
}

function requestOf({ requestToken: token, requestDigest: digest, requestOrder: order }: BatchRequest): RunRequest {
  return { token, digest, ...(order === undefined ? {} : { order }) };
}

async function makePlan(
  dataset: Dataset,
  newRun: NewRun,
  request: BatchRequest,
  environment: Environment,
): Promise<Plan> {
  await openRun(dataset, newRun, environment);
  const state = await loadState(dataset.table);
  const replaced = await findReplaced(dataset, newRun.batch, request.replaces ?? [], environment);
  if ('reason' in replaced) return await planRefusal(dataset, newRun, replaced, environment);
  return await withFound(dataset, request, environment, async (found) => {
    if ('reason' in found) return await planRefusal(dataset, newRun, found, environment);
    return await planFiles(dataset, state, newRun, request, { ...found, ...replaced }, environment);
  });
}

/** Keeps the place of the files open while they are listed and cut. */
async function withFound<T>(
  dataset: Dataset,
  request: BatchRequest,
  environment: Environment,
  use: (found: Found | Refusal) => Promise<T>,
): Promise<T> {
  const { input } = request;
  if (input === undefined) return await use({ files: [] });
  if ('inline' in input) return await use({ files: [inlineInput(input.inline.data)] });
  if ('rejects' in input) {
    const found = await findRejects(dataset, input.rejects.batch, environment);
    return await use('reason' in found ? found : { ...found, source: rejectSource });
  }
  return await withStore(environment, input.files.location, async (store) =>
    use(await findIn(store, input, request, environment)),
  );
}

/** A batch that names nothing that exists is refused; a connection's run that finds nothing new has nothing to do. */
async function findIn(
  store: Store,
  input: FilesInput,
  { ledger, read }: BatchRequest,
  environment: Environment,
): Promise<Found | Refusal> {
  const { location, selection } = input.files;
  const { signal } = environment;
  const what = selection.glob === undefined ? 'no file' : `no ${read.format.type} file that fits ${selection.glob}`;
  const found = {
    ...(ledger === undefined
      ? { ifNone: noInput(`there is ${what} in the place the batch names`) }
      : { source: ledger.source }),
    cut: cutter(input, read, environment),
  };
  if (selection.keys === undefined) return { ...found, files: listFiles(store, location, selection, signal) };
  const { files, missing } = await findFiles(store, location, selection, signal);
  if (missing[0] === undefined) return { ...found, files };
  const others = missing.length > 1 ? ` and ${missing.length - 1} others do` : ' does';
  return noInput(`${missing[0]}${others} not exist`);
}

type FilesInput = Extract<BatchInput, { readonly files: unknown }>;

function noInput(message: string): Refusal {
  return { reason: 'NoInput', message };
}

/** Tells how far the reading of files has come that must be read to be cut. */
function cutter(input: FilesInput, read: ReadSettings, environment: Environment): NonNullable<Found['cut']> {
  let bytes = 0;
  const onRead = (more: number) => {
    bytes += more;
    environment.progress({ bytes: { input: bytes, output: 0 } });
  };
  return async (file, targetBytes) =>
    await withInputs(environment, input, (open) => cutFile(file, open, read, targetBytes, onRead));
}

function supersededBy({ batch }: BatchRequest): Refusal {
  return { reason: 'Superseded', message: `another request for ${batch.id} came before this one was decided` };
}

/** Undefined when the plan has several shards that other pods are to run. */
async function finishHere(
  dataset: Dataset,
  plan: Plan,
  request: BatchRequest,
  environment: Environment,
): Promise<BatchOutcome | undefined> {
  const isDecided = (await readDecision(dataset, batchDigest(plan.batch), plan.run, environment)) !== undefined;
  if (!isDecided && plan.shards.length > 1) return undefined;
  if (!isDecided && plan.shards.length === 1 && request.input !== undefined)
    await ingestShard(dataset, plan, 0, request.input, environment);
  environment.progress({ phase: 'Committing' });
  return await finishRun(dataset, plan, undefined, environment);
}

async function toResult(dataset: Dataset, plan: Plan, batch: BatchOutcome | undefined): Promise<PlanResult> {
  return {
    version: 1,
    verb: 'plan',
    batchID: plan.batch.id,
    run: plan.run,
    plan: reportPlan(plan),
    files: plan.files.input,
    bytes: plan.bytes,
    ...(batch === undefined ? {} : { batch, table: reportTable(dataset.table, await loadState(dataset.table)) }),
  };
}
