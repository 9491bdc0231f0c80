import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareByFolder, compareKeys } from './keys.ts';
import { listInParts, type PageRequest, type ReadPage } from './s3-parts.ts';

type Compare = (a: string, b: string) => number;

const options = { atOnce: 8, pagesBetweenCuts: 2 };

/** Lists as a server that sorts so; `requests` says what it was asked. */
function server(
  keys: readonly string[],
  compare: Compare,
  pageSize: number,
  requests: PageRequest[] = [],
  isSeaweed = false,
): ReadPage {
  const sorted = [...new Set(keys)].sort(compare);
  return async (request) => {
    requests.push(request);
    const after = request.token ?? request.after;
    const rest = sorted
      .filter((key) => key.startsWith(request.below ?? ''))
      .filter((key) => after === undefined || compare(key, after) > 0)
      .filter((key) => !isSeaweed || request.after === undefined || !key.startsWith(`${request.after}/`));
    const page = rest.slice(0, request.most ?? pageSize);
    const last = page.at(-1);
    const isTruncated = page.length < rest.length;
    return {
      objects: page.map((key) => ({ key, size: 1, etag: '"x"', lastModified: 0 })),
      isTruncated,
      ...(isTruncated && last !== undefined ? { token: last } : {}),
    };
  };
}

async function listed(readPage: ReadPage): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of listInParts(readPage, options)) keys.push(key);
  return keys;
}

/** Names that meet in all ways: folders that names go on after, with characters on both sides of the slash. */
const anyKey = fc
  .array(
    fc.string({
      unit: fc.constantFrom('a', 'b', '-', '!', '0', '~', 'é', '\u{1F600}', '\uFF5E'),
      minLength: 1,
      maxLength: 4,
    }),
    {
      minLength: 1,
      maxLength: 4,
    },
  )
  .map((names) => names.join('/'));
/** As programs write them. */
const datedKey = fc
  .tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 28 }), fc.nat(30))
  .map(([month, day, n]) => `in/dt=2026-${month}-${day}/part-${String(n).padStart(5, '0')}.jsonl`);

for (const [order, compare] of [
  ['by bytes', compareKeys],
  ['by folder', compareByFolder],
] as const) {
  test(`parts hold what the whole listing holds, on a server that sorts ${order}`, async () => {
    const some = fc.oneof(fc.array(anyKey, { maxLength: 200 }), fc.array(datedKey, { maxLength: 200 }));
    await fc.assert(
      fc.asyncProperty(some, fc.integer({ min: 1, max: 12 }), async (keys, pageSize) => {
        const found = await listed(server(keys, compare, pageSize));
        expect([...new Set(found)].sort()).toEqual([...new Set(keys)].sort());
      }),
      { numRuns: 300 },
    );
  });

  test(`no object comes twice where names leave no doubt, on a server that sorts ${order}`, async () => {
    const keys = Array.from({ length: 500 }, (_, n) => `part-${String(n).padStart(5, '0')}`);
    const requests: PageRequest[] = [];
    const found = await listed(server(keys, compare, 10, requests));
    expect(found.sort()).toEqual(keys);
    expect(requests.filter(({ after }) => after !== undefined).length).toBeGreaterThan(5);
    expect(requests.length).toBeLessThan(200);
  });
}

test('a server that sorts in an order of its own is listed from one end to the other', async () => {
  const backwards: Compare = (a, b) => compareKeys(b, a);
  const keys = Array.from({ length: 100 }, (_, n) => `${n}`);
  expect([...new Set(await listed(server(keys, backwards, 5)))].sort()).toEqual([...keys].sort());
});

test('a server that always begins at the beginning is listed from one end to the other', async () => {
  const keys = Array.from({ length: 200 }, (_, n) => `${n + 1_000}`);
  const honest = server(keys, compareKeys, 10);
  const deaf: ReadPage = ({ after: _, ...request }) => honest(request);
  expect([...new Set(await listed(deaf))].sort()).toEqual(keys);
});

test('what lies below an object is listed, where a server leaves it out after that object', async () => {
  const keys = Array.from({ length: 100 }, (_, n) => [`in-${n}`, `in-${n}/a`, `in/${n}`]).flat();
  const found = await listed(server(keys, compareByFolder, 7, [], true));
  expect([...new Set(found)].sort()).toEqual(keys.sort());
});

test('a short listing asks for nothing but its pages', async () => {
  const requests: PageRequest[] = [];
  expect(await listed(server(['a', 'b', 'c'], compareKeys, 2, requests))).toEqual(['a', 'b', 'c']);
  expect(requests).toEqual([{}, { token: 'b' }]);
});

test('a page that cannot be read ends the listing', async () => {
  const honest = server(
    Array.from({ length: 100 }, (_, n) => `${n}`),
    compareKeys,
    5,
  );
  let calls = 0;
  const failing: ReadPage = async (request) => {
    calls += 1;
    if (calls > 8) throw new Error('broken');
    return await honest(request);
  };
  await expect(listed(failing)).rejects.toThrow('broken');
});
