/** An Iceberg table without a catalog: its metadata files lie in its own folder, as versions. */
import { ForebayError } from '../../contract/errors.ts';
import type { Store } from '../../store/store.ts';
import { type VersionFile, VersionFiles } from '../version-files.ts';
import type { Catalog, CatalogCommit, LoadedTable } from './catalog.ts';
import { printJSON } from './json.ts';
import { newTableMetadata, parseTableMetadata } from './metadata.ts';
import { walkSchema } from './schema.ts';
import type { TableCreation, TableMetadata } from './spec.ts';
import { applyUpdates, logMetadataFile, meetsRequirements } from './updates.ts';

export class FileCatalog implements Catalog {
  /** A version number is taken once, so whatever changed since is noticed. */
  readonly comparesSnapshotsOnly = false;
  readonly #uuid: string;
  readonly #versions: VersionFiles;
  /** Read or written last. Versions never change, and long ones take longer to read than to look for. */
  #last: (LoadedTable & { readonly version: number }) | undefined;

  /** `folder`: of the metadata, ending with a slash. */
  constructor(store: Store, folder: string, uuid: string, signal: AbortSignal) {
    this.#uuid = uuid;
    this.#versions = new VersionFiles(store, folder, signal);
  }

  async load(): Promise<LoadedTable | undefined> {
    if (this.#last !== undefined && (await this.#versions.isNewest(this.#last.version))) return this.#last;
    const newest = await this.#versions.newest();
    if (newest === undefined) return undefined;
    const metadata = parseTableMetadata(textOf(newest), newest.location);
    if (metadata['table-uuid'] !== this.#uuid) {
      throw new ForebayError(
        'TableReplaced',
        `${newest.location} is of table ${metadata['table-uuid']}, the dataset made ${this.#uuid}`,
      );
    }
    this.#last = { metadata, location: newest.location, version: newest.version };
    return this.#last;
  }

  async create(creation: TableCreation): Promise<LoadedTable | undefined> {
    const lastColumnID = Math.max(0, ...[...walkSchema(creation.schema)].map(({ id }) => id));
    return await this.#write(1, newTableMetadata(creation, lastColumnID));
  }

  async commit(base: LoadedTable, { requirements, updates, time }: CatalogCommit): Promise<LoadedTable | undefined> {
    if (base.version === undefined) throw new TypeError('the table was not loaded from here');
    if (!meetsRequirements(base.metadata, requirements)) return undefined;
    const metadata = logMetadataFile(applyUpdates(base.metadata, updates, time), base);
    return await this.#write(base.version + 1, metadata);
  }

  async publish({ version = 0 }: LoadedTable): Promise<void> {
    await this.#versions.publish(version);
  }

  async emptyOldVersions({ version = 0 }: LoadedTable): Promise<number> {
    return await this.#versions.emptyOld(version);
  }

  async #write(version: number, metadata: TableMetadata): Promise<LoadedTable | undefined> {
    if (!(await this.#versions.create(version, printJSON(metadata)))) return undefined;
    this.#last = { metadata, location: this.#versions.location(version), version };
    return this.#last;
  }
}

function textOf({ body, location }: VersionFile): string {
  if (body[0] === 0x1f && body[1] === 0x8b) {
    throw new ForebayError(
      'DamagedDocument',
      `${location} is compressed: another engine wrote it, and only this program may write to a table without a catalog`,
    );
  }
  return Buffer.from(body).toString();
}
