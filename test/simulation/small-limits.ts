/**
 * Limits that a table of weeks never meets are made so small that what happens beyond them happens in every few seeds:
 * files are cut, lists of files are objects of their own, the ledger is folded, old versions are emptied, manifests are
 * merged.
 */
import type { Replacement } from './hooks.ts';

export const smallLimits: readonly Replacement[] = [
  // No limit: types of Avro are made anew for each file, which is an eighth of the time of a seed.
  {
    file: 'ingestor/table/iceberg/avro.ts',
    from: 'function typeOf(schema: unknown): avsc.Type {',
    to: `const types = new Map<string, avsc.Type>();
function typeOf(schema: unknown): avsc.Type {
  const text = JSON.stringify(schema);
  const known = types.get(text) ?? typeAnew(schema);
  types.set(text, known);
  return known;
}
function typeAnew(schema: unknown): avsc.Type {`,
  },
  { file: 'ingestor/commit/plan.ts', from: 'const leastPartBytes = 2 ** 20;', to: 'const leastPartBytes = 64;' },
  { file: 'ingestor/commit/plan.ts', from: 'const mostInputsInPlan = 1_000;', to: 'const mostInputsInPlan = 2;' },
  { file: 'ingestor/commit/ledger-fold.ts', from: 'const leastEntries = 16;', to: 'const leastEntries = 3;' },
  { file: 'ingestor/table/version-files.ts', from: 'const keptVersions = 100;', to: 'const keptVersions = 5;' },
  { file: 'ingestor/table/iceberg/updates.ts', from: 'keptMetadataLog = 100;', to: 'keptMetadataLog = 5;' },
  { file: 'ingestor/table/iceberg/snapshot.ts', from: 'const mergedCount = 100;', to: 'const mergedCount = 3;' },
  { file: 'ingestor/maintain/orphans.ts', from: 'const tolerated = 100;', to: 'const tolerated = 2;' },
  { file: 'ingestor/inlet/names.ts', from: 'const blockDigits = 3;', to: 'const blockDigits = 1;' },
];
