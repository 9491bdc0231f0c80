/**
 * Memory that is freed at once. The garbage collector sees little of large buffers, and collects everything to find them:
 * left to it, they cost a fifth of all time.
 */
import { isMarkedAsUntransferable } from 'node:worker_threads';

/** Frees all of the memory in which the bytes lie, whose only user the caller is; buffers that share Node's pool stay. */
export function free({ buffer }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && !isMarkedAsUntransferable(buffer)) buffer.transfer(0);
}

/** Frees the memory of bytes that nobody needs any more, where nothing else lies in it. */
export function release(bytes: Uint8Array): void {
  if (ownMemory(bytes)) free(bytes);
}

/** The memory of the bytes, where nothing else lies in it: it may be handed over to another thread. */
export function ownMemory({ buffer, byteLength }: Uint8Array): ArrayBuffer | undefined {
  const isOwn = byteLength === buffer.byteLength && buffer instanceof ArrayBuffer && !isMarkedAsUntransferable(buffer);
  return isOwn ? buffer : undefined;
}
