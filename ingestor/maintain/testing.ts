/** What tests of maintenance share: a lake of either format, batches and rounds in it, time that passes. */
import { expect } from 'vitest';
import { type Lake, planTask, records, target } from '../../test/support/lake-in-memory.ts';
import type { MaintainResult } from '../contract/result.ts';
import type { MaintainTask, Retention } from '../contract/task.ts';
import type { Environment } from '../tasks/environment.ts';
import { runMaintain } from '../tasks/maintain.ts';
import { runPlan } from '../tasks/plan.ts';

export const minute = 60_000;
export const hour = 60 * minute;
export const day = 24 * hour;

/** Batches are compacted at once. */
export const retention: Retention = { snapshotDays: 7, revertDays: 0, diagnosticsDays: 30 };

export async function maintain(
  lake: Lake,
  change: Partial<MaintainTask> = {},
  process: Environment = lake.process(),
): Promise<MaintainResult> {
  return await runMaintain({ version: 1, verb: 'maintain', dataset: target, retention, ...change }, process);
}

/** Batches of one file with two rows each. */
export async function ingest(lake: Lake, ...names: string[]): Promise<void> {
  for (const name of names) await ingestBy(lake.process(), name);
}

export async function ingestBy(process: Environment, name: string): Promise<void> {
  const input = { inline: { data: records(name, 2) } };
  const { batch } = await runPlan(planTask(name, { input }), process);
  expect(batch?.outcome).toBe('Committed');
}

export const six = ['a', 'b', 'c', 'd', 'e', 'f'];

/** Of the rows of such batches. */
export function rowsOf(names: readonly string[]): string[] {
  return names.flatMap((name) => [`${name}-0`, `${name}-1`]).sort();
}

export function dataObjects(lake: Lake): string[] {
  return [...lake.bucket('lake').objects.keys()].filter((key) => key.includes('/data/')).sort();
}

export function objects(lake: Lake, part: string): string[] {
  return [...lake.bucket('lake').objects.keys()].filter((key) => key.includes(part)).sort();
}
