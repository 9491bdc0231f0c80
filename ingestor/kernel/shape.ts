/**
 * The tree of a table's columns as Parquet stores it: which leaves lie below each place, and the definition and
 * repetition levels by which nulls and lists are told apart (Dremel, as in the Parquet format's "Nested Encoding").
 */
import type { Column, ColumnType } from '../engine/schema.ts';

export type LeafType = Exclude<ColumnType, 'struct' | 'list' | 'map'>;

/** A column of a Parquet file, which has values of its own. Leaves are numbered depth first. */
export interface ShapeLeaf {
  readonly index: number;
  /** Names that lead to it; a list's item is `element`, a map's parts are `key` and `value`. */
  readonly path: readonly string[];
  readonly type: LeafType;
  /** The definition level of a value that is there. */
  readonly maxDefinition: number;
  /** 0: each row has one entry. */
  readonly maxRepetition: number;
}

export interface ShapeNode {
  readonly column: Column;
  /** The leaves below it (of a leaf, its own): from `firstLeaf` to before `endLeaf`. */
  readonly firstLeaf: number;
  readonly endLeaf: number;
  /** The definition level of all leaves below where this is null, or missing, and its parent is there. */
  readonly nullLevel: number;
  /** Where it is there; of a list or map, where it is there and empty. One more than `nullLevel`, or the same where it is required. */
  readonly presentLevel: number;
  /** Of a list or map: the repetition level of its second item and those after it. */
  readonly repetition: number;
  /** struct: its fields; list: the element; map: key and value. */
  readonly children: readonly ShapeNode[];
}

export interface Shape {
  readonly fields: readonly ShapeNode[];
  readonly leaves: readonly ShapeLeaf[];
}

export function shapeOf(columns: readonly Column[]): Shape {
  const leaves: ShapeLeaf[] = [];
  return {
    fields: columns.map((column) => nodeOf(column, { path: [], definition: 0, repetition: 0 }, leaves)),
    leaves,
  };
}

interface Above {
  readonly path: readonly string[];
  readonly definition: number;
  readonly repetition: number;
}

function nodeOf(column: Column, above: Above, leaves: ShapeLeaf[]): ShapeNode {
  const path = [...above.path, column.name];
  const firstLeaf = leaves.length;
  const presentLevel = above.definition + (column.required ? 0 : 1);
  const repeats = column.type === 'list' || column.type === 'map';
  const repetition = above.repetition + (repeats ? 1 : 0);
  if (isLeafType(column.type)) {
    const { type } = column;
    leaves.push({ index: firstLeaf, path, type, maxDefinition: presentLevel, maxRepetition: repetition });
  }
  const inside = { path, definition: presentLevel + (repeats ? 1 : 0), repetition };
  const children = column.children.map((child) => nodeOf(child, inside, leaves));
  const nullLevel = above.definition;
  return { column, firstLeaf, endLeaf: leaves.length, nullLevel, presentLevel, repetition, children };
}

function isLeafType(type: ColumnType): type is LeafType {
  return type !== 'struct' && type !== 'list' && type !== 'map';
}
