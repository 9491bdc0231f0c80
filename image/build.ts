/**
 * Makes the image of operator and ingestor, without a container engine, as the archive dist/image.tar:
 *
 *     node image/build.ts            bundle, base layer (made once, kept in ~/.cache/forebay/image), archive
 *     node image/build.ts --bundle   the bundle only, in dist/app
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import packageFile from '../package.json' with { type: 'json' };
import { packImage } from './pack.ts';

const project = join(import.meta.dirname, '..');
const dist = join(project, 'dist');
const tag = 'forebay.test/forebay:dev';

async function main(): Promise<void> {
  await bundle();
  if (process.argv.includes('--bundle')) return;
  const archive = join(dist, 'image.tar');
  packImage(
    {
      tag,
      layers: [baseLayer(), join(dist, 'layer')],
      config: {
        Entrypoint: ['node', '/app/main.js'],
        // Left alone, the heap may outgrow the container's memory limit: 274 MB where 256 MiB are allowed.
        Env: ['PATH=/usr/bin', 'NODE_ENV=production', 'NODE_OPTIONS=--max-old-space-size-percentage=60'],
        User: '65532:65532',
        WorkingDir: '/',
        Labels: {
          'org.opencontainers.image.title': 'forebay',
          'org.opencontainers.image.description': packageFile.description,
          'org.opencontainers.image.version': packageFile.version,
          'org.opencontainers.image.licenses': packageFile.license,
        },
      },
    },
    archive,
  );
  console.log(`${tag} is in ${archive}`);
}

/**
 * One file per verb and what they share: a verb loads what it needs. Neither minified nor with V8's compile cache: both
 * were measured, and save less than 10 of the 90 ms of CPU time that a start takes; so stack traces read as they are.
 */
async function bundle(): Promise<void> {
  const app = join(dist, 'layer', 'app');
  rmSync(app, { recursive: true, force: true });
  await build({
    absWorkingDir: project,
    entryPoints: { main: 'ingestor/main.ts', thread: 'ingestor/engine/threads/thread.ts' },
    outdir: app,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node26',
    define: {
      'process.env.FOREBAY_VERSION': JSON.stringify(packageFile.version),
      'process.env.FOREBAY_THREAD_FILE': JSON.stringify('./thread.js'),
    },
    legalComments: 'linked',
    // Packages in CommonJS call it for Node.js's own modules.
    banner: {
      js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);",
    },
    logLevel: 'warning',
  });
}

/** Made anew when what it is made of changes. */
function baseLayer(): string {
  const script = join(project, 'image', 'base.sh');
  const made = createHash('sha256').update(process.version).update(readFileSync(script)).digest('hex').slice(0, 16);
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'forebay', 'image');
  const layer = join(cache, `base-${made}`);
  if (!existsSync(layer)) {
    console.log('making the base layer: Node.js and libraries');
    rmSync(cache, { recursive: true, force: true });
    mkdirSync(cache, { recursive: true });
    execFileSync(script, [`${layer}.part`], { stdio: ['ignore', 'ignore', 'inherit'] });
    renameSync(`${layer}.part`, layer);
  }
  return layer;
}

await main();
