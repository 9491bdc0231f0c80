/**
 * Records put together from the levels of their leaf columns, as Dremel has it. A definition level says how deep a record
 * goes on the way to a leaf, a repetition level in which of the lists on that way an element follows the one before.
 */
import type { SchemaTree } from 'hyparquet';
import type { LeafCursor } from './leaf.ts';
import type { ValueType } from './valuereader.ts';

/** What is made of a place of the schema; each group has at least one leaf. */
export type Shape =
  | { readonly kind: 'leaf'; readonly tree: SchemaTree; readonly values: ValueType }
  | {
      readonly kind: 'struct';
      readonly tree: SchemaTree;
      readonly fields: readonly Field[];
      /** Fields without value are null; else they are left out. */
      readonly withNulls: boolean;
    }
  | {
      readonly kind: 'list';
      readonly tree: SchemaTree;
      /** The node that is there once for each element; the list itself where nothing is around it. */
      readonly repeated: SchemaTree;
      readonly element: Shape;
    }
  | {
      /** An object. */
      readonly kind: 'map';
      readonly tree: SchemaTree;
      readonly repeated: SchemaTree;
      readonly key: Shape;
      readonly value: Shape;
    };

export interface Field {
  /** Undefined: it is read for its levels, and no field. */
  readonly name: string | undefined;
  /** Undefined: it is not in the file. */
  readonly shape: Shape | undefined;
}

/** Of a place of the schema where a value is there. */
export interface Levels {
  readonly definition: number;
  readonly repetition: number;
}

/** Takes the values of a place, record by record. */
export interface Assembler {
  /** `repetition`: the level that the next entry must have. Null where there is nothing. Throws Error where levels lie. */
  next(repetition: number): unknown;
}

/** The levels of every node below the root. */
export function levelsOf(root: SchemaTree): ReadonlyMap<SchemaTree, Levels> {
  const found = new Map<SchemaTree, Levels>();
  const visit = (tree: SchemaTree, parent: Levels): void => {
    const { repetition_type: kind } = tree.element;
    const own = {
      definition: parent.definition + (kind === 'OPTIONAL' || kind === 'REPEATED' ? 1 : 0),
      repetition: parent.repetition + (kind === 'REPEATED' ? 1 : 0),
    };
    found.set(tree, own);
    for (const child of tree.children) visit(child, own);
  };
  for (const child of root.children) visit(child, { definition: 0, repetition: 0 });
  return found;
}

export function leavesOf(shape: Shape): { readonly tree: SchemaTree; readonly values: ValueType }[] {
  switch (shape.kind) {
    case 'leaf':
      return [shape];
    case 'struct':
      return shape.fields.flatMap(({ shape: field }) => (field ? leavesOf(field) : []));
    case 'list':
      return leavesOf(shape.element);
    case 'map':
      return [...leavesOf(shape.key), ...leavesOf(shape.value)];
  }
}

export interface Sources {
  readonly levels: ReadonlyMap<SchemaTree, Levels>;
  readonly cursors: ReadonlyMap<SchemaTree, LeafCursor>;
}

export function assemblerOf(shape: Shape, sources: Sources): Assembler {
  const place = placeOf(shape, sources);
  switch (shape.kind) {
    case 'leaf':
      return new LeafAssembler(place);
    case 'struct':
      return new StructAssembler(place, shape.withNulls, shape.fields.map(assembledField));
    case 'list':
      return new ListAssembler(place, assemblerOf(shape.element, sources));
    case 'map':
      return new MapAssembler(place, assemblerOf(shape.key, sources), assemblerOf(shape.value, sources));
  }

  function assembledField({ name, shape: field }: Field): AssembledField {
    return { name, assembler: field && assemblerOf(field, sources) };
  }
}

/** Where values of a group or leaf are taken from. */
interface Place {
  /** Of its first leaf, whose levels say what is there: all leaves must agree as far as they share the way. */
  readonly guide: LeafCursor;
  readonly leaves: readonly LeafCursor[];
  readonly isOptional: boolean;
  /** The definition level of a value that is there; of a list, one that may be empty. */
  readonly definition: number;
  /** The definition level at which the group around it is there. */
  readonly outer: number;
  /** The levels of an element, in a list or map. */
  readonly element: Levels;
}

function placeOf(shape: Shape, { levels, cursors }: Sources): Place {
  const { tree } = shape;
  const own = levels.get(tree);
  const element = levels.get('repeated' in shape ? shape.repeated : tree);
  const leaves = leavesOf(shape).map((leaf) => cursors.get(leaf.tree));
  const [guide] = leaves;
  if (!own || !element || !guide) throw new Error(`${tree.path.join('.')} has no column`);
  const isOptional = tree.element.repetition_type === 'OPTIONAL';
  // A list that stands for itself is there where what is around it is.
  const isOwnElement = 'repeated' in shape && shape.repeated === tree;
  const definition = isOwnElement ? own.definition - 1 : own.definition;
  const outer = isOptional ? definition - 1 : definition;
  return { guide, leaves: leaves.filter((leaf) => leaf !== undefined), isOptional, definition, outer, element };
}

class LeafAssembler implements Assembler {
  readonly #cursor: LeafCursor;
  readonly #most: number;
  readonly #outer: number;
  readonly #isRepeated: boolean;

  constructor({ guide, outer }: Place) {
    this.#cursor = guide;
    this.#most = guide.column.maxDefinition;
    this.#outer = outer;
    this.#isRepeated = guide.column.maxRepetition > 0;
  }

  next(repetition: number): unknown {
    const cursor = this.#cursor;
    const { at } = cursor;
    if (at >= cursor.end || (this.#isRepeated && cursor.repetitions[at] !== repetition)) throw cursor.misplaced();
    cursor.at = at + 1;
    const definition = cursor.definitions[at] ?? 0;
    if (definition === this.#most) {
      const value = cursor.values[cursor.valueAt];
      cursor.valueAt += 1;
      return value;
    }
    if (definition < this.#outer) throw cursor.misplaced();
    return null;
  }
}

/** The definition level of the next entry. */
function peek(cursor: LeafCursor): number {
  if (cursor.at >= cursor.end) throw cursor.misplaced();
  return cursor.definitions[cursor.at] ?? 0;
}

/** Takes the one entry that each leaf has where a group around it is not there, or a list is empty. */
function skip({ leaves, outer }: Place, repetition: number, definition: number): void {
  for (const leaf of leaves) {
    const { at } = leaf;
    const isRepetition = leaf.column.maxRepetition === 0 || leaf.repetitions[at] === repetition;
    if (at >= leaf.end || !isRepetition || leaf.definitions[at] !== definition || definition < outer)
      throw leaf.misplaced();
    leaf.at = at + 1;
  }
}

interface AssembledField {
  readonly name: string | undefined;
  readonly assembler: Assembler | undefined;
}

class StructAssembler implements Assembler {
  readonly #place: Place;
  readonly #withNulls: boolean;
  readonly #fields: readonly AssembledField[];

  constructor(place: Place, withNulls: boolean, fields: readonly AssembledField[]) {
    this.#place = place;
    this.#withNulls = withNulls;
    this.#fields = fields;
  }

  next(repetition: number): unknown {
    const { isOptional, guide, definition } = this.#place;
    if (isOptional) {
      const found = peek(guide);
      if (found < definition) {
        skip(this.#place, repetition, found);
        return null;
      }
    }
    const struct: Record<string, unknown> = {};
    for (const { name, assembler } of this.#fields) {
      const value = assembler ? assembler.next(repetition) : null;
      if (name !== undefined && (this.#withNulls || (value !== null && value !== undefined)))
        setOwn(struct, name, value);
    }
    return struct;
  }
}

class ListAssembler implements Assembler {
  readonly #place: Place;
  readonly #element: Assembler;

  constructor(place: Place, element: Assembler) {
    this.#place = place;
    this.#element = element;
  }

  next(repetition: number): unknown {
    const { guide, element } = this.#place;
    const found = peek(guide);
    if (found < element.definition) return isNull(this.#place, repetition, found) ? null : [];
    const list = [this.#element.next(repetition) ?? null];
    while (isElement(guide, element)) list.push(this.#element.next(element.repetition) ?? null);
    return list;
  }
}

/** As an object; of keys that are there twice the last one has its value. */
class MapAssembler implements Assembler {
  readonly #place: Place;
  readonly #key: Assembler;
  readonly #value: Assembler;

  constructor(place: Place, key: Assembler, value: Assembler) {
    this.#place = place;
    this.#key = key;
    this.#value = value;
  }

  next(repetition: number): unknown {
    const { guide, element } = this.#place;
    const found = peek(guide);
    if (found < element.definition) return isNull(this.#place, repetition, found) ? null : {};
    const map: Record<string, unknown> = {};
    this.#add(map, repetition);
    while (isElement(guide, element)) this.#add(map, element.repetition);
    return map;
  }

  #add(map: Record<string, unknown>, repetition: number): void {
    const key = String(this.#key.next(repetition));
    setOwn(map, key, this.#value.next(repetition) ?? null);
  }
}

/** Whether a list or map without elements is not there at all. */
function isNull(place: Place, repetition: number, found: number): boolean {
  skip(place, repetition, found);
  return place.isOptional && found < place.definition;
}

/** Whether another element of the same list comes next. */
function isElement({ at, end, repetitions }: LeafCursor, { repetition }: Levels): boolean {
  return at < end && repetitions[at] === repetition;
}

/** Sets a field of any name, also one that means an object's prototype. */
export function setOwn(object: Record<string, unknown>, name: string, value: unknown): void {
  if (name !== '__proto__') object[name] = value;
  else Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
}
