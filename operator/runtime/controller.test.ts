import { beforeEach, describe, expect, test } from 'vitest';
import { SimulatedClock } from './clock.ts';
import { Controller, type ControllerOptions, type Reconcile, type ReconcileContext } from './controller.ts';
import { TerminalError } from './errors.ts';
import { silentLogger } from './logger.ts';
import { Registry } from './metrics.ts';
import type { ObjectKey } from './objects.ts';

const key = { namespace: 'n', name: 'a' };

let clock: SimulatedClock;
let metrics: Registry;
let stop: AbortController;
let abort: AbortController;

beforeEach(() => {
  clock = new SimulatedClock(0);
  metrics = new Registry();
  stop = new AbortController();
  abort = new AbortController();
});

function controllerWith(reconcile: Reconcile, options: Partial<ControllerOptions> = {}): Controller {
  const all = { name: 'test', sources: [], reconcile, ...options };
  return new Controller(all, { clock, metrics, log: silentLogger });
}

async function running(reconcile: Reconcile, options: Partial<ControllerOptions> = {}) {
  const controller = controllerWith(reconcile, options);
  let hasEnded = false;
  const ending = controller.run({ stop: stop.signal, abort: abort.signal }).then(() => {
    hasEnded = true;
  });
  await clock.settle();
  return { controller, ending, hasEnded: () => hasEnded };
}

/** Reconciles that record when they ran and do as told. */
function recording(act: (count: number) => ReturnType<Reconcile>): { times: number[]; reconcile: Reconcile } {
  const times: number[] = [];
  return {
    times,
    reconcile: (_key, _context) => {
      times.push(clock.now() / 1_000);
      return act(times.length);
    },
  };
}

describe('a controller', () => {
  test('begins when all caches are synced, with every key its sources tell', async () => {
    const synced = Promise.withResolvers<void>();
    const keys = [key, { name: 'cluster-wide' }];
    const source = {
      name: 's',
      synced: synced.promise,
      start: (enqueue: (key: ObjectKey) => void) => {
        keys.forEach(enqueue);
        return () => {};
      },
    };
    const seen: ObjectKey[] = [];
    await running(async (seenKey) => void seen.push(seenKey), { sources: [source] });
    expect(seen).toEqual([]);
    synced.resolve();
    await clock.settle();
    expect(seen).toEqual(keys);
  });

  test('that is stopped before its caches are synced ends', async () => {
    const source = { name: 's', synced: new Promise<void>(() => {}), start: () => () => {} };
    const { ending } = await running(async () => {}, { sources: [source] });
    stop.abort();
    await ending;
  });

  test('has as many keys in work as workers, and never a key twice', async () => {
    let inWork = 0;
    let most = 0;
    const gates: (() => void)[] = [];
    const { controller } = await running(
      async () => {
        inWork += 1;
        most = Math.max(most, inWork);
        await new Promise<void>((resolve) => gates.push(resolve));
        inWork -= 1;
      },
      { workers: 3 },
    );
    for (const name of ['a', 'b', 'c', 'd', 'e']) controller.enqueue({ name });
    controller.enqueue({ name: 'a' });
    await clock.settle();
    expect([inWork, gates.length]).toEqual([3, 3]);
    for (let done = 0; done < 6; done++) {
      gates[done]?.();
      await clock.settle();
    }
    expect([inWork, gates.length, most]).toEqual([0, 6, 3]);
  });
});

describe('after a reconcile that', () => {
  test('says nothing, the key does not come again', async () => {
    const { times, reconcile } = recording(async () => {});
    const { controller } = await running(reconcile);
    controller.enqueue(key);
    await clock.advance(3_600_000);
    expect(times).toEqual([0]);
  });

  test('asks for another look, the key comes then', async () => {
    const { times, reconcile } = recording(async (count) => (count < 3 ? { requeueAfterSeconds: 10 } : undefined));
    const { controller } = await running(reconcile);
    controller.enqueue(key);
    await clock.advance(3_600_000);
    expect(times).toEqual([0, 10, 20]);
  });

  test('throws, the key comes again with growing back-off, until it succeeds', async () => {
    const { times, reconcile } = recording(async (count) => {
      if (count <= 4 || count === 6) throw new Error('not yet');
    });
    const { controller } = await running(reconcile);
    controller.enqueue(key);
    await clock.advance(100_000);
    controller.enqueue(key);
    await clock.advance(100_000);
    expect(times).toEqual([0, 0.5, 1.5, 3.5, 7.5, 100, 100.5]);
  });

  test('throws a terminal error, the key does not come again by itself', async () => {
    const { times, reconcile } = recording(async () => {
      throw new TerminalError('never');
    });
    const { controller } = await running(reconcile);
    controller.enqueue(key);
    await clock.advance(3_600_000);
    expect(times).toEqual([0]);
    controller.enqueue(key);
    await clock.settle();
    expect(times).toHaveLength(2);
  });

  test('throws without being asynchronous, the worker lives on', async () => {
    const { times, reconcile } = recording((count) => {
      if (count === 1) throw new Error('at once');
      return Promise.resolve();
    });
    const { controller } = await running(reconcile, { workers: 1 });
    controller.enqueue(key);
    await clock.advance(500);
    expect(times).toEqual([0, 0.5]);
  });
});

describe('the signal of a reconcile', () => {
  test('aborts at the deadline, which counts as a failure', async () => {
    const reasons: unknown[] = [];
    const { controller } = await running(
      async (_key, { signal }: ReconcileContext) => {
        await clock.sleep(3_600_000, signal).catch((reason: unknown) => reasons.push(reason));
        signal.throwIfAborted();
      },
      { deadlineSeconds: 60 },
    );
    controller.enqueue(key);
    await clock.advance(60_000);
    expect(reasons).toEqual([new Error('the reconcile took longer than 60 s')]);
    expect(metrics.text()).toContain('controller_runtime_reconcile_errors_total{controller="test"} 1');
  });
});

describe('a controller that is told to stop', () => {
  test('takes no new key, and ends when what is in work is done', async () => {
    const gate = Promise.withResolvers<void>();
    const seen: string[] = [];
    const { controller, hasEnded } = await running(
      async ({ name }) => {
        seen.push(name);
        await gate.promise;
      },
      { workers: 1 },
    );
    controller.enqueue({ name: 'in-work' });
    await clock.settle();
    controller.enqueue({ name: 'waiting' });
    stop.abort();
    await clock.settle();
    expect(hasEnded()).toBe(false);
    gate.resolve();
    await clock.settle();
    expect([seen, hasEnded()]).toEqual([['in-work'], true]);
  });

  test('aborts what is in work when told to', async () => {
    const { controller, ending } = await running((_key, { signal }) => clock.sleep(3_600_000, signal));
    controller.enqueue(key);
    await clock.settle();
    stop.abort();
    abort.abort(new Error('no more time'));
    await ending;
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('the metrics of a controller', () => {
  test('are there at 0 before anything happens', () => {
    controllerWith(async () => {});
    const text = metrics.text();
    for (const line of [
      'controller_runtime_reconcile_total{controller="test",result="success"} 0',
      'controller_runtime_reconcile_total{controller="test",result="requeue_after"} 0',
      'controller_runtime_reconcile_total{controller="test",result="error"} 0',
      'controller_runtime_reconcile_errors_total{controller="test"} 0',
      'controller_runtime_reconcile_time_seconds_count{controller="test"} 0',
      'controller_runtime_active_workers{controller="test"} 0',
      'workqueue_depth{name="test"} 0',
      'workqueue_adds_total{name="test"} 0',
      'workqueue_retries_total{name="test"} 0',
      'workqueue_queue_duration_seconds_count{name="test"} 0',
      'workqueue_work_duration_seconds_count{name="test"} 0',
    ]) {
      expect(text).toContain(`${line}\n`);
    }
  });

  test('tell outcomes, times and retries', async () => {
    const { controller } = await running(async (_key, { signal }) => {
      await clock.sleep(2_000, signal);
      if (clock.now() < 3_000) throw new Error('not yet');
    });
    controller.enqueue(key);
    await clock.advance(1_000);
    expect(metrics.text()).toContain('controller_runtime_active_workers{controller="test"} 1\n');
    await clock.advance(10_000);
    const text = metrics.text();
    for (const line of [
      'controller_runtime_reconcile_total{controller="test",result="success"} 1',
      'controller_runtime_reconcile_total{controller="test",result="error"} 1',
      'controller_runtime_reconcile_time_seconds_sum{controller="test"} 4',
      'controller_runtime_active_workers{controller="test"} 0',
      'workqueue_adds_total{name="test"} 2',
      'workqueue_retries_total{name="test"} 1',
      'workqueue_work_duration_seconds_sum{name="test"} 4',
    ]) {
      expect(text).toContain(`${line}\n`);
    }
  });
});
