/**
 * CSV and Parquet cannot tell a missing field from one that is null. Readers leave such fields out; where the schema asks
 * for the field and allows null, it is null.
 */
import type { ColumnPlan } from './columns.ts';
import { isObject, type JsonObject } from './schemadocument.ts';

/** Adds the nulls that the schema asks for; undefined when it never does. */
export function compileNulls(columns: readonly ColumnPlan[]): ((record: Record<string, unknown>) => void) | undefined {
  const asked = columns.filter((column) => column.mustBeThere && column.nullable).map((column) => column.name);
  const inner = columns.flatMap((column) => {
    const fill = column.type === 'struct' ? compileNulls(column.children) : undefined;
    return fill ? [{ name: column.name, fill }] : [];
  });
  if (asked.length === 0 && inner.length === 0) return undefined;
  return (record) => {
    for (const name of asked) record[name] ??= null;
    for (const { name, fill } of inner) {
      const value = record[name];
      if (isRecord(value)) fill(value);
    }
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  const object: JsonObject | undefined = isObject(value) ? value : undefined;
  return object !== undefined;
}
