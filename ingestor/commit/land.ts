/** From a decision to the table: the one step that makes rows visible, and the marker that remembers it. */
import { parseDocument } from '../contract/documents.ts';
import type { Waiting } from '../contract/environment.ts';
import { commitToTable } from '../table/commit.ts';
import { runProperty, runPropertyPrefix, type TableChange, type TableState } from '../table/table.ts';
import type { Dataset } from './dataset.ts';
import { decide, readDocument } from './decide.ts';
import { type Decision, Landing } from './documents.ts';
import { markerKey } from './names.ts';

/**
 * Lands what was decided, once, however often and by however many it is called. The table's property says that it is
 * done; once the marker exists anyone may drop the property, so the marker is looked at *after* the table was loaded.
 */
export async function landRun(dataset: Dataset, batch: string, decision: Decision, waiting: Waiting): Promise<Landing> {
  const { store, table } = dataset;
  const key = markerKey(batch, decision.run);
  if (!changesTable(decision)) return await writeMarker(dataset, key, decisionAlone(decision), waiting);

  const property = runProperty(batch, decision.run);
  const landing = await commitToTable<Landing>(
    table,
    async (state, stamp) => {
      const landed = state.properties[property];
      if (landed !== undefined) return { done: parseDocument(Landing, landed, property, 'DamagedDocument') };
      const marker = await readDocument(store, key, Landing, waiting);
      if (marker !== undefined) return { done: marker };
      const value: Landing = {
        version: 1,
        attempt: waiting.random.nonce(),
        outcome: decision.outcome,
        ...(decision.outcome === 'Committed' ? { snapshotID: stamp.snapshotID } : {}),
        time: stamp.time,
      };
      return {
        change: {
          ...changeOf(batch, decision),
          setProperties: { [property]: JSON.stringify(value) },
          dropProperties: await markedProperties(dataset, state, waiting),
        },
      };
    },
    waiting,
  );
  return await writeMarker(dataset, key, landing, waiting);
}

/** Nothing to add and nothing to count: a connection's run that found nothing new, or a run stopped as asked. */
function changesTable(decision: Decision): boolean {
  if (decision.outcome === 'Committed') return decision.files.input > decision.files.skipped;
  return decision.outcome === 'Failed';
}

/** Twins must write the same, so everything comes from the decision. */
function decisionAlone(decision: Decision): Landing {
  return { version: 1, attempt: decision.attempt, outcome: decision.outcome, time: decision.time };
}

function changeOf(batch: string, decision: Decision): TableChange {
  if (decision.outcome !== 'Committed') return { count: { batchesFailed: 1 } };
  return {
    addFiles: decision.dataFiles.map((file) => ({ ...file, batch })),
    count: { ingested: decision.records.ingested, failed: decision.records.failed, batchesSucceeded: 1 },
  };
}

async function writeMarker(dataset: Dataset, key: string, landing: Landing, waiting: Waiting): Promise<Landing> {
  return (await decide(dataset.store, key, Landing, landing, waiting)).value;
}

/** Properties of runs whose marker exists: the marker took over, so the table need not carry them any more. */
async function markedProperties(dataset: Dataset, state: TableState, waiting: Waiting): Promise<string[]> {
  const names = Object.keys(state.properties).filter((name) => name.startsWith(runPropertyPrefix));
  const marked = await Promise.all(names.map((name) => hasMarker(dataset, name, waiting)));
  return names.filter((_, index) => marked[index]);
}

async function hasMarker(dataset: Dataset, property: string, waiting: Waiting): Promise<boolean> {
  const [, batch, run] = /\.([0-9a-f]{32})\.([0-9]+)$/.exec(property) ?? [];
  if (batch === undefined || run === undefined) return false;
  return (await dataset.store.head(markerKey(batch, Number(run)), { signal: waiting.signal })) !== undefined;
}
