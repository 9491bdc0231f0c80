import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { embed } from './embed.ts';
import { judgeGroup } from './judge.ts';
import { page } from './page.ts';
import { type FileResult, judgeFile } from './results.ts';
import { type Group, readSuite } from './suite.ts';

const suite = fileURLToPath(new URL('suite', import.meta.url));

async function results(): Promise<FileResult[]> {
  const found: FileResult[] = [];
  for (const file of await readSuite(suite)) found.push(await judgeFile(file));
  return found;
}

test('a suite in the official format is judged as it says, or refused by keyword', async () => {
  const found = await results();
  expect(found.flatMap(({ wrong }) => wrong)).toEqual([]);
  expect(found.map(({ draft, name, counts }) => [draft, name, counts])).toEqual([
    ['draft-07', 'optional/format/email', { right: 3, refused: 0, chosen: 0, wrong: 0 }],
    ['draft-07', 'ref', { right: 4, refused: 1, chosen: 0, wrong: 0 }],
    ['2020-12', 'dynamicRef', { right: 2, refused: 0, chosen: 0, wrong: 0 }],
    ['2020-12', 'type', { right: 5, refused: 0, chosen: 1, wrong: 0 }],
    ['2020-12', 'unevaluatedItems', { right: 12, refused: 1, chosen: 0, wrong: 0 }],
  ]);
  expect(found.find(({ name }) => name === 'optional/format/email')?.walked).toBe(2);
});

test('what is judged otherwise than a suite says is wrong, and told', async () => {
  const lie: Group = {
    description: 'a lie',
    schema: { type: 'string' },
    tests: [
      { description: 'text', data: 'x', valid: false },
      { description: 'no text', data: 5, valid: true },
    ],
  };
  const { counts, wrong } = await judgeFile({ draft: '2020-12', name: 'lies', groups: [lie] });
  expect(counts.wrong).toBe(2);
  expect(wrong).toEqual([
    'a lie: text: "x" is invalid, but: accepted',
    'a lie: no text: 5 is valid, but: WrongType /value must be string',
  ]);
});

test('a refusal that names no keyword of the schema is wrong', async () => {
  const group: Group = {
    description: '',
    schema: { type: 'nothing' },
    tests: [{ description: '', data: 1, valid: true }],
  };
  expect((await judgeGroup(group, '2020-12'))[0]?.verdict).toBe('refused');
  const deep: Group = { ...group, schema: JSON.parse(`${'{"items":'.repeat(500)}{}${'}'.repeat(500)}`) };
  expect((await judgeGroup(deep, '2020-12'))[0]).toMatchObject({
    verdict: 'refused',
    reason: expect.stringContaining('nests deeper'),
  });
});

test('references are turned to where the schema stands, what only looks like one stays', () => {
  const schema = {
    $ref: '#/$defs/a',
    $defs: { a: { const: 5 } },
    examples: [{ b: '#' }],
    properties: { $ref: { $ref: '#' } },
  };
  expect(embed(schema, '2020-12').properties).toMatchObject({
    value: {
      $ref: '#/properties/value/$defs/a',
      examples: [{ b: '#' }],
      properties: { $ref: { $ref: '#/properties/value' } },
    },
  });
});

test('the page keeps its words around the table', () => {
  const result: FileResult = {
    draft: 'draft-07',
    name: 'items',
    counts: { right: 3, refused: 1, chosen: 0, wrong: 0 },
    walked: 2,
    refusals: [],
    wrong: [],
  };
  const text = page('before\n<!-- make conformance writes from here -->\nold\n<!-- to here -->\nafter\n', [result]);
  expect(text).toMatch(/^before\n.*\| items \| 3 \| 1 \| - \| - \| {2}\|.*<!-- to here -->\nafter\n$/s);
  expect(text).not.toContain('old');
  expect(() => page('no place', [result])).toThrow('the page has no place for the table');
});

test('the program tells what it does, and answers as JSON', async () => {
  const main = fileURLToPath(new URL('main.ts', import.meta.url));
  const run = promisify(execFile);
  expect((await run(process.execPath, [main, '--help'])).stdout).toContain('Usage: make conformance SUITE=DIR');
  const { stdout, stderr } = await run(process.execPath, [main, suite, '--only', 'type', '-o', 'json']);
  expect(JSON.parse(stdout).files).toMatchObject([{ draft: '2020-12', name: 'type', counts: { right: 5 } }]);
  expect(stderr).toContain('1/1 2020-12 type: 5 right');
});
