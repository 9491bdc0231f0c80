/** What inlets left: segments that no pod takes any more, and their garbage. */
import { takeStrandedSegments } from '../inlet/stranded.ts';
import type { Did, Maintenance, Work } from './maintenance.ts';

export const settleInlets: Work = {
  name: 'inlets',
  async do({ dataset, retention, waiting, log }: Maintenance): Promise<Did> {
    const { strandedSegments, deletedObjects } = await takeStrandedSegments(dataset, retention, waiting, log);
    return { strandedSegments, deletedObjects };
  },
};
