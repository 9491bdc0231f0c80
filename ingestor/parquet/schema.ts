/** Columns as the schema elements of a Parquet file: depth first, groups with the number of their children. */
import type { SchemaElement } from 'hyparquet';
import type { Column } from '../engine/schema.ts';

export function schemaElements(columns: readonly Column[]): SchemaElement[] {
  return [{ name: 'root', num_children: columns.length }, ...columns.flatMap(elementsOf)];
}

function elementsOf(column: Column): SchemaElement[] {
  const { name } = column;
  const repetition_type = column.required ? 'REQUIRED' : 'OPTIONAL';
  const children = column.children.flatMap(elementsOf);
  switch (column.type) {
    case 'struct':
      return [{ name, repetition_type, num_children: column.children.length }, ...children];
    case 'list':
      return [
        { name, repetition_type, num_children: 1, converted_type: 'LIST', logical_type: { type: 'LIST' } },
        { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
        ...children,
      ];
    case 'map':
      return [
        { name, repetition_type, num_children: 1, converted_type: 'MAP', logical_type: { type: 'MAP' } },
        { name: 'key_value', repetition_type: 'REPEATED', num_children: 2 },
        ...children,
      ];
    default:
      return [{ name, repetition_type, ...leafTypes[column.type] }];
  }
}

type LeafType = Exclude<Column['type'], 'struct' | 'list' | 'map'>;

const text = { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } } as const;
const micros = { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MICROS' } as const;

const leafTypes: Readonly<Record<LeafType, Omit<SchemaElement, 'name'>>> = {
  string: text,
  /** Plain text: readers that know the annotation JSON round its integers. */
  json: text,
  boolean: { type: 'BOOLEAN' },
  int: { type: 'INT32' },
  long: { type: 'INT64' },
  double: { type: 'DOUBLE' },
  date: { type: 'INT32', converted_type: 'DATE', logical_type: { type: 'DATE' } },
  timestamptz: { type: 'INT64', converted_type: 'TIMESTAMP_MICROS', logical_type: micros },
};
