/**
 * Where fields of the input go. A mapped field moves to its destination; all others stay where their names put them. Of
 * a field that stays and one that is moved onto it, the moved one is kept and the record counts as one with a warning.
 */
import { ForebayError } from '../contract/errors.ts';
import type { Mapping } from '../contract/task.ts';
import type { Column } from './schema.ts';
import { isObject, type JsonObject } from './schemadocument.ts';

/** Names from the root of a record to a field. */
export type Path = readonly string[];

export interface Move {
  readonly source: Path;
  readonly destination: Path;
}

export interface Mapped {
  readonly record: JsonObject;
  /** A field was moved onto another one. */
  readonly overwrote: boolean;
}

/** Throws InvalidMapping for a destination that is no column, or that another one fills too. */
export function compileMoves(mapping: Mapping, columns: readonly Column[]): readonly Move[] {
  const moves = mapping.map(({ source, destination }) => {
    const move = { source: parsePath(source), destination: parsePath(destination) };
    if (!findColumn(columns, move.destination)) throw invalid(`the schema has no field ${destination}`);
    return move;
  });
  for (const [index, move] of moves.entries()) {
    const other = moves.slice(index + 1).find(({ destination }) => {
      return startsWith(destination, move.destination) || startsWith(move.destination, destination);
    });
    if (other) throw invalid(`two fields go to ${move.destination.join('.')}`);
  }
  return moves;
}

/** Dots separate; `\.` is a dot in a name, `\\` a backslash. Throws InvalidMapping for an empty name. */
export function parsePath(text: string): Path {
  const names: string[] = [];
  let name = '';
  for (let at = 0; at < text.length; at += 1) {
    const escaped = text[at] === '\\' && (text[at + 1] === '.' || text[at + 1] === '\\');
    if (escaped) at += 1;
    if (text[at] === '.' && !escaped) {
      names.push(name);
      name = '';
    } else {
      name += text[at];
    }
  }
  names.push(name);
  if (names.includes('')) throw invalid(`"${text}" has a part without a name`);
  return names;
}

/** The column at a path through structs. */
export function findColumn<C extends Column & { readonly children: readonly C[] }>(
  columns: readonly C[],
  path: Path,
): C | undefined {
  const [name, ...rest] = path;
  const column = columns.find((one) => one.name === name);
  if (rest.length === 0 || !column) return column;
  return column.type === 'struct' ? findColumn(column.children, rest) : undefined;
}

export function startsWith(path: Path, prefix: Path): boolean {
  return prefix.every((name, index) => path[index] === name);
}

/** Applies the moves to records as they come from JSON or Parquet. The record itself is left as it was. */
export function applyMoves(record: JsonObject, moves: readonly Move[]): Mapped {
  if (moves.length === 0) return { record, overwrote: false };
  let mapped = moves.reduce((rest, { source }) => without(rest, source), record);
  let overwrote = false;
  for (const { source, destination } of moves) {
    const value = valueAt(record, source);
    if (value === undefined) continue;
    if (valueAt(mapped, destination) !== undefined) overwrote = true;
    mapped = withValue(mapped, destination, value);
  }
  return { record: mapped, overwrote };
}

function invalid(problem: string): ForebayError {
  return new ForebayError('InvalidMapping', `mapping: ${problem}`);
}

function valueAt(record: unknown, path: Path): unknown {
  let value = record;
  for (const name of path) value = isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
  return value;
}

/** The record without the field, and without objects that this leaves empty. */
function without(record: JsonObject, [name, ...rest]: Path): JsonObject {
  if (name === undefined || !Object.hasOwn(record, name)) return record;
  const inner = record[name];
  if (rest.length > 0) {
    if (!isObject(inner) || valueAt(inner, rest) === undefined) return record;
    const smaller = without(inner, rest);
    if (Object.keys(smaller).length > 0) return withValue(record, [name], smaller);
  }
  return Object.fromEntries(Object.entries(record).filter(([key]) => key !== name));
}

/** A copy with the field set; names come from the schema, which has no `__proto__`. */
function withValue(record: JsonObject, [name, ...rest]: Path, value: unknown): JsonObject {
  if (name === undefined) return record;
  const inner = record[name];
  return { ...record, [name]: rest.length === 0 ? value : withValue(isObject(inner) ? inner : {}, rest, value) };
}
