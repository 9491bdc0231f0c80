import { expect, test } from 'vitest';
import { parseListPage } from './s3-page.ts';

const time = '<LastModified>2026-01-02T03:04:05.678Z</LastModified>';

function page(inside: string, more = '<IsTruncated>false</IsTruncated>'): string {
  const root = 'ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"';
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${root}>${more}${inside}</ListBucketResult>`;
}

function object(key: string): string {
  return `<Contents><Key>${key}</Key>${time}<ETag>&quot;e&#x22;</ETag><Size>7</Size></Contents>`;
}

test('objects are read with what else a server says of them', () => {
  const owner = '<Owner><ID>1</ID><DisplayName/></Owner><ChecksumAlgorithm>CRC32</ChecksumAlgorithm>';
  const xml = page(
    `<Name>b</Name><Prefix/>\n <Contents><Key>a/b</Key>${time}<ETag>"x"</ETag><Size>12</Size>${owner}</Contents>`,
  );
  expect(parseListPage(xml)).toEqual({
    objects: [{ key: 'a/b', size: 12, etag: '"x"', lastModified: Date.UTC(2026, 0, 2, 3, 4, 5, 678) }],
    isTruncated: false,
  });
});

test('a page may hold nothing', () => {
  expect(parseListPage(page(''))).toEqual({ objects: [], isTruncated: false });
});

test('the token for the next page is told, with its entities', () => {
  const more = '<IsTruncated>true</IsTruncated><NextContinuationToken>a&amp;b=</NextContinuationToken>';
  expect(parseListPage(page('', more))).toMatchObject({ isTruncated: true, token: 'a&b=' });
});

test.for([
  ['a&amp;b&lt;&gt;&apos;', "a&b<>'"],
  ['a%20b', 'a%20b'],
  ['&#233;&#x1F600;', 'é\u{1F600}'],
])('the key %s is %s', ([written = '', key]) => {
  expect(parseListPage(page(object(written))).objects[0]?.key).toBe(key);
});

test.for([
  ['a+b%2Bc', 'a b+c'],
  ['a%20b/%C3%A9', 'a b/é'],
  ['plain', 'plain'],
])('the key %s is %s where the page says that it is encoded, before or after', ([written = '', key]) => {
  const type = '<EncodingType>url</EncodingType>';
  for (const xml of [page(type + object(written)), page(object(written) + type)]) {
    expect(parseListPage(xml).objects[0]?.key).toBe(key);
  }
});

test.for([
  ['', 'nothing'],
  ['<html><body>gateway</body></html>', 'another document'],
  ['{"objects": []}', 'no XML'],
  [page(object('a')).slice(0, -10), 'a page that is cut at its end'],
  [page(object('a')).slice(0, 150), 'a page that is cut in an object'],
  [page('', ''), 'a page that does not say whether there is another'],
  [page('<Contents><Key>a</Key></Contents>'), 'an object without size and time'],
  [page(`<Contents><Key>a</Key>${time}<Size>-1</Size></Contents>`), 'a size below zero'],
  [page(object('a&nbsp;b')), 'an unknown entity'],
  [page(object('a&b')), 'an ampersand alone'],
  [page(`<EncodingType>url</EncodingType>${object('%zz')}`), 'a key that is not encoded'],
  [page('<Contents><Key>a</Contents></Key>'), 'elements that overlap'],
  [`${page('')}<more/>`, 'more than one root'],
])('%s is no page: %s', ([xml = '']) => {
  expect(() => parseListPage(xml)).toThrow(expect.objectContaining({ code: 'StoreUnavailable' }));
});
