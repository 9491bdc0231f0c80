/** The commands for people: `run`, `validate`, `version`. Progress goes to stderr, what was asked for to stdout. */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { formatFinding, validateManifests } from '../../operator/api/validate.ts';
import { silentLog, systemClock, systemRandom } from '../contract/environment.ts';
import { ForebayError, toForebayError } from '../contract/errors.ts';
import { Catalog } from './catalog.ts';
import { type LoadedManifests, loadManifests } from './manifests.ts';
import { succeeded, summary } from './summary.ts';

/** A command that did its work, one whose work failed, and one that was called wrongly. */
const exits = { good: 0, failed: 1, usage: 2 } as const;

const helps = {
  run: `Ingests what manifests say, without a cluster.

Usage: forebay run -f FILE|DIR [-f ...] [--lake URL] [flags]

Prepares each Dataset, runs each Batch and each SourceConnection once, and serves each StreamInlet until you interrupt.
A Batch that was committed before reports its outcome and ingests nothing. ConfigMaps and Secrets are taken from the
manifests. Beside what a cluster knows, a Batch may read a file: input: {local: {path: ...}}, relative to its manifest.

  -f, --filename PATH    A manifest, or a folder of them. Repeat it for more
      --lake URL         A folder as the lake, like file:///tmp/lake: stands in for the storage of every Dataset
  -n, --namespace NAME   Of manifests that name none. Default: default
      --installation NAME  Owns datasets in a bucket. Default: local
      --port N           Of the first StreamInlet, on the loopback address; the next take those after it. Default: 8080
  -o, --output FORMAT    text (default), or json: the resources with their status, as a List
  -h, --help

Exit code 0 when everything succeeded, 1 when something did not, 2 when the command was called wrongly.
`,
  validate: `Checks manifests against the kinds' fields, bounds and rules, as the API server would.

Usage: forebay validate -f FILE|DIR [-f ...] [flags]

What depends on a cluster (names that are taken, fields that cannot change) is not checked.

  -f, --filename PATH    A manifest, or a folder of them. Repeat it for more
      --local            Allow what only \`forebay run\` knows: input.local, Datasets without storage
  -o, --output FORMAT    text (default) or json
  -h, --help

Exit code 0 when all is well, 1 when something is not, 2 when the command was called wrongly.
`,
  version: `Prints the version.

Usage: forebay version [-o json]
`,
} as const;

const commands = { run: runCommand, validate: validateCommand, version: versionCommand } as const;

/** Answers the exit code. */
export async function runCli(argv: readonly string[]): Promise<number> {
  const [name = '', ...args] = argv;
  if (!isCommand(name)) return fail(`there is no command ${JSON.stringify(name)}; see forebay --help`);
  try {
    const options = parse(args);
    if (options.help === true) return print(helps[name]);
    return await commands[name](options);
  } catch (thrown) {
    if (thrown instanceof UsageError) return fail(`${thrown.message}; see forebay ${name} --help`);
    const { code, message } = toForebayError(thrown);
    process.stderr.write(`forebay ${name}: ${code}: ${message}\n`);
    return exits.failed;
  }
}

function isCommand(name: string): name is keyof typeof commands {
  return Object.hasOwn(commands, name);
}

class UsageError extends Error {}

const flags = {
  filename: { type: 'string', short: 'f', multiple: true },
  lake: { type: 'string' },
  namespace: { type: 'string', short: 'n', default: 'default' },
  installation: { type: 'string', default: 'local' },
  port: { type: 'string', default: '8080' },
  local: { type: 'boolean' },
  output: { type: 'string', short: 'o', default: 'text' },
  help: { type: 'boolean', short: 'h' },
} as const;

type Options = ReturnType<typeof parse>;

function parse(args: readonly string[]) {
  try {
    const { values } = parseArgs({ args: [...args], options: flags, allowPositionals: false });
    if (values.output !== 'text' && values.output !== 'json')
      throw new Error(`--output is ${values.output}; it must be text or json`);
    return values;
  } catch (thrown) {
    throw new UsageError(thrown instanceof Error ? thrown.message.split('. To specify')[0] : String(thrown));
  }
}

async function runCommand(options: Options): Promise<number> {
  const loaded = await load(options);
  const { resources, problems } = validateManifests(loaded.manifests, { local: true });
  const wrong = [...loaded.problems, ...problems.map(formatFinding)];
  if (wrong.length > 0) return complain(wrong);
  if (resources.length === 0) throw new UsageError('there is no resource of Forebay in these files');
  const [{ runCatalog }, { parseLake }] = await Promise.all([import('./run.ts'), import('./lake.ts')]);
  const catalog = new Catalog(resources, loaded.manifests, options.namespace);
  const settings = {
    ...(options.lake !== undefined && { lake: parseLake(options.lake) }),
    installation: options.installation,
    port: portOf(options.port),
  };
  const surroundings = {
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    signal: interrupt(),
    terminal: process.stderr,
  };
  const results = await runCatalog(catalog, settings, surroundings);
  const list = { apiVersion: 'v1', kind: 'List', items: results };
  print(options.output === 'json' ? `${JSON.stringify(list, undefined, 2)}\n` : summary(results));
  return results.every(succeeded) ? exits.good : exits.failed;
}

async function validateCommand(options: Options): Promise<number> {
  const loaded = await load(options);
  const { resources, problems, unchecked } = validateManifests(loaded.manifests, { local: options.local ?? false });
  if (options.output === 'json') {
    const report = { valid: resources.map(({ object }) => object), syntax: loaded.problems, problems, unchecked };
    print(`${JSON.stringify(report, undefined, 2)}\n`);
    return loaded.problems.length + problems.length === 0 ? exits.good : exits.failed;
  }
  // Without a path it is a resource of another group: nobody expects it to be checked here.
  for (const finding of unchecked) if (finding.path !== '') process.stderr.write(`${formatFinding(finding)}\n`);
  const wrong = [...loaded.problems, ...problems.map(formatFinding)];
  if (wrong.length > 0) return complain(wrong);
  return print(`${resources.length} ${resources.length === 1 ? 'resource is' : 'resources are'} valid\n`);
}

async function versionCommand(options: Options): Promise<number> {
  const version = readVersion();
  return print(options.output === 'json' ? `${JSON.stringify({ version })}\n` : `forebay ${version}\n`);
}

async function load({ filename }: Options): Promise<LoadedManifests> {
  if (filename === undefined) throw new UsageError('-f is required');
  try {
    return await loadManifests(filename);
  } catch (cause) {
    throw new ForebayError('InvalidTask', cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

function portOf(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new UsageError(`--port is ${text}; it must be 1 to 65535`);
  return port;
}

/** The first interrupt lets the work end in order; a second ends the process. */
function interrupt(): AbortSignal {
  const controller = new AbortController();
  const stop = () => controller.abort(new ForebayError('Interrupted', 'interrupted'));
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  return controller.signal;
}

/** From package.json, or set when the image was bundled. */
function readVersion(): string {
  if (process.env.FOREBAY_VERSION !== undefined) return process.env.FOREBAY_VERSION;
  const { version }: { version: string } = JSON.parse(
    readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
  );
  return version;
}

function print(text: string): number {
  process.stdout.write(text);
  return exits.good;
}

function complain(lines: readonly string[]): number {
  for (const line of lines) process.stderr.write(`${line}\n`);
  return exits.failed;
}

function fail(message: string): number {
  process.stderr.write(`forebay: ${message}\n`);
  return exits.usage;
}
