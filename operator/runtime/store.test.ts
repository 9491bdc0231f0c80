import { describe, expect, test } from 'vitest';
import type { KubeObject } from './objects.ts';
import { type Change, Store } from './store.ts';

function object(name: string, resourceVersion: string, labels: Record<string, string> = {}, uid = name): KubeObject {
  return { metadata: { namespace: 'ns', name, uid, resourceVersion, labels } };
}

function recording(store: Store<KubeObject>): string[] {
  const seen: string[] = [];
  const version = (of: KubeObject | undefined) => of && `${of.metadata.name}@${of.metadata.resourceVersion}`;
  store.subscribe(({ before, after }: Change<KubeObject>) =>
    seen.push(`${version(before) ?? ''}>${version(after) ?? ''}`),
  );
  return seen;
}

const byColour = { colour: (o: KubeObject) => o.metadata.labels?.colour?.split(',') ?? [] };

describe('a store', () => {
  test('tells of each change what was before and what is after', () => {
    const store = new Store();
    const seen = recording(store);
    store.set(object('a', '1'));
    store.set(object('a', '2'));
    store.delete({ namespace: 'ns', name: 'a' });
    expect(seen).toEqual(['>a@1', 'a@1>a@2', 'a@2>']);
  });

  test('is silent about an object it holds already in that version, and about one it does not hold', () => {
    const store = new Store();
    store.set(object('a', '1'));
    const seen = recording(store);
    store.set(object('a', '1'));
    store.delete('ns/b');
    expect(seen).toEqual(['>a@1']);
  });

  test('tells a new listener of what is there already', () => {
    const store = new Store();
    store.set(object('a', '1'));
    store.set(object('b', '2'));
    expect(recording(store)).toEqual(['>a@1', '>b@2']);
  });

  test('stops telling a listener that has ended', () => {
    const store = new Store();
    let calls = 0;
    const end = store.subscribe(() => calls++);
    store.set(object('a', '1'));
    end();
    store.set(object('b', '2'));
    expect(calls).toBe(1);
  });

  test('replaced as a whole, emits only what differs', () => {
    const store = new Store();
    for (const o of [object('gone', '1'), object('same', '2'), object('changed', '3')]) store.set(o);
    const seen = recording(store);
    seen.length = 0;
    store.replace([object('same', '2'), object('changed', '4'), object('new', '5')]);
    expect(seen).toEqual(['gone@1>', 'changed@3>changed@4', '>new@5']);
    expect(store.size).toBe(3);
  });

  test('freezes what it holds, all the way down', () => {
    const store = new Store();
    store.set(object('a', '1', { colour: 'red' }));
    const held = store.get('ns/a');
    expect(Object.isFrozen(held) && Object.isFrozen(held?.metadata.labels)).toBe(true);
  });
});

describe('an index', () => {
  test('finds objects by each of their values and follows changes', () => {
    const store = new Store(byColour);
    store.set(object('a', '1', { colour: 'red,blue' }));
    store.set(object('b', '2', { colour: 'red' }));
    const names = (colour: string) => store.byIndex('colour', colour).map((o) => o.metadata.name);
    expect(names('red')).toEqual(['a', 'b']);
    store.set(object('a', '3', { colour: 'blue,green' }));
    expect([names('red'), names('blue'), names('green')]).toEqual([['b'], ['a'], ['a']]);
    store.delete('ns/a');
    expect([names('red'), names('blue')]).toEqual([['b'], []]);
  });

  test('that was not declared is an error, not an empty answer', () => {
    expect(() => new Store(byColour).byIndex('size', 'big')).toThrow('no index size');
  });
});
