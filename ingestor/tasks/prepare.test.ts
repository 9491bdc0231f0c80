import { expect, test } from 'vitest';
import { Lake, prepareTask, request, target } from '../../test/support/lake-in-memory.ts';
import { MemoryStore } from '../../test/support/memory-store.ts';
import type { PrepareTask } from '../contract/task.ts';
import type { Store } from '../store/store.ts';
import { runPrepare } from './prepare.ts';

function schemaOf(properties: object, required: readonly string[] = []): string {
  return JSON.stringify({ type: 'object', properties, required });
}
const oneField = schemaOf({ id: { type: 'string' } });

/** A store with one method replaced. */
function withChange(store: Store, change: Partial<Store>): Store {
  const bound = new Proxy(store, {
    get: (of, name) => {
      const changed: unknown = Reflect.get(change, name);
      const own: unknown = Reflect.get(of, name);
      if (changed !== undefined) return changed;
      return typeof own === 'function' ? own.bind(of) : own;
    },
  });
  return bound;
}

function onStore(lake: Lake, store: Store) {
  return { ...lake.process(), openStore: async () => store };
}

test('a dataset is prepared, and prepared again without a change', async () => {
  const lake = new Lake();
  const first = await lake.prepare();
  const second = await lake.prepare();
  expect(first).toMatchObject({ schema: { fields: 2 }, table: { sequence: 1, format: 'Parquet' } });
  expect(second).toEqual(first);
});

test('another owner is refused', async () => {
  const lake = new Lake();
  await lake.prepare();
  const dataset = { ...target, owner: { ...target.owner, name: 'other' } };
  await expect(lake.prepare({ dataset })).rejects.toMatchObject({
    code: 'StorageInUse',
    exitCode: 42,
    message: expect.stringContaining('default/events'),
  });
});

test('of several that claim a place at once, one gets it', async () => {
  const lake = new Lake();
  const owners = Array.from({ length: 8 }, (_, n) => ({ ...target.owner, name: `owner-${n}` }));
  const claims = await Promise.allSettled(
    owners.map((owner) => lake.prepare({ dataset: { ...target, owner } }, lake.process())),
  );
  expect(claims.filter((claim) => claim.status === 'fulfilled').length).toBe(1);
});

test('a store that ignores conditions is unsuitable', async () => {
  const lake = new Lake();
  const store = new MemoryStore();
  const ignorant = withChange(store, {
    putIfAbsent: async (key, body) => {
      await store.put(key, body);
      return { created: true };
    },
  });
  await expect(runPrepare(prepareTask(), onStore(lake, ignorant))).rejects.toMatchObject({ code: 'StoreUnsuitable' });
  expect(store.objects.size).toBe(0);
});

test('a store that looks first and acts then is unsuitable', async () => {
  const lake = new Lake();
  const store = new MemoryStore();
  const hasty = withChange(store, {
    putIfAbsent: async (key, body) => {
      if ((await store.head(key)) !== undefined) return { created: false };
      await store.put(key, body);
      return { created: true };
    },
  });
  await expect(runPrepare(prepareTask(), onStore(lake, hasty))).rejects.toMatchObject({ code: 'StoreUnsuitable' });
});

test('a store that overwrites with any ETag is unsuitable', async () => {
  const lake = new Lake();
  const store = new MemoryStore();
  const careless = withChange(store, {
    putIfMatch: async (key, body) => {
      await store.put(key, body);
      return { created: true };
    },
  });
  await expect(runPrepare(prepareTask(), onStore(lake, careless))).rejects.toMatchObject({ code: 'StoreUnsuitable' });
});

test('a store is proved once', async () => {
  const lake = new Lake();
  await lake.prepare();
  let creates = 0;
  await lake.prepare(
    {},
    lake.process((_call, method) => {
      if (method === 'putIfAbsent') creates += 1;
      return undefined;
    }),
  );
  expect(creates).toBeLessThanOrEqual(1);
  expect([...lake.bucket('lake').objects.keys()].filter((key) => key.startsWith('ingest/proof/'))).toEqual([]);
});

test('the schema evolves, and the body of each stays', async () => {
  const lake = new Lake();
  const first = await lake.prepare({ schema: oneField });
  const wider = schemaOf({ id: { type: 'string' }, n: { type: 'integer' } });
  const second = await lake.prepare({ schema: wider });
  expect(second).toMatchObject({ schema: { fields: 2 }, table: { sequence: 2 } });
  expect(second.refused).toBeUndefined();
  for (const { schema } of [first, second]) expect(lake.text(`ingest/schemas/${schema.digest}.json`)).not.toBe('');
});

test('a schema the table cannot take is refused, and the earlier stays in force', async () => {
  const lake = new Lake();
  const first = await lake.prepare({ schema: oneField });
  const second = await lake.prepare({ schema: schemaOf({ id: { type: 'integer' } }) });
  expect(second.schema).toEqual(first.schema);
  expect(second.refused).toEqual({
    code: 'SchemaIncompatible',
    message: 'id changes from string to long: give the new type a field of its own',
  });
});

test('a schema that is none is refused, and the earlier stays in force', async () => {
  const lake = new Lake();
  const first = await lake.prepare({ schema: oneField });
  const second = await lake.prepare({ schema: '{"type": 7}' });
  expect(second.schema).toEqual(first.schema);
  expect(second.refused?.code).toBe('InvalidSchema');
});

test('without a schema in force, one that is none ends the task', async () => {
  await expect(new Lake().prepare({ schema: '{"type": 7}' })).rejects.toMatchObject({
    code: 'InvalidSchema',
    exitCode: 42,
  });
});

test.for([
  ['SchemaIncompatible', schemaOf({ other: { type: 'string' } })],
  ['InvalidSchema', '{"type": 7}'],
] as const)('settings of the table change also when the schema is refused as %s', async ([code, schema]) => {
  const lake = new Lake();
  await lake.prepare({ schema: oneField });
  const table: PrepareTask['table'] = { format: 'Parquet', compression: 'Gzip', targetFileSizeBytes: 1_000 };
  const { refused } = await lake.prepare({ schema, table });
  expect(refused?.code).toBe(code);
  expect(lake.table.settings).toEqual(table);
});

test('a time series needs its two fields', async () => {
  const lake = new Lake();
  await expect(lake.prepare({ schema: oneField, behavior: 'TimeSeries' })).rejects.toMatchObject({
    code: 'InvalidSchema',
    message: expect.stringContaining('_id'),
  });
});

test('a time series requires its two fields in every record', async () => {
  const lake = new Lake();
  const schema = schemaOf({ _id: { type: 'string' }, timestamp: { type: 'string', format: 'date-time' } });
  const { schema: inForce } = await lake.prepare({ schema, behavior: 'TimeSeries' });
  const body: { schema: string } = JSON.parse(lake.text(`ingest/schemas/${inForce.digest}.json`));
  expect(JSON.parse(body.schema)).toMatchObject({ required: ['_id', 'timestamp'] });
});

test('nothing is ingested before a dataset is prepared', async () => {
  const lake = new Lake();
  const { runPlan } = await import('./plan.ts');
  const task = { version: 1, verb: 'plan', dataset: target, request: request('x') } as const;
  await expect(runPlan(task, lake.process())).rejects.toMatchObject({ code: 'DatasetNotPrepared', exitCode: 10 });
});
