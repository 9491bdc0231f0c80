#!/usr/bin/env node
/**
 * The one entry point: a verb chooses the role. Everything behind a verb is loaded when it is called for, so that a task
 * starts quickly and never loads the Kubernetes client.
 */
import type { Verb } from './contract/task.ts';

const help = `forebay - validated ingestion into a lake, each record once

On a laptop or in a pipeline:
  forebay run -f DIR            ingest what the manifests in DIR say, without a cluster
  forebay validate -f DIR       check manifests
  forebay version               print the version

In the cluster's pods:
  forebay operator              reconcile the four kinds
  forebay VERB [--task FILE] [--print-result]
                                run one task; VERB is one of
                                prepare, plan, shard, finish, maintain, check, purge, inlet

A task ends with exit code 0 (done; also when its batch failed: the result says so), 10 (to be tried again) or
42 (a person must act). "forebay COMMAND --help" says more about run and validate.
`;

const taskVerbs = {
  prepare: true,
  plan: true,
  shard: true,
  finish: true,
  maintain: true,
  check: true,
  purge: true,
  inlet: true,
} as const satisfies Record<Verb, true>;

/** Answers the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  const [verb = '--help', ...rest] = argv;
  if (verb === '--help' || verb === '-h' || verb === 'help') return print(help);
  if (verb === '--version') return await runCli(['version', ...rest]);
  if (verb === 'operator') return await runOperator(rest);
  if (isTaskVerb(verb)) {
    const { runPod } = await import('./tasks/pod.ts');
    return await runPod(verb, rest);
  }
  return await runCli(argv);
}

function isTaskVerb(verb: string): verb is Verb {
  return Object.hasOwn(taskVerbs, verb);
}

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}

async function runCli(argv: readonly string[]): Promise<number> {
  const { runCli } = await import('./local/cli.ts');
  return await runCli(argv);
}

async function runOperator(argv: readonly string[]): Promise<number> {
  const { main } = await import('../operator/main.ts');
  return await main(argv);
}

if (import.meta.main) {
  const code = await main(process.argv.slice(2));
  // What is left open - a keep-alive socket, a timer - must not keep a pod.
  process.stdout.write('', () => process.exit(code));
}
