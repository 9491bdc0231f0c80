/** Readers are shown the newest version; the bodies of those that nobody reads any more are emptied, their names stay. */
import { untilClear } from '../table/back-off.ts';
import { loadState } from '../table/commit.ts';
import type { Did, Maintenance, Work } from './maintenance.ts';

export const tidyVersions: Work = {
  name: 'versions',
  async do({ dataset, waiting }: Maintenance): Promise<Did> {
    const { table } = dataset;
    const state = await untilClear(() => loadState(table), waiting);
    await untilClear(() => table.publish(state), waiting);
    return { emptiedVersions: await untilClear(() => table.emptyOldVersions(state), waiting) };
  },
};
