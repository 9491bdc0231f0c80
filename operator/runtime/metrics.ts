/** Metrics in the Prometheus text format: counters, gauges and histograms, with labels. */

export type Labels = Readonly<Record<string, string>>;

export interface Counter {
  increment(labels?: Labels, by?: number): void;
}

export interface Gauge {
  set(value: number, labels?: Labels): void;
  add(by: number, labels?: Labels): void;
}

export interface Histogram {
  observe(value: number, labels?: Labels): void;
}

export interface MetricOptions {
  readonly name: string;
  readonly help: string;
  /** Label sets that are there from the start, at 0: a rate over one that appears with its first event misses that event. */
  readonly initial?: readonly Labels[];
}

export interface GaugeOptions extends MetricOptions {
  /** Asked at each scrape instead of being set. */
  readonly collect?: () => number;
}

export interface HistogramOptions extends MetricOptions {
  /** Upper bounds, ascending; +Inf is added. */
  readonly buckets: readonly number[];
}

/** Asked twice for one name it gives the same metric, with the initial label sets of both. */
export class Registry {
  readonly #metrics = new Map<string, Series | Buckets>();

  counter(options: MetricOptions): Counter {
    const series = this.#series('counter', options);
    return { increment: (labels = {}, by = 1) => series.add(by, labels) };
  }

  gauge(options: GaugeOptions): Gauge {
    const series = this.#series('gauge', options, options.collect);
    return {
      set: (value, labels = {}) => series.set(value, labels),
      add: (by, labels = {}) => series.add(by, labels),
    };
  }

  histogram(options: HistogramOptions): Histogram {
    const metric = this.#metrics.get(options.name) ?? new Buckets(options);
    if (!(metric instanceof Buckets)) throw anotherType(options);
    this.#keep(options, metric);
    return { observe: (value, labels = {}) => metric.observe(value, labels) };
  }

  /** Exposition format, version 0.0.4. */
  text(): string {
    return [...this.#metrics.values()].map((metric) => `${metric.lines().join('\n')}\n`).join('');
  }

  #series(type: Series['type'], options: MetricOptions, collect?: () => number): Series {
    const metric = this.#metrics.get(options.name) ?? new Series(type, options, collect);
    if (!(metric instanceof Series) || metric.type !== type) throw anotherType(options);
    this.#keep(options, metric);
    return metric;
  }

  #keep({ name, initial = [] }: MetricOptions, metric: Series | Buckets): void {
    this.#metrics.set(name, metric);
    for (const labels of initial) metric.touch(labels);
  }
}

function anotherType({ name }: MetricOptions): TypeError {
  return new TypeError(`the metric ${name} is of another type already`);
}

/** A number for each label set. */
class Series {
  readonly type: 'counter' | 'gauge';
  readonly #options: MetricOptions;
  readonly #collect: (() => number) | undefined;
  readonly #values = new Map<string, number>();

  constructor(type: 'counter' | 'gauge', options: MetricOptions, collect?: () => number) {
    this.type = type;
    this.#options = options;
    this.#collect = collect;
  }

  /** Makes the label set appear, at 0. */
  touch(labels: Labels): void {
    this.add(0, labels);
  }

  add(by: number, labels: Labels): void {
    const key = labelText(labels);
    this.#values.set(key, (this.#values.get(key) ?? 0) + by);
  }

  set(value: number, labels: Labels): void {
    this.#values.set(labelText(labels), value);
  }

  lines(): string[] {
    const { name } = this.#options;
    const values = this.#collect ? [['', this.#collect()] as const] : [...this.#values];
    return [...head(this.type, this.#options), ...values.map(([labels, value]) => `${name}${braced(labels)} ${value}`)];
  }
}

interface Observed {
  readonly counts: number[];
  sum: number;
  count: number;
}

class Buckets {
  readonly #options: HistogramOptions;
  readonly #observed = new Map<string, Observed>();

  constructor(options: HistogramOptions) {
    this.#options = options;
  }

  touch(labels: Labels): void {
    this.#of(labels);
  }

  observe(value: number, labels: Labels): void {
    const observed = this.#of(labels);
    observed.sum += value;
    observed.count += 1;
    for (const [index, bound] of this.#options.buckets.entries()) {
      if (value <= bound) observed.counts[index] = (observed.counts[index] ?? 0) + 1;
    }
  }

  lines(): string[] {
    const { name, buckets } = this.#options;
    const lines = head('histogram', this.#options);
    for (const [labels, { counts, sum, count }] of this.#observed) {
      const bucket = (bound: string, value: number) =>
        `${name}_bucket${braced([labels, `le="${bound}"`].filter((part) => part !== '').join(','))} ${value}`;
      lines.push(...buckets.map((bound, index) => bucket(String(bound), counts[index] ?? 0)), bucket('+Inf', count));
      lines.push(`${name}_sum${braced(labels)} ${sum}`, `${name}_count${braced(labels)} ${count}`);
    }
    return lines;
  }

  #of(labels: Labels): Observed {
    const key = labelText(labels);
    const known = this.#observed.get(key) ?? { counts: this.#options.buckets.map(() => 0), sum: 0, count: 0 };
    this.#observed.set(key, known);
    return known;
  }
}

function head(type: string, { name, help }: MetricOptions): string[] {
  return [`# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}`, `# TYPE ${name} ${type}`];
}

/** In order of name, so that one set of labels has one text. */
function labelText(labels: Labels): string {
  return Object.entries(labels)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}="${escapeValue(value)}"`)
    .join(',');
}

function escapeValue(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function braced(labels: string): string {
  return labels === '' ? '' : `{${labels}}`;
}
