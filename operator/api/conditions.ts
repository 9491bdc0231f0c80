/** What the kinds read of each other: a resource as its conditions and status tell. */
import type { Batch, Condition, Dataset } from './types.gen.ts';

export const conditionTypes = {
  ready: 'Ready',
  reconciling: 'Reconciling',
  stalled: 'Stalled',
  /** Of a Batch. */
  succeeded: 'Succeeded',
  /** Of a SourceConnection. */
  connected: 'Connected',
} as const;

/** Others wait for this, never for Ready: a bad edit of the Dataset stops nothing. */
export function hasSchemaInForce(dataset: Dataset): boolean {
  return dataset.status.schema !== undefined;
}

/** The condition that says how the batch stands; undefined before the operator has seen it. */
export function succeededCondition(batch: Batch): Condition | undefined {
  return batch.status.conditions?.find((condition) => condition.type === conditionTypes.succeeded);
}

export function isEnded(batch: Batch): boolean {
  const status = succeededCondition(batch)?.status;
  return status === 'True' || status === 'False';
}

export function hasSucceeded(batch: Batch): boolean {
  return succeededCondition(batch)?.status === 'True';
}

/** It ended, and nothing of it is in the table: it failed, was stopped, reverted or only checked. */
export function endedWithoutRows(batch: Batch): boolean {
  return succeededCondition(batch)?.status === 'False';
}
