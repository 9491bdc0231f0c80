/** Texts by chance. */
import type { Chance } from '../../../test/support/chance.ts';

export function digits(chance: Chance, count: number): string {
  let text = '';
  while (text.length < count) text += String(chance.whole(1e9)).padStart(9, '0');
  return text.slice(0, count);
}

export function hexDigits(chance: Chance, count: number): string {
  let text = '';
  while (text.length < count)
    text += chance
      .whole(2 ** 24)
      .toString(16)
      .padStart(6, '0');
  return text.slice(0, count);
}

/** Words and spaces of about so many characters; one word in thirty has a letter past ASCII. */
export function prose(chance: Chance, length: number): string {
  let text = '';
  while (text.length < length) text += `${chance.pick(words)} `;
  return text.trimEnd();
}

const words = (
  'tide river water level gauge weir basin delta spring stream canal lock sluice dam pier quay harbour ' +
  'measured carried slowly often every hour at dawn and after rain until Überlauf'
).split(' ');
