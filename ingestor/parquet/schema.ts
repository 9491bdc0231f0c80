/** Columns as the schema elements of a Parquet file: depth first, groups with the number of their children. */
import type { SchemaElement } from 'hyparquet';
import type { Path } from '../engine/mapping.ts';
import type { Column } from '../engine/schema.ts';
import type { LeafType } from '../kernel/shape.ts';
import type { FieldID } from './fields.ts';

/** Every group and leaf has its id where there are ids; the groups that only Parquet has (`list`, `key_value`) never. */
export function schemaElements(columns: readonly Column[], idOf: FieldID = () => undefined): SchemaElement[] {
  return [
    { name: 'root', num_children: columns.length },
    ...columns.flatMap((column) => elementsOf(column, [column.name], idOf)),
  ];
}

function elementsOf(column: Column, path: Path, idOf: FieldID): SchemaElement[] {
  const { name } = column;
  const repetition_type = column.required ? 'REQUIRED' : 'OPTIONAL';
  const field_id = idOf(path);
  const head = { name, repetition_type, ...(field_id === undefined ? {} : { field_id }) } as const;
  const children = column.children.flatMap((child) => elementsOf(child, [...path, child.name], idOf));
  switch (column.type) {
    case 'struct':
      return [{ ...head, num_children: column.children.length }, ...children];
    case 'list':
      return [
        { ...head, num_children: 1, converted_type: 'LIST', logical_type: { type: 'LIST' } },
        { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
        ...children,
      ];
    case 'map':
      return [
        { ...head, num_children: 1, converted_type: 'MAP', logical_type: { type: 'MAP' } },
        { name: 'key_value', repetition_type: 'REPEATED', num_children: 2 },
        ...children,
      ];
    default:
      return [{ ...head, ...leafTypes[column.type] }];
  }
}

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
