/** What an operator of the process may set and users need not: each with the default that pods have. */
import { podLayout } from '../contract/task.ts';

const second = 1_000;
const minute = 60 * second;

export const defaultSettings = {
  /** Address to listen on; absent: all. */
  host: undefined as string | undefined,
  /** Of /progress, /healthz, /readyz and /metrics; 0: any free port. */
  statusPort: podLayout.statusPort as number,
  /** Writers of segments at once. One waits for the store while records gather for the next; more help a slow store. */
  writers: 1,
  /** Milliseconds without a clear answer of the store about a segment after which the process ends. */
  unclearMilliseconds: minute,
  /** A writer silent for so long takes a new id: shorter than the hour after which its segments are collected. */
  idleWriterMilliseconds: 30 * minute,
  /** The store owes an answer for so long: new requests are told 503. */
  silentMilliseconds: 10 * second,
  /** From the signal to stop to the end, last rounds included; a pod has 55 s from its signal to its end. */
  graceMilliseconds: 50 * second,
  /** After the signal to stop requests are still taken for so long; a pod's signal comes late enough by itself. */
  drainMilliseconds: 0,
  requestMilliseconds: 30 * second,
  headersMilliseconds: 10 * second,
  keepAliveMilliseconds: 75 * second,
  maxConnections: 10_000,
  /** Messages in one request. */
  maxMessages: 10_000,
};

export type ProcessSettings = Readonly<typeof defaultSettings>;
