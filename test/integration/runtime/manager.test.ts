/** A small operator on a real API server: for each Thing a ConfigMap of its colour, and a status. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  type ConfigMap,
  configMaps,
  EventRecorder,
  generationChanged,
  type Informer,
  keyOf,
  Manager,
  mapped,
  type ObjectKey,
  owned,
  ownerReferenceTo,
  primary,
  type ReconcileContext,
  Registry,
  type ResourceType,
  silentLogger,
} from '../../../operator/runtime/index.ts';
import { deleteNamespace, eventually, makeNamespace } from '../../support/cluster.ts';
import { clock, clusterClient, makeThingKind, type Thing, type ThingKind } from './support/connect.ts';

const client = clusterClient('small-operator');
const signal = new AbortController().signal;
const events: ResourceType<ClusterEvent> = {
  group: 'events.k8s.io',
  version: 'v1',
  plural: 'events',
  kind: 'Event',
  namespaced: true,
};

interface ClusterEvent {
  metadata: { name: string };
  reason: string;
  note?: string;
  regarding?: { name?: string };
  series?: { count: number };
}

let namespace: string;
let kind: ThingKind;
let stop: AbortController;
let running: Promise<void>;

beforeAll(async () => {
  namespace = await makeNamespace('runtime-manager');
  kind = await makeThingKind(client);
});

afterAll(async () => {
  await kind.remove();
  await deleteNamespace(namespace);
});

beforeEach(() => {
  stop = new AbortController();
  running = startOperator();
});

afterEach(async () => {
  stop.abort();
  await running;
});

function startOperator(): Promise<void> {
  const manager = new Manager({
    client,
    clock,
    log: silentLogger,
    metrics: new Registry(),
    leader: { namespace, name: 'operator', identity: 'test' },
  });
  const recorder = new EventRecorder({
    client,
    clock,
    log: silentLogger,
    controller: 'runtime.test/o',
    instance: 'o-1',
  });
  const things = manager.informer(kind.type, { namespace });
  const children = manager.informer(configMaps, { namespace, indexes: { colour: ({ data }) => [data?.colour ?? ''] } });
  manager.controller({
    name: 'thing',
    sources: [
      primary(things, generationChanged),
      owned(kind.type, children),
      mapped(children, ({ metadata }) => thingsNamedBy(metadata.labels)),
    ],
    reconcile: (key, context) => reconcile(key, { things, children, recorder, ...context }),
  });
  manager.add({
    name: 'events',
    run: async (ended) => {
      await clock.sleep(2 ** 40, ended).catch(() => {});
      await recorder.close(AbortSignal.timeout(2_000));
    },
  });
  return manager.run(stop.signal);
}

function thingsNamedBy(labels: Record<string, string> = {}): ObjectKey[] {
  return labels.touches === undefined ? [] : [{ namespace, name: labels.touches }];
}

interface Work extends ReconcileContext {
  readonly things: Informer<Thing>;
  readonly children: Informer<ConfigMap>;
  readonly recorder: EventRecorder;
}

async function reconcile(key: ObjectKey, { things, children, recorder, signal: limit }: Work): Promise<void> {
  const thing = things.store.get(key);
  if (thing === undefined) return;
  const colour = thing.spec?.colour ?? 'none';
  const metadata = { ...keyOf(thing), ownerReferences: [ownerReferenceTo(kind.type, thing)] };
  await client.apply(configMaps, { metadata, data: { colour } }, { signal: limit });
  const touching = children.store.list().filter(({ metadata: { labels } }) => labels?.touches === key.name).length;
  const count = (thing.status?.count ?? 0) + 1;
  await client.applyStatus(kind.type, thing, { phase: `${colour}, touched by ${touching}`, count }, { signal: limit });
  recorder.record(kind.type, thing, {
    type: 'Normal',
    reason: 'Painted',
    action: 'Reconcile',
    note: `it is ${colour}`,
  });
}

async function makeThing(name: string, colour: string): Promise<void> {
  await client.create<Thing>(kind.type, { metadata: { namespace, name }, spec: { colour } }, { signal });
}

async function untilChild(name: string, colour: string, not?: string): Promise<ConfigMap> {
  return await eventually(`ConfigMap ${name} is ${colour}`, async () => {
    const child = await client.find(configMaps, { namespace, name }, { signal });
    return child?.data?.colour === colour && child.metadata.uid !== not ? child : undefined;
  });
}

async function untilPhase(name: string, phase: string): Promise<void> {
  await eventually(`${name} is ${phase}`, async () => {
    const { status } = await client.get(kind.type, { namespace, name }, { signal });
    return status?.phase === phase ? true : undefined;
  });
}

test('a new object is given its child, and a changed one a changed child', async () => {
  await makeThing('a', 'red');
  await untilChild('a', 'red');
  await client.patch(kind.type, { namespace, name: 'a' }, { spec: { colour: 'blue' } }, { signal });
  await untilChild('a', 'blue');
});

test('a child that is changed or deleted by another is set right', async () => {
  await makeThing('b', 'red');
  const child = await untilChild('b', 'red');
  await client.patch(configMaps, child.metadata, { data: { colour: 'plaid' } }, { signal });
  await untilChild('b', 'red');
  await client.delete(configMaps, child.metadata, { signal });
  await untilChild('b', 'red', child.metadata.uid);
});

test('an object that another maps to is looked at again', async () => {
  await makeThing('c', 'red');
  await untilPhase('c', 'red, touched by 0');
  const metadata = { namespace, name: 'finger', labels: { touches: 'c' } };
  await client.create(configMaps, { metadata }, { signal });
  await untilPhase('c', 'red, touched by 1');
});

test('what was made while no operator ran is found at the next start', async () => {
  stop.abort();
  await running;
  await makeThing('d', 'green');
  stop = new AbortController();
  running = startOperator();
  await untilChild('d', 'green');
});

test('what happened can be read in the events of the object', async () => {
  await makeThing('e', 'red');
  const found = await eventually('an event', async () => {
    const { items } = await client.list(events, { namespace, signal });
    return items.find(({ regarding }) => regarding?.name === 'e');
  });
  expect([found.reason, found.note]).toEqual(['Painted', 'it is red']);
});

test('the same event again is one event with a count', async () => {
  await makeThing('f', 'red');
  const child = await untilChild('f', 'red');
  for (const colour of ['plaid', 'tartan']) {
    await client.patch(configMaps, child.metadata, { data: { colour } }, { signal });
    await untilChild('f', 'red');
  }
  stop.abort();
  await running;
  const { items } = await client.list(events, { namespace, signal });
  const series = items.filter(({ regarding }) => regarding?.name === 'f').map((event) => event.series?.count ?? 1);
  expect(series).toEqual([expect.toSatisfy((count: number) => count >= 3)]);
});
