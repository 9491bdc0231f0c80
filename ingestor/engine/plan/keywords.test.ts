import { Ajv } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, test } from 'vitest';
import { annotations, isAssertion } from './keywords.ts';

test('every keyword that ajv knows is one that is checked, left to it, or an annotation', () => {
  for (const ajv of [new Ajv(), new Ajv2020()]) {
    const unknown = Object.keys(ajv.RULES.keywords).filter(
      (keyword) => !isAssertion(keyword) && !annotations.has(keyword),
    );
    expect(unknown).toEqual([]);
  }
});

test('no keyword is both', () => {
  expect([...annotations].filter(isAssertion)).toEqual([]);
});
