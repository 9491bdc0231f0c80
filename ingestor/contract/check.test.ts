import { Ajv } from 'ajv';
import fc from 'fast-check';
import { Type } from 'typebox';
import { expect, test } from 'vitest';
import { Decision, Plan, Receipt } from '../commit/documents.ts';
import { TableMetadata } from '../table/parquet-table.ts';
import { findProblem } from './check.ts';
import { Result } from './result.ts';
import { Task } from './task.ts';

const Place = Type.Union([
  Type.Object({ s3: Type.Object({ bucket: Type.String({ minLength: 1 }) }) }),
  Type.Object({ local: Type.Object({ path: Type.String() }) }),
]);

test.for([
  [Type.Object({ a: Type.Integer() }), { a: 1.5 }, '/a', 'must be of type integer'],
  [Type.Object({ a: Type.Integer({ minimum: 1 }) }), { a: 0 }, '/a', 'must be at least 1'],
  [Type.Object({ a: Type.String() }), {}, '/a', 'is missing'],
  [Type.Object({ 'a/b': Type.String() }), {}, '/a~1b', 'is missing'],
  [Type.Array(Type.String({ pattern: '^x' })), ['x', 'y'], '/1', 'must match ^x'],
  [Type.Array(Type.String(), { minItems: 1 }), [], '', 'must have at least 1 items'],
  [Type.Enum(['A', 'B']), 'C', '', 'must be one of ["A","B"]'],
  [Type.Literal(1), 2, '', 'must be 1'],
  [Type.Record(Type.String(), Type.Integer()), { a: 1, b: 'x' }, '/b', 'must be of type integer'],
  [
    Type.Object({ place: Place }),
    { place: { s3: { bucket: '' } } },
    '/place/s3/bucket',
    'must have at least 1 characters',
  ],
  [Type.Object({ place: Place }), { place: { local: { path: 3 } } }, '/place/local/path', 'must be of type string'],
] as const)('%j does not take %j: %s %s', ([schema, value, path, message]) => {
  expect(findProblem(schema, value)).toEqual({ path, message });
});

/** Every value of a valid document in turn replaced by something else. */
const replacements: unknown[] = [undefined, null, true, 0, -1, 1.5, '', 'x', [], {}];

function* changes(value: unknown): Generator<unknown> {
  yield* replacements;
  if (typeof value !== 'object' || value === null) return;
  for (const [name, member] of Object.entries(value)) {
    for (const changed of changes(member)) {
      yield Array.isArray(value) ? value.with(Number(name), changed) : { ...value, [name]: changed };
    }
  }
}

const records = { read: 3, ingested: 2, failed: 1, skipped: 0, warnings: 0 };
const common = { version: 1, attempt: 'a', table: 't' };
const settings = { format: 'Parquet', compression: 'Zstd', targetFileSizeBytes: 1 };
const read = { format: { type: 'JSONLines' }, compression: 'Auto', mapping: [], maxRecordBytes: 1 };
const dataset = {
  owner: { installation: 'i', namespace: 'n', name: 'd' },
  storage: { s3: { bucket: 'b', prefix: '' } },
};

const documents = {
  plan: [
    Plan,
    {
      ...common,
      batch: { kind: 'resource', id: 'n/b' },
      run: 1,
      requests: [{ run: 1, token: '', digest: 'd' }],
      files: { input: 1, skipped: 0 },
      bytes: 1,
      shards: [{ files: 1, bytes: 1, inputs: [{ key: 'k', name: 'k', size: 1, etag: 'e' }] }],
      reading: {
        schemaDigest: 's',
        settings,
        read,
        maxFailed: '5%',
        skipChangedFiles: true,
        setAsideUnreadableFiles: false,
      },
      time: 1,
    },
  ],
  receipt: [
    Receipt,
    {
      ...common,
      index: 0,
      records,
      files: { failed: 0, skipped: 0 },
      bytes: { input: 1, output: 1 },
      inputs: [{ name: 'k', records, bytes: 1 }],
      dataFiles: [{ key: 'k', rows: 2, bytes: 1 }],
      errors: [{ code: 'WrongType', message: 'm', path: '/a', count: 1, sample: { file: 'k', record: 1 } }],
    },
  ],
  decision: [
    Decision,
    {
      ...common,
      run: 1,
      outcome: 'Committed',
      reason: 'Active',
      message: 'm',
      records,
      files: { input: 1, skipped: 0, failed: 0, output: 1 },
      bytes: { input: 1, output: 1 },
      errors: [],
      dataFiles: [],
      rejectFiles: ['r'],
      time: 1,
    },
  ],
  metadata: [
    TableMetadata,
    {
      version: 1,
      uuid: 'u',
      sequence: 1,
      schemaDigest: 's',
      settings,
      properties: { a: 'b' },
      totals: { records: 0, files: 0, sizeBytes: 0, ingested: 0, failed: 0, batches: { succeeded: 0, failed: 0 } },
      lastCommitTime: 1,
      files: [{ key: 'k', rows: 1, bytes: 1, batch: 'b' }],
    },
  ],
  task: [
    Task,
    {
      version: 1,
      verb: 'plan',
      dataset,
      request: {
        batch: { kind: 'external', id: 'x' },
        requestToken: '',
        requestDigest: 'd',
        input: { files: { location: { local: { path: '/x' } }, selection: { glob: '*' } } },
        read,
        maxFailed: 0,
        shardBytes: 1,
      },
    },
  ],
  result: [Result, { version: 1, verb: 'check', matchingFiles: 1, more: false }],
} as const;

test.for(Object.entries(documents))('of a %s, whatever is changed is judged as ajv does', ([, [schema, valid]]) => {
  const accepts = new Ajv({ strict: false, validateSchema: false }).compile(schema);
  expect(findProblem(schema, valid)).toBeUndefined();
  for (const change of changes(valid)) {
    // What is undefined is not there in JSON.
    const changed: unknown = JSON.parse(JSON.stringify(change) ?? 'null');
    expect(findProblem(schema, changed) === undefined, JSON.stringify(changed)).toBe(accepts(changed));
  }
});

test('any value at all is judged as ajv does', () => {
  for (const [schema] of Object.values(documents)) {
    const accepts = new Ajv({ strict: false, validateSchema: false }).compile(schema);
    fc.assert(fc.property(fc.jsonValue(), (value) => (findProblem(schema, value) === undefined) === accepts(value)));
  }
});
