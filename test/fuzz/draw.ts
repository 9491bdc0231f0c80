/** How the values of one trial are written. */
import type { Chance } from '../support/chance.ts';

export interface Draw {
  readonly chance: Chance;
  /** How often a value is not what its place asks for, 0 to 1. */
  readonly strangeness: number;
  /** How often there is white space where JSON allows it, 0 to 1, and of which characters. */
  readonly spacing: number;
  readonly spaces: readonly string[];
  /** How often a character is escaped that need not be. */
  readonly escaping: number;
  /** How often a number is large, or written as few programs write it. */
  readonly exotic: number;
}

export function gap({ chance, spacing, spaces }: Draw): string {
  if (spacing === 0 || !chance.is(spacing)) return '';
  return chance.repeat(chance.from(1, 3), () => chance.pick(spaces)).join('');
}

export function isStrange({ chance, strangeness }: Draw): boolean {
  return strangeness > 0 && chance.is(strangeness);
}
