import { expect, test } from 'vitest';
import { readYaml } from './yaml.ts';

const values = (text: string) => readYaml(text).map(({ value }) => value);
const problems = (text: string) => readYaml(text).flatMap((document) => document.problems);

test('words and numbers are what kubectl takes them for', () => {
  const text =
    '{a: yes, b: Off, c: 0644, d: 2026-11-24, e: 12:30:45, f: 1_000, g: "no", h: 2026-11-24T00:00:00Z, i: ~}';
  expect(values(text)).toEqual([
    { a: true, b: false, c: 420, d: '2026-11-24', e: '12:30:45', f: 1000, g: 'no', h: '2026-11-24T00:00:00Z', i: null },
  ]);
});

test('anchors and merge keys work', () => {
  expect(values('a: &a {b: 1}\nc: {<<: *a, d: 2}\n')).toEqual([{ a: { b: 1 }, c: { b: 1, d: 2 } }]);
});

test('documents are numbered as they stand, empty ones too', () => {
  expect(readYaml('a: 1\n---\n# nothing\n---\nb: 2\n')).toEqual([
    { document: 1, value: { a: 1 }, problems: [] },
    { document: 2, value: null, problems: [] },
    { document: 3, value: { b: 2 }, problems: [] },
  ]);
});

test('a document that cannot be read leaves the others', () => {
  expect(values('a: [1\n---\nb: 2\n')).toEqual([undefined, { b: 2 }]);
});

test.each([
  ['a tab', 'a:\n\tb: 1\n', ['line 2: a tab stands where spaces should: indent with spaces']],
  [
    'a glob without quotes',
    'x: 1\nglob: *.csv\n',
    ['line 2: what begins with a star must be in quotes: write "*.csv"'],
  ],
  [
    'a glob in braces',
    'x: {glob: **/*.csv}\n',
    ['line 1: what begins with a star must be in quotes: write "**/*.csv"'],
  ],
  ['a colon in plain text', 'a: b: c\n', [expect.stringContaining('line 1: a colon with a space in plain text')]],
  ['a list without its end', 'a: [1\n', [expect.stringMatching(/^line 2: .* end with a \]/)]],
  ['a quote without its end', 'a: "x\n', ['line 2: Missing closing "quote']],
  ['a key that is there twice', 'a: 1\na: 2\n', ['line 2: Map keys must be unique']],
])('%s is told with its line', (_, text, expected) => {
  expect(problems(text)).toEqual(expected);
});
