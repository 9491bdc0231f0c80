import { expect, test } from 'vitest';
import { joined } from './caches.ts';
import type { Pod } from './runtime/core.ts';
import { pods } from './runtime/core.ts';
import { Store } from './runtime/store.ts';

function cacheOf(namespace: string) {
  const store = new Store<Pod>({ node: ({ spec }) => (spec?.nodeName === undefined ? [] : [spec.nodeName]) });
  const metadata = { name: 'pod', namespace, uid: namespace, resourceVersion: '1' };
  store.set({ metadata, spec: { nodeName: 'node-1', containers: [] } });
  return { type: pods, synced: Promise.resolve(), hasSynced: true, store };
}

test('caches of several namespaces are one', () => {
  const [a, b] = [cacheOf('a'), cacheOf('b')];
  const both = joined(
    pods,
    new Map([
      ['a', a],
      ['b', b],
    ]),
  );
  expect(both.store.get('b/pod')?.metadata.uid).toBe('b');
  expect(both.store.get({ namespace: 'c', name: 'pod' })).toBeUndefined();
  expect(both.store.byIndex('node', 'node-1')).toHaveLength(2);
  expect(both.store.size).toBe(2);
  const seen: (string | undefined)[] = [];
  const end = both.store.subscribe(({ before }) => seen.push(before?.metadata.uid));
  a.store.delete('a/pod');
  end();
  b.store.delete('b/pod');
  expect(seen).toEqual([undefined, undefined, 'a']);
});
