/** What a manifest list says about the partitions of a manifest, so that readers can pass it over. */
import type { PartitionSummary } from './manifest-list.ts';
import type { PartitionColumn } from './partition.ts';
import { compareValues, deserializeValue, type SingleValue, serializeValue } from './values.ts';

export function summarizePartitions(
  columns: readonly PartitionColumn[],
  partitions: readonly (readonly SingleValue[])[],
): PartitionSummary[] {
  return columns.map(({ type }, index) => {
    const values = partitions.map((partition) => partition[index] ?? null);
    const ordered = values.filter((value) => value !== null && !Number.isNaN(value));
    const lower = serializeValue(extreme(ordered, -1), type);
    const upper = serializeValue(extreme(ordered, 1), type);
    return {
      containsNull: values.includes(null),
      containsNaN: values.some((value) => Number.isNaN(value)),
      ...(lower === undefined ? {} : { lower }),
      ...(upper === undefined ? {} : { upper }),
    };
  });
}

/** Whether a file of this partition may be in a manifest with these summaries. */
export function mayContain(
  summaries: readonly PartitionSummary[] | undefined,
  columns: readonly PartitionColumn[],
  partition: readonly SingleValue[],
): boolean {
  if (summaries === undefined || summaries.length !== columns.length) return true;
  return columns.every(({ type }, index) => {
    const summary = summaries[index];
    const value = partition[index] ?? null;
    if (summary === undefined || Number.isNaN(value)) return true;
    if (value === null) return summary.containsNull;
    return isWithin(value, summary, type);
  });
}

/** A bound of a type that is not read here says nothing. */
function isWithin(value: SingleValue, { lower, upper }: PartitionSummary, type: PartitionColumn['type']): boolean {
  const [least, greatest] = [lower, upper].map((bound) => bound && deserializeValue(bound, type));
  if (least !== undefined && compareValues(value, least) < 0) return false;
  return greatest === undefined || compareValues(value, greatest) <= 0;
}

function extreme(values: readonly SingleValue[], sign: 1 | -1): SingleValue {
  return values.reduce<SingleValue>(
    (best, value) => (best === null || compareValues(value, best) * sign > 0 ? value : best),
    null,
  );
}
