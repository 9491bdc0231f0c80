import { describe, expect, test } from 'vitest';
import {
  type Condition,
  kubeStatus,
  type NewCondition,
  removeCondition,
  setCondition,
  summarise,
} from './conditions.ts';

const early = '2026-01-01T00:00:00Z';
const late = '2026-01-02T00:00:00Z';

function ready(changes: Partial<NewCondition> = {}): NewCondition {
  return { type: 'Ready', status: 'False', reason: 'Planning', message: 'm', observedGeneration: 1, ...changes };
}

describe('setting a condition', () => {
  test('keeps the transition time while only reason, message or generation change', () => {
    const first = setCondition([], ready(), early);
    const second = setCondition(first, ready({ reason: 'Running', message: 'n', observedGeneration: 2 }), late);
    expect(second).toEqual([
      { ...ready({ reason: 'Running', message: 'n', observedGeneration: 2 }), lastTransitionTime: early },
    ]);
  });

  test('moves the transition time with the status', () => {
    const first = setCondition([], ready(), early);
    expect(setCondition(first, ready({ status: 'True' }), late)[0]?.lastTransitionTime).toBe(late);
  });

  test('leaves the others and their order alone, and the list it was given', () => {
    const given: readonly Condition[] = Object.freeze([
      { ...ready({ type: 'A' }), lastTransitionTime: early },
      { ...ready({ type: 'Ready' }), lastTransitionTime: early },
      { ...ready({ type: 'B' }), lastTransitionTime: early },
    ]);
    expect(setCondition(given, ready({ status: 'True' }), late).map((c) => c.type)).toEqual(['A', 'Ready', 'B']);
    expect(given[1]?.status).toBe('False');
  });
});

test('removing a condition that is not there changes nothing', () => {
  const conditions = setCondition([], ready(), early);
  expect(removeCondition(conditions, 'Stalled')).toEqual(conditions);
});

describe('a summary', () => {
  const common = { reason: 'R', message: 'm', observedGeneration: 3 };

  test.each([
    ['Ready', { Ready: 'True' }],
    ['Reconciling', { Ready: 'False', Reconciling: 'True' }],
    ['Stalled', { Ready: 'False', Stalled: 'True' }],
    ['Waiting', { Ready: 'False' }],
  ] as const)('%s leaves exactly the conditions that are true of it', (state, expected) => {
    const before = summarise(
      summarise([], { ...common, state: 'Reconciling' }, early),
      { ...common, state: 'Stalled' },
      early,
    );
    const after = summarise(before, { ...common, state }, late);
    expect(Object.fromEntries(after.map((c) => [c.type, c.status]))).toEqual(expected);
    expect(after.every((c) => c.observedGeneration === 3)).toBe(true);
  });

  test('can say Stalled of an object that is still Ready', () => {
    const after = summarise([], { ...common, state: 'Stalled', ready: 'True' }, late);
    expect(Object.fromEntries(after.map((c) => [c.type, c.status]))).toEqual({ Ready: 'True', Stalled: 'True' });
  });
});

describe('kstatus of an object', () => {
  const conditions = (state: 'Ready' | 'Reconciling' | 'Stalled' | 'Waiting') =>
    summarise([], { state, reason: 'R', message: 'm', observedGeneration: 1 }, early);

  test.each([
    ['is Current when Ready', { generation: 1 }, { observedGeneration: 1, conditions: conditions('Ready') }, 'Current'],
    [
      'is Failed when Stalled',
      { generation: 1 },
      { observedGeneration: 1, conditions: conditions('Stalled') },
      'Failed',
    ],
    [
      'is InProgress when Reconciling',
      { generation: 1 },
      { observedGeneration: 1, conditions: conditions('Reconciling') },
      'InProgress',
    ],
    [
      'is InProgress when its newest spec was not seen',
      { generation: 2 },
      { observedGeneration: 1, conditions: conditions('Ready') },
      'InProgress',
    ],
    ['is InProgress before the first reconcile', { generation: 1 }, { observedGeneration: -1 }, 'InProgress'],
    [
      'is Terminating once marked',
      { generation: 1, deletionTimestamp: early },
      { observedGeneration: 1 },
      'Terminating',
    ],
  ] as const)('%s', (_name, metadata, status, expected) => {
    expect(kubeStatus({ metadata, status })).toBe(expected);
  });
});
