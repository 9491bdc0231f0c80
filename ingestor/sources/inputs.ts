/** Planned inputs, opened for reading: exactly the bytes that were planned, or FileChanged. */
import type { PlanInput } from '../commit/documents.ts';
import { sha256 } from '../commit/names.ts';
import { ForebayError } from '../contract/errors.ts';
import type { BatchInput, StoreLocation } from '../contract/task.ts';
import type { EngineInput } from '../engine/engine.ts';
import type { Store } from '../store/store.ts';

/** Opens what the task names, as the plan knows it. */
export type OpenInput = (planned: PlanInput) => EngineInput;

/** What inputs are opened with; a task's environment fits. */
interface Opening {
  openStore(location: StoreLocation): Promise<Store>;
  readonly signal: AbortSignal;
}

/** Keeps the place open for as long as `use` takes. `own`: the dataset's store, where its reject files are. */
export async function withInputs<T>(
  opening: Opening,
  input: BatchInput,
  use: (open: OpenInput) => Promise<T>,
  own?: Store,
): Promise<T> {
  if ('inline' in input) return await use((planned) => openInline(planned, input.inline.data));
  if ('rejects' in input) {
    if (own === undefined) throw new ForebayError('InvalidTask', 'refused records are read by shards');
    return await use((planned) => ({ ...openFile(own, planned, opening.signal), rejects: true }));
  }
  const store = await opening.openStore(input.files.location);
  try {
    return await use((planned) => openFile(store, planned, opening.signal));
  } finally {
    await store.close();
  }
}

function openFile(store: Store, { key, name, size, etag, range }: PlanInput, signal: AbortSignal): EngineInput {
  return {
    name,
    size,
    ...(range === undefined ? {} : { range }),
    read: (start, end) =>
      store.read(key, {
        ifMatch: etag,
        signal,
        ...(start === undefined ? {} : { start }),
        ...(end === undefined ? {} : { end }),
      }),
  };
}

/** Text of the task itself; its digest stands where a file has its ETag. */
export function inlineInput(data: string): PlanInput {
  return { key: 'inline', name: 'inline', size: Buffer.byteLength(data), etag: sha256(data) };
}

function openInline({ name, size, etag }: PlanInput, data: string): EngineInput {
  return {
    name,
    size,
    read: async function* (start, end) {
      if (sha256(data) !== etag)
        throw new ForebayError('FileChanged', 'the inline data are not those that were planned');
      yield Buffer.from(data).subarray(start, end);
    },
  };
}
