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

/** Properties whose marker exists: the table need not carry them any more. */
export async function markedProperties(dataset: Dataset, state: TableState, waiting: Waiting): Promise<string[]> {
  const found = Object.keys(state.properties).flatMap((name) => {
    const key = markerOf(name);
    return key === undefined ? [] : [{ name, key }];
  });
  const { store } = dataset;
  const marks = await Promise.all(found.map(({ key }) => store.head(key, { signal: waiting.signal })));
  return found.filter((_, index) => marks[index] !== undefined).map(({ name }) => name);
}

/** Key of the marker that takes over from a property; undefined for one that is not about a run. */
export function markerOf(property: string): string | undefined {
  const prefix = [runPropertyPrefix, revertPropertyPrefix].find((it) => property.startsWith(it));
  if (prefix === undefined) return undefined;
  const [, batch, run] = /^([0-9a-f]{32})\.([1-9][0-9]*)$/.exec(property.slice(prefix.length)) ?? [];
  if (batch === undefined || run === undefined) return undefined;
  return prefix === runPropertyPrefix ? markerKey(batch, Number(run)) : revertedKey(batch, Number(run));
}
