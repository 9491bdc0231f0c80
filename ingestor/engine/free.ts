/** Memory that is freed at once. The garbage collector sees little of large buffers, and collects everything to find them. */
import { isMarkedAsUntransferable } from 'node:worker_threads';

/** Frees all of the memory in which the bytes lie, whose only user the caller is; buffers that share Node's pool stay. */
export function free({ buffer }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && !isMarkedAsUntransferable(buffer)) buffer.transfer(0);
}
