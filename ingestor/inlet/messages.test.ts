import { describe, expect, test } from 'vitest';
import { type Envelope, isRefused, type Message, parseLines, parseMessage, parseMessages } from './messages.ts';

const rules = { envelope: 'Auto', maxRecordBytes: 1_000 } as const;
const xdm =
  '{"header":{"schemaRef":{"id":"x"}},"body":{"xdmMeta":{},"xdmEntity":{"_id": "a", "n":12345678901234567890}}}';

function outcome(message: Message): string | number {
  return isRefused(message) ? message.statusCode : message.text;
}

test.each<[Envelope, string, string | number]>([
  ['Auto', '{"a":1}', '{"a":1}'],
  ['Auto', xdm, '{"_id": "a", "n":12345678901234567890}'],
  ['Auto', '{"header":1,"body":{"xdmEntity":{}}}', '{"header":1,"body":{"xdmEntity":{}}}'],
  ['Raw', xdm, xdm],
  ['XDM', xdm, '{"_id": "a", "n":12345678901234567890}'],
  ['XDM', '{"a":1}', 400],
  ['Auto', '{"header":{},"body":{"xdmEntity":[1]}}', 400],
  ['Auto', '{"header":{"operations":{"data":"delete"}},"body":{"xdmEntity":{}}}', 400],
  ['Auto', '{"header":{"operations":{"data":"create"}},"body":{"xdmEntity":{"a":1}}}', '{"a":1}'],
  ['Auto', '[1]', 400],
  ['Auto', '"text"', 400],
  ['Auto', 'null', 400],
  ['Auto', '{"a":', 400],
  ['Auto', '', 400],
])('with envelope %s, %s becomes %s', (envelope, body, expected) => {
  expect(outcome(parseMessage(body, { ...rules, envelope }))).toBe(expected);
});

test('a record on several lines becomes one line with the same values', () => {
  const message = parseMessage('{\r\n  "a": "x\\ny",\n  "b": 2\n}\n', rules);
  expect(outcome(message)).not.toMatch(/[\r\n]/);
  expect(JSON.parse(String(outcome(message)))).toEqual({ a: 'x\ny', b: 2 });
});

test('a record is measured in bytes, without its envelope', () => {
  const record = `{"a":"${'é'.repeat(10)}"}`;
  const envelope = `{"header":{"long":"${'x'.repeat(100)}"},"body":{"xdmEntity":${record}}}`;
  expect(outcome(parseMessage(envelope, { ...rules, maxRecordBytes: 28 }))).toBe(record);
  expect(outcome(parseMessage(envelope, { ...rules, maxRecordBytes: 27 }))).toBe(413);
});

describe('messages of a batch', () => {
  test('stand in their order, good ones beside bad ones', () => {
    const messages = parseMessages(`{"x":[9], "messages": [ {"a":1} , 5, ${xdm}, {"b":"]"} ]}`, rules);
    expect(Array.isArray(messages) && messages.map(outcome)).toEqual([
      '{"a":1}',
      400,
      '{"_id": "a", "n":12345678901234567890}',
      '{"b":"]"}',
    ]);
  });

  test.each(['[]', '{}', '{"messages":{}}', '{"messages":[}', ''])('%j is no batch', (body) => {
    expect(parseMessages(body, rules)).toMatchObject({ statusCode: 400 });
  });

  test('a batch of nothing is a batch', () => {
    expect(parseMessages('{"messages":[]}', rules)).toEqual([]);
  });

  test('lines are messages, each judged by itself', () => {
    const messages = parseLines('{"a":1}\r\n\n{"b":\n [2]\n{"c":3}', rules);
    expect(messages.map(outcome)).toEqual(['{"a":1}', 400, 400, '{"c":3}']);
  });
});
