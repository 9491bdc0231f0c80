/** Waits for the dataset, and makes the inlet known in it. */
import { openDataset } from '../commit/dataset.ts';
import type { Log } from '../contract/environment.ts';
import { errorTable, toForebayError } from '../contract/errors.ts';
import type { InletTask } from '../contract/task.ts';
import type { Store } from '../store/store.ts';
import { untilClear } from '../table/back-off.ts';
import type { InletSettings } from './documents.ts';
import type { Lifetime } from './lifetime.ts';
import { settingsKey } from './names.ts';
import { Rounds } from './rounds.ts';
import type { SchemaInForce } from './schema-in-force.ts';

/** Rounds of an inlet whose table and schema were loaded; undefined when the process was asked to stop before. */
export async function openInlet(
  task: InletTask,
  store: Store,
  schema: SchemaInForce,
  life: Lifetime,
  log: Log,
): Promise<Rounds | undefined> {
  const { clock, random } = life.waiting;
  for (let wait = 500; !life.stop.aborted; wait = Math.min(2 * wait, 10_000)) {
    try {
      return await open(task, store, schema, life, log);
    } catch (thrown) {
      const error = toForebayError(thrown);
      if (errorTable[error.code].kind !== 'retryable') throw error;
      log.info({ code: error.code, error: error.message }, 'the dataset is not ready; waiting');
    }
    await clock.sleep(wait * (0.5 + random.number() / 2), life.stop).catch(() => {});
  }
  return undefined;
}

async function open(task: InletTask, store: Store, schema: SchemaInForce, life: Lifetime, log: Log): Promise<Rounds> {
  const { commit, inlet } = task;
  const { waiting } = life;
  const dataset = await openDataset(store, task.dataset, waiting);
  const settings = inletSettings(task);
  const periodMilliseconds = 1_000 * commit.periodSeconds;
  const roundSettings = {
    periodMilliseconds,
    maxBytes: commit.maxBytes,
    maxRecords: commit.maxRecords,
    refreshMilliseconds: Math.min(60_000, Math.max(10_000, periodMilliseconds)),
  };
  const rounds = new Rounds({ dataset, id: inlet.id, settings }, roundSettings, schema, waiting, log);
  await rounds.refresh();
  const body = JSON.stringify(settings);
  await untilClear(() => store.put(settingsKey(inlet.id), body, { signal: waiting.signal }), waiting);
  return rounds;
}

function inletSettings({ inlet, mapping, limits, commit }: InletTask): InletSettings {
  return {
    version: 1,
    namespace: inlet.namespace,
    name: inlet.name,
    mapping,
    maxRecordBytes: limits.maxRecordBytes,
    maxRoundBytes: commit.maxBytes,
  };
}
