/**
 * What the simulation changes in the modules it loads, from outside: the engine, which is no part of the protocol, is
 * replaced by a small one, and a mutation takes a guard out of one source file. Nothing of this is in production code.
 */
import { readFileSync } from 'node:fs';
import { registerHooks, syncBuiltinESMExports } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import zlib from 'node:zlib';
import { smallLimits } from './small-limits.ts';

const project = join(dirname(fileURLToPath(import.meta.url)), '../..');
/** Modules of the engine, and what stands for them; these may load those. */
const replacedModules = new Map([
  [urlOf('ingestor/engine/index.ts'), urlOf('test/simulation/engine.ts')],
  [urlOf('ingestor/parquet/rewrite.ts'), urlOf('test/simulation/rewrite.ts')],
]);

/** A replacement in the text of one source file; the text must stand there exactly once. */
export interface Replacement {
  /** Path in the project. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** For this thread, before anything of the ingestor is loaded. */
export function installHooks(mutation: readonly Replacement[] = []): void {
  const replacements = [...smallLimits, ...mutation];
  for (const [file, own] of Map.groupBy(replacements, (replacement) => replacement.file)) {
    own.reduce(replace, readFileSync(join(project, file), 'utf8'));
  }
  compressAtOnce();
  registerHooks({
    resolve(specifier, context, next) {
      const resolved = next(specifier, context);
      const small = replacedModules.get(resolved.url);
      return small === undefined || context.parentURL === small ? resolved : { ...resolved, url: small };
    },
    load(url, context, next) {
      const loaded = next(url, context);
      const own = replacements.filter(({ file }) => urlOf(file) === url);
      if (own.length === 0) return loaded;
      return { ...loaded, source: own.reduce(replace, textOf(loaded.source)) };
    },
  });
}

/** Threads of their own would be done at times of their own, and a seed would not happen again. */
function compressAtOnce(): void {
  for (const name of ['deflateRaw', 'inflateRaw', 'gunzip', 'gzip', 'zstdCompress', 'zstdDecompress'] as const) {
    const compress: (bytes: Uint8Array, options?: object) => Buffer = zlib[`${name}Sync`];
    const atOnce = (bytes: Uint8Array, ...rest: unknown[]) => {
      const callback = rest.pop();
      if (typeof callback !== 'function') throw new TypeError(`${name} without a callback`);
      try {
        callback(null, compress(bytes, typeof rest[0] === 'object' && rest[0] !== null ? rest[0] : {}));
      } catch (thrown) {
        callback(thrown);
      }
    };
    Object.assign(zlib, { [name]: atOnce });
  }
  syncBuiltinESMExports();
}

/** Throws when the text is not there, or not once: a mutation that changes nothing would prove nothing. */
export function replace(text: string, { file, from, to }: Replacement): string {
  const found = text.split(from).length - 1;
  if (found !== 1) throw new Error(`${file} holds ${found} times, not once: ${from}`);
  return text.replace(from, () => to);
}

function textOf(source: string | ArrayBuffer | NodeJS.TypedArray | undefined): string {
  if (source === undefined) throw new Error('a module without source');
  return typeof source === 'string' ? source : Buffer.from(new Uint8Array(source as ArrayBuffer)).toString();
}

function urlOf(path: string): string {
  return pathToFileURL(join(project, path)).href;
}
