import { applyMoves, type Move } from '../mapping.ts';
import type { RecordError } from '../schema.ts';
import { isObject, type JsonObject } from '../schemadocument.ts';
import type { RecordSink, RecordSource } from './reader.ts';

/** Moves the fields of JSON records before they are examined. */
export class MovingSink implements RecordSink {
  readonly #inner: RecordSink;
  readonly #moves: readonly Move[];

  constructor(inner: RecordSink, moves: readonly Move[]) {
    this.#inner = inner;
    this.#moves = moves;
  }

  accept(record: JsonObject, source: RecordSource): void {
    if (this.#moves.length === 0) {
      this.#inner.accept(record, source);
      return;
    }
    const moved = applyMoves(record, this.#moves);
    this.#inner.accept(moved.record, this.#movedSource(source), moved.overwrote);
  }

  acceptExact(record: JsonObject, source: RecordSource): void {
    const moved = applyMoves(record, this.#moves);
    this.#inner.acceptExact(moved.record, source, moved.overwrote);
  }

  refuse(error: RecordError, source: RecordSource): void {
    this.#inner.refuse(error, source);
  }

  async drain(): Promise<void> {
    await this.#inner.drain();
  }

  #movedSource(source: RecordSource): RecordSource {
    return {
      offset: source.offset,
      size: source.size,
      raw: () => source.raw(),
      exact: () => {
        const record = source.exact?.();
        return isObject(record) ? applyMoves(record, this.#moves).record : record;
      },
    };
  }
}
