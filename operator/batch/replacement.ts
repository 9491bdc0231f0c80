/** Which batch takes out which: by what the resources say. Whether it did, the bucket tells. */
import { hasSucceeded } from '../api/conditions.ts';
import { batchID, parseBatchID } from '../api/names.ts';
import type { Batch } from '../api/types.gen.ts';

/** True when `other` was committed after `batch`, of the same Dataset, and names it in `replaces`. */
export function isReplacedBy(batch: Batch, other: Batch): boolean {
  const isOfDataset = other.spec.datasetRef.name === batch.spec.datasetRef.name;
  return isOfDataset && hasSucceeded(other) && names(other, batch) && endedAfter(other, batch);
}

function names({ spec: { replaces = [] } }: Batch, batch: Batch): boolean {
  const { kind, id } = batchID(batch);
  return replaces.map(parseBatchID).some((it) => it.kind === kind && it.id === id);
}

/** Within one second they may have come in any order; asking the bucket once too often does no harm. */
function endedAfter(a: Batch, b: Batch): boolean {
  return Date.parse(a.status.completionTime ?? '') >= Date.parse(b.status.completionTime ?? '');
}
