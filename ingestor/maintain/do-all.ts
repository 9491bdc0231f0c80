/** All kinds of maintenance, one after the other; what fails is told at the end. */
import { addDid, type Did, type Maintenance, type Work } from './maintenance.ts';
import { Trials } from './trials.ts';

/** Throws at the end when a kind of work failed; the others were done all the same. */
export async function doAll(works: readonly Work[], maintenance: Maintenance): Promise<Did> {
  const { signal } = maintenance.waiting;
  const trials = new Trials(maintenance.log);
  let did: Did = {};
  for (const work of works) {
    signal.throwIfAborted();
    did = addDid(did, (await trials.try(work.name, signal, () => work.do(maintenance))) ?? {});
  }
  maintenance.log.info(did, 'maintained');
  trials.throwFirst();
  return did;
}
