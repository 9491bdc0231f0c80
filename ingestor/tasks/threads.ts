/** How many threads an engine may use in this process. */
import { availableParallelism, totalmem } from 'node:os';
import { constrainedMemory, env } from 'node:process';
import { podLayout } from '../contract/task.ts';

/** What a process takes by itself, and what each thread adds to it. */
const processBytes = 160 * 1024 * 1024;
const threadBytes = 160 * 1024 * 1024;

/** As many as the pod's CPU limit, or the node's processors where it has none, as far as its memory limit lets them. */
export function threadsHere(): number {
  const limit = constrainedMemory();
  // Without a limit it is a number larger than there is memory, or 0.
  const memory = limit > 0 ? Math.min(limit, totalmem()) : totalmem();
  return threadsFor(processorsOf(availableParallelism(), env[podLayout.cpuLimit]), memory);
}

export function threadsFor(processors: number, memoryBytes: number): number {
  return Math.max(1, Math.min(processors, Math.floor((memoryBytes - processBytes) / threadBytes)));
}

/** `limit`: in thousandths of a processor, as the pod is told; a part of one is used by a thread more. */
export function processorsOf(seen: number, limit: string | undefined): number {
  const processors = Math.ceil(Number(limit) / 1000);
  return processors > 0 ? Math.min(seen, processors) : seen;
}
