/** Runs of batches that their own tasks left: finished, ended, cleaned up. */
import { listOpenRuns, settleRun } from '../commit/settle.ts';
import { storeTime } from '../commit/store-time.ts';
import type { Did, Maintenance, Work } from './maintenance.ts';
import { Trials } from './trials.ts';

export const settleRuns: Work = {
  name: 'runs',
  async do({ dataset, retention, waiting, log }: Maintenance): Promise<Did> {
    const did = { finishedRuns: 0, abandonedRuns: 0, deletedObjects: 0 };
    const now = await storeTime(dataset.store, waiting);
    const trials = new Trials(log);
    for (const open of await listOpenRuns(dataset, waiting)) {
      waiting.signal.throwIfAborted();
      const name = `run ${open.batch}.${open.run}`;
      const settled = await trials.try(name, waiting.signal, () => settleRun(dataset, open, now, waiting, retention));
      if (settled === undefined || settled.did === 'nothing') continue;
      if (settled.did === 'finished') did.finishedRuns += 1;
      if (settled.did === 'abandoned') did.abandonedRuns += 1;
      if (settled.did === 'cleaned') did.deletedObjects += settled.deletedObjects;
      // Hourly for two days, most runs have nothing to clean.
      if (settled.did === 'cleaned' && settled.deletedObjects === 0) continue;
      log.info({ batch: open.batch, run: open.run, ...settled }, 'run settled');
    }
    trials.throwFirst();
    return did;
  },
};
