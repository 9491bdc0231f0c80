import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compilePattern, type Pattern } from '../pattern.ts';
import { type Automaton, acceptsBytes, compileAutomaton, intersect } from './automaton.ts';

function accepts(automaton: Automaton, text: string): boolean {
  return acceptsBytes(automaton, Buffer.from(text));
}

function compiled(source: string): Automaton {
  const automaton = compileAutomaton(source);
  if (!automaton) throw new Error(`${source} is too large`);
  return automaton;
}

/**
 * The judge, and V8 where that is right: it fails at the empty text for `^[^]*?a^||`, where a `^` stands behind. It
 * searches on from where `^` stands, character by character: its own search stops between the halves of a surrogate
 * pair too (`/\B/u`) and passes over places at the end (`/[^a]$/u`), against ECMA-262.
 */
function referencesOf(source: string): Pattern[] {
  const judge = compilePattern(source);
  return /[^[]\^/.test(source) ? [judge] : [judge, new RegExp(`^[^]*?(?:${source})`, 'u')];
}

const odd = [
  '',
  'a',
  'ab',
  'b\n',
  '\n',
  '\u2028',
  '\ufeff',
  '\u00a0',
  'é',
  '日本',
  '😀',
  'x😀y',
  '\0',
  '\u{10ffff}',
  '\ud7ff\ue000',
];

test.each<[string, string[]]>([
  [
    '^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$',
    ['a@b.c', 'a@b', 'a@@b.c', 'é@日.本', 'a b@c.d', 'a@b.c\n', 'a@b.c.', 'a@.b', '@b.c'],
  ],
  ['^ORD-[0-9a-f]+$', ['ORD-0f', 'ORD-', 'ord-0', 'ORD-0F', 'xORD-0', 'ORD-0 ']],
  ['^[A-Z]{2}$', ['AB', 'A', 'ABC', 'Ab', 'ÄB']],
  ['^\\d{4}-\\d{2}-\\d{2}$', ['2026-01-01', '2026-1-1', '12026-01-01', '２０２６-01-01']],
  [
    '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$',
    ['123e4567-e89b-12d3-a456-426614174000', '123e4567-e89b-12d3-a456-42661417400', '123e4567e89b12d3a456426614174000'],
  ],
  ['^https?://[^\\s/$.?#].[^\\s]*$', ['http://a.b', 'https://é.example/x?y#z', 'ftp://a', 'http:///', 'http://a b']],
  ['^\\p{Lu}\\p{Ll}*$', ['Éa', 'ÉA', 'Ω', 'ωΩ', '\u{10400}\u{10428}', '\u{10428}']],
  ['^\\P{L}+$', ['123', '1a', '１', '日']],
  ['^\\p{Script=Greek}|x$', ['αβ', 'βx', 'b', 'ax']],
  ['^(a|b)*a(a|b){6}$', ['aaaaaaa', 'baaaaaaa', 'babbbbbb', 'bbbbbbbb', 'abbbbb']],
  ['^(a+)+$', ['aaaa', 'aaab']],
  ['\\bfoo\\b', ['foo', 'a foo', 'afoo', 'foo-', 'éfoo', 'foo_', 'fofoo foo']],
  ['\\Bo\\B|^\\B$', ['foo', 'ooo', 'o', 'éo', 'oé', 'aoa', 'aoé']],
  ['a\\B', ['aé', 'éa', 'ab']],
  ['é\\Bé', ['éé', 'éaé']],
  ['\\B', ['é', 'aéb', 'a', '-', 'aéé', 'aé']],
  ['(?:$|a)*^b?', ['b', 'ab', 'x']],
  ['(?:a$)?(?:^a)?$^', ['a', 'aa']],
  ['a{0}b{2,3}(c|$)', ['bb', 'b', 'abbc', 'bbbb', 'xbbbcx']],
  ['(|a)+$', ['aab']],
  ['[]|[^]', ['x']],
  ['[^\\ud800-\\udfff]', ['x']],
  ['\\ud83d\\ude00|\\u{1F601}', ['\u{1f601}', '\u{1f602}']],
  ['^.$', ['\r', '\u2029', '\u{1f600}\u{1f600}']],
  ['^[\\u0000-\\u{10ffff}]{2}$', ['\0\u{10ffff}', '\u07ff\u0800', '\uffff\u{10000}', '\u{1f600}']],
  [
    '^[\\u007f-\\u0080\\u07ff-\\u0800\\ud7ff-\\ue000\\uffff-\\u{10000}]$',
    ['\x7f', '\x80', '\x81', '\u07ff', '\u0800', '\u0801'],
  ],
])('%s accepts what V8 accepts', (source, near) => {
  const automaton = compiled(source);
  for (const reference of referencesOf(source)) {
    for (const text of [...odd, ...near])
      expect([text, accepts(automaton, text)]).toEqual([text, reference.test(text)]);
  }
});

const units = ['a', 'b', 'c', 'A', '1', '_', ' ', '\n', 'é', '\u2028', '\ud7ff', '\uffff', '😀', '-'];

const { pattern } = fc.letrec<{ pattern: string }>((tie) => {
  const atom = fc.oneof(
    fc.constantFrom('a', 'b', '.', '\\d', '\\w', '\\s', '\\S', '\\W', '[a-c]', '[^a]', '[^\\d\\s]', 'é', '\\u{1F600}'),
    fc.constantFrom('\\p{Nd}', '[^é😀]', '[\\u0080-\\u{10fffe}]', '[^]', '[]', '^', '$', '\\b', '\\B'),
  );
  const quantifier = fc.constantFrom('', '', '*', '+', '?', '{2}', '{1,3}', '{2,}', '*?', '{0}');
  const piece = fc.tuple(atom, quantifier).map(([a, q]) => (/^[$^]$|^\\[bB]$/.test(a) ? a : a + q));
  const sequence = fc.array(piece, { maxLength: 4 }).map((pieces) => pieces.join(''));
  return {
    pattern: fc.oneof(
      { depthSize: 'small' },
      sequence,
      sequence.map((inner) => `^${inner}$`),
      fc.tuple(tie('pattern'), quantifier).map(([inner, q]) => `(${inner})${q}`),
      fc.tuple(tie('pattern'), tie('pattern')).map((parts) => parts.join('|')),
      fc.tuple(sequence, tie('pattern')).map((parts) => parts.join('')),
    ),
  };
});
const text = fc.string({ unit: fc.constantFrom(...units), maxLength: 8 });
const texts = fc.array(text, { minLength: 30, maxLength: 30 });

test('any pattern accepts of any text what V8 accepts', () => {
  const property = fc.property(pattern, texts, (source, candidates) => {
    const automaton = compileAutomaton(source);
    fc.pre(automaton !== undefined);
    for (const reference of referencesOf(source)) {
      for (const candidate of candidates) {
        if (automaton && accepts(automaton, candidate) !== reference.test(candidate)) expect(candidate).toBe(source);
      }
    }
  });
  fc.assert(property, { numRuns: 300 });
});

test('two at once accept what both accept', () => {
  const property = fc.property(pattern, pattern, texts, (first, second, candidates) => {
    const [a, b] = [compileAutomaton(first), compileAutomaton(second)];
    fc.pre(a !== undefined && b !== undefined);
    if (!a || !b) return;
    const both = intersect(a, b);
    fc.pre(both !== undefined);
    if (!both) return;
    for (const candidate of candidates) {
      expect(accepts(both, candidate)).toBe(accepts(a, candidate) && accepts(b, candidate));
    }
  });
  fc.assert(property, { numRuns: 100 });
});

test.each([
  ['^[A-Z]{2}$', 4, 2],
  ['^ORD-[0-9a-f]+$', 7, 6],
  ['^(?:a|b|c|[abc]{1})(?:x|y)$', 4, 3],
  ['', 2, 1],
  ['[]', 1, 1],
  ['a*b*', 2, 1],
])('%s has as few states and classes as can be', (source, states, classes) => {
  const { accepting, classCount, transitions } = compiled(source);
  expect([accepting.length, classCount, transitions.length]).toEqual([states, classes, states * classes]);
});

test('the dead state is 0, does not accept and leads nowhere', () => {
  for (const source of ['^[A-Z]{2}$', '', '[]', 'x']) {
    const { accepting, classCount, transitions } = compiled(source);
    expect(accepting[0]).toBe(0);
    expect([...transitions.subarray(0, classCount)].every((to) => to === 0)).toBe(true);
  }
});

test.each([
  '(a|b)*a(a|b){20}',
  '^(x{0,200}){0,200}$',
  '^.{1,4000}$',
  '(?:){1000000000}',
  '(?:(?:(?:a{1000}){1000}){1000}){1000}',
  '\\p{L}.{0,20}x',
])('%s would be too large', (source) => {
  expect(compileAutomaton(source)).toBeUndefined();
});

test('a pattern that is none throws what it does to the judge', () => {
  expect(() => compileAutomaton('(?=a)')).toThrow('lookahead and lookbehind take no linear time');
  expect(() => compileAutomaton('[')).toThrow('Invalid regular expression');
  expect(() => compileAutomaton('('.repeat(1000) + ')'.repeat(1000))).toThrow('groups nest deeper than 200 levels');
});
