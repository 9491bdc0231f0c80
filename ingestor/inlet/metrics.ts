/** The numbers an inlet serves to Prometheus, in its text format. */
import type { Answer } from './problem.ts';

/** Seconds from a segment's first record to its being durable. */
const latencyBuckets = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] as const;

/** What is read off when the numbers are asked for. */
export interface Gauges {
  readonly inFlightBytes: number;
  readonly pendingRecords: number;
  readonly pendingBytes: number;
  readonly lagSeconds: number;
  readonly lastRound: number;
}

export class InletMetrics {
  readonly #requests = new Map<string, number>();
  readonly #latencies = latencyBuckets.map(() => 0);
  #latencySum = 0;
  #segments = 0;
  #records = 0;
  #bytes = 0;
  #segmentBytes = 0;

  /** `code`: HTTP status, or 499 for a sender that went away before it was answered. */
  countRequest(code: Answer['status']): void {
    this.#requests.set(String(code), (this.#requests.get(String(code)) ?? 0) + 1);
  }

  /** Records that are durable and acknowledged. */
  countRecords(records: number, bytes: number): void {
    this.#records += records;
    this.#bytes += bytes;
  }

  countSegment(bytes: number, seconds: number): void {
    this.#segments += 1;
    this.#segmentBytes += bytes;
    this.#latencySum += seconds;
    for (const [index, bound] of latencyBuckets.entries()) {
      if (seconds <= bound) this.#latencies[index] = (this.#latencies[index] ?? 0) + 1;
    }
  }

  render(gauges: Gauges): string {
    const requests = [...this.#requests].sort().map(([code, count]) => [`{code="${code}"}`, count] as const);
    return [
      series('forebay_inlet_requests_total', 'counter', 'Requests answered, by HTTP status.', requests),
      single('forebay_inlet_records_total', 'counter', 'Records acknowledged.', this.#records),
      single('forebay_inlet_bytes_total', 'counter', 'Bytes of records acknowledged.', this.#bytes),
      single('forebay_inlet_segment_bytes_total', 'counter', 'Bytes of segments written.', this.#segmentBytes),
      this.#latency(),
      single('forebay_inlet_in_flight_bytes', 'gauge', 'Bytes of requests under way.', gauges.inFlightBytes),
      single('forebay_inlet_pending_records', 'gauge', 'Durable records not yet in the table.', gauges.pendingRecords),
      single('forebay_inlet_pending_bytes', 'gauge', 'Their bytes.', gauges.pendingBytes),
      single('forebay_inlet_lag_seconds', 'gauge', 'Age of the oldest record not yet in the table.', gauges.lagSeconds),
      single('forebay_inlet_last_round', 'gauge', 'Number of the last round in the table.', gauges.lastRound),
    ].join('');
  }

  #latency(): string {
    const buckets = latencyBuckets.map(
      (bound, index) => [`_bucket{le="${bound}"}`, this.#latencies[index] ?? 0] as const,
    );
    return series(
      'forebay_inlet_segment_latency_seconds',
      'histogram',
      'From the first record of a segment to its being durable.',
      [...buckets, ['_bucket{le="+Inf"}', this.#segments], ['_sum', this.#latencySum], ['_count', this.#segments]],
    );
  }
}

function single(name: string, type: string, help: string, value: number): string {
  return series(name, type, help, [['', value]]);
}

function series(name: string, type: string, help: string, samples: readonly (readonly [string, number])[]): string {
  const lines = samples.map(([suffix, value]) => `${name}${suffix} ${value}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
}
