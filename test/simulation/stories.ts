/** What tasks told about runs, by anyone, at any time: a task that is repeated must tell the same. */
import type { BatchOutcome } from '../../ingestor/contract/result.ts';

export class Stories {
  /** By run, then by outcome: what a reverted run told before, and what it tells since. */
  readonly #told = new Map<string, Map<string, Set<string>>>();

  /** Where refused records are is told as long as they are kept. */
  tell({ diagnostics: _, ...outcome }: BatchOutcome, request: string): void {
    const { batchID, run, reason } = outcome;
    const name = reason === 'AlreadyCommitted' ? `${batchID} asked by ${request}` : `${batchID} run ${run}`;
    // A revert that the table refuses leaves the run committed, and says why from then on.
    const isRefusedRevert = outcome.outcome === 'Committed' && reason !== 'Active';
    const kind = isRefusedRevert ? 'Committed, not reverted' : outcome.outcome;
    const outcomes = this.#told.get(name) ?? new Map<string, Set<string>>();
    const texts = outcomes.get(kind) ?? new Set<string>();
    this.#told.set(name, outcomes.set(kind, texts.add(JSON.stringify(outcome))));
  }

  /** For people: what was told in two ways. */
  contradictions(): string[] {
    return [...this.#told].flatMap(([name, outcomes]) => {
      const kinds = [...outcomes.keys()].filter((kind) => kind !== 'Reverted' && kind !== 'Committed, not reverted');
      const several = kinds.length > 1 ? [`${name} is told to be ${kinds.join(' and ')}`] : [];
      const different = [...outcomes].filter(([, texts]) => texts.size > 1);
      return [...several, ...different.map(([, texts]) => `${name} is told in ways: ${[...texts].join('\n')}`)];
    });
  }
}
