/** Processes that want to lead, on a real lease: killed, stopped, put to sleep and woken. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { leases } from '../../../operator/runtime/index.ts';
import { clusterEnvironment, deleteNamespace, eventually, makeNamespace } from '../../support/cluster.ts';
import { clusterClient } from './support/connect.ts';

const program = join(import.meta.dirname, 'support', 'leader-process.ts');
const client = clusterClient();

let namespace: string;
let candidates: Candidate[] = [];

beforeAll(async () => {
  namespace = await makeNamespace('runtime-leader');
});

afterAll(async () => {
  await deleteNamespace(namespace);
});

afterEach(async () => {
  for (const candidate of candidates) candidate.kill('SIGKILL');
  await Promise.all(candidates.map(({ ended }) => ended));
  candidates = [];
});

class Candidate {
  readonly said: string[] = [];
  /** The exit code; null when it was killed. */
  readonly ended: Promise<number | null>;
  readonly #child: ChildProcess;

  constructor(lease: string, identity: string) {
    const options = [program, namespace, lease, identity];
    const child = spawn(process.execPath, options, { env: clusterEnvironment, stdio: ['ignore', 'pipe', 'inherit'] });
    createInterface(child.stdout).on('line', (line) => this.said.push(line));
    this.#child = child;
    this.ended = once(child, 'close').then(([code]) => code);
    candidates.push(this);
  }

  async until(word: string): Promise<void> {
    await eventually(word, async () => (this.said.includes(word) ? true : undefined), 40);
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }
}

async function leaderAndHeir(lease: string): Promise<{ leader: Candidate; heir: Candidate }> {
  const leader = new Candidate(lease, 'leader');
  await leader.until('leading');
  const heir = new Candidate(lease, 'heir');
  await heir.until('started');
  return { leader, heir };
}

async function specOf(lease: string) {
  const signal = AbortSignal.timeout(10_000);
  return (await client.get(leases, { namespace, name: lease }, { signal })).spec;
}

test('a leader that is killed is followed by the next', async () => {
  const { leader, heir } = await leaderAndHeir('killed');
  expect(heir.said).not.toContain('leading');
  leader.kill('SIGKILL');
  await heir.until('leading');
  expect(await specOf('killed')).toMatchObject({ holderIdentity: 'heir', leaseTransitions: 1 });
});

test('a leader that is told to stop ends its work, gives the lease back and exits with 0', async () => {
  const { leader, heir } = await leaderAndHeir('told');
  leader.kill('SIGTERM');
  expect(await leader.ended).toBe(0);
  expect(leader.said).toEqual(['started', 'leading', 'stopping']);
  await heir.until('leading');
  heir.kill('SIGINT');
  expect(await heir.ended).toBe(0);
  expect((await specOf('told'))?.holderIdentity).toBe('');
});

test('a leader that slept past its lease finds it taken, stops its work and exits with 1', async () => {
  const { leader, heir } = await leaderAndHeir('asleep');
  leader.kill('SIGSTOP');
  await heir.until('leading');
  leader.kill('SIGCONT');
  expect(await leader.ended).toBe(1);
  expect(leader.said).toEqual(['started', 'leading', 'stopping']);
  expect((await specOf('asleep'))?.holderIdentity).toBe('heir');
});

test('a candidate that is told to stop while it waits exits with 0 and touches no lease', async () => {
  const { heir } = await leaderAndHeir('waiting');
  heir.kill('SIGTERM');
  expect(await heir.ended).toBe(0);
  expect((await specOf('waiting'))?.holderIdentity).toBe('leader');
});
