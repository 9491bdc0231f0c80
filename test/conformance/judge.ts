/** Runs a group of the suite through the engine: JSON lines in; accepted or refused out. */

import { ForebayError } from '../../ingestor/contract/errors.ts';
import type { EngineOutput, RejectedRecord } from '../../ingestor/engine/engine.ts';
import { createEngine } from '../../ingestor/engine/index.ts';
import { engineSettings, inputOf, rejectsOf } from '../../ingestor/engine/testing.ts';
import { embed } from './embed.ts';
import type { Case, Draft, Group } from './suite.ts';

/**
 * `refused`: with its schema, by a message that names the keyword. `chosen`: not what the suite expects, on purpose; see
 * `choices`. `wrong`: anything else.
 */
export type Verdict = 'right' | 'refused' | 'chosen' | 'wrong';

export interface Judged {
  readonly verdict: Verdict;
  /** refused and wrong: why. chosen: which choice. */
  readonly reason?: string;
  /** The kernel took the record by itself. */
  readonly walked: boolean;
}

/** Where we do not do what the suite expects, and why. */
export const choices = {
  formats: 'Formats are checked in draft 2020-12 too, where the suite takes them for annotations by default.',
  integers: 'An integer past 64 bits is refused (`OutOfRange`) where its field is a column of integers.',
} as const;

export interface Way {
  /** Without the kernel. */
  readonly plain?: boolean;
  /** What the column's type is to be. */
  readonly type?: string;
}

export async function judgeGroup(group: Group, draft: Draft, { plain = false, type }: Way = {}): Promise<Judged[]> {
  const schema = embed(group.schema, draft, type);
  const records = group.tests.map(({ data }, index) => JSON.stringify({ case: index, value: data }));
  const files = new Map<string, Buffer>();
  let output: EngineOutput;
  try {
    const engine = createEngine(engineSettings(schema, files, { plain }));
    await engine.ingest(inputOf(`${records.join('\n')}\n`));
    output = await engine.finish();
  } catch (error) {
    return group.tests.map(() => ({ ...refusal(error, JSON.stringify(schema)), walked: false }));
  }
  const rejects = new Map(rejectsOf(files.get('rejects')).map((reject) => [reject.record, reject]));
  // Of how many the kernel took, not which: those that were accepted, one after the other.
  let walked = output.walked;
  return group.tests.map((test, index) => {
    const reject = rejects.get(index + 1);
    if (!reject) walked -= 1;
    return { ...verdictOn(test, reject), walked: !reject && walked >= 0 };
  });
}

/** A refusal names a keyword that stands in the schema. */
function refusal(error: unknown, schema: string): Omit<Judged, 'walked'> {
  const reason = error instanceof Error ? error.message : String(error);
  const keyword = /, keyword (\S+): /.exec(reason)?.[1];
  const named = keyword !== undefined && schema.includes(`"${keyword}":`);
  const clear = error instanceof ForebayError && error.code === 'InvalidSchema' && named;
  return { verdict: clear ? 'refused' : 'wrong', reason };
}

function verdictOn({ valid, description }: Case, reject: RejectedRecord | undefined): Omit<Judged, 'walked'> {
  if (valid === (reject === undefined)) return { verdict: 'right' };
  if (reject?.errors.every(isPast64Bits)) return { verdict: 'chosen', reason: choices.integers };
  if (reject?.errors.every(({ code }) => code === 'FormatMismatch') && /annotation by default/.test(description)) {
    return { verdict: 'chosen', reason: choices.formats };
  }
  const why = reject?.errors.map(({ code, path, message }) => `${code} ${path} ${message}`).join('; ');
  return { verdict: 'wrong', reason: why ?? 'accepted' };
}

function isPast64Bits({ code, message }: RejectedRecord['errors'][number]): boolean {
  return code === 'OutOfRange' && message === 'must be from -9223372036854775808 to 9223372036854775807';
}
