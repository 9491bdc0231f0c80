/** What keeps the memory and the load of a pod bounded whatever senders do. */
import type { Clock } from '../contract/environment.ts';

/** Bytes of requests that are being read or wait for their segment. */
export class InFlight {
  readonly #most: number;
  #bytes = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** False when there is no room now. */
  tryReserve(bytes: number): boolean {
    if (this.#bytes + bytes > this.#most) return false;
    this.#bytes += bytes;
    return true;
  }

  release(bytes: number): void {
    this.#bytes -= bytes;
  }
}

/** What one request holds of the room; grows while its body comes in. */
export class Reservation {
  readonly #inFlight: InFlight;
  #bytes = 0;

  constructor(inFlight: InFlight) {
    this.#inFlight = inFlight;
  }

  /** To hold `bytes` in all; false when there is no room for more. */
  resize(bytes: number): boolean {
    const more = bytes - this.#bytes;
    if (more > 0 && !this.#inFlight.tryReserve(more)) return false;
    if (more < 0) this.#inFlight.release(-more);
    this.#bytes = bytes;
    return true;
  }

  /** True when it holds at least `bytes` after the call. */
  growTo(bytes: number): boolean {
    return bytes <= this.#bytes || this.resize(bytes);
  }

  release(): void {
    this.resize(0);
  }
}

/** Token bucket: `perSecond` requests on average, as many at once after a pause of a second. */
export class RateLimit {
  readonly #perSecond: number;
  readonly #clock: Clock;
  #tokens: number;
  #filled: number;

  constructor(perSecond: number, clock: Clock) {
    this.#perSecond = perSecond;
    this.#clock = clock;
    this.#tokens = perSecond;
    this.#filled = clock.now();
  }

  /** Takes a token: 0, or without one the seconds until there is one. */
  take(): number {
    const now = this.#clock.now();
    const gained = (Math.max(0, now - this.#filled) / 1_000) * this.#perSecond;
    this.#tokens = Math.min(this.#perSecond, this.#tokens + gained);
    this.#filled = now;
    if (this.#tokens < 1) return (1 - this.#tokens) / this.#perSecond;
    this.#tokens -= 1;
    return 0;
  }
}
