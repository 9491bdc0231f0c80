import type { Waiting } from '../contract/environment.ts';
import { untilClear } from '../table/back-off.ts';
import type { Dataset } from './dataset.ts';
import type { Decision, Plan, Refusal } from './documents.ts';
import { batchDigest, planKey } from './names.ts';
import { storeTime } from './store-time.ts';

/** Orphan cleaners of other engines leave files alone that are younger (by default three days, and more is usual). */
const safeAge = 24 * 60 * 60 * 1_000;

/** Files looked at together. */
const lookAhead = 32;

/**
 * Data files that no table names yet may be removed by whoever cleans up. Answers a check whether all of a run are still
 * there, for the moment before they are landed; it asks the store only when some may be older than a day. All files of a
 * run are younger than its plan; ages are by the store's clock, and go on by this process's.
 */
export async function watchOwnFiles(
  dataset: Dataset,
  plan: Plan,
  { outcome, dataFiles }: Decision,
  waiting: Waiting,
): Promise<() => Promise<Refusal | undefined>> {
  if (outcome !== 'Committed' || dataFiles.length === 0) return async () => undefined;
  const { clock } = waiting;
  const age = await ageOfPlan(dataset, plan, waiting);
  const asked = clock.now();
  return async () => {
    if (age + (clock.now() - asked) < safeAge) return undefined;
    const lost = await findLost(
      dataset,
      dataFiles.map(({ key }) => key),
      waiting,
    );
    if (lost === undefined) return undefined;
    return { reason: 'FilesGone', message: `${lost} was written and is not in the bucket any more; nothing was added` };
  };
}

async function ageOfPlan({ store }: Dataset, { batch, run }: Plan, waiting: Waiting): Promise<number> {
  const key = planKey(batchDigest(batch), run);
  const now = await storeTime(store, waiting);
  const facts = await untilClear(() => store.head(key, { signal: waiting.signal }), waiting);
  return facts === undefined ? safeAge : now - facts.lastModified;
}

/** The first that is gone, or undefined. */
async function findLost({ store }: Dataset, keys: readonly string[], waiting: Waiting): Promise<string | undefined> {
  for (let first = 0; first < keys.length; first += lookAhead) {
    const some = keys.slice(first, first + lookAhead);
    const facts = await Promise.all(
      some.map((key) => untilClear(() => store.head(key, { signal: waiting.signal }), waiting)),
    );
    const lost = some.find((_, index) => facts[index] === undefined);
    if (lost !== undefined) return lost;
  }
  return undefined;
}
