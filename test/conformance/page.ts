/** The table of results in docs/json-schema.md; the words around it are written by hand. */
import { choices, type Verdict } from './judge.ts';
import type { FileResult } from './results.ts';

const begin = '<!-- make conformance writes from here -->';
const end = '<!-- to here -->';

/** The page with the table of these results in place of the one it has. */
export function page(text: string, results: readonly FileResult[]): string {
  const [before, rest] = text.split(begin);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined) throw new Error(`the page has no place for the table: ${begin}`);
  return `${before}${begin}\n\n${table(results)}\n\n${end}${after}`;
}

const verdicts: readonly Verdict[] = ['right', 'refused', 'chosen', 'wrong'];

function table(results: readonly FileResult[]): string {
  const names = [...new Set(results.map(({ name }) => name))].sort(byFolder);
  const rows = names.map((name) =>
    row(
      name,
      results.filter((result) => result.name === name),
    ),
  );
  return [
    '| File of the suite | draft-07: right | refused | otherwise | wrong | 2020-12: right | refused | otherwise | wrong | by the kernel |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...rows,
    row('**all**', results),
    '',
    'Otherwise, on purpose:',
    '',
    ...Object.values(choices).map((choice) => `- ${choice}`),
  ].join('\n');
}

function row(name: string, results: readonly FileResult[]): string {
  const cells = (['draft-07', '2020-12'] as const).flatMap((draft) => {
    const ofDraft = results.filter((result) => result.draft === draft);
    return verdicts.map((verdict) => {
      const count = ofDraft.reduce((sum, { counts }) => sum + counts[verdict], 0);
      return ofDraft.length === 0 ? '' : count === 0 && verdict !== 'right' ? '-' : String(count);
    });
  });
  const walked = results.reduce((sum, result) => sum + result.walked, 0);
  return `| ${name} | ${cells.join(' | ')} | ${walked} |`;
}

/** Those of the main folder first. */
function byFolder(a: string, b: string): number {
  const depth = (name: string) => name.split('/').length;
  return depth(a) - depth(b) || a.localeCompare(b, 'en');
}
