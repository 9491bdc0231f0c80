import type { PlanInput } from '../commit/documents.ts';
import type { EngineInput } from '../engine/engine.ts';
import type { OpenInput } from './inputs.ts';

/** A file up to this size is fetched whole before its turn; of a larger one the wait for its first bytes is little. */
const smallBytes = 4 * 1024 * 1024;
/** Files on their way or waiting. A request of 30 ms then costs a file of 10 KB 2 ms, about what it takes to read it. */
const mostAhead = 16;
const mostBytesAhead = 32 * 1024 * 1024;

/**
 * The inputs in their order, small ones already on their way: with thousands of them a shard would wait for the store most
 * of the time. What fails on its way is thrown where the input is read, as if it had been opened then.
 */
export async function* openAhead(planned: readonly PlanInput[], open: OpenInput): AsyncGenerator<EngineInput> {
  const ahead: Ahead[] = [];
  let opened = 0;
  try {
    for (let turn = 0; turn < planned.length; turn += 1) {
      for (let next = planned[opened]; next && hasRoom(ahead, next); next = planned[opened]) {
        ahead.push(isSmall(next) ? fetchWhole(open(next)) : { input: open(next), bytes: 0 });
        opened += 1;
      }
      const first = ahead.shift();
      if (first) yield first.input;
    }
  } finally {
    await Promise.allSettled(ahead.map(({ arrival }) => arrival));
  }
}

interface Ahead {
  readonly input: EngineInput;
  /** Held in memory. */
  readonly bytes: number;
  readonly arrival?: Promise<unknown>;
}

function isSmall({ size, range }: PlanInput): boolean {
  return range === undefined && size <= smallBytes;
}

function hasRoom(ahead: readonly Ahead[], next: PlanInput): boolean {
  if (ahead.length === 0) return true;
  const bytes = ahead.reduce((sum, one) => sum + one.bytes, 0);
  return ahead.length < mostAhead && bytes + (isSmall(next) ? next.size : 0) <= mostBytesAhead;
}

function fetchWhole(input: EngineInput): Ahead {
  const arrival = readAll(input);
  // Told where the input is read.
  arrival.catch(() => {});
  const read = async function* (start = 0, end = input.size): AsyncGenerator<Uint8Array> {
    yield (await arrival).subarray(start, end);
  };
  return { input: { ...input, read }, bytes: input.size, arrival };
}

async function readAll(input: EngineInput): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of input.read(0)) chunks.push(chunk);
  return Buffer.concat(chunks);
}
