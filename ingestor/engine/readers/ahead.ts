/** Reading ahead: the next piece of an input is on its way while the one before is worked on. */
import type { EngineInput } from '../engine.ts';
import type { Bytes } from './reader.ts';

export function readAhead(input: EngineInput): EngineInput {
  const { name, size, range, rejects } = input;
  return {
    name,
    size,
    ...(range ? { range } : {}),
    ...(rejects === undefined ? {} : { rejects }),
    read: (start, end) => ahead(input.read(start, end)),
  };
}

async function* ahead(bytes: Bytes): Bytes {
  const pieces = bytes[Symbol.asyncIterator]();
  try {
    for (let next = pieces.next(); ; ) {
      const piece = await next;
      if (piece.done) return;
      next = pieces.next();
      // Thrown where it is waited for, if anybody does.
      next.catch(() => {});
      yield piece.value;
    }
  } finally {
    await pieces.return?.();
  }
}
