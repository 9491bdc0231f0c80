/** For tests: what a leaf should hold, told from the rows alone, and what pages hold, read by another's decoders. */

import type { ParquetType } from 'hyparquet';
import { deltaBinaryUnpack, deltaLengthByteArray } from 'hyparquet/src/delta.js';
import { readRleBitPackedHybrid } from 'hyparquet/src/encoding.js';
import { readPlain } from 'hyparquet/src/plain.js';
import type { Column, ColumnType } from '../engine/schema.ts';
import type { EncodedColumn, EncodedDataPage, EncodedPage } from '../parquet/encoded.ts';
import type { LeafType, Shape, ShapeLeaf, ShapeNode } from './shape.ts';

export function column(name: string, type: ColumnType, required = false, children: readonly Column[] = []): Column {
  return { name, type, required, children, path: '' };
}

export type Row = readonly unknown[];

/** Longs as bigints, texts as strings. */
export interface LeafContent {
  readonly definitions: number[];
  readonly repetitions: number[];
  readonly values: unknown[];
}

/** Takes rows apart as the Dremel paper does. */
export function contentOf(shape: Shape, rows: readonly Row[]): LeafContent[] {
  const contents = shape.leaves.map((): LeafContent => ({ definitions: [], repetitions: [], values: [] }));
  const put = (leaf: number, definition: number, repetition: number) => {
    contents[leaf]?.definitions.push(definition);
    contents[leaf]?.repetitions.push(repetition);
  };
  const nothing = ({ firstLeaf, endLeaf }: ShapeNode, definition: number, repetition: number) => {
    for (let leaf = firstLeaf; leaf < endLeaf; leaf += 1) put(leaf, definition, repetition);
  };
  const take = (node: ShapeNode, value: unknown, repetition: number): void => {
    const { type } = node.column;
    if (value === null || value === undefined) {
      nothing(node, node.nullLevel, repetition);
    } else if (type === 'struct') {
      for (const child of node.children) take(child, memberOf(value, child.column.name), repetition);
    } else if (Array.isArray(value)) {
      if (value.length === 0) nothing(node, node.presentLevel, repetition);
      for (const [index, item] of value.entries()) {
        const again = index === 0 ? repetition : node.repetition;
        if (type === 'list') for (const child of node.children) take(child, item, again);
        else for (const child of node.children) take(child, memberOf(item, child.column.name), again);
      }
    } else {
      put(node.firstLeaf, node.presentLevel, repetition);
      const isLong = type === 'long' || type === 'timestamptz';
      contents[node.firstLeaf]?.values.push(isLong ? BigInt(value as number | bigint) : value);
    }
  };
  for (const row of rows) for (const [index, node] of shape.fields.entries()) take(node, row[index], 0);
  return contents;
}

function memberOf(value: unknown, name: string): unknown {
  return Object.entries(value as object).find(([key]) => key === name)?.[1];
}

/** What the pages of a column hold, one after the other. */
export function readContent(encoded: EncodedColumn, leaf: ShapeLeaf): LeafContent {
  const dictionary = encoded.dictionary && readDictionary(encoded.dictionary, leaf.type);
  const pages = encoded.pages.map((page) => readPage(page, leaf, dictionary));
  return {
    definitions: pages.flatMap(({ definitions }) => definitions),
    repetitions: pages.flatMap(({ repetitions }) => repetitions),
    values: pages.flatMap(({ values }) => values),
  };
}

interface Reader {
  readonly view: DataView;
  offset: number;
}

function readerOf(bytes: Uint8Array): Reader {
  const copy = bytes.slice();
  return { view: new DataView(copy.buffer, copy.byteOffset, copy.byteLength), offset: 0 };
}

export function readDictionary({ bytes, entries }: EncodedPage, type: LeafType): unknown[] {
  const reader = readerOf(bytes);
  const values = readPlainValues(reader, type, entries);
  if (reader.offset !== bytes.length) throw new Error('the dictionary page is longer than its values');
  return values;
}

export function readPage(
  { bytes, entries, encoding, nulls }: EncodedDataPage,
  leaf: ShapeLeaf,
  dictionary?: unknown[],
): LeafContent {
  const reader = readerOf(bytes);
  const repetitions = readLevels(reader, leaf.maxRepetition, entries);
  const definitions = readLevels(reader, leaf.maxDefinition, entries);
  const values = readValues(reader, leaf.type, encoding, entries - nulls, dictionary);
  return { definitions, repetitions, values };
}

function readLevels(reader: Reader, most: number, entries: number): number[] {
  const levels = new Array<number>(entries).fill(0);
  if (most > 0) readRleBitPackedHybrid(reader, 32 - Math.clz32(most), levels);
  return levels;
}

function readValues(
  reader: Reader,
  type: LeafType,
  encoding: number,
  count: number,
  dictionary: unknown[] | undefined,
): unknown[] {
  switch (encoding) {
    case 8: {
      const width = reader.view.getUint8(reader.offset);
      reader.offset += 1;
      const numbers = new Array<number>(count).fill(0);
      readRleBitPackedHybrid(reader, width, numbers, reader.view.byteLength - reader.offset);
      return numbers.map((number) => dictionary?.[number]);
    }
    case 5: {
      const values = physicalTypes[type] === 'INT32' ? new Int32Array(count) : new BigInt64Array(count);
      deltaBinaryUnpack(reader, count, values);
      return Array.from<unknown>(values);
    }
    case 6: {
      const values: Uint8Array[] = [];
      deltaLengthByteArray(reader, count, values);
      return values.map(textOf);
    }
    default: {
      const values = readPlainValues(reader, type, count);
      if (reader.offset !== reader.view.byteLength) throw new Error('the page is longer than its values');
      return values;
    }
  }
}

function readPlainValues(reader: Reader, type: LeafType, count: number): unknown[] {
  const values: unknown[] = Array.from(readPlain(reader, physicalTypes[type], count, 0));
  return values.map((value) => (value instanceof Uint8Array ? textOf(value) : value));
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
}

const physicalTypes: Readonly<Record<LeafType, ParquetType>> = {
  boolean: 'BOOLEAN',
  int: 'INT32',
  date: 'INT32',
  long: 'INT64',
  timestamptz: 'INT64',
  double: 'DOUBLE',
  string: 'BYTE_ARRAY',
  json: 'BYTE_ARRAY',
};

export interface Bounds {
  readonly min?: unknown;
  readonly max?: unknown;
}

/** Of values, found one by one; of a page or column, those that it tells. */
export function boundsOf(
  of: readonly unknown[] | { readonly min?: Uint8Array; readonly max?: Uint8Array },
  type: LeafType,
): Bounds {
  if ('length' in of) return foundBounds(of, type);
  const { min, max } = of;
  return min && max ? { min: decodeBound(min, type), max: decodeBound(max, type) } : {};
}

function decodeBound(bytes: Uint8Array, type: LeafType): unknown {
  if (type === 'string' || type === 'json') return textOf(bytes);
  if (type === 'boolean') return bytes[0] === 1;
  return readPlainValues(readerOf(bytes), type, 1)[0];
}

function foundBounds(values: readonly unknown[], type: LeafType): Bounds {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort(inOrder);
  if (sorted.length === 0) return {};
  const [min, max] = [sorted[0], sorted[sorted.length - 1]];
  return type === 'double' ? { min: min === 0 ? -0 : min, max: max === 0 ? 0 : max } : { min, max };
}

function inOrder(a: unknown, b: unknown): number {
  if (typeof a === 'string' && typeof b === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b));
  const [first, second] = [a as number | bigint | boolean, b as number | bigint | boolean];
  return first < second ? -1 : first > second ? 1 : 0;
}
