/**
 * A round brings durable segments into the table: fix which ones, make files of them, fix what became of each record,
 * and put it into the table in one commit with the running totals. Any process may run any round, also two at once: the
 * plan, the receipt and the table's property let only one outcome be.
 *
 * A round never fails because of data: what cannot be read was acknowledged, so it is counted and kept.
 */

import type { Dataset } from '../commit/dataset.ts';
import { decide, readDocument } from '../commit/decide.ts';
import { loadSchema } from '../commit/schemas.ts';
import { mergeErrorClasses } from '../contract/counts.ts';
import type { Waiting } from '../contract/environment.ts';
import { ForebayError } from '../contract/errors.ts';
import { untilClear } from '../table/back-off.ts';
import { commitToTable, loadState } from '../table/commit.ts';
import { roundProperty, type TableChange, type TableState } from '../table/table.ts';
import type { Backlog } from './backlog.ts';
import {
  type InletSettings,
  type InletState,
  inletState,
  RoundPlan,
  RoundReceipt,
  type WritersProgress,
} from './documents.ts';
import { inletBatch, roundPlanKey, roundReceiptKey } from './names.ts';
import { takeSegments, writersToForget } from './plan-round.ts';
import { discard, makeReceipt, type RoundWork, receiptKeys } from './receipt.ts';

export interface Inlet {
  readonly dataset: Dataset;
  readonly id: string;
  readonly settings: InletSettings;
  /** Segments that the engine failed on in this process: see RoundWork. */
  readonly failures: Map<string, number>;
  /** Looks for untaken segments. */
  listBacklog(taken: WritersProgress): Promise<Backlog>;
}

export interface RoundOutcome {
  /** Of the inlet, after the round. */
  readonly state: InletState;
  readonly table: TableState;
  /** False when there was nothing to take. */
  readonly committed: boolean;
}

/** Runs the next round, if there is anything to take, or helps the one that is under way to its end. */
export async function runRound(inlet: Inlet, waiting: Waiting): Promise<RoundOutcome> {
  const { dataset, id } = inlet;
  const table = await untilClear(() => loadState(dataset.table), waiting);
  const state = inletState(table, id);
  const before = await takenSoFar(inlet, state, waiting);
  const plan = await fixPlan(inlet, state, before, waiting);
  if (plan === undefined) return { state, table, committed: false };
  const receipt = await fixReceipt(inlet, table, plan, before, waiting);
  return await commit(inlet, plan, receipt, waiting);
}

/** How far each writer was taken by the rounds up to this state. */
export async function takenSoFar(
  inlet: Pick<Inlet, 'dataset' | 'id'>,
  state: InletState,
  waiting: Waiting,
): Promise<WritersProgress> {
  if (state.taken === 0) return {};
  const { store } = inlet.dataset;
  const key = roundReceiptKey(inlet.id, state.taken);
  const receipt = await readDocument(store, key, RoundReceipt, waiting);
  if (receipt === undefined) throw await whyGone(inlet, state, `${store.url}/${key}`, waiting);
  return receipt.writers;
}

/** To a process that slept the table names a round whose receipt was collected since: it must look again. */
async function whyGone(
  { dataset, id }: Pick<Inlet, 'dataset' | 'id'>,
  state: InletState,
  receipt: string,
  waiting: Waiting,
): Promise<ForebayError> {
  const now = inletState(await untilClear(() => loadState(dataset.table), waiting), id);
  return now.taken === state.taken
    ? new ForebayError('DamagedDocument', `${receipt} is gone`)
    : new ForebayError(
        'StoreUnavailable',
        `${receipt} is gone: the inlet is ${now.taken - state.taken} rounds further`,
      );
}

/** The plan of the next round: the one that stands already, or what is there now; undefined when that is nothing. */
async function fixPlan(
  { dataset, id, settings, listBacklog }: Inlet,
  state: InletState,
  before: WritersProgress,
  waiting: Waiting,
): Promise<RoundPlan | undefined> {
  const round = state.round + 1;
  const key = roundPlanKey(id, round);
  const tableUUID = dataset.table.uuid;
  const standing = await readDocument(dataset.store, key, RoundPlan, waiting);
  if (standing) return ofTable(standing, tableUUID);
  const backlog = await listBacklog(before);
  const takes = takeSegments(backlog.writers, settings.maxRoundBytes);
  if (takes.length === 0) return undefined;
  const attempt = waiting.random.nonce();
  const forget = writersToForget(before, backlog);
  const plan: RoundPlan = { version: 1, attempt, round, tableUUID, takes, forget };
  return ofTable((await decide(dataset.store, key, RoundPlan, plan, waiting)).value, tableUUID);
}

function ofTable(plan: RoundPlan, tableUUID: string): RoundPlan {
  if (plan.tableUUID === tableUUID) return plan;
  throw new ForebayError('DamagedDocument', `the plan of round ${plan.round} is for table ${plan.tableUUID}, now gone`);
}

async function fixReceipt(
  { dataset, id, settings, failures }: Inlet,
  table: TableState,
  plan: RoundPlan,
  before: WritersProgress,
  waiting: Waiting,
): Promise<RoundReceipt> {
  const { store } = dataset;
  const key = roundReceiptKey(id, plan.round);
  const standing = await readDocument(store, key, RoundReceipt, waiting);
  if (standing) return standing;
  const schema = await loadSchema(store, table.schemaDigest, waiting);
  const { dataFolder } = dataset.table;
  const work: RoundWork = {
    store,
    inlet: id,
    plan,
    before,
    settings,
    schema,
    tableSettings: table.settings,
    layout: table.layout,
    dataFolder,
    failures,
  };
  const receipt = await makeReceipt(work, waiting);
  const decided = await decide(store, key, RoundReceipt, receipt, waiting);
  if (!decided.own) await discard(store, receiptKeys(receipt), waiting);
  return decided.value;
}

async function commit(
  { dataset, id }: Inlet,
  plan: RoundPlan,
  receipt: RoundReceipt,
  waiting: Waiting,
): Promise<RoundOutcome> {
  return await commitToTable<RoundOutcome>(
    dataset.table,
    async (table, stamp) => {
      const state = inletState(table, id);
      if (state.round >= plan.round) return { done: { state, table, committed: true } };
      if (state.round !== plan.round - 1) {
        throw new ForebayError(
          'DamagedDocument',
          `round ${plan.round} follows on round ${state.round}: the table went back`,
        );
      }
      const isWhole = await hasAllFiles(dataset, receipt, waiting);
      return { change: isWhole ? land(id, state, receipt, stamp.time) : passOver(id, state, plan.round) };
    },
    waiting,
  );
}

/** A receipt may have waited for its commit for long; what it names may have been cleaned away by another engine. */
async function hasAllFiles({ store }: Dataset, { files }: RoundReceipt, waiting: Waiting): Promise<boolean> {
  for (const { key } of files) {
    if ((await untilClear(() => store.head(key, { signal: waiting.signal }), waiting)) === undefined) return false;
  }
  return true;
}

function land(id: string, state: InletState, receipt: RoundReceipt, time: number): TableChange {
  const { read, ingested, failed, skipped } = receipt.records;
  const next: InletState = {
    version: 1,
    round: receipt.round,
    taken: receipt.round,
    records: {
      received: state.records.received + read,
      ingested: state.records.ingested + ingested,
      failed: state.records.failed + failed,
      skipped: state.records.skipped + skipped,
    },
    bytes: state.bytes + receipt.bytes,
    errors: mergeErrorClasses([state.errors, receipt.errors]),
    lastCommitTime: time,
  };
  const addFiles = receipt.files.map((file) => ({ ...file, batch: inletBatch(id) }));
  return {
    ...(addFiles.length === 0 ? {} : { addFiles }),
    setProperties: { [roundProperty(id)]: JSON.stringify(next) },
    count: { ingested, failed },
  };
}

/** The files are gone, the segments are not: the round ends with nothing taken, and the next one takes them again. */
function passOver(id: string, state: InletState, round: number): TableChange {
  return { setProperties: { [roundProperty(id)]: JSON.stringify({ ...state, round }) } };
}
