/** For tests: a sink that keeps what a reader says, and streams that come in pieces. */
import type { RecordError } from '../schema.ts';
import type { JsonObject } from '../schemadocument.ts';
import type { Bytes, RecordSink, RecordSource } from './reader.ts';

export interface Said {
  readonly record?: JsonObject;
  readonly code?: string;
  readonly message?: string;
  readonly raw: string;
  readonly offset: number | undefined;
  readonly size: number;
}

export class RecordingSink implements RecordSink {
  readonly said: Said[] = [];

  accept(record: JsonObject, source: RecordSource): void {
    this.said.push({ record, ...this.#of(source) });
  }

  acceptExact(record: JsonObject, source: RecordSource): void {
    this.accept(record, source);
  }

  refuse({ code, message }: RecordError, source: RecordSource): void {
    this.said.push({ code, message, ...this.#of(source) });
  }

  async drain(): Promise<void> {}

  get records(): (JsonObject | string | undefined)[] {
    return this.said.map(({ record, code }) => record ?? code);
  }

  #of(source: RecordSource) {
    return { raw: Buffer.from(source.raw()).toString('latin1'), offset: source.offset, size: source.size };
  }
}

/** In pieces of the given sizes, the last one again and again. */
export async function* inPieces(data: string | Uint8Array, ...sizes: readonly number[]): Bytes {
  const bytes = Buffer.from(data);
  let at = 0;
  for (let index = 0; at < bytes.length; index += 1) {
    const size = sizes[Math.min(index, sizes.length - 1)] ?? bytes.length;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}
