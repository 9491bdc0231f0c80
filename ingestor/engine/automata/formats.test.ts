import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compileSchema } from '../schema.ts';
import { type Automaton, acceptsBytes } from './automaton.ts';
import { automatonOfFormat } from './formats.ts';

function compiled(format: string): Automaton {
  const automaton = automatonOfFormat(format);
  if (!automaton) throw new Error(`${format} has none`);
  return automaton;
}

/** What the judge says. */
function judgeOf(format: string): (text: string) => boolean {
  const { check } = compileSchema(JSON.stringify({ properties: { a: { type: 'string', format } } }), 'Record');
  return (text) => check({ a: text }).length === 0;
}

const digit = fc.constantFrom(...'0123456789');
const digits = (maxLength: number) => fc.string({ unit: digit, maxLength });
const letters = (unit: string, maxLength: number) => fc.string({ unit: fc.constantFrom(...unit), maxLength });
const joined = (...parts: fc.Arbitrary<string>[]) => fc.tuple(...parts).map((all) => all.join(''));
const one = (...texts: string[]) => fc.constantFrom(...texts);
const date = joined(one('2024', '2026', '1900', '2000', '0000'), one('-', '/'), digits(2), one('-'), digits(2));
const day = fc.date({ min: new Date('0000-01-01'), max: new Date('9999-12-31'), noInvalidDate: true });
const realDate = day.map((value) => value.toISOString().slice(0, 10));
const time = joined(
  one('00', '09', '19', '23', '24', '2'),
  one(':'),
  one('00', '59', '60', '7'),
  one(':', '-'),
  one('00', '58', '59', '60', '61'),
  one('', '', '.', '.5', '.123456789'),
  one('Z', 'z', '', '+00:00', '-23:59', '+24:00', '-01:0', '+0100'),
);
const octets = fc.array(one('0', '9', '99', '100', '199', '249', '255', '256', '00', '1a'), {
  minLength: 3,
  maxLength: 5,
});
const ipv4 = octets.map((all) => all.join('.'));
const groups = fc
  .array(fc.oneof(letters('0aFg', 5), one('', '1', 'abcd')), { maxLength: 9 })
  .map((all) => all.join(':'));
const ipv6 = fc.oneof(
  groups,
  joined(groups, one('', ':', '::'), groups),
  joined(groups, one(':', '::', ''), ipv4),
  joined(one('1:2:3:4:5:6', '::', '1::2', '::1:2:3:4:5', '1:2:3:4:5'), one(':', '::', ''), ipv4, one('', '::')),
);
const host = fc.oneof(
  letters('aZ0-.', 12),
  joined(letters('a-', 70), one('.', ''), letters('b.', 5)),
  one('a.example'),
);
const authority = joined(
  one('', 'u:p@', 'u%41@', '@', 'u@v@'),
  fc.oneof(
    host,
    ipv4,
    ipv6.map((ip) => `[${ip}]`),
    one('[v1.a:b]', '[v.a]', '[::1'),
  ),
  one('', ':', ':80', ':8a'),
);
const path = letters('aA0/:@%4 é', 8);
const reference = joined(
  one('', 'http:', 'urn:', '1a:', 'a+.-:', ':', 'é:'),
  one('', '/', '//', '///'),
  fc.oneof(authority, path),
  path,
  one('', '?', '?a/?:@', '?%4', '?é', '?[]'),
  one('', '#', '#a?/', '##', '#%zz'),
);
const email = joined(
  fc.oneof(letters('aZ0.!#~-é', 6), one('"', '"a b"', '"a@b"', '"\\""', '"\\"', '"é"')),
  one('@', '', '@@'),
  fc.oneof(
    host,
    ipv4.map((ip) => `[${ip}]`),
    ipv6.map((ip) => `[IPv6:${ip}]`),
  ),
);
const unit = (name: string) => one('', '', name, `1${name}`, `20${name}`);
const duration = joined(
  one('P', 'P', '', 'p'),
  ...['Y', 'M', 'D', 'W'].map(unit),
  one('', 'T'),
  ...['H', 'M', 'S'].map(unit),
);
const template = fc.oneof(
  letters("a%4'<é\u0080\ufdd0😀{}", 6),
  joined(
    one('{'),
    one('', '+', '#', '!', '-'),
    letters('av_.%1', 5),
    one('', ':1', ':0', ':9999', ':10000', '*'),
    one('', ',b'),
    one('}', ''),
  ),
);

const near: Readonly<Record<string, fc.Arbitrary<string>>> = {
  byte: letters('aZ0+/=-', 9),
  date: fc.oneof(date, realDate),
  'date-time': joined(fc.oneof(date, realDate), one('T', 't', ' '), time),
  duration,
  email,
  hostname: fc.oneof(host, joined(host, one('.', '-', ''), host)),
  ipv4,
  ipv6,
  'json-pointer': letters('/~01aé', 6),
  'relative-json-pointer': joined(digits(2), one('', '#', '/'), letters('/~01aé#', 5)),
  time,
  uri: reference,
  'uri-reference': reference,
  'uri-template': template,
  uuid: fc.oneof(
    fc.uuid(),
    fc.uuid().map((text) => text.replace('a', 'A').replace('-4', '4')),
  ),
};

/** Of these the automaton leaves rare ones to the judge. */
const partly: Readonly<Record<string, RegExp>> = {
  time: /:60/,
  'date-time': /:60/,
  hostname: /.{64}|(?:^|\.)..--/,
};

test.each(Object.keys(near))('%s: the automaton says what the judge says', (format) => {
  const automaton = compiled(format);
  const judge = judgeOf(format);
  const mutated = fc
    .tuple(near[format] ?? fc.string(), fc.nat(), fc.string({ unit: 'binary', maxLength: 1 }))
    .map(([text, at, more]) => {
      const place = at % (text.length + 1);
      return (text.slice(0, place) + more + text.slice(place)).toWellFormed();
    });
  let accepted = 0;
  const property = fc.property(fc.oneof({ arbitrary: near[format] ?? mutated, weight: 3 }, mutated), (text) => {
    const says = acceptsBytes(automaton, Buffer.from(text));
    if (says) accepted += 1;
    if (says || !partly[format]?.test(text)) expect([text, says]).toEqual([text, judge(text)]);
  });
  fc.assert(property, { numRuns: 1_000 });
  expect(accepted).toBeGreaterThan(0);
});

test('formats that no automaton knows have none', () => {
  for (const name of ['regex', 'int32', 'toString', 'nonsense']) expect(automatonOfFormat(name)).toBeUndefined();
});
