import type { Client } from './client.ts';
import { type Clock, microTime, type Timer } from './clock.ts';
import type { Logger } from './logger.ts';
import { apiVersionOf, type KubeObject, type ResourceType } from './objects.ts';

export interface EventNote {
  readonly type: 'Normal' | 'Warning';
  /** The condition's reason. */
  readonly reason: string;
  /** What was done or tried, one word: `Reconcile`, `CreateJob`. */
  readonly action: string;
  /** At most 1,024 bytes; longer ones are cut. */
  readonly note: string;
}

export interface EventRecorderOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  /** `example.org/operator`. */
  readonly controller: string;
  /** The pod's name. */
  readonly instance: string;
}

/** The same event within this time is one event with a count. */
const seriesMilliseconds = 6 * 60_000;
/** A count is sent at most so often, the last one at the latest after this. */
const recountMilliseconds = 30_000;
/** Events that wait to be sent; what comes on top is dropped. */
const mostWaiting = 1_000;
/** Of the API. */
const longestNote = 1_024;

interface Series {
  readonly key: string;
  readonly name: string;
  readonly namespace: string;
  readonly body: object;
  count: number;
  lastSeen: number;
  /** What the API server knows; 0: nothing yet, the event must be created. */
  sentCount: number;
  /** Until it fires, the count grows unsent. */
  pause?: Timer;
}

/** Tells people what happened, in events.k8s.io/v1. Never throws, never waits; what cannot be sent is dropped. */
export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #series = new Map<string, Series>();
  readonly #waiting = new Set<Series>();
  readonly #closing = new AbortController();
  #sending: Promise<void> | undefined;
  #count = 0;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
  }

  record<T extends KubeObject>(type: ResourceType<T>, regarding: T, event: EventNote): void {
    const now = this.#options.clock.now();
    const { namespace = 'default', name, uid = '' } = regarding.metadata;
    const key = JSON.stringify([uid, name, namespace, event]);
    this.#forgetOld(now);
    const series = this.#series.get(key) ?? this.#begin(key, type, regarding, event, now);
    this.#series.set(key, series);
    series.count += 1;
    series.lastSeen = now;
    if (series.pause === undefined) this.#enqueue(series);
  }

  /** Sends what waits, then no more. */
  async close(signal: AbortSignal): Promise<void> {
    const giveUp = () => this.#closing.abort(signal.reason);
    if (signal.aborted) giveUp();
    else signal.addEventListener('abort', giveUp, { once: true });
    for (const series of this.#series.values()) this.#endPause(series);
    await this.#sending;
    signal.removeEventListener('abort', giveUp);
    this.#closing.abort(new Error('the recorder is closed'));
    for (const series of this.#series.values()) series.pause?.cancel();
  }

  #enqueue(series: Series): void {
    if (this.#closing.signal.aborted || this.#waiting.size >= mostWaiting) return;
    this.#waiting.add(series);
    this.#sending ??= this.#send().finally(() => {
      this.#sending = undefined;
    });
  }

  #endPause(series: Series): void {
    series.pause?.cancel();
    delete series.pause;
    if (series.count > series.sentCount) this.#enqueue(series);
  }

  #begin(key: string, type: ResourceType, regarding: KubeObject, event: EventNote, now: number): Series {
    const { controller, instance } = this.#options;
    const { namespace = 'default', name, uid, resourceVersion } = regarding.metadata;
    this.#count += 1;
    const body = {
      eventTime: microTime(now),
      type: event.type,
      reason: event.reason,
      action: event.action,
      note: cut(event.note),
      reportingController: controller,
      reportingInstance: instance,
      regarding: { apiVersion: apiVersionOf(type), kind: type.kind, namespace, name, uid, resourceVersion },
    };
    const suffix = `${now.toString(16)}${(this.#count % 4_096).toString(16).padStart(3, '0')}`;
    const prefix = name.slice(0, 200).replace(/[^a-z0-9]+$/, '');
    return { key, name: `${prefix}.${suffix}`, namespace, body, count: 0, sentCount: 0, lastSeen: now };
  }

  #forgetOld(now: number): void {
    for (const [key, series] of this.#series) {
      if (now - series.lastSeen >= seriesMilliseconds && series.pause === undefined) this.#series.delete(key);
    }
  }

  async #send(): Promise<void> {
    for (const series of this.#waiting) {
      this.#waiting.delete(series);
      if (this.#closing.signal.aborted) continue;
      await this.#sendOne(series).catch((thrown: unknown) => {
        series.pause?.cancel();
        this.#series.delete(series.key);
        const error = thrown instanceof Error ? thrown.message : String(thrown);
        this.#options.log.debug({ error, event: series.name }, 'event dropped');
      });
    }
  }

  async #sendOne(series: Series): Promise<void> {
    const { client, clock } = this.#options;
    const { name, namespace, body, count, lastSeen, sentCount } = series;
    if (count === sentCount) return;
    const options = { signal: this.#closing.signal };
    // The API takes a series of two at the least.
    const repeated = count > 1 && { series: { count, lastObservedTime: microTime(lastSeen) } };
    series.pause ??= clock.setTimer(recountMilliseconds, () => this.#endPause(series));
    if (sentCount === 0) await client.create(events, { ...body, ...repeated, metadata: { name, namespace } }, options);
    else await client.patch(events, { namespace, name }, { ...repeated }, options);
    series.sentCount = count;
  }
}

const events: ResourceType = {
  group: 'events.k8s.io',
  version: 'v1',
  plural: 'events',
  kind: 'Event',
  namespaced: true,
};

/** By bytes, at a border of characters. */
function cut(note: string): string {
  const bytes = Buffer.from(note);
  if (bytes.length <= longestNote) return note;
  return bytes
    .subarray(0, longestNote - 3)
    .toString('utf8')
    .replace(/\uFFFD+$/, '')
    .concat('...');
}
