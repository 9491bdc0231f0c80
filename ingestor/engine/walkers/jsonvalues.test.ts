import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ColumnSet } from '../../kernel/columnset.ts';
import { Kernel } from '../../kernel/kernel.ts';
import { readJson } from '../readers/json.ts';
import { inPieces, RecordingSink } from '../readers/recorded.ts';
import { anyText, mutated } from './cases.ts';
import { JsonFramer, JsonValuesWalker, type ValuePlace } from './jsonvalues.ts';
import { planOf } from './testing.ts';

const schema = {
  type: 'object',
  properties: { a: { type: 'integer' }, b: { type: 'string' }, c: {} },
  required: ['a'],
};

/** What was found in a file, one after the other: `taken`, or the text of a value that was left. */
interface Found {
  readonly values: string[];
  /** Where there stands what should not. */
  error?: number;
  unfinished: boolean;
}

/** Reads a file that comes in pieces, as a reader would that leaves to others what the walker does not take. */
class File {
  readonly found: Found = { values: [], unfinished: false };
  readonly columns: ColumnSet;
  readonly #kernel = new Kernel();
  readonly #walker: JsonValuesWalker;
  readonly #framer: JsonFramer;
  readonly #block: number;
  #place: ValuePlace = 'outside';
  /** Of the file that bytes in the block begin with, and how many there are. */
  #offset = 0;
  #held = 0;
  /** How far the value at the block's start was framed. */
  #framed: number | undefined;

  constructor() {
    const plan = planOf(schema);
    if (!plan) throw new Error('the schema is not decided by walkers');
    this.columns = new ColumnSet(this.#kernel, plan.shape);
    this.#walker = new JsonValuesWalker(this.#kernel, plan, 1_000_000);
    this.#framer = new JsonFramer(this.#kernel);
    this.#block = this.#kernel.run.allocate(1 << 20) >>> 0;
  }

  push(piece: Uint8Array): void {
    this.#kernel.bytes.set(piece, this.#block + this.#held);
    this.#held += piece.length;
    this.#kernel.bytes.fill('"', this.#block + this.#held, this.#block + this.#held + 64);
    let at = this.#block;
    const end = this.#block + this.#held;
    while (at < end && this.found.error === undefined) {
      if (this.#framed === undefined) {
        const { rows, next, place } = this.#walker.take(this.#place, at, end, 2);
        for (let row = 0; row < rows; row += 1) this.found.values.push('taken');
        [at, this.#place] = [next, place];
        if (at === end || rows > 0) continue;
        if (!this.#begins(this.#kernel.bytes[at] ?? 0)) {
          this.found.error = this.#offset + at - this.#block;
          return;
        }
        this.#framer.begin();
      }
      const { framed, at: to } = this.#framer.frame(at + (this.#framed ?? 0), end);
      if (framed === 'mismatched') this.found.error = this.#offset + to - this.#block;
      this.#framed = framed === 'unfinished' ? to - at : undefined;
      if (framed !== 'whole') break;
      this.found.values.push(this.#kernel.bytes.toString('latin1', at, to));
      if (this.#place !== 'outside') this.#place = 'after';
      at = to;
    }
    this.#kernel.bytes.copyWithin(this.#block, at, end);
    this.#offset += at - this.#block;
    this.#held -= at - this.#block;
  }

  end(): Found {
    const last = this.#kernel.bytes.toString('latin1', this.#block, this.#block + this.#held);
    const isWord = /^[A-Za-z0-9+.-]+$/.test(last);
    if (isWord && this.#place === 'outside') this.found.values.push(last);
    this.found.unfinished = this.#place !== 'outside' || (this.#framed !== undefined && !isWord);
    return this.found;
  }

  #begins(byte: number): boolean {
    return this.#place !== 'after' && /[[{"A-Za-z0-9+.-]/.test(String.fromCharCode(byte));
  }
}

async function said(text: Uint8Array): Promise<{ raw: string[]; accepted: boolean[]; message: string | undefined }> {
  const sink = new RecordingSink();
  let message: string | undefined;
  try {
    await readJson(inPieces(text, 1 << 20), 1_000_000, sink);
  } catch (error) {
    message = error instanceof Error ? error.message : '';
  }
  return {
    raw: sink.said.map(({ raw }) => raw),
    accepted: sink.said.map(({ record }) => record !== undefined),
    message,
  };
}

const record = fc.oneof(
  fc
    .record({ a: fc.integer(), b: fc.string(), c: anyText.map((text) => ({ text })) }, { requiredKeys: [] })
    .map((value) => JSON.stringify(value)),
  fc.constantFrom('{"a":1}', '{ "a" : 1 ,\n "b":"]}" }', '{"a":1,"b":"\\\\"}', '{"a":1,"c":[{"x":"\\""}]}'),
  anyText,
);
const space = fc.constantFrom('', '', ' ', '\n', '\r\n\t');
const array = fc
  .tuple(fc.array(fc.tuple(space, record, space), { maxLength: 6 }), space)
  .map(([items, inside]) => `[${items.length > 0 ? items.map((item) => item.join('')).join(',') : inside}]`);
const sequence = fc
  .array(
    fc.tuple(
      space,
      fc.oneof(array, record),
      space.map((one) => `${one}\n`),
    ),
    { maxLength: 4 },
  )
  .map((items) => items.flat().join(''));
const files = fc.oneof(
  { weight: 3, arbitrary: array },
  { weight: 2, arbitrary: sequence },
  { weight: 2, arbitrary: array.chain(mutated) },
);

test('values are found as the plain reader finds them, whatever the file and its pieces', async () => {
  let taken = 0;
  await fc.assert(
    fc.asyncProperty(
      files,
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 4 }),
      async (text, sizes) => {
        // A byte-order mark at the beginning is passed over before walkers see the file.
        const bytes = Buffer.from(text.toWellFormed().replace(/^\ufeff/, ''));
        const file = new File();
        for await (const piece of inPieces(bytes, ...sizes)) file.push(piece);
        const { values, error, unfinished } = file.end();
        const expected = await said(bytes);
        expect(
          values.map((value, index) => (value === 'taken' && expected.accepted[index] ? expected.raw[index] : value)),
        ).toEqual(expected.raw);
        if (error !== undefined) expect(expected.message).toContain(`is no JSON at byte ${error}`);
        else if (unfinished) expect(expected.message).toContain('in the middle of a JSON value');
        else expect(expected.message).toBeUndefined();
        taken += values.filter((value) => value === 'taken').length;
        expect(file.columns.rows).toBe(values.filter((value) => value === 'taken').length);
      },
    ),
    { numRuns: 300 },
  );
  expect(taken).toBeGreaterThan(0);
}, 120_000);
