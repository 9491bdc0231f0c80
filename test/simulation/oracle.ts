/**
 * Looks at every write to the lake's bucket in the moment it is done, and says what must never be: a version that holds
 * half a batch or a record twice, counts that are not those of what is in it, a deciding name given twice or freed, an
 * object deleted that somebody needs. It reads the bucket by its own means and knows what was sent.
 */
import type { Retention } from '../../ingestor/contract/task.ts';
import { DataFiles, parseVersionKey, readVersion, type SeenVersion } from '../support/lake-reader.ts';
import type { SimulatedBucket, SimulatedWrite } from '../support/simulated-store.ts';
import type { Contents } from './contents.ts';
import {
  History,
  parseInletKey,
  parseRoundName,
  parseRunKey,
  parseSegmentName,
  type SeenInlet,
  type SeenLanding,
  type SeenRun,
} from './history.ts';

const hour = 3_600_000;
const day = 24 * hour;
/** A second is what the store's times are exact to. */
const tolerance = 1_000;

export class Oracle {
  readonly history: History;
  readonly failures: string[] = [];
  readonly versions: SeenVersion[] = [];
  /** Where each row of the table comes from: the run or round that brought it. */
  readonly rows = new Map<string, string>();
  readonly #dataFiles = new DataFiles();
  readonly #retention: Retention;
  readonly #bucket: () => SimulatedBucket;
  readonly #created = new Set<string>();
  #hinted = 0;
  /** When objects that a version named were named last. */
  readonly #namedUntil = new Map<string, number>();
  /** Of the newest version with a file of its own; 0: none is. */
  #fileNumber = 0;
  readonly #byFile = new Map<number, SeenVersion>();
  /** Whom the newest version says something new of. */
  #landed: SeenRun[] = [];
  #reverted: SeenRun[] = [];
  #rounds: SeenInlet[] = [];

  constructor(contents: Contents, retention: Retention, bucket: () => SimulatedBucket) {
    this.history = new History(contents);
    this.#retention = retention;
    this.#bucket = bucket;
  }

  get newest(): SeenVersion | undefined {
    return this.versions.at(-1);
  }

  /** True while another engine acts: what it deletes and takes out is its own affair. */
  isByOthers = false;
  /** Rows that it took out. */
  readonly lost = new Set<string>();
  readonly #origins = new Map<string, string>();

  /** True for a record that was in the table at any time. */
  wasThere(id: string): boolean {
    return this.#origins.has(id);
  }

  /** The catalog has a new version. */
  changed(version: SeenVersion): void {
    if (!this.isByOthers) this.addVersion(version);
    else {
      this.#remember(this.newest, version);
      this.versions.push(version);
      this.#lookAround(version);
    }
  }

  /** Rows that are there after another engine changed something: any, but each once. */
  #lookAround({ files }: SeenVersion): void {
    const ids = [...files.keys()].flatMap((key) => this.#dataFiles.ids(key));
    const isIn = new Set(ids);
    if (isIn.size !== ids.length) throw new Error('a record is there twice');
    for (const id of this.rows.keys()) {
      if (isIn.has(id)) continue;
      this.rows.delete(id);
      this.lost.add(id);
    }
    for (const id of ids) this.rows.set(id, this.#origins.get(id) ?? 'nowhere');
  }

  observe(write: SimulatedWrite): void {
    try {
      this.#observe(write);
    } catch (thrown) {
      this.fail(`${write.kind} ${write.key}: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
    }
  }

  fail(message: string): void {
    this.failures.push(message);
  }

  #observe(write: SimulatedWrite): void {
    const { key, kind, after } = write;
    if (isDeciding(key)) this.#checkDeciding(write);
    if (kind === 'deleted' && !this.isByOthers) this.#checkDeleted(write);
    if (after === undefined) return;
    if (isDataFile(key)) this.#checkDataFile(write, after.body);
    if (/\/metadata\/version-hint\.text$/.test(key)) this.#checkHint(after.body);
    if (kind === 'created') this.#checkCreated(write, after.body);
  }

  #checkCreated({ key, time }: SimulatedWrite, body: Uint8Array): void {
    this.history.created(key, body, time);
    const number = parseVersionKey(key);
    if (number !== undefined) this.addVersion(this.#read(body), number);
    const ofRun = parseRunKey(key);
    if (ofRun === undefined) return;
    const run = this.history.run(ofRun.batch, ofRun.run);
    if (ofRun.name === 'plan.json') this.#checkPlan(run, ofRun.batch);
    if (ofRun.name === 'decision.json') this.#checkDecision(run, time);
    if (ofRun.name === 'committed.json') this.#checkMarker(run);
  }

  #read(body: Uint8Array): SeenVersion {
    const bucket = this.#bucket();
    return readVersion(body, (key) => bucket.objects.get(key)?.body, bucket.open().url);
  }

  /** Given once, never freed; a large old body may be emptied. */
  #checkDeciding({ key, kind, after }: SimulatedWrite): void {
    if (kind === 'deleted') throw new Error('a name that decides is freed');
    if (kind === 'overwritten' && after?.size !== 0) throw new Error('a name that decides is given again');
    if (kind === 'created' && this.#created.has(key)) throw new Error('a name that decides is given twice');
    this.#created.add(key);
  }

  #checkDataFile({ kind, key, before, after }: SimulatedWrite, body: Uint8Array): void {
    if (kind === 'overwritten' && before?.etag !== after?.etag) throw new Error('a data file is changed');
    this.#dataFiles.written(key, body);
  }

  #checkHint(body: Uint8Array): void {
    const number = Number(Buffer.from(body).toString());
    if (!(number > this.#hinted)) throw new Error(`the hint goes from ${this.#hinted} to ${number}`);
    if (this.#fileNumber < number) throw new Error(`the hint names ${number}, and the newest is ${this.#fileNumber}`);
    this.#hinted = number;
  }

  #checkPlan(run: SeenRun, batch: string): void {
    const { plan, name } = run;
    if (plan === undefined || isInternal(run)) return;
    const own = plan.requests.find((request) => request.run === plan.run);
    for (const [other, { plan: earlier, reverted, landed, decision }] of this.history.runs) {
      if (!other.startsWith(`${batch}.`) || other === name || earlier === undefined) continue;
      const isServed = earlier.requests.some(
        (it) => it.run === earlier.run && it.token === own?.token && it.digest === own.digest,
      );
      const byRevert = reverted?.landing.request;
      if (byRevert !== undefined && byRevert.token === own?.token && byRevert.digest === own.digest) {
        throw new Error(`it serves the request that reverted run ${earlier.run}`);
      }
      if (isServed) throw new Error(`it serves the request that run ${earlier.run} served`);
      if (earlier.run > plan.run) throw new Error(`run ${earlier.run} was planned before it`);
      if (decision === undefined) throw new Error(`run ${earlier.run} is not decided`);
      const isIn = decision.outcome === 'Committed' && landed?.landing.refusal === undefined && reverted === undefined;
      if (isIn && decision.dataFiles.length > 0) throw new Error(`run ${earlier.run} is committed`);
    }
  }

  #checkDecision(run: SeenRun, time: number): void {
    const { decision, plan } = run;
    if (decision === undefined || plan === undefined) throw new Error('decided and not planned');
    const { read, ingested, failed, skipped } = decision.records;
    if (read !== ingested + failed + skipped) throw new Error('its counts do not add up');
    if (decision.reason === 'Abandoned' && time - run.lastProgress < 7 * day - tolerance) {
      throw new Error('abandoned though it made progress');
    }
    if (decision.outcome === 'Committed' && !isInternal(run)) this.#checkCommitted(run);
  }

  /** Whole files, all of them but those that the decision leaves out. */
  #checkCommitted(run: SeenRun): void {
    const { decision, plan } = run;
    if (decision === undefined || plan === undefined) return;
    if (plan.reading?.validateOnly) throw new Error('committed, and was only to be looked at');
    const rows = decision.dataFiles.flatMap(({ key }) => this.#dataFiles.ids(key));
    const isIn = new Set(rows);
    if (isIn.size !== rows.length) throw new Error('it names a record twice');
    const inputs = this.history.inputsOf(run);
    const whole = inputs.filter(({ good }) => good.every((id) => isIn.has(id)));
    const leftOut = decision.files.failed + decision.files.skipped - plan.files.skipped;
    if (inputs.length - whole.length > leftOut) throw new Error('it leaves records of its files out');
    const expected = whole.reduce((sum, { good }) => sum + good.length, 0);
    if (expected !== rows.length) throw new Error(`${rows.length} rows for ${expected} good records of its files`);
    if (decision.records.ingested !== rows.length) throw new Error(`counted ${decision.records.ingested} rows`);
    if (leftOut > 0) return;
    const failed = inputs.reduce((sum, { bad }) => sum + bad, 0);
    if (failed !== decision.records.failed) throw new Error(`counted ${decision.records.failed} of ${failed} bad`);
  }

  /** Readers without a catalog see the run before anyone says that it is committed. */
  #checkMarker(run: SeenRun): void {
    if (run.decision === undefined) throw new Error('marked and not decided');
    if (run.landed === undefined) {
      if (run.decision.dataFiles.length > 0) throw new Error('marked, and its rows are not in the table');
      return;
    }
    if (this.#fileNumber > 0 && this.#hinted < run.landed.version) throw new Error('marked before the hint names it');
  }

  /** `file`: number in the name of its file, where it has one. */
  addVersion(version: SeenVersion, file?: number): void {
    const before = this.newest;
    if (file !== undefined) {
      if (file !== this.#fileNumber + 1) throw new Error(`version ${file} follows on ${this.#fileNumber}`);
      this.#fileNumber = file;
      this.#byFile.set(file, version);
    }
    if (before !== undefined && version.time <= before.time) throw new Error('time does not rise');
    if (version.number !== (before?.number ?? 0) + 1) throw new Error(`${version.number} after ${before?.number}`);
    this.#checkSequenceNumbers(version);
    this.#remember(before, version);
    this.versions.push(version);
    this.#checkProperties(before, version);
    this.#checkRows(before, version);
    this.#checkTotals(before, version);
  }

  #remember(before: SeenVersion | undefined, { named }: SeenVersion): void {
    const now = this.#bucket().clock.now();
    for (const key of before?.named ?? []) if (!named.has(key)) this.#namedUntil.set(key, now);
  }

  #checkSequenceNumbers({ snapshots }: SeenVersion): void {
    const numbers = snapshots.map(({ sequence }) => sequence).sort((a, b) => a - b);
    if (new Set(numbers).size !== numbers.length) throw new Error('two snapshots of one sequence number');
  }

  #checkProperties(before: SeenVersion | undefined, { properties, number }: SeenVersion): void {
    [this.#landed, this.#reverted, this.#rounds] = [[], [], []];
    const earlier = before?.properties ?? {};
    for (const [name, value] of Object.entries(properties)) {
      if (earlier[name] === value) continue;
      const [, kind, batch = '', run = ''] = /^forebay\.(run|revert)\.([0-9a-f]{32})\.([0-9]+)$/.exec(name) ?? [];
      const [, inlet] = /^forebay\.round\.([0-9a-f]{64})$/.exec(name) ?? [];
      if (kind === 'run') this.#land(this.history.run(batch, run), number, JSON.parse(value));
      if (kind === 'revert') this.#revert(this.history.run(batch, run), number, JSON.parse(value));
      if (inlet !== undefined) this.#round(this.history.inlet(inlet), JSON.parse(value));
    }
    for (const name of Object.keys(earlier)) {
      if (properties[name] !== undefined) continue;
      const [, kind, batch, run] = /^forebay\.(run|revert)\.([0-9a-f]{32})\.([0-9]+)$/.exec(name) ?? [];
      if (batch === undefined || run === undefined) continue;
      const { marked, revertMarked } = this.history.run(batch, run);
      if (!(kind === 'run' ? marked : revertMarked)) throw new Error(`${name} is dropped before its marker is there`);
    }
  }

  #land(run: SeenRun, version: number, landing: SeenLanding): void {
    if (run.landed !== undefined) throw new Error(`${run.name} lands again: first in ${run.landed.version}`);
    if (run.decision === undefined) throw new Error(`${run.name} lands undecided`);
    run.landed = { version, landing };
    if (run.decision.rewrites && landing.refusal === undefined) this.#checkRewritten(run.decision.removeFiles ?? []);
    this.#landed.push(run);
  }

  /** Who may still revert a batch must be able to. */
  #checkRewritten(keys: readonly string[]): void {
    const { revertDays } = this.#retention;
    for (const key of keys) {
      const [, batch, run] = /\/data\/([0-9a-f]{32})\/([0-9]+)\//.exec(key) ?? [];
      const of = batch === undefined || run === undefined ? undefined : this.history.run(batch, run);
      if (of === undefined || isInternal(of)) continue;
      if (this.#age(of) < revertDays * day - tolerance) throw new Error(`${of.name} is compacted and may be reverted`);
    }
  }

  #revert(run: SeenRun, version: number, landing: SeenLanding): void {
    if (run.reverted !== undefined && run.reverted.landing.refusal === undefined) {
      throw new Error(`${run.name} is reverted again: first in ${run.reverted.version}`);
    }
    run.reverted = { version, landing };
    this.#reverted.push(run);
  }

  #round(inlet: SeenInlet, state: SeenInlet['state']): void {
    if (state.round !== inlet.state.round + 1) {
      throw new Error(`round ${state.round} follows on round ${inlet.state.round}`);
    }
    const isTaken = state.taken === state.round;
    if (!isTaken && state.taken !== inlet.state.taken) throw new Error(`round ${state.round} goes back`);
    inlet.state = { round: state.round, taken: state.taken };
    if (isTaken) this.#rounds.push(inlet);
  }

  #checkRows(before: SeenVersion | undefined, version: SeenVersion): void {
    const earlier = before?.files ?? new Map<string, number>();
    const added = [...version.files.keys()].filter((key) => !earlier.has(key));
    const removed = [...earlier.keys()].filter((key) => !version.files.has(key));
    for (const key of added) {
      if (!this.#bucket().objects.has(key)) throw new Error(`${key} is in the table and not in the bucket`);
      if (this.#dataFiles.ids(key).length !== version.files.get(key))
        throw new Error(`${key} has other rows than told`);
    }
    const came = added.flatMap((key) => this.#dataFiles.ids(key));
    const went = new Set(removed.flatMap((key) => this.#dataFiles.ids(key)));
    const brought = came.filter((id) => !went.has(id));
    const isIn = new Set(came);
    const left = [...went].filter((id) => !isIn.has(id));
    if (isIn.size !== came.length) throw new Error('a record is there twice');
    this.#checkLeft(left);
    for (const id of left) this.rows.delete(id);
    this.#checkBrought(brought);
  }

  /** All rows of the runs that a commit takes out, and no others. */
  #checkLeft(left: readonly string[]): void {
    const out = new Set(
      this.#reverted.filter((run) => run.reverted?.landing.refusal === undefined).map((run) => run.name),
    );
    for (const id of left) {
      const from = this.rows.get(id);
      if (from === undefined) throw new Error(`${id} leaves and was not there`);
      if (!out.has(from)) throw new Error(`${id} of ${from} leaves, and nobody took it out`);
    }
    const gone = new Set(left);
    for (const [id, from] of this.rows) {
      if (out.has(from) && !gone.has(id)) throw new Error(`${id} stays, and ${from} was taken out`);
    }
  }

  #checkBrought(brought: readonly string[]): void {
    const expected = new Map<string, string>();
    for (const run of this.#landed) {
      if (!isTakenIn(run) || isInternal(run)) continue;
      for (const { key } of run.decision?.dataFiles ?? []) {
        for (const id of this.#dataFiles.ids(key)) expected.set(id, run.name);
      }
    }
    for (const inlet of this.#rounds) for (const id of this.#takenBy(inlet)) expected.set(id, 'inlet');
    for (const id of brought) {
      const from = expected.get(id);
      if (from === undefined) throw new Error(`${id} comes from nowhere`);
      const there = this.rows.get(id);
      if (there !== undefined) throw new Error(`${id} of ${from} is there already, from ${there}`);
      this.rows.set(id, from);
      this.#origins.set(id, from);
    }
    if (brought.length !== expected.size) throw new Error(`${brought.length} of ${expected.size} records come`);
  }

  #takenBy(inlet: SeenInlet): string[] {
    const { round } = inlet.state;
    const plan = inlet.plans.get(round);
    const receipt = inlet.receipts.get(round);
    if (plan === undefined || receipt === undefined) throw new Error(`round ${round} has no plan or no receipt`);
    if (receipt.unreadable.length > 0) throw new Error(`round ${round} gives up segments that are whole`);
    return plan.takes.flatMap(({ writer, from, to }) => {
      const numbers = Array.from({ length: to - from + 1 }, (_, index) => from + index);
      return numbers.flatMap((number) => {
        const segment = inlet.segments.get(`${writer}/${number}`);
        if (segment === undefined) throw new Error(`round ${round} takes segment ${number}, which nobody wrote`);
        return segment.good;
      });
    });
  }

  #checkTotals(before: SeenVersion | undefined, { totals, files }: SeenVersion): void {
    const rows = [...files.values()].reduce((sum, count) => sum + count, 0);
    if (totals.records !== rows) throw new Error(`${totals.records} records counted of ${rows}`);
    if (rows !== this.rows.size) throw new Error(`${rows} rows in the files, ${this.rows.size} expected`);
    const counted = this.#landed.filter((run) => !isInternal(run));
    const taken = counted.filter(isTakenIn);
    const rounds = this.#rounds.map((inlet) => inlet.receipts.get(inlet.state.round)?.records);
    const all = [...taken.map(({ decision }) => decision?.records), ...rounds];
    const then = before?.totals;
    const expected = {
      ingested: (then?.ingested ?? 0) + all.reduce((sum, records) => sum + (records?.ingested ?? 0), 0),
      failed: (then?.failed ?? 0) + all.reduce((sum, records) => sum + (records?.failed ?? 0), 0),
    };
    for (const name of ['ingested', 'failed'] as const) {
      if (totals[name] !== expected[name]) throw new Error(`${name}: ${totals[name]} counted, not ${expected[name]}`);
    }
    const { succeeded, failed } = totals.batches;
    const ended = [
      (then?.batches.succeeded ?? 0) + taken.length,
      (then?.batches.failed ?? 0) + counted.length - taken.length,
    ];
    if (succeeded !== ended[0] || failed !== ended[1]) {
      throw new Error(`batches: ${succeeded} and ${failed} counted, not ${ended.join(' and ')}`);
    }
  }

  /** At the moment of each delete: does anyone need it? */
  #checkDeleted({ key, time }: SimulatedWrite): void {
    if (this.newest?.named.has(key)) throw new Error('deleted, and the table names it');
    if (this.#byFile.get(this.#hinted)?.named.has(key)) throw new Error('deleted, and the hinted version names it');
    if (isDataFile(key)) this.#checkUnneeded(key, time);
    const ofRun = parseRunKey(key);
    if (ofRun !== undefined) this.#checkDeletedOfRun(this.history.run(ofRun.batch, ofRun.run), key, ofRun.name);
    const ofInlet = parseInletKey(key);
    if (ofInlet === undefined) return;
    this.#checkDeletedOfInlet(this.history.inlet(ofInlet.inlet), ofInlet.name, time);
  }

  #checkUnneeded(key: string, time: number): void {
    // Queries that were running when the table ceased to name it end well.
    if (time - (this.#namedUntil.get(key) ?? 0) < hour - tolerance) throw new Error('deleted at once');
    const names = (files: readonly { readonly key: string }[] | undefined) => files?.some((file) => file.key === key);
    for (const run of this.history.runs.values()) {
      if (run.marked || run.landed !== undefined) continue;
      if (run.decision !== undefined ? names(run.decision.dataFiles) : run.receipts.some((it) => names(it.dataFiles))) {
        throw new Error(`deleted, and ${run.name} has not ended`);
      }
    }
    for (const inlet of this.history.inlets.values()) {
      for (const [round, receipt] of inlet.receipts) {
        if (round > inlet.state.round && names(receipt.files)) throw new Error(`deleted, and round ${round} needs it`);
      }
    }
  }

  #checkDeletedOfRun(run: SeenRun, key: string, name: string): void {
    const isLists = name.startsWith('shards/') || name.startsWith('parts/');
    if (isLists && !run.marked && this.#isNamedByPlan(run, key, name)) throw new Error('deleted before its run ended');
    const isKept = name.startsWith('rejects/') && run.decision?.rejectFiles.includes(key) === true;
    if (isKept && run.marked && this.#age(run) < this.#retention.diagnosticsDays * day)
      throw new Error('refused records are deleted');
    if (name.startsWith('rejects/') && !run.marked && run.receipts.some((it) => it.rejectFile?.key === key)) {
      throw new Error('refused records are deleted before their run ended');
    }
  }

  #isNamedByPlan({ plan }: SeenRun, key: string, name: string): boolean {
    return name.startsWith('shards/') || plan?.shards.some(({ part }) => part === key) === true;
  }

  #age({ decidedTime }: SeenRun): number {
    return this.#bucket().clock.now() - decidedTime;
  }

  #checkDeletedOfInlet(inlet: SeenInlet, name: string, time: number): void {
    const segment = parseSegmentName(name);
    if (segment !== undefined) {
      if (segment.sequence > inlet.takenOf(segment.writer)) throw new Error('deleted, and no round took it');
      const made = inlet.segments.get(`${segment.writer}/${segment.sequence}`)?.time ?? 0;
      if (time - made < hour - tolerance) throw new Error('a segment is deleted within its first hour');
    }
    const round = parseRoundName(name);
    if (round === undefined) return;
    if (round.round > inlet.state.round) throw new Error('deleted, and the round is not over');
    if (round.round === inlet.state.taken) throw new Error('deleted, and the table names it');
  }
}

/** Of the program's own: rows in other files, or expired; counted nowhere. */
function isInternal({ plan }: SeenRun): boolean {
  return plan?.batch.kind === 'internal';
}

export function isTakenIn({ decision, landed }: SeenRun): boolean {
  return decision?.outcome === 'Committed' && landed?.landing.refusal === undefined;
}

function isDataFile(key: string): boolean {
  return /^table-[0-9a-f-]{36}\/data\//.test(key);
}

function isDeciding(key: string): boolean {
  const deciding =
    /\/(plan|decision|committed|reverted)\.json$|^ingest\/ledger\/(folds\/)?[0-9]+\.json$|\/metadata\/v[0-9]+\.metadata\.json$/;
  return deciding.test(key) && !/^ingest\/inlets\//.test(key);
}
