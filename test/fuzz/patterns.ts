/** Patterns and formats, each with texts that fit and texts that nearly do. */
import type { Chance } from '../support/chance.ts';

export interface Rule {
  readonly schema: { readonly pattern: string } | { readonly format: string };
  fitting(chance: Chance): string;
  near(chance: Chance): string;
}

/** Some texts that fit, and letters that others are made of. */
const patterns: readonly (readonly [pattern: string, fitting: readonly string[], letters: string])[] = [
  ['^[A-Z]{3}$', ['USD', 'EUR', 'XYZ'], 'AZa0é'],
  ['^ORD-[0-9a-f]+$', ['ORD-0', 'ORD-00ff9', 'ORD-0123456789abcdef'], 'ORD-0fg'],
  ['^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$', ['a@b.c', 'user1@mail.example', 'ä@ö.ü'], 'a@. \u00a0é'],
  ['^\\d{4}-\\d{2}$', ['2026-11', '0000-00'], '0-٣9'],
  ['b+', ['abba', 'b'], 'abB'],
  ['^(a|bc)*$', ['', 'abca', 'bcbc'], 'abc'],
  ['\\.csv$', ['x.csv', '.csv'], '.csvx\n'],
  ['^\\p{L}+$', ['abc', 'Zoë', '東京'], 'aé東1😀'],
  ['^.{2,5}$', ['ab', '😀😀', 'abcde'], 'a😀\n\u2028'],
  ['[^a]', ['b', 'ab'], 'abé'],
  ['^$', [''], 'a'],
  ['^a.c$', ['abc', 'a😀c'], 'abc\n😀'],
  ['^(?:foo|bar|baz)-\\d+$', ['foo-1', 'baz-42'], 'fobarz-12'],
  ['\\bword\\b', ['a word', 'word'], 'word é'],
  ['^[é-ü]+$', ['éü', 'ê'], 'éüýa'],
  ['^\\S+$', ['abc', 'é'], 'a \u00a0\u3000é'],
  ['^(a?){5}b{0,3}$', ['aaab', ''], 'abc'],
  ['^https?://[^/]+/', ['http://a/', 'https://x.example/path'], 'https:/x'],
  ['^[a-z][a-z0-9_]*$', ['a', 'some_name1'], 'az0_A'],
  ['\\u00e9|\\u{1F600}', ['é', 'x😀'], 'é😀e'],
];

/** Texts that fit, and texts that do not or of which readers disagree. */
const formats: Readonly<Record<string, readonly [fitting: readonly string[], others: readonly string[]]>> = {
  'date-time': [
    [
      '2026-11-24T15:02:33Z',
      '2026-11-24t15:02:33.123456z',
      '2026-11-24T15:02:33.123456789+05:30',
      '2024-02-29T00:00:00-00:00',
      '1969-12-31T23:59:59.999999Z',
      '2016-12-31T23:59:60Z',
      '0001-01-01T00:00:00Z',
      '9999-12-31T23:59:59.9999999Z',
    ],
    [
      '2026-11-24 15:02:33Z',
      '2026-11-24T15:02:33',
      '2026-11-24',
      '2025-02-29T00:00:00Z',
      '2026-13-01T00:00:00Z',
      '2026-11-24T24:00:00Z',
      '2026-11-24T15:02Z',
      '2026-11-24T15:02:33.Z',
      '2026-11-24T15:02:33+0530',
      '2026-11-24T15:02:33+24:00',
      '0000-01-01T00:00:00Z',
      '+12026-01-01T00:00:00Z',
      '2016-12-31T12:59:60Z',
    ],
  ],
  date: [
    ['2026-11-24', '2024-02-29', '2000-02-29', '0001-01-01', '9999-12-31'],
    [
      '1900-02-29',
      '2026-02-31',
      '2026-1-1',
      '2026-00-10',
      '20261124',
      '2026-11-24T00:00:00Z',
      '0000-01-01',
      '٢٠٢٦-11-24',
    ],
  ],
  time: [
    ['15:02:33Z', '15:02:33.5+01:00', '23:59:60Z'],
    ['15:02:33', '25:00:00Z', '15:02Z'],
  ],
  email: [
    ['a@b.example', 'first.last+tag@sub.example'],
    ['a@b', '@b.c', 'a@', 'a b@c.d', 'ä@b.example', 'a@b..c'],
  ],
  uuid: [
    ['1ee1c761-5953-4153-a3f4-340856d7c6b5', '1EE1C761-5953-4153-A3F4-340856D7C6B5'],
    [
      '1ee1c761-5953-4153-a3f4-340856d7c6b',
      '1ee1c7615953-4153-a3f4-340856d7c6b55',
      '1ee1c761-5953-4153-a3f4-340856d7c6bg',
    ],
  ],
  uri: [
    ['https://shop.example/a?b=c#d', 'urn:isbn:1', 'mailto:a@b.c'],
    ['/relative', 'http://[::1]/', 'http://a b', 'http://é.example/', '://x', 'a:%zz'],
  ],
  'uri-reference': [
    ['/a/b?c#d', '', '../x', '#frag', '%41'],
    ['a b', '%4', '\\a'],
  ],
  hostname: [
    ['shop.example', 'a', 'a-b.c'],
    ['-a.b', 'a..b', 'a_b', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.b', 'xn--nxasmq6b'],
  ],
  ipv4: [
    ['1.2.3.4', '255.255.255.255'],
    ['256.1.1.1', '1.2.3', '01.2.3.4', '1.2.3.4 '],
  ],
  ipv6: [
    ['::1', '2001:db8::8a2e:370:7334', '::ffff:1.2.3.4'],
    [':::', '1::2::3', 'g::1', '::1%eth0'],
  ],
  duration: [
    ['P1D', 'PT1H30M', 'P1Y2M3DT4H5M6S', 'P1W'],
    ['P', 'PT', '1D', 'P1H', 'P1DT'],
  ],
  byte: [
    ['', 'YQ==', 'YWI=', 'YWJj'],
    ['YQ=', 'Y', 'YQ==\n', 'YÄ=='],
  ],
  'json-pointer': [
    ['', '/a/b', '/a~0b~1c'],
    ['a', '/a~2', '/a~'],
  ],
  'relative-json-pointer': [
    ['0', '1/a', '0#'],
    ['01', '-1/a', '/a'],
  ],
  'uri-template': [
    ['/a/{b}', '{+x}', '/plain'],
    ['{', 'a}b'],
  ],
  regex: [
    ['^a+$', 'a|b'],
    ['[', '('],
  ],
  binary: [['any', ''], ['é']],
  password: [['secret', ''], ['é']],
};

export const formatNames = Object.keys(formats);

export function patternRule(chance: Chance): Rule {
  const [pattern, fitting, letters] = chance.pick(patterns);
  return {
    schema: { pattern },
    fitting: (draw) => draw.pick(fitting),
    near: (draw) => mutilated(draw, draw.pick(fitting), letters),
  };
}

export function formatRule(chance: Chance, name = chance.pick(formatNames)): Rule {
  const [fitting, others] = formats[name] ?? [[''], ['']];
  return {
    schema: { format: name },
    fitting: (draw) => draw.pick(fitting),
    near: (draw) =>
      draw.is(0.5) ? draw.pick(others) : mutilated(draw, draw.pick([...fitting, ...others]), '0129-:.TZ+a@/ é'),
  };
}

/** With a letter more, less or another; or nothing but such letters. */
function mutilated(chance: Chance, text: string, letters: string): string {
  const all = [...letters];
  if (chance.is(0.3)) return chance.repeat(chance.whole(8), () => chance.pick(all)).join('');
  const at = chance.whole(text.length + 1);
  const until = chance.is(0.4) ? at : at + 1;
  return `${text.slice(0, at)}${chance.is(0.6) ? chance.pick(all) : ''}${text.slice(until)}`.toWellFormed();
}
