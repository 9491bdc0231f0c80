import type { CheckResult } from '../contract/result.ts';
import type { CheckTask } from '../contract/task.ts';
import { findFiles, listMatching } from '../sources/files.ts';
import type { Store } from '../store/store.ts';
import { type Environment, withStore } from './environment.ts';

/** Objects looked at: one page of a listing tells whether place and credentials are right. */
const firstPage = 1_000;

/** Gets into a source and looks at a first page of what a run would find. */
export async function runCheck(task: CheckTask, environment: Environment): Promise<CheckResult> {
  return await withStore(environment, task.location, async (store) => {
    const seen = await look(store, task, environment);
    return { version: 1, verb: 'check', ...seen };
  });
}

async function look(
  store: Store,
  { location, selection }: CheckTask,
  { signal }: Environment,
): Promise<Pick<CheckResult, 'matchingFiles' | 'more'>> {
  if (selection.keys !== undefined) {
    const keys = selection.keys.slice(0, firstPage);
    const { files } = await findFiles(store, location, { keys }, signal);
    return { matchingFiles: files.length, more: keys.length < selection.keys.length };
  }
  let looked = 0;
  let matchingFiles = 0;
  for await (const { matches } of listMatching(store, selection.glob, { signal, pageSize: firstPage })) {
    if (looked === firstPage) return { matchingFiles, more: true };
    looked += 1;
    if (matches) matchingFiles += 1;
  }
  return { matchingFiles, more: false };
}
