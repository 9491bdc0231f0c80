import { expect, test } from 'vitest';
import { compileSchema } from './schema.ts';

function accepts(format: string, text: string): boolean {
  const schema = compileSchema(JSON.stringify({ properties: { a: { type: 'string', format } } }), 'Record');
  return schema.check({ a: text }).length === 0;
}

test.each([
  ['date', '2024-02-29', '2026-02-29'],
  ['date-time', '2026-01-01T00:00:00Z', '2026-01-01T00:00:00'],
  ['time', '10:00:00+01:00', '10:00:00'],
  ['duration', 'P1Y2M3DT4H5M6.5S'.replace('.5', ''), 'P1Y3D'],
  ['duration', 'P4W', 'P'],
  ['uri', 'https://user:pw@example.com:8080/a/b;c?d=e/f#g', '/relative'],
  ['uri', 'urn:isbn:0451450523', 'http://example.com:port/'],
  ['uri', 'http://[2001:db8::1]/', 'http://[2001:db8::1'],
  ['uri', 'mailto:a@example.com', 'http://example.com/a b'],
  ['uri-reference', '../a?b#c', 'a:b/c d'],
  ['uri-reference', '//example.com/x', '1a:b'],
  ['hostname', 'www.example-1.com', 'example.com.'],
  ['hostname', 'xn--bcher-kva.example', 'ab--cd.example'],
  ['hostname', 'a', '-a'],
  ['ipv4', '192.168.0.1', '192.168.0.01'],
  ['ipv4', '0.0.0.0', '256.0.0.1'],
  ['ipv6', '::', '1:2:3:4:5:6:7:8:9'],
  ['ipv6', '::ffff:192.0.2.1', '::1::'],
  ['ipv6', '1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7'],
  ['ipv6', 'fe80::', '12345::'],
  ['email', 'a.b+c@example.com', 'a@b@c'],
  ['uuid', '123e4567-e89b-12d3-a456-426614174000', 'urn:uuid:123e4567-e89b-12d3-a456-426614174000'],
  ['byte', 'AQID', 'AQI'],
  ['byte', '', 'AQID\n!!'],
  ['json-pointer', '/a~1b/~0', 'a'],
  ['regex', '^a+$', '['],
])('%s: %j is one, %j is none', (format, good, bad) => {
  expect(accepts(format, good)).toBe(true);
  expect(accepts(format, bad)).toBe(false);
});

test('formats of other types pass over text, and the other way round', () => {
  const schema = compileSchema(
    '{"properties":{"a":{"format":"date"},"b":{"type":"integer","format":"int32"}}}',
    'Record',
  );
  expect(schema.check({ a: 5, b: 5 })).toEqual([]);
  expect(schema.check({ b: 2 ** 31 })[0]?.code).toBe('FormatMismatch');
});
