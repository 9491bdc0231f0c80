/**
 * Rows past `retention.rowDays` leave the table: data files whose newest `timestamp` is older, whole files only. A file
 * with one younger row stays until that row is old too; partitions by time keep such files few, and compaction does not
 * mix days where rows expire.
 *
 * Iceberg tables only: other formats do not tell what is in their files.
 */

import type { Plan, PlanInput } from '../commit/documents.ts';
import { rowExpiryBatch } from '../commit/names.ts';
import { inputsOf } from '../commit/plan.ts';
import { storeTime } from '../commit/store-time.ts';
import { untilClear } from '../table/back-off.ts';
import { loadState } from '../table/commit.ts';
import type { TableFile, TableState } from '../table/table.ts';
import { endInternalRun, type Outcome, planInternalRun, standingOf } from './internal-run.ts';
import { type Did, day, type Maintenance, type Work } from './maintenance.ts';

/** A run whose files were rewritten meanwhile changes nothing: the next one takes the new ones. */
const mostRuns = 3;

export const expireRows: Work = {
  name: 'row expiry',
  async do(maintenance: Maintenance): Promise<Did> {
    const { dataset, retention, waiting, log } = maintenance;
    let expiredFiles = 0;
    if (retention.rowDays === undefined) return { expiredFiles };
    const before = (await storeTime(dataset.store, waiting)) - retention.rowDays * day;
    for (let runs = 0; runs < mostRuns; runs += 1) {
      const plan = await nextRun(maintenance, before);
      if (plan === undefined) break;
      const { decision, landing } = await endInternalRun(
        dataset,
        plan,
        await judge(maintenance, plan, before),
        waiting,
      );
      const left = landing.outcome === 'Committed' ? (decision.removeFiles?.length ?? 0) : 0;
      log.info({ run: plan.run, outcome: landing.outcome, files: left }, 'rows expired');
      expiredFiles += left;
    }
    return { expiredFiles };
  },
};

/** The run under way, or one for what is old now; undefined when nothing is. */
async function nextRun({ dataset, limits, waiting, log }: Maintenance, before: number): Promise<Plan | undefined> {
  const standing = await standingOf(dataset, rowExpiryBatch, waiting);
  if ('undecided' in standing) return standing.undecided;
  const state = await untilClear(() => loadState(dataset.table), waiting);
  const id = timestampID(state);
  if (id === undefined) {
    log.info({ format: state.settings.format }, 'rows do not expire: the table does not tell their timestamps');
    return undefined;
  }
  const inputs: PlanInput[] = [];
  for await (const file of dataset.table.files(state)) {
    if (!isOld(file, id, before)) continue;
    inputs.push({ key: file.key, name: file.key, size: file.bytes, etag: '', rows: file.rows });
    if (inputs.length >= limits.expiredFiles) break;
  }
  if (inputs.length === 0) return undefined;
  const shards = [{ files: inputs.length, bytes: inputs.reduce((sum, { size }) => sum + size, 0), inputs }];
  return await planInternalRun(dataset, rowExpiryBatch, standing.next, { shards }, waiting);
}

/** A plan may be older than the setting: a file that has become too young to go ends it. */
async function judge({ dataset, waiting }: Maintenance, plan: Plan, before: number): Promise<Outcome> {
  const keys = (await inputsOf(dataset, plan, 0, waiting)).map(({ key }) => key);
  const state = await untilClear(() => loadState(dataset.table), waiting);
  const id = timestampID(state);
  const files = await dataset.table.find(state, new Set(keys));
  const isStillOld = id !== undefined && [...files.values()].every((file) => isOld(file, id, before));
  if (!isStillOld) {
    return { outcome: 'Failed', reason: 'Superseded', message: 'rows are kept longer now', dataFiles: [] };
  }
  const message = `rows of ${keys.length} files are past retention`;
  return { outcome: 'Committed', reason: 'Active', message, dataFiles: [], removeFiles: keys };
}

function timestampID({ layout }: TableState): number | undefined {
  return layout.fieldIDs.timestamp;
}

/** Where the table does not know the newest row of a file, the file stays. */
function isOld(file: TableFile, id: number, before: number): boolean {
  const newest = newestTimestamp(file.columns, id);
  return newest !== undefined && newest < before;
}

/** Milliseconds since 1970; the bound is in microseconds, a 64-bit little-endian number. */
export function newestTimestamp(columns: TableFile['columns'], id: number): number | undefined {
  const upper = columns?.find((column) => column.id === id)?.upper;
  if (upper === undefined) return undefined;
  const bytes = Buffer.from(upper, 'base64');
  return bytes.length === 8 ? Number(bytes.readBigInt64LE()) / 1_000 : undefined;
}
