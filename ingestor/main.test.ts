/** The program as pods start it: a process of its own, a task document in, a result and an exit code out. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { planTask, prepareTask, records, shardTask } from '../test/support/lake-in-memory.ts';
import { parseDocument } from './contract/documents.ts';
import { TaskProgress } from './contract/progress.ts';

// Processes start slowly where the machine is busy.
vi.setConfig({ testTimeout: 60_000 });

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'forebay-main-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

interface Ended {
  readonly code: number | null;
  readonly output: string;
  readonly log: string;
}

function start(argv: readonly string[], variables: Record<string, string> = {}) {
  const main = join(import.meta.dirname, 'main.ts');
  const env = {
    ...process.env,
    FOREBAY_STATUS_PORT: '0',
    FOREBAY_TERMINATION_LOG: join(folder, 'result'),
    ...variables,
  };
  const child = spawn(process.execPath, [main, ...argv], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = Promise.all([once(child, 'close'), text(child.stdout), text(child.stderr)]).then(
    ([[code], output, log]): Ended => ({ code, output, log }),
  );
  return { child, ended };
}

async function run(argv: readonly string[], variables?: Record<string, string>): Promise<Ended> {
  return await start(argv, variables).ended;
}

/** Runs the verb of the document, on a lake in the test's folder. */
async function runTask(document: object, variables?: Record<string, string>): Promise<Ended> {
  return await run([...(await taskArguments(document)), '--print-result'], variables);
}

async function taskArguments(document: object): Promise<string[]> {
  const storage = { local: { path: join(folder, 'lake') } };
  const file = join(folder, 'task.json');
  const placed = 'dataset' in document ? { ...document, dataset: { ...Object(document.dataset), storage } } : document;
  await writeFile(file, JSON.stringify(placed));
  return ['verb' in document ? String(document.verb) : 'plan', '--task', file];
}

const inline = { input: { inline: { data: records('a', 3) } } };

test('a task ends with 0, its result printed and left where the kubelet looks', async () => {
  const prepared = await runTask(prepareTask());
  expect(prepared.code, prepared.log).toBe(0);
  const { code, output } = await runTask(planTask('x', inline));
  expect(code).toBe(0);
  expect(JSON.parse(output)).toMatchObject({ verb: 'plan', batch: { outcome: 'Committed', records: { ingested: 3 } } });
  expect(`${await readFile(join(folder, 'result'), 'utf8')}\n`).toBe(output);
});

test('a batch that failed ends with 0: the result says so', async () => {
  await runTask(prepareTask());
  const { code, output } = await runTask(planTask('x', { input: { inline: { data: 'no json\n' } } }));
  expect(code).toBe(0);
  expect(JSON.parse(output)).toMatchObject({ batch: { outcome: 'Failed', reason: 'TooManyFailed' } });
});

test('what is to be tried again ends with 10', async () => {
  const { code, output, log } = await runTask(planTask('x', inline));
  expect(code).toBe(10);
  expect(JSON.parse(output)).toMatchObject({ verb: 'plan', error: { code: 'DatasetNotPrepared' } });
  expect(log).toContain('"msg":"task failed"');
});

test('what a person must mend ends with 42', async () => {
  const { code, output } = await runTask({ ...prepareTask(), schema: 'none' });
  expect(code).toBe(42);
  expect(JSON.parse(output)).toMatchObject({ error: { code: 'InvalidSchema' } });
});

test('a document that is not valid ends with 42 and says where', async () => {
  const { code, output } = await runTask({ ...planTask('x', inline), request: {} });
  expect(code).toBe(42);
  expect(JSON.parse(output)).toMatchObject({
    error: { code: 'InvalidTask', message: 'the task document is not valid: /request/batch is missing' },
  });
});

test('a document of another verb ends with 42', async () => {
  const [, ...argv] = await taskArguments(planTask('x', inline));
  const { code, output } = await run(['finish', ...argv, '--print-result']);
  expect(code).toBe(42);
  expect(JSON.parse(output)).toMatchObject({ error: { message: expect.stringContaining('/verb must be "finish"') } });
});

test('a document of a newer version ends with 10: the upgrade will be finished', async () => {
  const { code, output } = await runTask({ ...planTask('x', inline), version: 2, request: 'unknown' });
  expect(code).toBe(10);
  expect(JSON.parse(output)).toMatchObject({ error: { code: 'NewerDocument' } });
});

test('a document that is not there ends with 42', async () => {
  const { code, output } = await run(['plan', '--task', join(folder, 'none.json'), '--print-result']);
  expect(code).toBe(42);
  expect(JSON.parse(output)).toMatchObject({ error: { code: 'InvalidTask' } });
});

test('the shard of an Indexed Job is told by its variable', async () => {
  await runTask(prepareTask());
  await runTask(planTask('x', inline));
  const { index: _, ...task } = shardTask('x', 0, inline.input);
  const { output } = await runTask(task, { JOB_COMPLETION_INDEX: '0' });
  expect(JSON.parse(output)).toMatchObject({ verb: 'shard', index: 0, records: { ingested: 3 } });
});

/** A plan that waits for a source that never answers. */
async function startStuck(variables: Record<string, string> = {}) {
  await runTask(prepareTask());
  const silent = createServer(() => {});
  const { port } = await listen(silent);
  const s3 = { bucket: 'b', prefix: '', region: 'r', endpoint: `http://127.0.0.1:${port}`, forcePathStyle: true };
  const input = { files: { location: { s3 }, selection: {} } };
  const argv = [...(await taskArguments(planTask('x', { input }))), '--print-result'];
  const { child, ended } = start(argv, { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b', ...variables });
  await once(silent, 'request');
  const end = async () => {
    child.kill('SIGTERM');
    const outcome = await ended;
    silent.closeAllConnections();
    silent.close();
    return outcome;
  };
  return { end };
}

async function listen(server: Server): Promise<{ port: number }> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('a server on a port has an address');
  return address;
}

test('a task that is told to stop ends with 10', async () => {
  const { end } = await startStuck();
  const { code, output } = await end();
  expect(code).toBe(10);
  expect(JSON.parse(output)).toMatchObject({ error: { code: 'Interrupted' } });
});

test('a task that takes longer tells how far it is', async () => {
  const free = createServer();
  const { port } = await listen(free);
  free.close();
  const { end } = await startStuck({ FOREBAY_STATUS_PORT: String(port) });
  const ask = (path: string) => fetch(`http://127.0.0.1:${port}${path}`);
  const progress = await vi.waitFor(() => ask('/progress'), { timeout: 30_000 });
  expect(parseDocument(TaskProgress, await progress.text(), 'progress', 'InvalidTask')).toMatchObject({
    verb: 'plan',
    phase: 'Planning',
  });
  expect((await ask('/healthz')).status).toBe(200);
  expect(await (await ask('/metrics')).text()).toContain('forebay_task_records{outcome="read"} 0');
  await end();
});

test('help is printed without a task, for each verb too', async () => {
  for (const argv of [['--help'], [], ['plan', '--help']]) {
    const { code, output } = await run(argv);
    expect(code).toBe(0);
    expect(output).toContain('forebay');
  }
});

test('an option that does not exist ends with 42', async () => {
  const { code, log } = await run(['plan', '--tusk', 'x']);
  expect(code).toBe(42);
  expect(log).toContain('--tusk');
});
