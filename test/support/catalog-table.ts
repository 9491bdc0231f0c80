/**
 * A table as a REST catalog shows it, over plain HTTP and with none of the code that commits: its metadata, and its rows
 * through DuckDB. Also what others do to such a table: commit, drop, make it anew.
 */
import type { JS } from '@duckdb/node-api';
import { readLiveFiles } from './iceberg.ts';
import { queryFiles, readBytes, type TableLocation } from './lake.ts';

/** Numbers that are not exact as such are bigint. */
interface ShownMetadata {
  readonly 'table-uuid': string;
  readonly location: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly 'current-snapshot-id': bigint | number | null;
  readonly 'last-sequence-number': number;
  readonly 'last-updated-ms': number;
  readonly schemas: readonly { readonly 'schema-id': number; readonly fields: readonly { readonly name: string }[] }[];
  readonly 'current-schema-id': number;
  readonly snapshots: readonly {
    readonly 'snapshot-id': bigint | number;
    readonly 'manifest-list': string;
    readonly 'timestamp-ms': number;
    readonly summary: Readonly<Record<string, string>>;
  }[];
}

export interface CatalogAccess {
  /** With the prefix: `<uri>/v1/<prefix>`. */
  readonly root: string;
  readonly tokenURL: string;
  readonly clientID: string;
  readonly clientSecret: string;
}

export class CatalogTable {
  readonly namespace: readonly string[];
  readonly name: string;
  readonly #access: CatalogAccess;

  constructor(access: CatalogAccess, namespace: readonly string[], name: string) {
    this.#access = access;
    this.namespace = namespace;
    this.name = name;
  }

  async metadata(): Promise<ShownMetadata> {
    return parseExact(await this.#ask('GET', this.#path)).metadata;
  }

  /** Runs SQL over the rows of the current snapshot, see `queryTable`. */
  async query(location: TableLocation, sql: string): Promise<Record<string, JS>[]> {
    const metadata = await this.metadata();
    const current = metadata.snapshots.find((one) => one['snapshot-id'] === metadata['current-snapshot-id']);
    if (current === undefined) return [];
    const start = `s3://${location.bucket}/${location.prefix ? `${location.prefix}/` : ''}`;
    const read = async (url: string) => await readBytes(location, url.slice(start.length));
    const files = await readLiveFiles(read, current['manifest-list']);
    return await queryFiles(
      location,
      files.map(({ path }) => path.slice(start.length)),
      sql,
    );
  }

  /** As another engine: a snapshot with the files of the one before. Also other updates, as the protocol has them. */
  async commitAsOther(updates: readonly object[] = []): Promise<void> {
    const metadata = await this.metadata();
    const current = metadata.snapshots.find((one) => one['snapshot-id'] === metadata['current-snapshot-id']);
    const id = Math.floor(Math.random() * 2 ** 50);
    const snapshot = current && {
      'snapshot-id': id,
      'parent-snapshot-id': PARENT,
      'sequence-number': metadata['last-sequence-number'] + 1,
      'timestamp-ms': Math.max(Date.now(), current['timestamp-ms'] + 1),
      'manifest-list': current['manifest-list'],
      summary: { ...current.summary, operation: 'append' },
      'schema-id': metadata['current-schema-id'],
    };
    const ref = { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': id };
    const all = [...(snapshot ? [{ action: 'add-snapshot', snapshot }, ref] : []), ...updates];
    const text = JSON.stringify({ requirements: [], updates: all });
    await this.#ask('POST', this.#path, text.replace(`"${PARENT}"`, String(metadata['current-snapshot-id'])));
  }

  async drop(): Promise<void> {
    await this.#ask('DELETE', `${this.#path}?purgeRequested=false`);
  }

  /** An empty table of this name, as somebody else would make it. */
  async createAsOther(location: string): Promise<void> {
    const schema = { type: 'struct', fields: [{ id: 1, name: 'other', required: false, type: 'string' }] };
    const body = { name: this.name, location, schema };
    await this.#ask('POST', this.#path.slice(0, this.#path.lastIndexOf('/')), JSON.stringify(body));
  }

  get #path(): string {
    return `/namespaces/${this.namespace.map(encodeURIComponent).join('%1F')}/tables/${encodeURIComponent(this.name)}`;
  }

  async #ask(method: string, path: string, body?: string): Promise<string> {
    const headers = { authorization: `Bearer ${await this.#token()}`, 'content-type': 'application/json' };
    const response = await fetch(this.#access.root + path, {
      method,
      headers,
      ...(body === undefined ? {} : { body }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text;
  }

  async #token(): Promise<string> {
    const { clientID, clientSecret, tokenURL } = this.#access;
    const form = { grant_type: 'client_credentials', client_id: clientID, client_secret: clientSecret };
    const body = new URLSearchParams({ ...form, scope: 'catalog' });
    const answer: { access_token: string } = JSON.parse(await (await fetch(tokenURL, { method: 'POST', body })).text());
    return answer.access_token;
  }
}

/** Stands for a number that JSON.stringify would not keep. */
const PARENT = 'parent';

function parseExact(text: string): { metadata: ShownMetadata } {
  return JSON.parse(text, (_name, value: unknown, context?: { source?: string }) =>
    typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value) && context?.source
      ? BigInt(context.source)
      : value,
  );
}
