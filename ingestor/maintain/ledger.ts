/** The ledger of ingested files is kept short: what was settled is folded, so that planning stays quick. */
import { foldLedger } from '../commit/ledger-fold.ts';
import type { Did, Maintenance, Work } from './maintenance.ts';

export const tidyLedger: Work = {
  name: 'ledger',
  async do({ dataset, waiting }: Maintenance): Promise<Did> {
    return { foldedEntries: await foldLedger(dataset, waiting) };
  },
};
