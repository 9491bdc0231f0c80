/**
 * The inlet: accepts records over HTTP, makes them durable in segments, answers, and brings the segments into the table
 * in rounds. Any number of such processes may serve one inlet; what they know of each other is in the bucket.
 */
import type { Server } from 'node:http';
import type { Log } from '../contract/environment.ts';
import { toForebayError } from '../contract/errors.ts';
import type { InletProgress } from '../contract/progress.ts';
import type { InletTask } from '../contract/task.ts';
import type { Store } from '../store/store.ts';
import type { Environment } from '../tasks/environment.ts';
import { type Authenticator, createAuthenticator } from './authentication.ts';
import { aborted, Lifetime } from './lifetime.ts';
import { InFlight, RateLimit } from './limits.ts';
import { drain, listen } from './listen.ts';
import { InletMetrics } from './metrics.ts';
import { openInlet } from './open.ts';
import type { Rounds } from './rounds.ts';
import { inletRoutes } from './routes.ts';
import { SchemaInForce } from './schema-in-force.ts';
import { SegmentQueue } from './segment-queue.ts';
import { createCollectionServer } from './server.ts';
import { defaultSettings, type ProcessSettings } from './settings.ts';
import { createStatusServer } from './status-server.ts';
import type { WriterListener } from './writer.ts';

/** `signal` asks the process to end: it finishes what it began, within `graceMilliseconds`. */
export interface InletEnvironment extends Omit<Environment, 'progress'> {
  readonly settings?: Partial<ProcessSettings>;
  /** Called once records are accepted. */
  listening?(ports: { readonly data: number; readonly status: number }): void;
  /** Called at the end with the totals, last rounds included. */
  ended?(progress: InletProgress): void;
}

/** What the parts of the process share. */
interface Inlet {
  readonly task: InletTask;
  readonly settings: ProcessSettings;
  readonly life: Lifetime;
  readonly log: Log;
  readonly store: Store;
  readonly authenticator: Authenticator;
  readonly schema: SchemaInForce;
  readonly inFlight: InFlight;
  readonly metrics: InletMetrics;
  /** True while senders should come. */
  isReady: boolean;
  rounds?: Rounds;
}

/**
 * Runs until `environment.signal`, then resolves. Throws when the process must end by itself: StoreUnavailable when a
 * segment stayed unclear for too long, DatasetPurged, StorageInUse, InvalidTask.
 */
export async function runInlet(task: InletTask, environment: InletEnvironment): Promise<void> {
  const settings: ProcessSettings = { ...defaultSettings, ...environment.settings };
  const { clock, log } = environment;
  const authenticator = await createAuthenticator(task.authentication, clock, log);
  const store = await environment.openStore(task.dataset.storage);
  const schema = new SchemaInForce(store, task.mapping);
  const inFlight = new InFlight(task.limits.maxInFlightBytes);
  using life = new Lifetime(environment, settings.graceMilliseconds);
  const metrics = new InletMetrics();
  const inlet: Inlet = { task, settings, life, log, store, authenticator, schema, inFlight, metrics, isReady: false };
  const status = statusServer(inlet);
  try {
    const statusPort = await listen(status, settings.statusPort, settings.host);
    inlet.rounds = await openInlet(task, store, schema, life, log);
    if (inlet.rounds) {
      await collectUntilStopped(inlet, inlet.rounds, (data) => environment.listening?.({ data, status: statusPort }));
    }
  } finally {
    inlet.isReady = false;
    const progress = inlet.rounds?.progress();
    if (progress) environment.ended?.(progress);
    life.end();
    await drain(status, life.waiting.signal);
    await store.close();
  }
}

async function collectUntilStopped(inlet: Inlet, rounds: Rounds, listening: (port: number) => void): Promise<void> {
  const { task, settings, life, store, log } = inlet;
  const queueSettings = { ...task.durability, ...settings, idleMilliseconds: settings.idleWriterMilliseconds };
  const queue = new SegmentQueue(store, task.inlet.id, queueSettings, life.waiting, log, writerListener(inlet, rounds));
  const server = collectionServer(inlet, queue);
  const port = await listen(server, task.port, settings.host);
  const roundsEnd = new AbortController();
  const writing = queue.run();
  const committing = rounds.run(roundsEnd.signal);
  inlet.isReady = true;
  log.info({ port }, 'accepting records');
  listening(port);
  try {
    await Promise.race([writing, committing, aborted(life.stop)]);
    await stopCollecting(inlet, server, queue, writing);
  } catch (thrown) {
    await giveUp(inlet, server, queue);
    throw thrown;
  } finally {
    roundsEnd.abort();
  }
  await committing;
  await finishRounds(rounds, log);
}

/** No more senders, answers for all who are here, their records durable. */
async function stopCollecting(
  inlet: Inlet,
  server: Server,
  queue: SegmentQueue,
  writing: Promise<void>,
): Promise<void> {
  const { life, settings, log } = inlet;
  inlet.isReady = false;
  log.info({}, 'stopping');
  await life.waiting.clock.sleep(settings.drainMilliseconds, life.waiting.signal).catch(() => {});
  await drain(server, life.waiting.signal);
  queue.close();
  await writing;
}

/** Those who wait have been told 503 by the queue; their answers get a moment to leave. */
const farewellMilliseconds = 1_000;

async function giveUp(inlet: Inlet, server: Server, queue: SegmentQueue): Promise<void> {
  const { life } = inlet;
  inlet.isReady = false;
  queue.close();
  const draining = drain(server, life.waiting.signal);
  await Promise.race([draining, life.waiting.clock.sleep(farewellMilliseconds, life.waiting.signal).catch(() => {})]);
  life.end();
  await draining;
}

/** What is left when the time is over waits in the bucket for another process. */
async function finishRounds(rounds: Rounds, log: Log): Promise<void> {
  try {
    await rounds.finish();
  } catch (thrown) {
    const { code, message } = toForebayError(thrown);
    log.warn({ code, error: message, pending: rounds.pending().records }, 'the last round was not committed');
  }
}

function writerListener({ metrics, life }: Inlet, rounds: Rounds): WriterListener {
  return {
    introduced: (writer) => rounds.introduced(writer),
    durable: (header) => {
      metrics.countSegment(header.bytes, (life.waiting.clock.now() - header.firstReceivedTime) / 1_000);
      rounds.durable(header);
    },
  };
}

function collectionServer(inlet: Inlet, queue: SegmentQueue): Server {
  const { task, settings, life, authenticator, schema, inFlight, metrics, log } = inlet;
  const { clock } = life.waiting;
  const { requestsPerSecond } = task.limits;
  const parts = {
    task,
    routes: inletRoutes(task.inlet),
    authenticator,
    rateLimit: requestsPerSecond === undefined ? undefined : new RateLimit(requestsPerSecond, clock),
    inFlight,
    queue,
    metrics,
    log,
    maxMessages: settings.maxMessages,
    silentMilliseconds: settings.silentMilliseconds,
    now: () => clock.now(),
    check: (text: string) => schema.check(text),
    isStopping: () => life.stop.aborted,
  };
  return createCollectionServer(parts, settings);
}

function statusServer(inlet: Inlet): Server {
  const { inFlight, metrics } = inlet;
  return createStatusServer({
    isHealthy: () => true,
    isReady: () => inlet.isReady,
    progress: () => inlet.rounds?.progress(),
    metrics: () => {
      const pending = inlet.rounds?.pending();
      return metrics.render({
        inFlightBytes: inFlight.bytes,
        pendingRecords: pending?.records ?? 0,
        pendingBytes: pending?.bytes ?? 0,
        lagSeconds: inlet.rounds?.lagSeconds() ?? 0,
        lastRound: inlet.rounds?.progress()?.sequence ?? 0,
      });
    },
  });
}
