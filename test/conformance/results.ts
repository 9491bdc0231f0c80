/** What the engine makes of a whole suite, counted by file. */
import { type Judged, judgeGroup, type Verdict } from './judge.ts';
import type { Draft, Group, SuiteFile } from './suite.ts';

export interface FileResult {
  readonly draft: Draft;
  readonly name: string;
  /** Cases, each counted once though it was judged twice: it is right only where it was both times. */
  readonly counts: Readonly<Record<Verdict, number>>;
  /** Of the cases that are right because the record was accepted, those that the kernel took by itself. */
  readonly walked: number;
  /** Why, each once. */
  readonly refusals: readonly string[];
  readonly wrong: readonly string[];
}

export async function judgeFile(file: SuiteFile): Promise<FileResult> {
  const counts = { right: 0, refused: 0, chosen: 0, wrong: 0 };
  const refusals = new Set<string>();
  const wrong: string[] = [];
  let walked = 0;
  for (const group of file.groups) {
    for (const [index, judged] of (await judgeTwice(group, file.draft)).entries()) {
      counts[judged.verdict] += 1;
      if (judged.walked && judged.verdict === 'right') walked += 1;
      if (judged.verdict === 'refused') refusals.add(judged.reason ?? '');
      if (judged.verdict === 'wrong') {
        const { description, data, valid } = group.tests[index] ?? {};
        const value = `${JSON.stringify(data)} is ${valid ? 'valid' : 'invalid'}`;
        wrong.push(`${group.description}: ${description}: ${value}, but: ${judged.reason}`);
      }
    }
  }
  return { draft: file.draft, name: file.name, counts, walked, refusals: [...refusals], wrong };
}

/** With the kernel where it can, and without; the worse of both. */
async function judgeTwice(group: Group, draft: Draft): Promise<Judged[]> {
  const fast = await judgeGroup(group, draft, false);
  const plain = await judgeGroup(group, draft, true);
  return fast.map((one, index) => {
    const other = plain[index];
    if (!other || one.verdict === other.verdict) return one;
    return {
      verdict: 'wrong',
      walked: false,
      reason: `${one.reason ?? 'right'}; without the kernel: ${other.reason ?? 'right'}`,
    };
  });
}
