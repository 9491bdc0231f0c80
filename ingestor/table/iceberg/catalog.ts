/**
 * Who keeps the current metadata of an Iceberg table: its own folder (`file-catalog.ts`) or a REST catalog
 * (`ingestor/catalog/`). One instance serves one table.
 *
 * Throws StoreUnavailable or CatalogUnavailable for an answer that proves nothing, CatalogRefused for one that will not
 * change, CredentialsRefused, TableReplaced, DamagedDocument.
 */
import type { MetadataUpdate, TableCreation, TableMetadata, TableRequirement } from './spec.ts';

export interface Catalog {
  /** The newest metadata, or undefined when there is no table. */
  load(): Promise<LoadedTable | undefined>;
  /** Makes the table; undefined when there is one already. */
  create(creation: TableCreation): Promise<LoadedTable | undefined>;
  /**
   * One try: the new metadata, or undefined when a requirement did not hold or another commit came first. Of a table
   * without a catalog nothing may have changed since `base`; a REST catalog compares the requirements alone.
   */
  commit(base: LoadedTable, commit: CatalogCommit): Promise<LoadedTable | undefined>;
  /** Makes readers without a catalog see at least this version. Moves forward only. */
  publish(loaded: LoadedTable): Promise<void>;
  /** Gives back the room of old metadata files; answers how many. */
  emptyOldVersions(newest: LoadedTable): Promise<number>;
  /** Takes the table's name out of the catalog, whoever's it is; its files stay. Absent where its files are all there is. */
  drop?(): Promise<void>;
  /** True when `commit` compares nothing but the requirements, so that what is to be exclusive needs a snapshot. */
  readonly comparesSnapshotsOnly: boolean;
}

export interface LoadedTable {
  readonly metadata: TableMetadata;
  /** URL of the metadata file. */
  readonly location: string;
  /** Of a table without a catalog: the number in the file's name. */
  readonly version?: number;
}

export interface CatalogCommit {
  readonly requirements: readonly TableRequirement[];
  readonly updates: readonly MetadataUpdate[];
  /** Milliseconds since 1970: what `last-updated-ms` becomes where it is ours to set. */
  readonly time: number;
}
