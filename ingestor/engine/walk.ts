/** The kernel's walkers as readers use them. */
import type { DataWriter } from '../parquet/writer.ts';
import type { EngineSettings } from './engine.ts';
import type { Examiner } from './examine.ts';
import type { Intake } from './intake.ts';
import type { Move } from './mapping.ts';
import type { Bulk } from './readers/reader.ts';

/** Each is undefined where the schema, the mapping or the dialect is none for the kernel. */
export interface Walkers {
  readonly lines: Bulk | undefined;
  rows(names: readonly string[]): Bulk | undefined;
}

export function createWalkers(
  _settings: Pick<EngineSettings, 'read' | 'plain'>,
  _examiner: Examiner,
  _moves: readonly Move[],
  _data: DataWriter,
  _intake: Intake,
): Walkers {
  return { lines: undefined, rows: () => undefined };
}
