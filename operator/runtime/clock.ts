/** Time as everything that waits sees it: the system's, or a simulated one that tests move by hand. */

export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Milliseconds since 1970. May jump. */
  now(): number;
  /** Milliseconds since some start. Never jumps, never goes back: for measuring and for leases. */
  monotonic(): number;
  /** Calls `fire` once after `milliseconds`, of any length. A pending timer does not keep the process alive by itself. */
  setTimer(milliseconds: number, fire: () => void): Timer;
  /** Resolves after `milliseconds`; rejects with the signal's reason when it aborts first. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
}

export function systemClock(): Clock {
  throw new Error('not implemented');
}

/** A clock that stands still until `advance`: timers fire in order, each at its own time. */
export class SimulatedClock implements Clock {
  constructor(_start?: string | number) {}
  now(): number {
    throw new Error('not implemented');
  }
  monotonic(): number {
    throw new Error('not implemented');
  }
  setTimer(_milliseconds: number, _fire: () => void): Timer {
    throw new Error('not implemented');
  }
  sleep(_milliseconds: number, _signal: AbortSignal): Promise<void> {
    throw new Error('not implemented');
  }
  /** Moves time forward, firing what falls due on the way and letting everything that then can run, run. */
  advance(_milliseconds: number): Promise<void> {
    throw new Error('not implemented');
  }
  /** Moves the wall clock alone (NTP, a person): no timer fires. */
  jump(_milliseconds: number): void {
    throw new Error('not implemented');
  }
  /** Lets everything that can run without time passing, run. */
  settle(): Promise<void> {
    throw new Error('not implemented');
  }
  /** Timers that have not fired. */
  get pendingTimers(): number {
    throw new Error('not implemented');
  }
}

/** The time as API objects carry it: RFC 3339, whole seconds, UTC. */
export function timestamp(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/\.\d+Z$/, 'Z');
}

/** MicroTime takes exactly six fractional digits; fewer are refused. */
export function microTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace('Z', '000Z');
}
