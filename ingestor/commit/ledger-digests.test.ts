import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type ClaimGroup,
  countDigests,
  fileDigest,
  KnownFiles,
  packGroups,
  toDigests,
  unpackGroups,
} from './ledger-digests.ts';

function digestsOf(...names: string[]): Uint32Array {
  return toDigests(names.map((key) => fileDigest('s3://b', { key, size: 1, etag: '"x"' })));
}

function group(entry: number, ...names: string[]): ClaimGroup {
  return { batch: String(entry).padStart(32, 'a'), run: entry, entry, digests: digestsOf(...names) };
}

const names = fc.uniqueArray(fc.string({ maxLength: 4 }), { maxLength: 40 });

test('what is packed is unpacked', () => {
  fc.assert(
    fc.property(fc.array(names, { maxLength: 6 }), (lists) => {
      const groups = lists.map((list, n) => group(n + 1, ...list));
      // At an address that numbers cannot be read from.
      const bytes = Buffer.concat([Buffer.from('x'), packGroups(groups)]).subarray(1);
      expect(unpackGroups(bytes, 'x')).toEqual(groups);
    }),
  );
});

test('files are known that were given, each once, and no others', () => {
  fc.assert(
    fc.property(fc.array(names, { maxLength: 5 }), names, (lists, asked) => {
      const known = new KnownFiles(lists.map((list, n) => group(n + 1, ...list)));
      const all = new Set(lists.flat());
      for (const name of asked) {
        const digest = fileDigest('s3://b', { key: name, size: 1, etag: '"x"' });
        expect(known.look(digest)).toBe(all.has(name) ? 'known' : 'unknown');
        expect(known.look(digest)).toBe(all.has(name) ? 'known again' : 'unknown');
      }
    }),
  );
});

test.for([
  [{ key: 'in/a', size: 1, etag: '"x"' }, 's3://b', true],
  [{ key: 'a', size: 1, etag: '"x"' }, 's3://b/in', true],
  [{ key: 'in/a', size: 2, etag: '"x"' }, 's3://b', false],
  [{ key: 'in/a', size: 1, etag: '"y"' }, 's3://b', false],
  [{ key: 'in/b', size: 1, etag: '"x"' }, 's3://b', false],
  [{ key: 'in/a', size: 1, etag: '"x"' }, 's3://c', false],
] as const)('%j of %s is the same file: %s', ([file, source, isSame]) => {
  const known = new KnownFiles([group(1), { digests: fileDigest('s3://b', { key: 'in/a', size: 1, etag: '"x"' }) }]);
  expect(known.look(fileDigest(source, file))).toBe(isSame ? 'known' : 'unknown');
});

test('a file that is named twice is one', () => {
  expect(countDigests(group(1, 'a', 'b', 'a'))).toBe(2);
});

const packed = packGroups([group(1, 'a', 'b', 'c'), group(2, 'd')]);
const numbers = (change: (words: Uint32Array) => void) => {
  const words = new Uint32Array(packed.slice().buffer);
  change(words);
  return new Uint8Array(words.buffer);
};

test.for<[string, Uint8Array]>([
  ['nothing', new Uint8Array()],
  ['text', Buffer.from('not a ledger at all')],
  ['a part', packed.subarray(0, -16)],
  ['a part of a number', packed.subarray(0, -1)],
  ['more', Buffer.concat([packed, Buffer.alloc(16)])],
  ['digests out of order', numbers((words) => words.copyWithin(17, 21, 25))],
  [
    'groups that do not add up',
    numbers((words) => {
      words[9] = 4;
    }),
  ],
  [
    'another kind',
    numbers((words) => {
      words[0] = 1;
    }),
  ],
])('%s is damaged', ([, bytes]) => {
  expect(() => unpackGroups(bytes, 'file:///x')).toThrow(expect.objectContaining({ code: 'DamagedDocument' }));
  expect(() => unpackGroups(bytes, 'file:///x')).toThrow('file:///x');
});
