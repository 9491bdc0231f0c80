/** From rows of CSV fields to records: each field converted to its column's type and put where its name or a move says. */
import type { ColumnPlan } from '../columns.ts';
import { hasBigInt } from '../exact.ts';
import { findColumn, type Move, type Path, parsePath, startsWith } from '../mapping.ts';
import { compileNulls } from '../nulls.ts';
import { isObject } from '../schemadocument.ts';
import { type ConvertText, textConverter } from '../text.ts';
import type { RowTaker } from './csv.ts';
import type { RecordSink, RecordSource } from './reader.ts';

export class RowRecords implements RowTaker {
  readonly #columns: ReadonlyMap<string, ColumnPlan>;
  readonly #moves: readonly Move[];
  readonly #sink: RecordSink;
  readonly #fillNulls: ((record: Record<string, unknown>) => void) | undefined;
  /** That the fields are for. */
  #header: string | undefined;
  #fields: readonly Field[] = [];
  /** Fields whose place another one is moved to. */
  #leftOut: readonly number[] = [];

  constructor(columns: readonly ColumnPlan[], moves: readonly Move[], sink: RecordSink) {
    this.#columns = new Map(columns.map((column) => [column.name, column]));
    this.#moves = moves;
    this.#sink = sink;
    this.#fillNulls = compileNulls(columns);
  }

  header(names: readonly string[]): void {
    const header = JSON.stringify(names);
    if (header === this.#header) return;
    this.#header = header;
    const { placed, leftOut } = placeFields(names, this.#columns, this.#moves);
    const places = new Map<string, Place>();
    this.#fields = placed.map(({ index, path }) => this.#field(index, path, places));
    this.#leftOut = leftOut;
  }

  row(values: readonly (string | null)[], source: RecordSource): void {
    const record: Record<string, unknown> = {};
    let exact = false;
    let place: Place | undefined;
    let at = record;
    for (const { index, inside, name, convert } of this.#fields) {
      const text = values[index];
      if (text === null || text === undefined) continue;
      const value = convert(text);
      if (typeof value === 'bigint' || (typeof value === 'object' && hasBigInt(value))) exact = true;
      if (inside !== place) at = structAt(record, inside.path);
      place = inside;
      define(at, name, value);
    }
    this.#fillNulls?.(record);
    const warned = this.#leftOut.some((index) => typeof values[index] === 'string');
    if (exact) this.#sink.acceptExact(record, source, warned);
    else this.#sink.accept(record, source, warned);
  }

  /** Fields of one struct have the same place. */
  #field(index: number, path: Path, places: Map<string, Place>): Field {
    const top = this.#columns.get(path[0] ?? '');
    const convert = textConverter(top && findColumn([top], path));
    const [outer, name = ''] = [path.slice(0, -1), path.at(-1)];
    const key = JSON.stringify(outer);
    const inside = places.get(key) ?? { path: outer };
    places.set(key, inside);
    return { index, inside, name, convert };
  }
}

interface Field {
  /** Of the field in its row. */
  readonly index: number;
  readonly inside: Place;
  readonly name: string;
  readonly convert: ConvertText;
}

/** The struct that a field is in, or the record. */
interface Place {
  readonly path: Path;
}

/** Where the fields of a row go. */
export interface PlacedFields {
  /** `index`: of the field in its row. */
  readonly placed: readonly { readonly index: number; readonly path: Path }[];
  /** Fields whose place another one is moved to. */
  readonly leftOut: readonly number[];
}

export function placeFields(
  names: readonly string[],
  columns: ReadonlyMap<string, unknown>,
  moves: readonly Move[],
): PlacedFields {
  const fields = names.flatMap((name, index) => placesOf(name, columns, moves).map((place) => ({ ...place, index })));
  // Of two fields for one place the moved one is kept.
  const moved = fields.filter((field) => field.moved);
  const givesWay = (field: Destination) => !field.moved && moved.some((other) => overlap(other.path, field.path));
  return {
    placed: fields.filter((field) => !givesWay(field)),
    leftOut: fields.filter(givesWay).map(({ index }) => index),
  };
}

interface Destination {
  readonly path: Path;
  readonly moved: boolean;
}

/** Where a field of this name goes: where moves take it, else where its name says. */
function placesOf(name: string, columns: ReadonlyMap<string, unknown>, moves: readonly Move[]): Destination[] {
  const own = ownPath(name, columns);
  const moved = moves.flatMap(({ source, destination }) => {
    if (source.length === 1 && source[0] === name) return [destination];
    return startsWith(own, source) ? [[...destination, ...own.slice(source.length)]] : [];
  });
  if (moved.length > 0) return moved.map((path) => ({ path, moved: true }));
  return [{ path: own, moved: false }];
}

/** A dot in a name means a nested field, unless the schema knows the name as it stands. */
function ownPath(name: string, columns: ReadonlyMap<string, unknown>): Path {
  if (columns.has(name) || name.split('.').includes('')) return [name];
  return name.includes('.') ? parsePath(name) : [name];
}

function overlap(a: Path, b: Path): boolean {
  return startsWith(a, b) || startsWith(b, a);
}

/** The struct at a path, which is made where there is none. */
function structAt(record: Record<string, unknown>, path: Path): Record<string, unknown> {
  let at = record;
  for (const name of path) {
    const inner = Object.hasOwn(at, name) ? at[name] : undefined;
    if (isRecord(inner)) {
      at = inner;
    } else {
      const made = {};
      define(at, name, made);
      at = made;
    }
  }
  return at;
}

/** What a field's text was read as is its own, and may be added to. */
function isRecord(value: unknown): value is Record<string, unknown> {
  return isObject(value);
}

/** Names come from the file: `__proto__` must become a field like any other. */
function define(record: Record<string, unknown>, name: string, value: unknown): void {
  if (name !== '__proto__') record[name] = value;
  else Object.defineProperty(record, name, { value, writable: true, enumerable: true, configurable: true });
}
