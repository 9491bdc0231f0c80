/** Forebay's program of the bench, bundled as the image's are: no types are left to strip, in no thread. */
import { dirname, join } from 'node:path';
import { build } from 'esbuild';
import { forebayProgram } from './child.ts';

const project = join(import.meta.dirname, '..', '..');

export async function bundleForebay(): Promise<void> {
  await build({
    absWorkingDir: project,
    entryPoints: { forebay: 'bench/engine/forebay.ts', thread: 'ingestor/engine/threads/thread.ts' },
    outdir: dirname(forebayProgram),
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node26',
    define: { 'process.env.FOREBAY_THREAD_FILE': JSON.stringify('./thread.js') },
    banner: {
      js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);",
    },
    logLevel: 'warning',
  });
}
