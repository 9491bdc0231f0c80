/** Markers take over from the table's properties: `committed.json` of a run, `reverted.json` of one that was taken out. */
import { parseDocument } from '../contract/documents.ts';
import type { Waiting } from '../contract/environment.ts';
import { revertPropertyPrefix, runPropertyPrefix, type TableState } from '../table/table.ts';
import type { Dataset } from './dataset.ts';
import { decide, readDocument } from './decide.ts';
import { Landing } from './documents.ts';
import { markerKey, revertedKey } from './names.ts';

/** What stands under the marker's name now; twins write the same, from the property of the table. */
export async function writeMarker(dataset: Dataset, key: string, landing: Landing, waiting: Waiting): Promise<Landing> {
  return (await decide(dataset.store, key, Landing, landing, waiting)).value;
}

/**
 * What became of a run, or of its rows: the property in the state, else the marker that took over. Whoever needs to know
 * that there is none yet must have loaded the state before: a property is dropped only when its marker exists.
 */
export async function readLanding(
  dataset: Dataset,
  state: TableState,
  property: string,
  waiting: Waiting,
): Promise<Landing | undefined> {
  const value = state.properties[property];
  if (value !== undefined) return parseDocument(Landing, value, property, 'DamagedDocument');
  const key = markerOf(property);
  return key === undefined ? undefined : await readDocument(dataset.store, key, Landing, waiting);
}

/**
 * Properties whose marker exists: the table need not carry them any more. The marker of a run that was taken out is
 * written here where who did it died before it could: that run was settled long ago, and nobody else looks at it.
 */
export async function markedProperties(dataset: Dataset, state: TableState, waiting: Waiting): Promise<string[]> {
  const names = Object.keys(state.properties);
  const marked = await Promise.all(names.map((name) => isMarked(dataset, state, name, waiting)));
  return names.filter((_, index) => marked[index]);
}

async function isMarked(dataset: Dataset, state: TableState, property: string, waiting: Waiting): Promise<boolean> {
  const key = markerOf(property);
  if (key === undefined) return false;
  if ((await dataset.store.head(key, { signal: waiting.signal })) !== undefined) return true;
  if (!property.startsWith(revertPropertyPrefix)) return false;
  const landing = parseDocument(Landing, state.properties[property] ?? '', property, 'DamagedDocument');
  await writeMarker(dataset, key, landing, waiting);
  return true;
}

/** Key of the marker that takes over from a property; undefined for one that is not about a run. */
function markerOf(property: string): string | undefined {
  const prefix = [runPropertyPrefix, revertPropertyPrefix].find((it) => property.startsWith(it));
  if (prefix === undefined) return undefined;
  const [, batch, run] = /^([0-9a-f]{32})\.([1-9][0-9]*)$/.exec(property.slice(prefix.length)) ?? [];
  if (batch === undefined || run === undefined) return undefined;
  return prefix === runPropertyPrefix ? markerKey(batch, Number(run)) : revertedKey(batch, Number(run));
}
