import type { Waiting } from '../contract/environment.ts';
import type { Owner } from '../contract/task.ts';
import type { Store } from '../store/store.ts';
import type { Table } from '../table/table.ts';

/** A dataset's place in the bucket, opened by its owner. */
export interface Dataset {
  readonly store: Store;
  readonly owner: Owner;
  readonly table: Table;
}

/**
 * Opens a dataset that `prepare` has made. Throws DatasetNotPrepared, StorageInUse (another owner's), DatasetPurged,
 * NewerDocument.
 */
export declare function openDataset(store: Store, owner: Owner, waiting: Waiting): Promise<Dataset>;
