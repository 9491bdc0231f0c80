import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  configMaps,
  isConflict,
  isInvalid,
  isNamespaceTerminating,
  isNotFound,
  leases,
  microTime,
  Reflector,
  silentLogger,
} from '../../../operator/runtime/index.ts';
import { deleteNamespace, eventually, makeNamespace } from '../../support/cluster.ts';
import { clock, clusterClient, makeThingKind, type Thing, type ThingKind } from './support/connect.ts';

const client = clusterClient('first');
const other = clusterClient('second');
const signal = new AbortController().signal;

let namespace: string;
let things: ThingKind;

beforeAll(async () => {
  namespace = await makeNamespace('runtime-client');
  things = await makeThingKind(client);
});

afterAll(async () => {
  await things.remove();
  await deleteNamespace(namespace);
});

function thing(name: string, spec: Thing['spec']): Thing {
  return { metadata: { namespace, name }, ...(spec && { spec }) };
}

async function thrownBy(call: Promise<unknown>): Promise<unknown> {
  return await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
}

describe('server-side apply', () => {
  test('creates, changes, and takes away what is no longer wanted', async () => {
    await client.apply(things.type, thing('a', { colour: 'red', size: 1 }), { signal });
    const stored = await client.apply(things.type, thing('a', { colour: 'blue' }), { signal });
    expect(stored.spec).toEqual({ colour: 'blue' });
  });

  test('leaves the fields of others alone, and takes one over only when forced', async () => {
    await other.apply(things.type, thing('b', { size: 5 }), { signal });
    await client.apply(things.type, thing('b', { colour: 'red' }), { signal });
    expect(
      isConflict(await thrownBy(client.apply(things.type, thing('b', { size: 6 }), { signal, force: false }))),
    ).toBe(true);
    const forced = await client.apply(things.type, thing('b', { colour: 'red', size: 6 }), { signal });
    expect(forced.spec).toEqual({ colour: 'red', size: 6 });
  });

  test('that changes nothing stores nothing', async () => {
    const first = await client.apply(things.type, thing('c', { colour: 'red' }), { signal });
    const second = await client.apply(things.type, thing('c', { colour: 'red' }), { signal });
    expect(second.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
  });

  test('of what the schema refuses says what is wrong', async () => {
    const thrown = await thrownBy(client.apply(things.type, thing('d', { colour: 'plaid' }), { signal }));
    expect(isInvalid(thrown)).toBe(true);
    expect(String(thrown)).toMatch(/spec\.colour: Unsupported value: "plaid"/);
  });

  test('in a dry run stores nothing', async () => {
    await client.apply(things.type, thing('e', {}), { signal, dryRun: true });
    expect(await client.find(things.type, { namespace, name: 'e' }, { signal })).toBeUndefined();
  });
});

describe('the status', () => {
  test('is applied as a whole, without touching the spec or the generation', async () => {
    const stored = await client.create(things.type, thing('f', { colour: 'red' }), { signal });
    const working = await client.applyStatus(things.type, stored, { phase: 'Working', count: 1 }, { signal });
    const after = await client.applyStatus(things.type, working, { phase: 'Done' }, { signal });
    expect([after.spec, after.status]).toEqual([{ colour: 'red' }, { phase: 'Done' }]);
    expect(after.metadata.generation).toBe(1);
  });

  test('of an object that was replaced by another of its name is refused', async () => {
    const earlier = await client.create(things.type, thing('g', {}), { signal });
    await client.delete(things.type, earlier.metadata, { signal });
    await client.create(things.type, thing('g', {}), { signal });
    expect(isConflict(await thrownBy(client.applyStatus(things.type, earlier, { phase: 'Old' }, { signal })))).toBe(
      true,
    );
  });

  test('of an object that has changed meanwhile is written all the same', async () => {
    const stored = await client.create(things.type, thing('k', { size: 1 }), { signal });
    await other.patch(things.type, stored.metadata, { spec: { size: 2 } }, { signal });
    const after = await client.applyStatus(things.type, stored, { phase: 'Done' }, { signal });
    expect([after.spec, after.status]).toEqual([{ size: 2 }, { phase: 'Done' }]);
  });

  test('with a field of another manager is a conflict when it is not forced', async () => {
    const stored = await client.create(things.type, thing('l', {}), { signal });
    await other.applyStatus(things.type, stored, { phase: 'Mine' }, { signal });
    const unforced = client.applyStatus(things.type, stored, { phase: 'Yours' }, { signal, force: false });
    expect(isConflict(await thrownBy(unforced))).toBe(true);
  });

  test('of an object that is gone is not found, and makes none', async () => {
    const gone = thing('never', {});
    expect(isNotFound(await thrownBy(client.applyStatus(things.type, gone, { phase: 'x' }, { signal })))).toBe(true);
    expect(await client.find(things.type, gone.metadata, { signal })).toBeUndefined();
  });
});

describe('other writes', () => {
  test('a merge patch changes what it names and removes what is null', async () => {
    const { metadata } = await client.create(things.type, thing('h', { colour: 'red', size: 1 }), { signal });
    const patched = await client.patch(things.type, metadata, { spec: { size: null, colour: 'green' } }, { signal });
    expect(patched.spec).toEqual({ colour: 'green' });
  });

  test('an update of an older state is a conflict', async () => {
    const stored = await client.create(things.type, thing('i', { size: 1 }), { signal });
    await client.update(things.type, { ...stored, spec: { size: 2 } }, { signal });
    expect(isConflict(await thrownBy(client.update(things.type, { ...stored, spec: { size: 3 } }, { signal })))).toBe(
      true,
    );
  });

  test('a delete for another uid is a conflict, for the right one it is done', async () => {
    const { metadata } = await client.create(things.type, thing('j', {}), { signal });
    const wrong = client.delete(things.type, metadata, { signal, preconditions: { uid: crypto.randomUUID() } });
    expect(isConflict(await thrownBy(wrong))).toBe(true);
    const { uid = '' } = metadata;
    expect(await client.delete(things.type, metadata, { signal, preconditions: { uid } })).toBe(true);
    expect(await client.delete(things.type, metadata, { signal })).toBe(false);
  });

  test('times with six fractional digits are taken by a lease', async () => {
    const time = microTime(Date.now());
    const spec = { holderIdentity: 'x', renewTime: time };
    const stored = await client.create(leases, { metadata: { namespace, name: 'times' }, spec }, { signal });
    expect(stored.spec?.renewTime).toBe(time);
  });

  test('in a namespace that goes away are refused with a reason that can be told', async () => {
    const leaving = await makeNamespace('runtime-leaving');
    const held = { namespace: leaving, name: 'held', finalizers: ['runtime.test/hold'] };
    await client.create(configMaps, { metadata: held }, { signal });
    await deleteNamespace(leaving);
    const create = (name: string) => client.create(configMaps, { metadata: { namespace: leaving, name } }, { signal });
    const thrown = await eventually('a refusal', async () => await thrownBy(create(`a${Math.random()}`)));
    expect(isNamespaceTerminating(thrown)).toBe(true);
    await client.patch(configMaps, held, { metadata: { finalizers: null } }, { signal });
  });
});

describe('1,200 objects', () => {
  const labelSelector = 'paging=yes';

  beforeAll(async () => {
    const names = Array.from({ length: 1_200 }, (_, index) => `page-${index}`);
    const worker = async () => {
      for (let name = names.pop(); name !== undefined; name = names.pop()) {
        await client.create(configMaps, { metadata: { namespace, name, labels: { paging: 'yes' } } }, { signal });
      }
    };
    await Promise.all(Array.from({ length: 8 }, worker));
  });

  test('come in pages of 500, each object once', async () => {
    const sizes: number[] = [];
    const names = new Set<string>();
    for await (const { items } of client.pages(configMaps, { namespace, labelSelector, signal })) {
      sizes.push(items.length);
      for (const item of items) names.add(item.metadata.name);
    }
    expect(sizes).toEqual([500, 500, 200]);
    expect(names.size).toBe(1_200);
  });

  test('are all in a cache that is synced', async () => {
    const stop = new AbortController();
    const reflector = new Reflector(configMaps, { client, clock, log: silentLogger, namespace, labelSelector });
    const running = reflector.run(stop.signal);
    await reflector.synced;
    expect(reflector.store.size).toBe(1_200);
    expect(typeof reflector.store.list()[0]?.metadata.creationTimestamp).toBe('string');
    stop.abort();
    await running;
  });
});
