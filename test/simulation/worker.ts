/** Simulates the seeds that are sent to this thread; what it loads is changed first (hooks.ts). */
import { parentPort, workerData } from 'node:worker_threads';
import { installHooks } from './hooks.ts';

installHooks(workerData.replacements);
const { simulate } = await import('./simulate.ts');

parentPort?.on('message', async (seed: number) => {
  parentPort?.postMessage(await simulate(seed));
});
