import fc from 'fast-check';
import { expect, test } from 'vitest';
import { elementSpans, memberSpan, type Span } from './spans.ts';

function cut(text: string, span: Span | undefined): string | undefined {
  return span && text.slice(span.start, span.end);
}

test.each([
  ['{"a":1}', 'a', '1'],
  ['{ "x" : [1,{"a":2}] , "a" : {"b": "}"} }', 'a', '{"b": "}"}'],
  ['{"a":"\\"}\\\\","b":2}', 'a', '"\\"}\\\\"'],
  ['{"a":1,"a":2}', 'a', '2'],
  ['{"\\u0061":3}', 'a', '3'],
  ['{"id":9223372036854775807}', 'id', '9223372036854775807'],
  ['{}', 'a', undefined],
  ['{"b":{"a":1}}', 'a', undefined],
])('of %s the member %s is %s', (text, name, expected) => {
  expect(cut(text, memberSpan(text, name))).toBe(expected);
});

test('elements of an array are cut as they stand', () => {
  const text = ' [ {"a": [1, 2]} , "x,]" ,3, null , [] ] ';
  expect(elementSpans(text).map((span) => cut(text, span))).toEqual(['{"a": [1, 2]}', '"x,]"', '3', 'null', '[]']);
  expect(elementSpans('[ ]')).toEqual([]);
});

test('of any JSON, elements and members are what JSON.parse finds', () => {
  const space = fc.constantFrom(0, 1, '\t', '\n  ');
  fc.assert(
    fc.property(fc.array(fc.jsonValue()), fc.dictionary(fc.string(), fc.jsonValue()), space, (list, record, indent) => {
      const listText = JSON.stringify(list, undefined, indent);
      const elements = elementSpans(listText).map((span) => JSON.parse(cut(listText, span) ?? ''));
      expect(elements).toEqual(JSON.parse(listText));
      const recordText = JSON.stringify(record, undefined, indent);
      for (const [name, value] of Object.entries(record)) {
        expect(JSON.parse(cut(recordText, memberSpan(recordText, name)) ?? '')).toEqual(
          JSON.parse(JSON.stringify(value)),
        );
      }
    }),
  );
});

test('depth is no matter', () => {
  const text = `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
  expect(cut(text, memberSpan(text, 'a'))).toHaveLength(200_000);
});
