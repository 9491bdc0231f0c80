import { DatasetDocument, requireOwner } from '../commit/dataset.ts';
import { controlFolder, datasetKey } from '../commit/names.ts';
import { parseDocument } from '../contract/documents.ts';
import { type ErrorCode, toForebayError } from '../contract/errors.ts';
import type { PurgeResult } from '../contract/result.ts';
import type { DatasetTarget, Owner, PurgeTask } from '../contract/task.ts';
import type { Store } from '../store/store.ts';
import { untilClear } from '../table/back-off.ts';
import { tableFolder } from '../table/parquet-table.ts';
import { type Environment, withStore } from './environment.ts';

/** Keys removed in one request. */
const step = 1_000;

/**
 * Deletes a dataset: first the tombstone, that stops every writer, then all that is below the prefix and ours. The
 * tombstone stays, so that a writer that slept cannot begin anew. Removes nothing of another owner.
 */
export async function runPurge(task: PurgeTask, environment: Environment): Promise<PurgeResult> {
  return await withStore(environment, task.dataset.storage, async (store) => {
    const uuid = await buryTable(store, task.dataset.owner, environment);
    let deletedObjects = 0;
    if (uuid !== undefined) {
      await forgetTable(task.dataset, uuid, environment);
      // Metadata first: no reader finds a list of files that are gone.
      for (const folder of [`${tableFolder(uuid)}metadata/`, tableFolder(uuid), controlFolder]) {
        deletedObjects += await removeFolder(store, folder, environment);
      }
    }
    return { version: 1, verb: 'purge', deletedObjects };
  });
}

/** The table to remove, once the tombstone stands; undefined when there is none of this owner. */
async function buryTable(store: Store, owner: Owner, environment: Environment): Promise<string | undefined> {
  const { signal } = environment;
  for (;;) {
    signal.throwIfAborted();
    const object = await untilClear(() => store.get(datasetKey, { signal }), environment);
    if (object === undefined) return undefined;
    const text = Buffer.from(object.body).toString();
    const document = parseDocument(DatasetDocument, text, `${store.url}/${datasetKey}`, 'DamagedDocument');
    requireOwner(store, owner, document);
    if (document.purged) return document.table.uuid;
    const tombstone = JSON.stringify({ ...document, purged: true });
    await untilClear(() => store.putIfMatch(datasetKey, tombstone, object.etag, { signal }), environment);
  }
}

/** The name leaves its catalog, unless it is another table's by now. What a catalog cannot do keeps no files. */
async function forgetTable({ catalog }: DatasetTarget, uuid: string, environment: Environment): Promise<void> {
  if (catalog === undefined || environment.openCatalog === undefined) return;
  const opened = await environment.openCatalog(catalog.rest);
  try {
    const loaded = await untilClear(() => opened.load(), environment);
    const isOurs = loaded?.metadata.properties?.['forebay.table'] === uuid;
    if (isOurs) await untilClear(async () => opened.drop?.(), environment);
  } catch (thrown) {
    const { code, message } = toForebayError(thrown);
    if (!stubborn.includes(code)) throw thrown;
    environment.log.warn({ code, error: message }, 'the name of the table stays in its catalog');
  }
}

/** That to ask again will not mend, and a person may not want to. */
const stubborn: readonly ErrorCode[] = ['CatalogRefused', 'DamagedDocument', 'TableReplaced'];

/** Until a listing is empty: one that is read while its objects go may pass some over. */
async function removeFolder(store: Store, folder: string, environment: Environment): Promise<number> {
  let removed = 0;
  for (;;) {
    const some = await removeListed(store, folder, environment);
    if (some === 0) return removed;
    removed += some;
    environment.log.info({ folder, removed }, 'objects removed');
  }
}

async function removeListed(store: Store, folder: string, environment: Environment): Promise<number> {
  const { signal } = environment;
  const remove = (keys: readonly string[]) => untilClear(() => store.delete(keys, { signal }), environment);
  let removed = 0;
  let keys: string[] = [];
  for await (const { key } of store.list(folder, { signal })) {
    keys.push(key);
    if (keys.length < step) continue;
    await remove(keys);
    removed += keys.length;
    keys = [];
  }
  if (keys.length > 0) await remove(keys);
  return removed + keys.length;
}
