/**
 * Small files become few of the target size: files of inlets' rounds at once, files of batches once they can no longer be
 * reverted. A compaction is a run of an internal batch. Its plan names groups of files, each a shard, and the table's
 * layout; its decision takes the groups that could be rewritten. The rows are the same, so nothing is counted.
 */
import type { Plan, PlanInput, PlanShard, Reading, Receipt } from '../commit/documents.ts';
import { batchDigest, compactionBatch, decisionKey } from '../commit/names.ts';
import { storeTime } from '../commit/store-time.ts';
import type { ByteCounts } from '../contract/counts.ts';
import { untilClear } from '../table/back-off.ts';
import { loadState } from '../table/commit.ts';
import type { TableFile, TableState } from '../table/table.ts';
import { chooseGroups, type Group, isSmall, type SmallFile } from './groups.ts';
import { endedRun, endInternalRun, type Outcome, planInternalRun, standingOf } from './internal-run.ts';
import { type Did, day, type Maintenance, type Work } from './maintenance.ts';
import { type Origin, originOf } from './origin.ts';
import { rewriteGroup } from './rewrite-group.ts';
import { newestTimestamp } from './row-expiry.ts';

/** More of batches, or of others, are not looked at in one maintain, so that memory is bounded: about 30 MB. */
const mostCandidates = 100_000;
/** Runs whose age is asked for in one maintain; taken at random where there are more, so that each has its turn. */
const mostLookups = 10_000;
/** Calls to the store at the same time. */
const atOnce = 16;

/** Files that are not tried again by this maintain. */
interface LeftOut {
  /** In a group of which a file left the table meanwhile or cannot be read. */
  readonly groups: Set<string>;
  /** Of those, the files that may be the reason for it and stay one. */
  readonly unreadable: Set<string>;
}

export const compact: Work = {
  name: 'compaction',
  async do(maintenance: Maintenance): Promise<Did> {
    const { limits, log } = maintenance;
    const did = { compactedFiles: 0, compactedInto: 0, unreadableFiles: 0 };
    const leftOut: LeftOut = { groups: new Set(), unreadable: new Set() };
    const bytes: ByteCounts = { input: 0, output: 0 };
    for (let runs = 0; runs < limits.compactions; runs += 1) {
      const plan = await nextRun(maintenance, leftOut);
      if (plan === undefined) break;
      const { decision, landing } = await finish(maintenance, plan, leftOut, bytes);
      const { outcome, refusal } = landing;
      const files = decision.removeFiles?.length ?? 0;
      log.info({ run: plan.run, outcome, refusal, files, into: decision.dataFiles.length }, 'small files compacted');
      if (outcome !== 'Committed') continue;
      did.compactedFiles += files;
      did.compactedInto += decision.dataFiles.length;
    }
    did.unreadableFiles = leftOut.unreadable.size;
    return did;
  },
};

/** The run under way, or one for what is worth it now; undefined when nothing is. */
async function nextRun(maintenance: Maintenance, leftOut: LeftOut): Promise<Plan | undefined> {
  const { dataset, limits, waiting, log } = maintenance;
  const standing = await standingOf(dataset, compactionBatch, waiting);
  const state = await untilClear(() => loadState(dataset.table), waiting);
  if (state.deleteFiles !== undefined) {
    log.warn({ deleteFiles: state.deleteFiles }, 'another engine deletes single rows: nothing is compacted');
    if ('undecided' in standing) await endInternalRun(dataset, standing.undecided, rowsDeleted, waiting);
    return undefined;
  }
  if ('undecided' in standing) return standing.undecided;
  const small = (await findSmallFiles(maintenance, state)).filter(({ key }) => !leftOut.groups.has(key));
  const groups = chooseGroups(small, state.settings.targetFileSizeBytes, {
    files: limits.compactionFiles,
    bytes: limits.compactionBytes,
    smallest: limits.smallestCompaction,
  });
  const shards: PlanShard[] = [];
  for (const group of groups) {
    const shard = await toShard(maintenance, group, leftOut);
    if (shard !== undefined) shards.push(shard);
  }
  if (shards.length === 0) return undefined;
  return await planInternalRun(dataset, compactionBatch, standing.next, { shards, reading: readingOf(state) }, waiting);
}

/** Rows that another engine took out of files must not come back in others. */
const rowsDeleted: Outcome = {
  outcome: 'Failed',
  reason: 'FilesRewritten',
  message: 'another engine deletes single rows of the table by files of their own',
  dataFiles: [],
};

/** Rows are written as the table has them at the time of the plan, whoever writes them. */
function readingOf({ schemaDigest, settings, layout }: TableState): Reading {
  return {
    schemaDigest,
    settings,
    layout,
    read: { format: { type: 'Parquet' }, compression: 'None', mapping: [], maxRecordBytes: Number.MAX_SAFE_INTEGER },
    maxFailed: 0,
    skipChangedFiles: false,
    setAsideUnreadableFiles: false,
  };
}

async function findSmallFiles(maintenance: Maintenance, state: TableState): Promise<SmallFile[]> {
  const { dataset, retention } = maintenance;
  const { targetFileSizeBytes } = state.settings;
  const timestampID = retention.rowDays === undefined ? undefined : state.layout.fieldIDs.timestamp;
  const found: { readonly file: SmallFile; readonly run: string | undefined }[] = [];
  const room = { ofBatches: mostCandidates, ofOthers: mostCandidates };
  for await (const file of dataset.table.files(state)) {
    const origin = originOf(dataset.table.dataFolder, file.key);
    if (origin === undefined || !isSmall(file.bytes, targetFileSizeBytes) || !isOfLayout(file, state)) continue;
    if (isAboutToExpire(maintenance, file, timestampID)) continue;
    const run = revertibleRun(origin);
    const kind = run === undefined ? 'ofOthers' : 'ofBatches';
    if (room[kind] === 0) continue;
    room[kind] -= 1;
    found.push({ file: toSmallFile(file, timestampID), run });
  }
  const old = await findOldRuns(
    maintenance,
    found.flatMap(({ run }) => run ?? []),
  );
  return found.filter(({ run }) => run === undefined || old.has(run)).map(({ file }) => file);
}

/** Key of the decision of the batch's run that a file is of; undefined for rounds and compactions, which stay. */
function revertibleRun(origin: Origin): string | undefined {
  const isOfBatch = 'batch' in origin && origin.batch !== batchDigest(compactionBatch);
  return isOfBatch ? decisionKey(origin.batch, origin.run) : undefined;
}

/** Partitions never change; a file that another engine brought may be of others all the same. */
function isOfLayout({ partition = [] }: TableFile, { layout }: TableState): boolean {
  return partition.length === layout.partitionBy.length;
}

/** Its rows leave the table within a day: they are not worth the work, nor may they leave while it goes on. */
function isAboutToExpire(
  { retention: { rowDays }, began }: Maintenance,
  { columns }: TableFile,
  timestampID: number | undefined,
): boolean {
  const newest = timestampID === undefined ? undefined : newestTimestamp(columns, timestampID);
  return newest !== undefined && rowDays !== undefined && newest < began.time - (rowDays - 1) * day;
}

function toSmallFile({ key, rows, bytes, partition, columns }: TableFile, timestampID: number | undefined): SmallFile {
  const newest = timestampID === undefined ? undefined : newestTimestamp(columns, timestampID);
  return {
    key,
    rows,
    bytes,
    ...(partition === undefined ? {} : { partition }),
    ...(newest === undefined ? {} : { apart: Math.floor(newest / day) }),
  };
}

/** Those of the runs that were decided so long ago that they cannot be reverted any more. */
async function findOldRuns(
  { dataset, retention, waiting }: Maintenance,
  runs: readonly string[],
): Promise<Set<string>> {
  const before = (await storeTime(dataset.store, waiting)) - retention.revertDays * day;
  const asked = shuffle([...new Set(runs)], waiting.random.number).slice(0, mostLookups);
  const old = new Set<string>();
  await forEachAtOnce(asked, async (key) => {
    const facts = await untilClear(() => dataset.store.head(key, { signal: waiting.signal }), waiting);
    if (facts !== undefined && facts.lastModified <= before) old.add(key);
  });
  return old;
}

function shuffle<T>(list: T[], random: () => number): T[] {
  return list
    .map((item) => ({ item, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

async function forEachAtOnce<T>(items: readonly T[], call: (item: T) => Promise<void>): Promise<void> {
  for (let first = 0; first < items.length; first += atOnce) {
    await Promise.all(items.slice(first, first + atOnce).map(call));
  }
}

/** A group with a file that the bucket does not have as the table says is left alone: a person must look. */
async function toShard(
  { dataset, waiting, log }: Maintenance,
  group: Group,
  leftOut: LeftOut,
): Promise<PlanShard | undefined> {
  const inputs: PlanInput[] = [];
  await forEachAtOnce(group, async ({ key, bytes, rows }) => {
    const facts = await untilClear(() => dataset.store.head(key, { signal: waiting.signal }), waiting);
    if (facts?.size === bytes) inputs.push({ key, name: key, size: bytes, etag: facts.etag, rows });
    else {
      log.error({ key, bytes, found: facts?.size }, 'a data file of the table is gone or was changed');
      leftOut.unreadable.add(key);
    }
  });
  if (inputs.length < group.length) {
    for (const { key } of group) leftOut.groups.add(key);
    return undefined;
  }
  inputs.sort((a, b) => (a.key < b.key ? -1 : 1));
  return { files: inputs.length, bytes: inputs.reduce((sum, { size }) => sum + size, 0), inputs };
}

async function finish(maintenance: Maintenance, plan: Plan, leftOut: LeftOut, bytes: ByteCounts) {
  const { dataset, waiting } = maintenance;
  const live = await findLive(maintenance, plan);
  const receipts: Receipt[] = [];
  for (const index of plan.shards.keys()) {
    waiting.signal.throwIfAborted();
    const ended = await endedRun(dataset, plan, waiting);
    if (ended !== undefined) return ended;
    const receipt = await rewriteGroup(maintenance, plan, index, live);
    receipts.push(receipt);
    bytes.input += receipt.bytes.input;
    bytes.output += receipt.bytes.output;
    maintenance.progress({ ...bytes });
    if (receipt.failure === undefined) continue;
    maintenance.log.warn({ run: plan.run, index, ...receipt.failure }, 'a group of files is not compacted');
    for (const { key } of plan.shards[index]?.inputs ?? []) {
      leftOut.groups.add(key);
      if (receipt.failure.reason !== 'FilesGone') leftOut.unreadable.add(key);
    }
  }
  return await endInternalRun(dataset, plan, judge(plan, receipts), waiting);
}

async function findLive({ dataset, waiting }: Maintenance, plan: Plan): Promise<ReadonlySet<string>> {
  const keys = new Set(plan.shards.flatMap(({ inputs = [] }) => inputs.map(({ key }) => key)));
  const { table } = dataset;
  return new Set((await untilClear(async () => await table.find(await loadState(table), keys), waiting)).keys());
}

function judge(plan: Plan, receipts: readonly Receipt[]): Outcome {
  const removeFiles = plan.shards.flatMap(({ inputs = [] }, index) =>
    receipts[index]?.failure === undefined ? inputs.map(({ key }) => key) : [],
  );
  const dataFiles = receipts.flatMap((receipt) => receipt.dataFiles);
  const [failure] = receipts.flatMap((receipt) => receipt.failure ?? []);
  if (removeFiles.length === 0 && failure !== undefined) return { outcome: 'Failed', ...failure, dataFiles: [] };
  const message = `${removeFiles.length} files became ${dataFiles.length}`;
  return { outcome: 'Committed', reason: 'Active', message, dataFiles, removeFiles, rewrites: true };
}
