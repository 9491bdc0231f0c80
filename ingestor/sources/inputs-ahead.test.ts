import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { PlanInput } from '../commit/documents.ts';
import { ForebayError } from '../contract/errors.ts';
import type { EngineInput } from '../engine/engine.ts';
import { openAhead } from './inputs-ahead.ts';

const MiB = 1024 * 1024;

function planned(...sizes: readonly number[]): PlanInput[] {
  return sizes.map((size, index) => ({ key: `${index}`, name: `${index}`, size, etag: 'e' }));
}

/** A source that remembers what was asked for and answers when told to. */
class Source {
  readonly asked: string[] = [];
  readonly #answers = new Map<string, () => void>();

  open = ({ name, size, range }: PlanInput): EngineInput => {
    const source = this;
    async function* read(start = 0, end = size): AsyncGenerator<Uint8Array> {
      source.asked.push(name);
      await new Promise<void>((resolve) => source.#answers.set(name, resolve));
      yield Buffer.alloc(end - start, name);
    }
    return { name, size, read, ...(range ? { range } : {}) };
  };

  answer(name: string): void {
    this.#answers.get(name)?.();
  }
}

async function bytesOf(input: EngineInput | undefined, start?: number, end?: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of input?.read(start, end) ?? []) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

test('small inputs are on their way before their turn, and come in their order', async () => {
  const source = new Source();
  const inputs = openAhead(planned(3, 3, 3), source.open);
  const first = (await inputs.next()).value;
  expect(source.asked).toEqual(['0', '1', '2']);
  source.answer('1');
  source.answer('0');
  expect(first?.name).toBe('0');
  expect(await bytesOf(first)).toBe('000');
  expect(await bytesOf(first, 1, 2)).toBe('0');
  expect(await bytesOf((await inputs.next()).value)).toBe('111');
  source.answer('2');
  expect(await bytesOf((await inputs.next()).value)).toBe('222');
  expect((await inputs.next()).done).toBe(true);
});

test('of many inputs few are on their way', async () => {
  const source = new Source();
  const inputs = openAhead(planned(...Array.from({ length: 100 }, () => 10)), source.open);
  await inputs.next();
  expect(source.asked).toHaveLength(16);
  await inputs.next();
  expect(source.asked).toHaveLength(17);
});

test('no more bytes are on their way than memory may hold', async () => {
  const source = new Source();
  await openAhead(planned(...Array.from({ length: 100 }, () => 4 * MiB)), source.open).next();
  expect(source.asked).toHaveLength(8);
});

test('large inputs and parts of files are read when it is their turn', async () => {
  const source = new Source();
  const [large, part] = planned(5 * MiB, 10);
  const inputs = [large, part && { ...part, range: { start: 0, end: 5 } }].filter((one) => one !== undefined);
  const opened: EngineInput[] = [];
  for await (const input of openAhead(inputs, source.open)) opened.push(input);
  expect(source.asked).toEqual([]);
  expect(opened[1]?.range).toEqual({ start: 0, end: 5 });
});

function failing(error: Error): (planned: PlanInput) => EngineInput {
  return ({ name, size }) => ({
    name,
    size,
    // biome-ignore lint/correctness/useYield: it fails before
    async *read() {
      if (name === '1') throw error;
    },
  });
}

test('what fails on its way is told where the input is read', async () => {
  const error = new ForebayError('FileChanged', 'another file');
  const inputs = openAhead(planned(0, 0, 0), failing(error));
  expect(await bytesOf((await inputs.next()).value)).toBe('');
  await setImmediate();
  const second = (await inputs.next()).value;
  await expect(bytesOf(second)).rejects.toBe(error);
  expect(await bytesOf((await inputs.next()).value)).toBe('');
});

test('who stops early leaves nothing behind that goes on', async () => {
  const source = new Source();
  const inputs = openAhead(planned(1, 1), source.open);
  await inputs.next();
  let isOver = false;
  const over = inputs.return(undefined).then(() => {
    isOver = true;
  });
  await setImmediate();
  expect(isOver).toBe(false);
  source.answer('1');
  await over;
});
