/** Draws from a seeded source: the same seed makes the same things. */
import type { Random } from '../../ingestor/contract/environment.ts';
import { seededRandom } from './waiting.ts';

export class Chance {
  readonly #random: Random;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  /** In [0, 1). */
  number(): number {
    return this.#random.number();
  }

  /** From 0 to `below`, exclusive. */
  whole(below: number): number {
    return Math.floor(this.#random.number() * below);
  }

  /** Both ends inclusive. */
  from(least: number, most: number): number {
    return least + this.whole(most - least + 1);
  }

  /** `share`: how often, 0 to 1. */
  is(share: number): boolean {
    return this.#random.number() < share;
  }

  pick<T>(choices: readonly [T, ...T[]] | readonly T[]): T {
    return choices[this.whole(choices.length)] as T;
  }

  /** By weights. */
  weighted<T>(choices: readonly (readonly [weight: number, choice: T])[]): T {
    let at = this.number() * choices.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, choice] of choices) {
      at -= weight;
      if (at < 0) return choice;
    }
    return choices[0]?.[1] as T;
  }

  shuffled<T>(list: readonly T[]): T[] {
    const rest = [...list];
    for (let end = rest.length - 1; end > 0; end -= 1) {
      const other = this.whole(end + 1);
      [rest[end], rest[other]] = [rest[other] as T, rest[end] as T];
    }
    return rest;
  }

  repeat<T>(count: number, make: (index: number) => T): T[] {
    return Array.from({ length: count }, (_, index) => make(index));
  }
}
