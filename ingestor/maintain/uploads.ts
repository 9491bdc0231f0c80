/** Uploads that a process began and never ended: their parts take room and show in no listing of objects. */
import { controlFolder } from '../commit/names.ts';
import { storeTime } from '../commit/store-time.ts';
import { untilClear } from '../table/back-off.ts';
import { type Did, day, type Maintenance, type Work } from './maintenance.ts';

/** A run that nobody worked on for so long is abandoned: no task of it still uploads. */
const patience = 7 * day;

export const abandonUploads: Work = {
  name: 'uploads',
  async do({ dataset, waiting }: Maintenance): Promise<Did> {
    const { store, table } = dataset;
    const olderThan = (await storeTime(store, waiting)) - patience;
    let abandonedUploads = 0;
    for (const prefix of [table.dataFolder, controlFolder]) {
      abandonedUploads += await untilClear(
        () => store.abandonUploads(prefix, olderThan, { signal: waiting.signal }),
        waiting,
      );
    }
    return { abandonedUploads };
  },
};
