/** Trials that once failed, as small as they could be made. */
import type { KeptTrial } from './kept.ts';

export const seeds: readonly KeptTrial[] = [
  {
    title: 'the table of a check that outgrows the memory of the kernel',
    trial: {
      schema: { properties: { webPages: { type: 'string', pattern: '^\\p{L}+$' } } },
      format: { type: 'JSONLines' },
    },
    records: [],
  },
  {
    title: 'a column whose name is the path of another one',
    trial: {
      schema: { properties: { a: { type: 'object', properties: { b: {} } }, 'a.b': {} } },
      format: { type: 'JSONLines' },
    },
    records: ['{"a":{"":""}}'],
  },
];
