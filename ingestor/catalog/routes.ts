/** Where a catalog has what, from its own configuration. */
import { ForebayError } from '../contract/errors.ts';
import type { RestCatalog } from '../contract/task.ts';
import { memberOf } from './answers.ts';

export interface Routes {
  readonly namespaces: URL;
  /** Of the table's namespace. */
  readonly tables: URL;
  readonly table: URL;
  /** Between levels of a namespace, as it stands in a URL. */
  readonly separator: string;
}

const defaultSeparator = '%1F';

/** What commits need. A catalog that lists none has these. */
const needed = [
  'GET /v1/{prefix}/namespaces/{namespace}/tables/{table}',
  'POST /v1/{prefix}/namespaces/{namespace}/tables/{table}',
];

/** `place`: the catalog in messages. Throws CatalogRefused. */
export function readRoutes(config: unknown, base: URL, { namespace, table }: RestCatalog, place: string): Routes {
  requireEndpoints(memberOf(config, 'endpoints'), place);
  const told = (name: string) => {
    const value = memberOf(memberOf(config, 'overrides'), name) ?? memberOf(memberOf(config, 'defaults'), name);
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const prefix = told('prefix');
  const separator = told('namespace-separator') ?? defaultSeparator;
  // As it stands: it may have levels, and is encoded already where it needs to be.
  const root = new URL(`v1/${prefix === undefined ? '' : `${prefix}/`}namespaces`, otherBase(told('uri'), base, place));
  const tables = new URL(`${root.href}/${namespacePath(namespace, separator)}/tables`);
  return { namespaces: root, tables, table: new URL(`${tables.href}/${encodeURIComponent(table)}`), separator };
}

export function namespacePath(namespace: readonly string[], separator: string): string {
  return namespace.map(encodeURIComponent).join(separator);
}

function requireEndpoints(endpoints: unknown, place: string): void {
  if (!Array.isArray(endpoints)) return;
  const missing = needed.find((endpoint) => !endpoints.includes(endpoint));
  if (missing === undefined) return;
  throw new ForebayError('CatalogRefused', `the catalog ${place} does not offer ${missing}: nothing can be committed`);
}

/** A catalog may name another address for itself; what is encrypted stays so. */
function otherBase(uri: string | undefined, base: URL, place: string): URL {
  if (uri === undefined) return base;
  const url = URL.parse(uri.endsWith('/') ? uri : `${uri}/`);
  const isFit = url !== null && (url.protocol === 'https:' || (url.protocol === 'http:' && base.protocol === 'http:'));
  if (isFit) return url;
  throw new ForebayError('CatalogRefused', `the catalog ${place} names an address for itself that cannot be used`);
}
