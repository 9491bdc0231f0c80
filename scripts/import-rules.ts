/**
 * Checks which folder imports which, so that the parts stay as far apart as the architecture says: `make verify` runs
 * it. Prints each import that breaks a rule and exits with 1 when there is one.
 */
import { globSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';

type Rule = {
  because: string;
  /** Files it holds for: the paths that begin with one of these, less `unless`. */
  in: string[];
  unless?: string[];
  /** What they must not import: paths and packages that begin with one of these, less `except`. */
  not: string[];
  except?: string[];
  /** `import type` is let through: it is gone when the code runs. */
  types?: boolean;
  /** Tests beside the code are let through. */
  tests?: boolean;
};

const kinds = ['dataset', 'batch', 'streaminlet', 'sourceconnection'].map((kind) => `operator/${kind}/`);

export const rules: Rule[] = [
  {
    because: 'only the runtime talks to the Kubernetes API',
    in: ['operator/', 'ingestor/'],
    unless: ['operator/runtime/'],
    not: ['@kubernetes/client-node'],
    types: true,
  },
  {
    because: 'what resources mean is pure, so that the CLI can use it without a cluster',
    in: ['operator/specs/', 'operator/api/'],
    not: ['operator/runtime/', ...kinds],
    types: true,
  },
  {
    because: 'the runtime knows no kind',
    in: ['operator/runtime/'],
    not: ['operator/', 'ingestor/'],
    except: ['operator/runtime/'],
  },
  ...kinds.map((kind) => ({
    because: 'kinds meet in operator/api only',
    in: [kind],
    not: kinds.filter((other) => other !== kind),
  })),
  {
    because: 'operator and ingestor share the documents they exchange, nothing else',
    in: ['operator/'],
    not: ['ingestor/'],
    except: ['ingestor/contract/'],
  },
  {
    because: 'the ingestor never loads the operator; the CLI takes its pure parts',
    in: ['ingestor/'],
    unless: ['ingestor/local/', 'ingestor/main.ts'],
    not: ['operator/'],
  },
  {
    because: 'the CLI takes the pure parts of the operator',
    in: ['ingestor/local/'],
    not: ['operator/'],
    except: ['operator/api/', 'operator/specs/', ...kinds.map((kind) => `${kind}status.ts`)],
  },
  {
    because: 'these reach the world through the store only',
    in: ['ingestor/kernel/', 'ingestor/engine/', 'ingestor/parquet/', 'ingestor/table/', 'ingestor/commit/'],
    not: ['node:fs', 'node:net', 'node:http', 'node:https', 'node:dgram', 'node:child_process', '@aws-sdk/', 'undici'],
    tests: true,
  },
];

/** `text` is the content of the file at `path`, which is relative to the project. */
export function brokenRules(path: string, text: string): string[] {
  const held = rules.filter(
    (rule) => begins(path, rule.in) && !begins(path, rule.unless) && !(rule.tests && path.endsWith('.test.ts')),
  );
  return importsOf(path, text).flatMap(({ target, type }) =>
    held
      .filter((rule) => begins(target, rule.not) && !begins(target, rule.except) && !(rule.types && type))
      .map((rule) => `${path} imports ${target}: ${rule.because}`),
  );
}

function begins(path: string, prefixes: string[] = []): boolean {
  return prefixes.some((prefix) => path.startsWith(prefix));
}

/** Static and dynamic imports and re-exports; relative ones resolved against the project. */
function importsOf(path: string, text: string): { target: string; type: boolean }[] {
  const found = text.matchAll(
    /^(?:import|export)\s+(type\s)?[^'"`;]*?from\s+'([^']+)'|^import\s+'([^']+)'|\bimport\('([^']+)'\)/gm,
  );
  return Array.from(found, ([, type, from, bare, dynamic]) => {
    const name = from ?? bare ?? dynamic ?? '';
    const target = name.startsWith('.') ? posix.join(posix.dirname(path), name) : name;
    return { target, type: type !== undefined };
  });
}

if (import.meta.main) {
  const project = join(import.meta.dirname, '..');
  const files = globSync('{operator,ingestor}/**/*.ts', { cwd: project }).sort();
  const broken = files.flatMap((path) => brokenRules(path, readFileSync(join(project, path), 'utf8')));
  for (const line of broken) console.error(line);
  process.exitCode = broken.length > 0 ? 1 : 0;
}
