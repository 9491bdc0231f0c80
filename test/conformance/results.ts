/** What the engine makes of a whole suite, counted by file. */
import { type Judged, judgeGroup, type Verdict } from './judge.ts';
import { type Draft, type Group, isRawNumber, type SuiteFile } from './suite.ts';

export interface FileResult {
  readonly draft: Draft;
  readonly name: string;
  /** Cases, each counted once though it was judged in several ways: it is right only where it was in all. */
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
    for (const [index, judged] of (await judgeInAllWays(group, file.draft)).entries()) {
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

/** As the schema stands, with the kernel where it can and without, and once more for each type of data, in a column of it. */
async function judgeInAllWays(group: Group, draft: Draft): Promise<Judged[]> {
  let all = await judgeGroup(group, draft);
  all = worse(all, await judgeGroup(group, draft, { plain: true }), 'without the kernel');
  if (all.some(({ verdict }) => verdict === 'refused')) return all;
  for (const type of types) {
    const tests = group.tests.filter(({ data }) => isOf(type, data));
    const typed = tests.length > 0 ? await judgeGroup({ ...group, tests }, draft, { type }) : [];
    const places = group.tests.flatMap(({ data }, index) => (isOf(type, data) ? [index] : []));
    const byPlace = new Map(typed.map((judged, index) => [places[index], judged]));
    all = worse(
      all,
      all.map((one, index) => byPlace.get(index) ?? one),
      `in a column of type ${type}`,
    );
  }
  return all;
}

/** Two ways have to come out the same; where a column of a type is refused there is nothing to compare. */
function worse(all: readonly Judged[], other: readonly Judged[], way: string): Judged[] {
  return all.map((one, index) => {
    const also = other[index];
    if (!also || also.verdict === 'refused' || also.verdict === 'chosen') return one;
    if (one.verdict === also.verdict) return { ...one, walked: one.walked || also.walked };
    const reason = `${one.reason ?? 'right'}; ${way}: ${also.reason ?? 'right'}`;
    return { verdict: 'wrong', walked: false, reason };
  });
}

const types = ['null', 'boolean', 'integer', 'number', 'string', 'array', 'object'] as const;

function isOf(type: (typeof types)[number], data: unknown): boolean {
  if (data === null) return type === 'null';
  if (Array.isArray(data)) return type === 'array';
  if (isRawNumber(data))
    return type === 'number' || (type === 'integer' && Number.isInteger(Number(JSON.stringify(data))));
  return typeof data === type;
}
