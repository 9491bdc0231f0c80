/** Draws, from a seeded source, so that the same seed makes the same bytes. */
import type { Random } from '../../../ingestor/contract/environment.ts';

export type Pick = <T>(choices: readonly [T, ...T[]] | readonly T[]) => T;

/** From 0 to `below`, exclusive. */
export function whole(random: Random, below: number): number {
  return Math.floor(random.number() * below);
}

export function chance(random: Random, share: number): boolean {
  return random.number() < share;
}

export function chooser(random: Random): Pick {
  return (choices) => choices[whole(random, choices.length)] as (typeof choices)[number];
}

export function digits(random: Random, count: number): string {
  let text = '';
  while (text.length < count) text += String(whole(random, 1e9)).padStart(9, '0');
  return text.slice(0, count);
}

export function hexDigits(random: Random, count: number): string {
  let text = '';
  while (text.length < count)
    text += whole(random, 2 ** 24)
      .toString(16)
      .padStart(6, '0');
  return text.slice(0, count);
}

/** Words and spaces of about so many characters; one word in twenty has letters past ASCII. */
export function prose(random: Random, length: number): string {
  let text = '';
  while (text.length < length) text += `${words[whole(random, words.length)]} `;
  return text.trimEnd();
}

const words = (
  'tide river water level gauge weir basin delta spring stream canal lock sluice dam pier quay harbour ' +
  'measured carried slowly often every hour at dawn and after rain until Überlauf'
).split(' ');
