/** An inlet: pods that take records and bring them into the table, senders, and helpers that run its rounds. */
import { openDataset } from '../../ingestor/commit/dataset.ts';
import { silentLog } from '../../ingestor/contract/environment.ts';
import { ForebayError } from '../../ingestor/contract/errors.ts';
import type { InletTask } from '../../ingestor/contract/task.ts';
import { listBacklog } from '../../ingestor/inlet/backlog.ts';
import { collectGarbage } from '../../ingestor/inlet/garbage.ts';
import { Lifetime } from '../../ingestor/inlet/lifetime.ts';
import { openInlet } from '../../ingestor/inlet/open.ts';
import { runRound } from '../../ingestor/inlet/round.ts';
import { SchemaInForce } from '../../ingestor/inlet/schema-in-force.ts';
import { SegmentQueue } from '../../ingestor/inlet/segment-queue.ts';
import type { Environment } from '../../ingestor/tasks/environment.ts';
import { hour, minute, second, type World } from './world.ts';

const id = 'a'.repeat(64);

export class Inlet {
  /** Good records that a sender was told are durable. */
  readonly acknowledged = new Set<string>();
  readonly #world: World;
  readonly #task: InletTask;
  #requests = 0;

  constructor(world: World) {
    this.#world = world;
    this.#task = {
      version: 1,
      verb: 'inlet',
      dataset: world.target,
      inlet: { namespace: 'default', name: 'inlet', id },
      authentication: [{ anonymous: {} }],
      envelope: 'Raw',
      validation: 'Async',
      mapping: [],
      limits: { maxRequestBytes: 1_000, maxRecordBytes: 1_000, maxInFlightBytes: 10_000 },
      durability: { maxDelayMilliseconds: world.pick([0, 50]), maxSegmentBytes: 100 },
      commit: { periodSeconds: 1 + world.number(5), maxBytes: world.pick([100, 300, 10_000]), maxRecords: 1_000 },
      port: 0,
    };
  }

  /** Pods within `span`, and helpers that come by. */
  async live(span: number): Promise<void> {
    const { time, random } = this.#world;
    const later = () => time.sleep(random.number() * span);
    const pods = Array.from({ length: 1 + this.#world.number(2) }, async () => {
      await later();
      await this.#world.job('inlet', (environment) => this.#runPod(environment), 2);
    });
    const rounds = Array.from({ length: this.#world.number(3) }, async () => {
      await later();
      await this.#world.job('rounds', (environment) => this.#runRounds(environment), 2);
    });
    const collections = Array.from({ length: this.#world.number(3) }, async () => {
      await later();
      await this.#world.job('garbage of inlet', (environment) => this.#collect(environment), 2);
    });
    await Promise.all([...pods, ...rounds, ...collections]);
  }

  /** The process of main.ts, less the server: its senders call the queue. */
  async #runPod(environment: Environment): Promise<true> {
    const stop = new AbortController();
    using life = new Lifetime({ ...environment, signal: stop.signal }, 50 * second);
    const store = await environment.openStore(this.#world.target.storage);
    const schema = new SchemaInForce(store, []);
    const rounds = await openInlet(this.#task, store, schema, life, silentLog);
    if (rounds === undefined) return true;
    const settings = {
      ...this.#task.durability,
      writers: 1 + this.#world.number(2),
      unclearMilliseconds: minute,
      idleMilliseconds: hour / 2,
    };
    const queue = new SegmentQueue(store, id, settings, life.waiting, silentLog, rounds);
    const roundsEnd = new AbortController();
    const writing = queue.run();
    const committing = rounds.run(roundsEnd.signal);
    try {
      await Promise.race([writing, committing, this.#send(queue, environment)]);
      queue.close();
      await writing;
    } finally {
      roundsEnd.abort();
      life.stop.addEventListener('abort', () => {});
    }
    await committing;
    await rounds.finish();
    return true;
  }

  /** Senders do not send again: what was not acknowledged may be there, once. */
  async #send(queue: SegmentQueue, { clock }: Environment): Promise<void> {
    const requests = Array.from({ length: 2 + this.#world.number(5) }, async () => {
      await clock.sleep(this.#world.random.number() * this.#world.pick([second, 20 * second]));
      this.#requests += 1;
      const bad = this.#world.chance(0.3) ? 1 : 0;
      const { text, good } = this.#world.contents.make(`inlet-${this.#requests}`, 1 + this.#world.number(2), bad);
      try {
        await queue.append(Buffer.from(text), good.length + bad);
      } catch (thrown) {
        if (thrown instanceof ForebayError) return;
        throw thrown;
      }
      for (const one of good) this.acknowledged.add(one);
      this.#world.trace('acknowledged', good.join(' '));
    });
    await Promise.all(requests);
  }

  async #runRounds(environment: Environment): Promise<true> {
    const store = await environment.openStore(this.#world.target.storage);
    const dataset = await openDataset(store, this.#world.target, environment);
    const { inlet, mapping, limits, commit } = this.#task;
    const settings = {
      version: 1 as const,
      namespace: inlet.namespace,
      name: inlet.name,
      mapping,
      maxRecordBytes: limits.maxRecordBytes,
      maxRoundBytes: commit.maxBytes,
    };
    const backlog = (taken: Parameters<typeof listBacklog>[2]) => listBacklog(store, id, taken, environment);
    for (let round = 0; round < 4; round += 1) {
      await runRound({ dataset, id, settings, failures: new Map(), listBacklog: backlog }, environment);
    }
    return true;
  }

  async #collect(environment: Environment): Promise<true> {
    const store = await environment.openStore(this.#world.target.storage);
    await collectGarbage(await openDataset(store, this.#world.target, environment), id, environment);
    return true;
  }
}
