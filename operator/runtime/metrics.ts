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
  counter(_options: MetricOptions): Counter {
    throw new Error('not implemented');
  }
  gauge(_options: GaugeOptions): Gauge {
    throw new Error('not implemented');
  }
  histogram(_options: HistogramOptions): Histogram {
    throw new Error('not implemented');
  }
  /** Exposition format, version 0.0.4. */
  text(): string {
    throw new Error('not implemented');
  }
}
