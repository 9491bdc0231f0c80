import { describe, expect, test } from 'vitest';
import { paceOf } from './ensure.ts';
import { exampleJob } from './examples.ts';

const suspended = { 'ingest.forebay.dev/suspended': 'true' };

describe('a Job', () => {
  test('is suspended with a mark, and resumed with it', () => {
    expect(paceOf(exampleJob(), { suspend: true })).toEqual({
      metadata: { annotations: suspended },
      spec: { suspend: true },
    });
    expect(paceOf(exampleJob({ suspend: true, annotations: suspended }), { suspend: false })).toEqual({
      metadata: { annotations: { 'ingest.forebay.dev/suspended': null } },
      spec: { suspend: false },
    });
  });

  test('that a queue holds back is left to it', () => {
    expect(paceOf(exampleJob({ suspend: true }), { suspend: false })).toBeUndefined();
  });

  test('of shards follows the parallelism, up to one pod for each shard', () => {
    expect(paceOf(exampleJob({ shards: 4 }), { suspend: false, parallelism: 2 })).toEqual({ spec: { parallelism: 2 } });
    expect(paceOf(exampleJob({ shards: 4 }), { suspend: false, parallelism: 8 })).toBeUndefined();
  });
});
