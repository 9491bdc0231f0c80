/**
 * A REST catalog without HTTP, in simulated time and with the troubles of a real one, for simulations: what
 * ingestor/catalog makes of the answers of a catalog, a `SimulatedCatalog` gives.
 *
 *     const server = new SimulatedCatalogServer({ clock, random, faults });
 *     const catalog: Catalog = server.open('lake.events', process);
 */
import type { Clock, Random } from '../../ingestor/contract/environment.ts';
import { ForebayError } from '../../ingestor/contract/errors.ts';
import type { Catalog, CatalogCommit, LoadedTable } from '../../ingestor/table/iceberg/catalog.ts';
import type { TableCreation } from '../../ingestor/table/iceberg/spec.ts';
import { CatalogModel, type ModelAnswer } from './catalog-model.ts';
import type { SimulatedClient } from './simulated-store.ts';

/** How often, of all calls (0 to 1), each thing happens. At most one of them to a call; all but `slow` fail it or lie. */
export interface SimulatedCatalogFaults {
  /** Nothing was done, and the caller is told that it is unclear (5xx, a broken connection). */
  readonly unavailable?: number;
  /** It was done; the caller is told that it is unclear. */
  readonly lost?: number;
  /** A commit is done later, when the caller was told long ago that it is unclear. */
  readonly late?: number;
  /** It was done, and the answer is 409. */
  readonly falseConflict?: number;
  /** It was done, and the answer is 400. */
  readonly falseRefusal?: number;
  /** Nothing was done, and the answer is 409 though nobody else was there. */
  readonly needlessConflict?: number;
  /** It was done, the answer lost on its way, and something in between asked again with the same Idempotency-Key. */
  readonly repeated?: number;
  /** It was done, the caller is told so, and the same request comes once more later. */
  readonly twice?: number;
  /** The call takes up to `slowMilliseconds`. */
  readonly slow?: number;
  /** Default ten minutes. */
  readonly lateMilliseconds?: number;
  /** Default one minute. */
  readonly slowMilliseconds?: number;
}

export interface SimulatedCatalogOptions {
  /** The server's. */
  readonly clock: Clock;
  readonly random: Random;
  /** May be changed at any time by giving a getter. */
  readonly faults?: SimulatedCatalogFaults;
  /** Whether requests of one Idempotency-Key have one answer. Default true. */
  readonly replaysKeys?: boolean;
  /** Longest time of a call that is not slow. Default 20 ms. */
  readonly latencyMilliseconds?: number;
  /** Told of each state of a table right after it came to be, in order; for oracles. */
  readonly onChange?: (name: string, loaded: LoadedTable) => void;
}

const alwaysAwake: SimulatedClient = { paused: () => undefined };

/** The server: survives the processes that use it. */
export class SimulatedCatalogServer {
  /** What other engines and users do, they do here: `model.change`, `model.drop`. */
  readonly model: CatalogModel;
  readonly options: SimulatedCatalogOptions;

  constructor(options: SimulatedCatalogOptions) {
    this.options = options;
    const { random, clock, replaysKeys = true, onChange } = options;
    this.model = new CatalogModel({ random, now: () => clock.now(), replaysKeys, ...(onChange && { onChange }) });
  }

  /** As one process sees the table of this name. */
  open(name: string, client: SimulatedClient = alwaysAwake): SimulatedCatalog {
    return new SimulatedCatalog(this, name, client);
  }
}

export class SimulatedCatalog implements Catalog {
  readonly comparesSnapshotsOnly = true;
  readonly #server: SimulatedCatalogServer;
  readonly #name: string;
  readonly #client: SimulatedClient;
  #refusedCommit: string | undefined;

  constructor(server: SimulatedCatalogServer, name: string, client: SimulatedClient) {
    this.#server = server;
    this.#name = name;
    this.#client = client;
  }

  async load(): Promise<LoadedTable | undefined> {
    const answer = await this.#call('read', () => this.#server.model.load(this.#name));
    return 'loaded' in answer ? answer.loaded : undefined;
  }

  async create(creation: TableCreation): Promise<LoadedTable | undefined> {
    const key = this.#server.options.random.nonce();
    const answer = await this.#call('write', () => this.#server.model.create(this.#name, creation, key));
    if ('loaded' in answer) return answer.loaded;
    if ((await this.load()) !== undefined) return undefined;
    throw this.#unclear('create');
  }

  async commit(base: LoadedTable, commit: CatalogCommit): Promise<LoadedTable | undefined> {
    const key = this.#server.options.random.nonce();
    const answer = await this.#call('write', () => this.#server.model.commit(this.#name, commit, key));
    if ('loaded' in answer) return answer.loaded;
    if ('conflict' in answer) return undefined;
    const added = commit.updates.find((update) => update.action === 'add-snapshot');
    const refused = `${base.location} ${added?.snapshot['snapshot-id']}`;
    if (this.#refusedCommit === refused) {
      throw new ForebayError('CatalogRefused', `the simulated catalog refused a commit: ${JSON.stringify(answer)}`);
    }
    this.#refusedCommit = refused;
    return undefined;
  }

  async drop(): Promise<void> {
    await this.#call('write', () => {
      this.#server.model.drop(this.#name);
      return { missing: this.#name };
    });
  }

  async publish(): Promise<void> {}

  async emptyOldVersions(): Promise<number> {
    return 0;
  }

  /**
   * The request travels, `effect` happens at the server at one moment, the answer travels. Once the request is under
   * way it is done, whatever becomes of the caller.
   */
  async #call(kind: 'read' | 'write', effect: () => ModelAnswer): Promise<ModelAnswer> {
    await this.#client.paused();
    const answer = await this.#send(this.#fault(kind), effect);
    await this.#client.paused();
    if (answer === undefined) throw this.#unclear(kind);
    return answer;
  }

  /** Undefined: no clear answer. */
  async #send(
    fault: keyof SimulatedCatalogFaults | undefined,
    effect: () => ModelAnswer,
  ): Promise<ModelAnswer | undefined> {
    await this.#travel(fault);
    if (fault === 'late') this.#later(effect);
    if (fault === 'late' || fault === 'unavailable') return undefined;
    if (fault === 'needlessConflict') return { conflict: 'busy' };
    let answer = effect();
    if (fault === 'repeated') answer = effect();
    if (fault === 'twice') this.#later(effect);
    await this.#travel(fault);
    if (fault === 'lost') return undefined;
    if (fault === 'falseConflict') return { conflict: 'a lie' };
    if (fault === 'falseRefusal') return { refused: 'a lie' };
    return answer;
  }

  #fault(kind: 'read' | 'write'): keyof SimulatedCatalogFaults | undefined {
    const { faults = {}, random } = this.#server.options;
    let chance = random.number();
    for (const name of kind === 'write' ? writeFaults : readFaults) {
      chance -= faults[name] ?? 0;
      if (chance < 0) return name;
    }
    return undefined;
  }

  async #travel(fault: keyof SimulatedCatalogFaults | undefined): Promise<void> {
    const { faults = {}, random, clock, latencyMilliseconds = 20 } = this.#server.options;
    const longest = fault === 'slow' ? (faults.slowMilliseconds ?? 60_000) : latencyMilliseconds;
    await clock.sleep((random.number() * longest) / 2);
  }

  #later(effect: () => unknown): void {
    const { faults = {}, random, clock } = this.#server.options;
    void clock.sleep(random.number() * (faults.lateMilliseconds ?? 600_000)).then(effect);
  }

  #unclear(kind: string): ForebayError {
    return new ForebayError('CatalogUnavailable', `the simulated catalog gave no clear answer: ${kind} ${this.#name}`);
  }
}

const readFaults = ['unavailable', 'slow'] as const;
const writeFaults = [
  'unavailable',
  'lost',
  'late',
  'falseConflict',
  'falseRefusal',
  'needlessConflict',
  'repeated',
  'twice',
  'slow',
] as const;
