import { expect, test } from 'vitest';
import { behaviorSchema } from './behavior-schema.ts';

test('the schema of records is kept to the letter', () => {
  const text = ' { "type":"object" , "properties": {} } ';
  expect(behaviorSchema(text, 'Record')).toBe(text);
});

test('a schema that requires both fields itself is kept to the letter', () => {
  const text = '{ "required": ["timestamp", "_id"], "properties": {"_id": {}, "timestamp": {}} }';
  expect(behaviorSchema(text, 'TimeSeries')).toBe(text);
});

test('bounds of 64-bit integers keep their digits', () => {
  const text = '{"properties":{"_id":{},"timestamp":{},"n":{"maximum":9223372036854775807}}}';
  expect(behaviorSchema(text, 'TimeSeries')).toContain('"maximum":9223372036854775807');
});

test('what is required already stays required', () => {
  const text = '{"required":["n"],"properties":{"_id":{},"timestamp":{},"n":{}}}';
  expect(JSON.parse(behaviorSchema(text, 'TimeSeries'))).toMatchObject({ required: ['n', '_id', 'timestamp'] });
});
