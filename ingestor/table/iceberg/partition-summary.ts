/** What a manifest list says about the partitions of a manifest, so that readers can pass it over. */
import type { PartitionSummary } from './manifest-list.ts';
import type { PartitionColumn } from './partition.ts';
import { compareValues, type SingleValue, serializeValue } from './values.ts';

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

function isWithin(value: SingleValue, { lower, upper }: PartitionSummary, type: PartitionColumn['type']): boolean {
  // Only equal bytes are compared: enough where all files of a manifest are in one partition, and never wrong.
  if (lower === undefined || upper === undefined || Buffer.compare(lower, upper) !== 0) return true;
  const bytes = serializeValue(value, type);
  return bytes === undefined || bytes.length !== lower.length || Buffer.compare(bytes, lower) === 0;
}

function extreme(values: readonly SingleValue[], sign: 1 | -1): SingleValue {
  return values.reduce<SingleValue>(
    (best, value) => (best === null || compareValues(value, best) * sign > 0 ? value : best),
    null,
  );
}
