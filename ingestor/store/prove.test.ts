import { expect, test } from 'vitest';
import { MemoryStore } from '../../test/support/memory-store.ts';
import { testWaiting } from '../../test/support/waiting.ts';
import { ForebayError } from '../contract/errors.ts';
import { proveConditionalWrites } from './prove.ts';
import type { ConditionalOutcome, Store } from './store.ts';

const pause = () => new Promise((done) => setImmediate(done));

/** Each a way in which stores were found to break the rule. */
const unsuitable: Record<string, (store: Store) => Partial<Store>> = {
  'ignores the condition': (store) => ({ putIfAbsent: always(store) }),
  'checks and then acts': (store) => ({
    putIfAbsent: async (key, body) => {
      if ((await store.head(key)) !== undefined) return { created: false };
      await pause();
      return always(store)(key, body);
    },
  }),
  'tells one writer yes and keeps the object of another': (store) => ({
    putIfAbsent: async (key, body) => {
      const outcome = await store.putIfAbsent(key, body);
      if (outcome.created) await store.put(key, 'racer 15');
      return outcome;
    },
  }),
  'creates nothing': () => ({ putIfAbsent: async () => ({ created: false }) }),
  'refuses an ETag that matches': () => ({ putIfMatch: async () => ({ created: false }) }),
  'ignores the ETag': (store) => ({ putIfMatch: async (key, body) => always(store)(key, body) }),
};

test.for(Object.entries(unsuitable))('a store that %s is unsuitable', async ([_, change]) => {
  const memory = new MemoryStore();
  const proof = proveConditionalWrites(changed(memory, change(memory)), 'proof/', testWaiting());
  await expect(proof).rejects.toMatchObject({ code: 'StoreUnsuitable' });
});

test('a store that keeps the rule is proven, and nothing is left there', async () => {
  const memory = new MemoryStore();
  await memory.put('other', '');
  await proveConditionalWrites(memory, 'proof/', testWaiting());
  expect([...memory.objects.keys()]).toEqual(['other']);
});

test('an answer that was lost proves nothing against a store', async () => {
  const memory = new MemoryStore();
  let lost = 0;
  // The client's own repeat finds the object that landed.
  const store = changed(memory, {
    putIfAbsent: async (key, body) => {
      const outcome = await memory.putIfAbsent(key, body);
      if (!outcome.created || lost >= 2) return outcome;
      lost += 1;
      return { created: false };
    },
  });
  await proveConditionalWrites(store, 'proof/', testWaiting());
  expect(lost).toBe(2);
});

test('a store that stays away is not called unsuitable', async () => {
  const store = changed(new MemoryStore(), {
    putIfAbsent: async () => {
      throw new ForebayError('StoreUnavailable', 'answers 503');
    },
  });
  const proof = proveConditionalWrites(store, 'proof/', testWaiting());
  await expect(proof).rejects.toMatchObject({ code: 'StoreUnavailable' });
});

test('a key that may not write is refused at the first try', async () => {
  let tries = 0;
  const store = changed(new MemoryStore(), {
    putIfAbsent: async () => {
      tries += 1;
      throw new ForebayError('CredentialsRefused', 'AccessDenied');
    },
  });
  const proof = proveConditionalWrites(store, 'proof/', testWaiting());
  await expect(proof).rejects.toMatchObject({ code: 'CredentialsRefused' });
  expect(tries).toBe(1);
});

function changed(store: Store, changes: Partial<Store>): Store {
  return new Proxy(store, {
    get: (target, name) => {
      const member = Reflect.get(changes, name) ?? Reflect.get(target, name);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}

function always(store: Store): (key: string, body: Uint8Array | string) => Promise<ConditionalOutcome> {
  return async (key, body) => {
    await store.put(key, body);
    const head = await store.head(key);
    return { created: true, ...(head === undefined ? {} : { etag: head.etag }) };
  };
}
