/**
 * An Iceberg REST catalog, as the Apache Iceberg specification has it: it keeps the metadata of the table and puts
 * commits on top of each other when their requirements hold.
 *
 * Whatever it answers to a commit but a clear yes proves nothing, also a clear no: an earlier try of the same commit may
 * have landed, or may still land. So none is tried again in here; the commit's loop loads the table, looks for its
 * property, and comes back with a commit on what it found.
 */
import { type Clock, type Log, type Random, silentLog, systemClock, systemRandom } from '../contract/environment.ts';
import { ForebayError } from '../contract/errors.ts';
import type { RestCatalog } from '../contract/task.ts';
import type { Catalog, CatalogCommit, LoadedTable } from '../table/iceberg/catalog.ts';
import { printJSON } from '../table/iceberg/json.ts';
import { checkTableMetadata } from '../table/iceberg/metadata.ts';
import type { TableCreation } from '../table/iceberg/spec.ts';
import {
  catalogError,
  isMissing,
  isRefusal,
  mayPass,
  memberOf,
  noAnswer,
  refused,
  retryAfter,
  tryParse,
  unavailable,
  wordsOf,
} from './answers.ts';
import { Credentials } from './credentials.ts';
import { Http, type HttpAnswer, type HttpCall, NoAnswer } from './http.ts';
import { idempotencyKey } from './idempotency.ts';
import { namespacePath, type Routes, readRoutes } from './routes.ts';

export interface RestCatalogOptions {
  readonly clock?: Clock;
  readonly random?: Random;
  readonly signal?: AbortSignal;
  readonly log?: Log;
  /** How long refused credentials are read again before CredentialsRefused. Default two minutes. */
  readonly credentialsPatienceMilliseconds?: number;
  /** Of one answer; a larger one is given up. Default 64 MiB: metadata of far more than 1,000 snapshots. */
  readonly maxResponseBytes?: number;
}

/** A mounted Secret follows its change within about 90 s. */
const defaultPatienceMilliseconds = 120_000;
const refusedPauseMilliseconds = 5_000;
const defaultMaxResponseBytes = 64 * 2 ** 20;
/** Of a read that found nobody, or a catalog that is busy. */
const mostReads = 4;
const readPauseMilliseconds = 250;
/** A catalog may ask for more; the task's own repeats are further apart. */
const longestPauseMilliseconds = 30_000;

/** Asks nothing yet. Throws InvalidTask for a URI that is none, UntrustedCertificate. */
export async function openRestCatalog(location: RestCatalog, options: RestCatalogOptions = {}): Promise<Catalog> {
  const base = parseBase(location.uri);
  const { maxResponseBytes = defaultMaxResponseBytes, clock = systemClock } = options;
  const http = await Http.open({ caPath: location.caPath, maxResponseBytes });
  const credentials = new Credentials(
    {
      path: location.credentialsPath,
      tokenURL: tokenURL(base, location),
      // As other clients of such catalogs do.
      scope: location.scope ?? 'catalog',
    },
    http,
    clock,
  );
  return new RestTableCatalog(location, base, http, credentials, options);
}

interface NotLetIn {
  readonly refusal: ForebayError;
  /** The token was exchanged for some time ago: another one may be let in. */
  readonly mayBeOld: boolean;
}

class RestTableCatalog implements Catalog {
  readonly comparesSnapshotsOnly = true;
  readonly #location: RestCatalog;
  readonly #base: URL;
  readonly #place: string;
  readonly #http: Http;
  readonly #credentials: Credentials;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #signal: AbortSignal;
  readonly #log: Log;
  readonly #patience: number;
  #routes: Promise<Routes> | undefined;
  /** The commit that was refused last, and on what. */
  #refusedCommit: string | undefined;

  constructor(location: RestCatalog, base: URL, http: Http, credentials: Credentials, options: RestCatalogOptions) {
    this.#location = location;
    this.#base = base;
    this.#place = base.origin + base.pathname.replace(/\/$/, '');
    this.#http = http;
    this.#credentials = credentials;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? systemRandom;
    this.#signal = options.signal ?? new AbortController().signal;
    this.#log = options.log ?? silentLog;
    this.#patience = options.credentialsPatienceMilliseconds ?? defaultPatienceMilliseconds;
  }

  async load(): Promise<LoadedTable | undefined> {
    const { table } = await this.#open();
    const action = `load table ${this.#name}`;
    const answer = await this.#read(table, action);
    if (isMissing(answer)) return undefined;
    if (answer.status !== 200) throw this.#failure(answer, action);
    return this.#loaded(answer, action);
  }

  async create(creation: TableCreation): Promise<LoadedTable | undefined> {
    const action = `create table ${this.#name}`;
    const first = await this.#postCreation(creation, action);
    if (first.status === 200) return this.#loaded(first, action);
    if ((await this.load()) !== undefined) return undefined;
    // Catalogs have many ways to say that the namespace is missing.
    if (mayPass(first) || first.status === 409 || !(await this.#createNamespace())) throw this.#failure(first, action);
    const second = await this.#postCreation(creation, action);
    if (second.status === 200) return this.#loaded(second, action);
    if ((await this.load()) !== undefined) return undefined;
    throw this.#failure(second, action);
  }

  async commit(base: LoadedTable, { requirements, updates }: CatalogCommit): Promise<LoadedTable | undefined> {
    const { table } = await this.#open();
    const { namespace, table: name } = this.#location;
    const action = `commit to table ${this.#name}`;
    const answer = await this.#post(table, { identifier: { namespace, name }, requirements, updates }, action);
    if (answer.status === 200) return this.#loaded(answer, action);
    if (answer.status === 409) return undefined;
    if (mayPass(answer)) throw this.#failure(answer, action);
    const commit = describeCommit(base, updates);
    if (this.#refusedCommit === commit) throw refused(this.#place, action, answer);
    this.#refusedCommit = commit;
    this.#log.warn({ catalog: this.#place, said: wordsOf(answer) }, 'the catalog refused a commit; looking again');
    return undefined;
  }

  async drop(): Promise<void> {
    const { table } = await this.#open();
    const action = `drop table ${this.#name}`;
    const url = new URL(table);
    url.searchParams.set('purgeRequested', 'false');
    const answer = await this.#send({ method: 'DELETE', url, headers: this.#keyed() }, action);
    if (answer.status >= 300 && !isMissing(answer)) throw this.#failure(answer, action);
  }

  /** Readers ask the catalog. */
  async publish(): Promise<void> {}

  /** The catalog's own files are its own affair. */
  async emptyOldVersions(): Promise<number> {
    return 0;
  }

  get #name(): string {
    return [...this.#location.namespace, this.#location.table].join('.');
  }

  /** What the catalog says of itself; asked once, and again after it could not be had. */
  async #open(): Promise<Routes> {
    this.#routes ??= this.#readRoutes();
    try {
      return await this.#routes;
    } catch (thrown) {
      this.#routes = undefined;
      throw thrown;
    }
  }

  async #readRoutes(): Promise<Routes> {
    const { warehouse } = this.#location;
    const url = new URL('v1/config', this.#base);
    if (warehouse !== undefined) url.searchParams.set('warehouse', warehouse);
    const action = `read its configuration${warehouse === undefined ? '' : ` for warehouse ${warehouse}`}`;
    const answer = await this.#read(url, action);
    const config = answer.status === 200 ? tryParse(answer.text) : undefined;
    if (config === undefined) throw this.#failure(answer, action);
    return readRoutes(config, this.#base, this.#location, this.#place);
  }

  async #postCreation(creation: TableCreation, action: string): Promise<HttpAnswer> {
    const { tables } = await this.#open();
    const { location, schema, properties } = creation;
    const body = {
      name: this.#location.table,
      location,
      schema,
      'partition-spec': creation['partition-spec'],
      'write-order': creation['write-order'],
      // Catalogs make the newest version they know where none is named.
      properties: { 'format-version': '2', ...properties },
      'stage-create': false,
    };
    return await this.#post(tables, body, action);
  }

  /** True when it is new. */
  async #createNamespace(): Promise<boolean> {
    const { namespaces, separator } = await this.#open();
    const { namespace } = this.#location;
    const action = `find namespace ${namespace.join('.')}`;
    const found = await this.#read(new URL(`${namespaces.href}/${namespacePath(namespace, separator)}`), action);
    if (found.status < 300) return false;
    if (!isMissing(found)) throw this.#failure(found, action);
    for (let levels = 1; levels <= namespace.length; levels += 1) {
      const name = namespace.slice(0, levels);
      const create = `create namespace ${name.join('.')}`;
      const answer = await this.#post(namespaces, { namespace: name, properties: {} }, create);
      if (answer.status >= 300 && answer.status !== 409) throw this.#failure(answer, create);
    }
    return true;
  }

  /** Throws TableReplaced and DamagedDocument for metadata that cannot be worked with. */
  #loaded(answer: HttpAnswer, action: string): LoadedTable {
    const body = tryParse(answer.text);
    const metadata = memberOf(body, 'metadata');
    const location = memberOf(body, 'metadata-location');
    if (metadata === undefined) throw unavailable(this.#place, action, `${answer.status} without metadata of a table`);
    const name = `the metadata of table ${this.#name} in the catalog ${this.#place}`;
    return { metadata: checkTableMetadata(metadata, name), location: typeof location === 'string' ? location : '' };
  }

  /** Of an answer that is none of those that were expected. */
  #failure(answer: HttpAnswer, action: string): ForebayError {
    if (answer.status === 409 || mayPass(answer)) return unavailable(this.#place, action, wordsOf(answer));
    return refused(this.#place, action, answer);
  }

  async #read(url: URL, action: string): Promise<HttpAnswer> {
    for (let tries = 1; ; tries += 1) {
      try {
        const answer = await this.#send({ method: 'GET', url, headers: {} }, action);
        const isFinal = answer.status === 404 || answer.status < 300 || !mayPass(answer);
        if (isFinal || tries === mostReads) return answer;
      } catch (thrown) {
        const isUnclear = thrown instanceof ForebayError && thrown.code === 'CatalogUnavailable';
        if (!isUnclear || tries === mostReads) throw thrown;
      }
      const pause = readPauseMilliseconds * 2 ** (tries - 1) * (0.5 + this.#random.number() / 2);
      await this.#clock.sleep(Math.round(pause), this.#signal);
    }
  }

  async #post(url: URL, body: unknown, action: string): Promise<HttpAnswer> {
    const headers = { 'content-type': 'application/json', ...this.#keyed() };
    return await this.#send({ method: 'POST', url, headers, body: printJSON(body) }, action);
  }

  #keyed(): Record<string, string> {
    return { 'idempotency-key': idempotencyKey(this.#clock.now(), this.#random.nonce()) };
  }

  /** Asks, and asks again while it is not let in: a Secret may be about to be renewed. */
  async #send(call: HttpCall, action: string): Promise<HttpAnswer> {
    const began = this.#clock.now();
    for (let tries = 1; ; tries += 1) {
      const answer = await this.#tryToSend(call, action);
      if ('status' in answer) {
        await this.#leaveAlone(answer);
        return answer;
      }
      const { refusal, mayBeOld } = answer;
      if (mayBeOld && tries === 1) continue;
      const left = this.#patience - (this.#clock.now() - began);
      if (left <= 0 || !this.#credentials.areNamed) throw refusal;
      this.#log.warn({ catalog: this.#place, reason: refusal.message }, 'credentials refused, reading them again');
      await this.#clock.sleep(Math.min(refusedPauseMilliseconds, left), this.#signal);
    }
  }

  async #tryToSend(call: HttpCall, action: string): Promise<HttpAnswer | NotLetIn> {
    try {
      const authorization = await this.#credentials.authorization(this.#signal);
      const headers = {
        accept: 'application/json',
        'user-agent': 'forebay',
        ...call.headers,
        ...(authorization === undefined ? {} : { authorization }),
      };
      const answer = await this.#http.send({ ...call, headers }, this.#signal);
      if (!isRefusal(answer)) return answer;
      return { refusal: this.#notLetIn(answer, action), mayBeOld: this.#credentials.forget(authorization) };
    } catch (thrown) {
      if (thrown instanceof NoAnswer) throw noAnswer(this.#place, action, thrown);
      if (thrown instanceof ForebayError && thrown.code === 'CredentialsRefused') {
        return { refusal: thrown, mayBeOld: false };
      }
      throw thrown;
    }
  }

  #notLetIn(answer: HttpAnswer, action: string): ForebayError {
    const said = catalogError(answer)?.type ?? '';
    const what = `${answer.status}${said === '' ? '' : ` ${said}`}`;
    const cure = this.#credentials.areNamed
      ? 'mend the Secret, or give its user the rights that docs/catalogs.md lists'
      : 'name a Secret in table.catalog.rest.credentialsSecretRef';
    return new ForebayError('CredentialsRefused', `the catalog ${this.#place} refused to ${action} (${what}): ${cure}`);
  }

  async #leaveAlone(answer: HttpAnswer): Promise<void> {
    const asked = answer.status === 429 || answer.status === 503 ? retryAfter(answer, this.#clock.now()) : undefined;
    if (asked !== undefined) await this.#clock.sleep(Math.min(asked, longestPauseMilliseconds), this.#signal);
  }
}

/** Ends with a slash, so that routes are below it. */
function parseBase(uri: string): URL {
  const url = URL.parse(uri);
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw new ForebayError('InvalidTask', 'table.catalog.rest.uri is no http or https URL');
  }
  url.username = '';
  url.password = '';
  url.search = '';
  url.hash = '';
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url;
}

function tokenURL(base: URL, { oauth2ServerURI }: RestCatalog): URL {
  if (oauth2ServerURI === undefined) return new URL('v1/oauth/tokens', base);
  const url = URL.parse(oauth2ServerURI);
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw new ForebayError('InvalidTask', 'table.catalog.rest.oauth2ServerURI is no http or https URL');
  }
  return url;
}

/** The same for all tries of one commit on one state of the table. */
function describeCommit(base: LoadedTable, updates: CatalogCommit['updates']): string {
  const { metadata, location } = base;
  const added = updates.find((update) => update.action === 'add-snapshot');
  const state = [location, metadata['last-updated-ms'], metadata['last-sequence-number']];
  return [...state, added?.snapshot['snapshot-id'] ?? ''].join(' ');
}
