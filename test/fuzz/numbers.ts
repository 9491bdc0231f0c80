/** Numbers by chance, and how JSON and CSV may write them. */
import type { Draw } from './draw.ts';

const borders = [
  0n,
  127n,
  255n,
  2n ** 15n,
  2n ** 31n,
  2n ** 32n,
  2n ** 53n,
  10n ** 15n,
  10n ** 18n,
  2n ** 63n,
  2n ** 64n,
];

/** Small ones mostly; those at the ends of types, and at the bounds that are given. */
export function anyInteger({ chance, exotic }: Draw, bounds: readonly bigint[] = []): bigint {
  if (bounds.length > 0 && chance.is(0.5)) return chance.pick(bounds) + BigInt(chance.from(-1, 1));
  if (!chance.is(exotic)) return BigInt(chance.whole(chance.pick([10, 1_000, 1e9]))) - (chance.is(0.1) ? 500n : 0n);
  const sign = chance.is(0.25) ? -1n : 1n;
  return (
    sign *
    chance.weighted([
      [2, () => BigInt(chance.whole(1e15))],
      [2, () => chance.pick(borders) + BigInt(chance.from(-2, 2))],
      [1, () => BigInt(`${chance.from(1, 9)}${chance.repeat(chance.from(0, 25), () => chance.whole(10)).join('')}`)],
      [1, () => BigInt(chance.from(1, 99)) * 10n ** BigInt(chance.whole(22))],
    ])()
  );
}

/** The same integer; JSON Schema takes `5.0` and `5e0` for integers too. */
export function spellInteger(value: bigint, { chance, exotic }: Draw): string {
  const text = value === 0n && chance.is(exotic) ? '-0' : String(value);
  if (!chance.is(exotic)) return text;
  const zeros = /0*$/.exec(text)?.[0].length ?? 0;
  return chance.pick([
    `${text}.0`,
    `${text}.000`,
    `${text}e0`,
    `${text}E+0`,
    `${text}0e-1`,
    `${text}00.00e-2`,
    value === 0n || zeros === 0 ? `${text}.00` : `${text.slice(0, -zeros)}e${zeros}`,
    value === 0n || zeros === 0 ? text : `${text.slice(0, -zeros)}.0E+${zeros}`,
    text.length > 1 && !text.startsWith('-') ? `${text.slice(0, 1)}.${text.slice(1)}e${text.length - 1}` : text,
  ]);
}

const doubles = [
  '0.1',
  '-0.0',
  '0.1000000000000000055511151231257827',
  '1.7976931348623157e308',
  '4.9e-324',
  '5e-324',
  '2.2250738585072011e-308',
  '2.2250738585072014E-308',
  '9007199254740993',
  '9007199254740992.5',
  '9007199254740993.0',
  '123456789012345678901234567890',
  '1e22',
  '1e23',
  '8.5e22',
  '7.2057594037927933e16',
  '0.000001',
  '1e-7',
  '100000000000000000000000e-23',
  '3.141592653589793238462643383279502884197',
];

export function anyDouble(draw: Draw, bounds: readonly number[] = []): string {
  const { chance, exotic } = draw;
  if (bounds.length > 0 && chance.is(0.4))
    return String(chance.pick(bounds) + chance.pick([-1, -0.5, -1e-9, 0, 0, 1e-9, 0.5, 1]));
  const sign = chance.is(0.3) ? '-' : '';
  if (!chance.is(exotic)) return `${sign}${chance.whole(10 ** chance.from(1, 9)) / 10 ** chance.from(0, 6)}`;
  return chance.weighted([
    [6, () => `${sign}${chance.whole(1000)}.${chance.repeat(chance.from(1, 6), () => chance.whole(10)).join('')}`],
    [2, () => spellInteger(anyInteger(draw), draw)],
    [2, () => `${sign}${chance.number() * 10 ** chance.from(-10, 10)}`],
    [1, () => `${sign}${chance.number() * 10 ** chance.from(-300, 300)}`],
    [1, () => `${sign}${(chance.number() * 10 ** chance.from(-20, 20)).toExponential(chance.whole(20))}`],
    [1, () => `${sign}${chance.whole(1e9)}${chance.whole(1e9)}.${chance.whole(1e9)}e${chance.from(-30, 30)}`],
    [2, () => chance.pick(doubles)],
  ])();
}

/** None of them is a number of JSON, or none that a double holds. */
export const oddNumbers: readonly string[] = [
  '05',
  '-01',
  '00',
  '+5',
  '.5',
  '5.',
  '-',
  '-.5',
  '0x10',
  '1e',
  '1e+',
  '--1',
  '1.2.3',
  '1_000',
  'NaN',
  'Infinity',
  '-Infinity',
  '1e400',
  '-1e999',
  '1e-400',
  '12a',
  '\u0663',
  '"5"',
];

/** What CSV takes for numbers beside those of JSON. */
export const looseNumbers: readonly string[] = ['+5', '.5', '5.', '007', '+1e3', '-.25', '1E2'];
