/** One trial, both engines: the one that users get, and the one in which ajv judges every record by itself. */

import { ForebayError } from '../../ingestor/contract/errors.ts';
import { differences } from './compare.ts';
import { fastEngine, type MakeEngine, outcomeOf, plainEngine } from './outcome.ts';
import { compareWithAjv, hasReference } from './reference.ts';
import type { Trial } from './trial.ts';

export interface Checked {
  /** Empty: they agree. */
  readonly differences: readonly string[];
  readonly format: Trial['format']['type'];
  readonly rows: number;
  readonly rejects: number;
  /** Of the rows, those that the kernel took by itself. */
  readonly walked: number;
}

/** The same, and what ajv alone says of the records. */
export async function checkWithAjv(trial: Trial): Promise<Checked> {
  const checked = await checkTrial(trial);
  if (checked.differences.length > 0 || !hasReference(trial)) return checked;
  try {
    const { differences } = await compareWithAjv(trial);
    return { ...checked, differences: differences.map((difference) => `ajv: ${difference}`) };
  } catch (error) {
    if (error instanceof ForebayError && error.code === 'InvalidSchema') return checked;
    return { ...checked, differences: [`thrown: ${textOf(error)}`] };
  }
}

export async function checkTrial(trial: Trial, fast: MakeEngine = fastEngine): Promise<Checked> {
  const { type } = trial.format;
  try {
    const expected = await outcomeOf({ ...trial, threads: 1 }, plainEngine);
    const actual = await outcomeOf(trial, fast);
    return {
      differences: differences(expected, actual, trial.threads === 1),
      format: type,
      rows: expected.rows.length,
      rejects: expected.rejects.length,
      walked: actual.walked,
    };
  } catch (error) {
    return { differences: [`thrown: ${textOf(error)}`], format: type, rows: 0, rejects: 0, walked: 0 };
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
