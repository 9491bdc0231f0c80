/**
 * Files that are to be deleted some time after the table ceased to name them. Written down before the snapshots that name
 * them leave, so that whoever dies between leaves nothing behind that nobody knows of.
 */
import { type Static, Type } from 'typebox';
import { controlFolder } from '../commit/names.ts';
import type { Waiting } from '../contract/environment.ts';
import type { Store } from '../store/store.ts';
import { untilClear } from '../table/back-off.ts';

export const expiredFolder = `${controlFolder}expired/`;

export const ExpiredFiles = Type.Object({
  version: Type.Literal(1),
  /** Those that named the files, when no others did. Nothing is deleted before they left the table. */
  snapshotIDs: Type.Array(Type.String()),
  /** Keys of data files. */
  files: Type.Array(Type.String()),
});
export type ExpiredFiles = Static<typeof ExpiredFiles>;

/** Each time under a new name: somebody may be deleting what an earlier one says. */
export async function writeExpiredFiles(
  store: Store,
  snapshotIDs: string[],
  files: string[],
  waiting: Waiting,
): Promise<void> {
  const key = `${expiredFolder}${waiting.random.nonce()}.json`;
  const body = JSON.stringify({ version: 1, snapshotIDs, files } satisfies ExpiredFiles);
  await untilClear(() => store.put(key, body, { signal: waiting.signal }), waiting);
}
