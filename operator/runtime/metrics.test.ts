import { expect, test } from 'vitest';
import { Registry } from './metrics.ts';

test('a counter shows its label sets from the start and adds to each', () => {
  const registry = new Registry();
  const counter = registry.counter({ name: 'reads_total', help: 'Reads', initial: [{ kind: 'a' }, { kind: 'b' }] });
  counter.increment({ kind: 'a' });
  counter.increment({ kind: 'a' }, 2);
  expect(registry.text()).toBe(
    '# HELP reads_total Reads\n# TYPE reads_total counter\nreads_total{kind="a"} 3\nreads_total{kind="b"} 0\n',
  );
});

test('one set of labels is one series, in whatever order they are given', () => {
  const registry = new Registry();
  const gauge = registry.gauge({ name: 'g', help: 'G' });
  gauge.set(5, { b: '2', a: '1' });
  gauge.add(-1, { a: '1', b: '2' });
  expect(registry.text()).toContain('g{a="1",b="2"} 4\n');
});

test('a gauge can be asked at each scrape', () => {
  const registry = new Registry();
  let value = 1;
  registry.gauge({ name: 'now', help: 'N', collect: () => value });
  value = 7;
  expect(registry.text()).toContain('now 7\n');
});

test('a histogram counts each value in all buckets that hold it', () => {
  const registry = new Registry();
  const histogram = registry.histogram({ name: 'h', help: 'H', buckets: [1, 5] });
  for (const value of [0.5, 1, 3, 10]) histogram.observe(value, { x: 'y' });
  expect(registry.text()).toBe(
    [
      '# HELP h H',
      '# TYPE h histogram',
      'h_bucket{x="y",le="1"} 2',
      'h_bucket{x="y",le="5"} 3',
      'h_bucket{x="y",le="+Inf"} 4',
      'h_sum{x="y"} 14.5',
      'h_count{x="y"} 4',
      '',
    ].join('\n'),
  );
});

test('what would break the format is escaped', () => {
  const registry = new Registry();
  registry.counter({ name: 'c', help: 'two\nlines' }).increment({ l: 'a"b\\c\nd' });
  expect(registry.text()).toBe('# HELP c two\\nlines\n# TYPE c counter\nc{l="a\\"b\\\\c\\nd"} 1\n');
});

test('asked twice for a name it gives the same metric, with the label sets of both', () => {
  const registry = new Registry();
  const first = registry.counter({ name: 'c', help: 'C', initial: [{ l: '1' }] });
  registry.counter({ name: 'c', help: 'C', initial: [{ l: '2' }] }).increment({ l: '1' });
  first.increment({ l: '1' });
  expect(registry.text()).toContain('c{l="1"} 2\nc{l="2"} 0\n');
});

test('asked for a name that is of another type it refuses', () => {
  const registry = new Registry();
  registry.counter({ name: 'c', help: 'C' });
  expect(() => registry.gauge({ name: 'c', help: 'C' })).toThrow('of another type');
  expect(() => registry.histogram({ name: 'c', help: 'C', buckets: [] })).toThrow('of another type');
});
