/**
 * A batch as its user and the operator see it: a resource that is edited, aborted, requested again, deleted, made again
 * or restored, and for each state of it Jobs that plan, read the shards and finish, in as many pods as it takes.
 */
import type { BatchOutcome } from '../../ingestor/contract/result.ts';
import type { BatchRequest } from '../../ingestor/contract/task.ts';
import { runFinish } from '../../ingestor/tasks/finish.ts';
import { runPlan } from '../../ingestor/tasks/plan.ts';
import { runShard } from '../../ingestor/tasks/shard.ts';
import { filesInput, finishTask, planTask, request, shardTask } from '../support/lake-in-memory.ts';
import type { Stories } from './stories.ts';
import { minute, type World } from './world.ts';

export type Desired = 'Active' | 'Aborted' | 'Reverted';

/** What stands in the resource. */
interface Resource {
  readonly desired: Desired;
  readonly token: string;
  readonly digest: string;
  readonly change: Partial<BatchRequest>;
}

/** A state of the resource as its operator carries it out; `order`: see RunRequest. */
interface Asked extends Resource {
  readonly order: string;
}

export type BatchKind = 'inline' | 'files' | 'connection' | 'rejects';

export class Batch {
  readonly id: string;
  /** Its user deleted it: nobody carries out anything for it any more. */
  isGone = false;
  readonly #kind: BatchKind;
  readonly #world: World;
  readonly #stories: Stories;
  readonly #others: readonly Batch[];
  /** Older states of the resource, as a backup has them. */
  readonly #earlier: Resource[] = [];
  #resource: Resource;
  #edits = 0;
  #run = 1;
  #stop = new AbortController();

  /** `others`: batches made before, which this one may replace. */
  constructor(world: World, stories: Stories, id: string, kind: BatchKind, others: readonly Batch[]) {
    this.id = id;
    this.#world = world;
    this.#stories = stories;
    this.#kind = kind;
    this.#others = others;
    this.#resource = this.#edit({ desired: 'Active', token: '', digest: '', change: {} });
  }

  /** What its user does, at times within `span`. */
  async live(span: number): Promise<void> {
    const times = Array.from({ length: 1 + this.#world.number(3) }, () => this.#world.random.number() * span);
    let before = 0;
    for (const [index, time] of times.sort((a, b) => a - b).entries()) {
      await this.#world.time.sleep(time - before);
      before = time;
      if (index > 0) this.#change();
      this.#begin();
    }
    if (!this.#world.chance(0.15)) return;
    await this.#world.time.sleep(this.#world.random.number() * minute);
    this.#stop.abort();
    this.isGone = true;
    this.#world.trace(this.id, 'is deleted');
  }

  /** Its last state, carried out without troubles: how it ended. */
  async settle(): Promise<BatchOutcome | undefined> {
    this.#stop.abort();
    return await this.#carryOut(this.#asked(), new AbortController().signal);
  }

  #change(): void {
    const { number } = this.#world;
    const deed = number.call(this.#world, 9);
    const before = this.#resource;
    this.#earlier.push(before);
    // Pods of before go, or linger.
    if (this.#world.chance(0.5)) this.#stop.abort();
    if (deed === 0) this.#resource = { ...before, desired: 'Active', token: `again-${this.#earlier.length}` };
    if (deed === 1) this.#resource = { ...before, desired: 'Aborted' };
    if (deed === 2) this.#resource = this.#edit({ ...before, desired: 'Active' });
    if (deed === 3)
      this.#resource = this.#edit({ ...before, desired: 'Active', token: `edit-${this.#earlier.length}` });
    if (deed === 5) this.#resource = { ...before, desired: 'Reverted' };
    if (deed === 6) this.#resource = { ...before, desired: 'Reverted', token: `out-${this.#earlier.length}` };
    if (deed === 7) this.#resource = { ...before, desired: 'Active' };
    if (deed === 4) this.#resource = this.#earlier[this.#world.number(this.#earlier.length)] ?? before;
    this.#world.trace(this.id, 'becomes', JSON.stringify(this.#resource));
  }

  /** Another request: other data. A connection's request is always the same. */
  #edit(resource: Resource): Resource {
    this.#edits += 1;
    if (this.#kind === 'connection') return { ...resource, digest: 'connection', change: connection(this.#world) };
    const change = { ...this.#makeInput(), ...this.#drawPurpose() };
    return { ...resource, digest: `digest-${this.#edits}`, change };
  }

  /** Most batches only bring data. */
  #drawPurpose(): Partial<BatchRequest> {
    const world = this.#world;
    if (world.chance(0.08)) return { validateOnly: true };
    const replaced = this.#others.filter(() => world.chance(0.5));
    if (replaced.length === 0 || world.chance(0.5)) return {};
    const replaces = replaced.map(({ id }) => request(id).batch);
    return world.chance(0.3) ? { replaces, input: undefined } : { replaces };
  }

  #makeInput(): Partial<BatchRequest> {
    const world = this.#world;
    const bad = world.chance(0.3) ? 1 : 0;
    const maxFailed = world.chance(0.5) ? '100%' : 0;
    if (this.#kind === 'inline') {
      const { text } = world.contents.make(this.id, 1 + world.number(3), bad);
      return { input: { inline: { data: text } }, maxFailed };
    }
    const [other] = this.#others;
    if (this.#kind === 'rejects' && other !== undefined) {
      return { input: { rejects: { batch: request(other.id).batch } }, maxFailed: '100%' };
    }
    const keys = Array.from({ length: 1 + world.number(3) }, (_, index) => `files/${this.id}/${this.#edits}-${index}`);
    for (const key of keys) world.source.set(key, world.contents.make(this.id, 1 + world.number(3), bad).text);
    return { input: filesInput({ keys }), maxFailed, shardBytes: world.pick([1, 1, 100, 2 ** 20]) };
  }

  #begin(): void {
    this.#stop = new AbortController();
    this.#world.inBackground(this.#carryOut(this.#asked(), this.#stop.signal));
  }

  #asked(): Asked {
    return { ...this.#resource, order: String(this.#earlier.length).padStart(3, '0') };
  }

  async #carryOut(resource: Asked, stop: AbortSignal): Promise<BatchOutcome | undefined> {
    const outcome =
      resource.desired === 'Active' ? await this.#ingest(resource, stop) : await this.#abort(resource, 'Aborted');
    // What woke up too late is told nothing about what its request came to.
    if (outcome !== undefined && !isOutdated(outcome)) {
      this.#stories.tell(outcome, `${resource.token} ${resource.digest}`);
    }
    return outcome;
  }

  async #ingest(resource: Asked, stop: AbortSignal): Promise<BatchOutcome | undefined> {
    const { token: requestToken, digest: requestDigest, order: requestOrder, change } = resource;
    const { target: dataset } = this.#world;
    const task = { ...planTask(this.id, { ...change, requestToken, requestDigest, requestOrder }), dataset };
    const planned = await this.#world.job(`plan ${this.id}`, (environment) => runPlan(task, environment));
    if (stop.aborted) return undefined;
    if (planned === undefined) return this.#world.chance(0.5) ? await this.#abort(resource, 'JobFailed') : undefined;
    this.#run = planned.run;
    if (this.#world.chance(0.2)) this.#rewriteInput(change);
    if (planned.batch !== undefined) return planned.batch;
    const shards = Array.from({ length: planned.plan.shards }, (_, index) => this.#shard(resource, planned.run, index));
    const done = await Promise.all(shards);
    if (stop.aborted) return undefined;
    const isWhole = done.every((one) => one !== undefined);
    return await this.#finish(planned.run, isWhole ? undefined : 'JobFailed');
  }

  /** Of what was planned, one file: whoever wrote it writes it once more. */
  #rewriteInput({ input }: Partial<BatchRequest>): void {
    if (input === undefined || !('files' in input) || this.#world.isQuiet) return;
    const { source, contents } = this.#world;
    const { keys = [...source.objects.keys()].filter((key) => key.startsWith('from/')) } = input.files.selection;
    const key = keys[this.#world.number(keys.length)];
    if (key === undefined) return;
    source.set(key, contents.make(key, 1 + this.#world.number(3), 0).text);
    this.#world.trace('rewrote', key);
  }

  async #shard({ change }: Resource, run: number, index: number) {
    // Pods do not start at once.
    await this.#world.time.sleep(this.#world.random.number() * this.#world.pick([0, minute]));
    const task = { ...shardTask(this.id, index, change.input, run), dataset: this.#world.target };
    return await this.#world.job(`shard ${index} of ${this.id}.${run}`, (environment) => runShard(task, environment));
  }

  async #finish(run: number, reason: string | undefined): Promise<BatchOutcome | undefined> {
    const dataset = this.#world.target;
    const task = finishTask(this.id, {
      dataset,
      run,
      ...(reason === undefined ? {} : { abort: { reason, message: reason } }),
    });
    const result = await this.#world.job(`finish ${this.id}.${run}`, (environment) => runFinish(task, environment));
    return result?.batch;
  }

  async #abort({ desired, token, digest, order }: Asked, reason: string): Promise<BatchOutcome | undefined> {
    const request = { token, digest, order };
    const revert = desired === 'Reverted' ? { revert: true } : {};
    const dataset = this.#world.target;
    const task = finishTask(this.id, {
      dataset,
      run: this.#run,
      abort: { reason, message: reason },
      request,
      ...revert,
    });
    const what = desired === 'Reverted' ? 'revert' : 'abort';
    const result = await this.#world.job(`${what} ${this.id}`, (environment) => runFinish(task, environment));
    return result?.batch;
  }
}

function isOutdated({ reason, message }: BatchOutcome): boolean {
  return reason === 'Superseded' && message.startsWith('a later request');
}

/** All connections take the same folder. */
function connection(world: World): Partial<BatchRequest> {
  const shardBytes = world.chance(0.5) ? 1 : 2 ** 20;
  return { input: filesInput({ glob: 'from/*' }), ledger: { source: 'source' }, maxFailed: '100%', shardBytes };
}
