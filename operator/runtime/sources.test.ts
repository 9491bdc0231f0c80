import { describe, expect, test } from 'vitest';
import { type ConfigMap, configMaps, jobs } from './core.ts';
import { type KubeObject, keyString, ownerReferenceTo } from './objects.ts';
import { allOf, annotationChanged, anyOf, deletionRequested, generationChanged, type Predicate } from './predicates.ts';
import type { Informer } from './reflector.ts';
import { mapped, owned, primary, type Source } from './sources.ts';
import { Store } from './store.ts';

const owner = { metadata: { namespace: 'n', name: 'owner', uid: 'o1' } };

function cache(): { store: Store<ConfigMap>; informer: Informer<ConfigMap> } {
  const store = new Store<ConfigMap>();
  return { store, informer: { type: configMaps, store, hasSynced: true, synced: Promise.resolve() } };
}

let version = 0;
function object(name: string, metadata: Partial<KubeObject['metadata']> = {}): ConfigMap {
  version += 1;
  return { metadata: { namespace: 'n', name, resourceVersion: `${version}`, ...metadata } };
}

function keys(source: Source): string[] {
  const seen: string[] = [];
  source.start((key) => seen.push(keyString(key)));
  return seen;
}

describe('a source', () => {
  test('of primary objects gives their own keys, first of those that are there', () => {
    const { store, informer } = cache();
    store.set(object('a'));
    const seen = keys(primary(informer));
    store.set(object('b'));
    store.delete('n/a');
    expect(seen).toEqual(['n/a', 'n/b', 'n/a']);
  });

  test('of owned objects gives the key of the controlling owner, whatever version the reference names', () => {
    const { store, informer } = cache();
    const seen = keys(owned(jobs, informer));
    const reference = ownerReferenceTo(jobs, owner);
    store.set(object('ours', { ownerReferences: [reference] }));
    store.set(object('older', { ownerReferences: [{ ...reference, apiVersion: 'batch/v1beta1' }] }));
    store.set(object('other-group', { ownerReferences: [{ ...reference, apiVersion: 'other/v1' }] }));
    store.set(object('other-kind', { ownerReferences: [{ ...reference, kind: 'CronJob' }] }));
    store.set(object('not-controlled', { ownerReferences: [{ ...reference, controller: false }] }));
    store.set(object('nobodys'));
    expect(seen).toEqual(['n/owner', 'n/owner']);
  });

  test('tells the old and the new owner when one takes over', () => {
    const { store, informer } = cache();
    const reference = ownerReferenceTo(jobs, owner);
    store.set(object('child', { ownerReferences: [reference] }));
    const seen = keys(owned(jobs, informer));
    store.set(object('child', { ownerReferences: [{ ...reference, name: 'next', uid: 'o2' }] }));
    expect(seen).toEqual(['n/owner', 'n/owner', 'n/next']);
  });

  test('of mapped objects asks whose work each is, and leaves out what the predicate does', () => {
    const { store, informer } = cache();
    const map = ({ metadata }: ConfigMap) =>
      (metadata.labels?.for ?? '').split(',').map((name) => ({ namespace: 'n', name }));
    const seen = keys(mapped(informer, map, ({ after }) => after?.metadata.labels?.for !== undefined));
    store.set(object('shared', { labels: { for: 'a,b' } }));
    store.set(object('unrelated'));
    expect(seen).toEqual(['n/a', 'n/b']);
  });

  test('is still once it is ended', () => {
    const { store, informer } = cache();
    const seen: string[] = [];
    const end = primary(informer).start((key) => seen.push(key.name));
    end();
    store.set(object('a'));
    expect(seen).toEqual([]);
  });
});

describe('predicates', () => {
  const requested = annotationChanged('requestedAt');
  const plain = { generation: 1 };
  const cases: [string, Predicate, Partial<KubeObject['metadata']>, boolean][] = [
    ['the spec', generationChanged, { generation: 2 }, true],
    ['only the status', generationChanged, { generation: 1 }, false],
    ['the annotation', requested, { ...plain, annotations: { requestedAt: 'x' } }, true],
    ['another annotation', requested, { ...plain, annotations: { note: 'x' } }, false],
    ['the mark of deletion', deletionRequested, { ...plain, deletionTimestamp: '2026-01-01T00:00:00Z' }, true],
    ['nothing, for any of two', anyOf(generationChanged, requested), plain, false],
    ['one of two, for any', anyOf(generationChanged, requested), { generation: 2 }, true],
    ['one of two, for all', allOf(generationChanged, requested), { generation: 2 }, false],
  ];

  test.each(cases)('a change of %s', (_what, predicate, metadata, passes) => {
    expect(predicate({ before: object('a', plain), after: object('a', metadata) })).toBe(passes);
  });

  test.each([generationChanged, requested, deletionRequested])('let new and vanished objects pass', (predicate) => {
    expect([predicate({ after: object('a', plain) }), predicate({ before: object('a', plain) })]).toEqual([true, true]);
  });
});
