/**
 * Rows of JavaScript values into the columns: each place of a row, depth first, becomes a tag and a slot of 8 bytes in the
 * kernel's memory, its text bytes beside them, and one call appends all of it (`assembly/feed.ts`).
 */
import type { Kernel } from './kernel.ts';
import type { Shape, ShapeNode } from './shape.ts';

const kindBoolean = 0;
const kindInt = 1;
const kindLong = 2;
const kindDouble = 3;
const kindText = 4;
const kindStruct = 5;
const kindList = 6;
const kindMap = 7;

const tagNull = 0;
const tagNumber = 1;
const tagLong = 2;

const encoder = new TextEncoder();

interface FeedNode {
  readonly name: string;
  readonly kind: number;
  readonly children: readonly FeedNode[];
}

export class RowFeed {
  readonly #kernel: Kernel;
  readonly #nodes: readonly FeedNode[];
  /** Places and bytes of text that there is room for; where they lie, and views of them. */
  #places = 64;
  #textBytes = 4096;
  #tagsAt: number;
  #slotsAt: number;
  #textsAt: number;
  #tags = new Uint8Array();
  #slots = new Float64Array();
  #longs = new BigInt64Array();
  #texts = new Uint8Array();
  #place = 0;
  /** The texts of the row at hand, one after the other. */
  #text = '';

  constructor(kernel: Kernel, shape: Shape) {
    this.#kernel = kernel;
    const { run } = kernel;
    run.makeNodes(shape.fields.reduce((sum, field) => sum + countNodes(field), 0));
    let index = 0;
    const add = (node: ShapeNode): FeedNode => {
      const { column, firstLeaf, endLeaf, nullLevel, presentLevel, repetition } = node;
      const [own, kind] = [index, kinds[column.type]];
      index += 1;
      const children = node.children.map(add);
      run.setNode(own, kind, firstLeaf, endLeaf, nullLevel, presentLevel, repetition, index);
      return { name: column.name, kind, children };
    };
    this.#nodes = shape.fields.map(add);
    this.#tagsAt = run.allocate(this.#places) >>> 0;
    this.#slotsAt = run.allocate(this.#places * 8) >>> 0;
    this.#textsAt = run.allocate(this.#textBytes) >>> 0;
  }

  /** Adds a row: one value for each column, as `convert` gives them. */
  add(row: readonly unknown[]): void {
    const isAscii = this.#lay(row);
    this.#kernel.run.feedRow(this.#tagsAt, this.#slotsAt, this.#textsAt, isAscii ? 1 : 0);
  }

  /** Appends its values: the caller begins and ends the row. */
  append(row: readonly unknown[]): void {
    const isAscii = this.#lay(row);
    this.#kernel.run.feedValues(this.#tagsAt, this.#slotsAt, this.#textsAt, isAscii ? 1 : 0);
  }

  /** True: all of its text is ASCII. */
  #lay(row: readonly unknown[]): boolean {
    // The kernel may have taken more memory, which leaves views without any.
    if (this.#tags.length === 0) this.#look();
    this.#place = 0;
    this.#text = '';
    const nodes = this.#nodes;
    for (let index = 0; index < nodes.length; index += 1) this.#write(nodes[index] as FeedNode, row[index]);
    return this.#writeTexts();
  }

  #write(node: FeedNode, value: unknown): void {
    if (this.#place === this.#places) this.#growPlaces();
    const place = this.#place;
    this.#place = place + 1;
    if (value === null || value === undefined) {
      this.#tags[place] = tagNull;
      return;
    }
    this.#tags[place] = tagNumber;
    const { kind } = node;
    if (kind === kindText) {
      this.#text += value as string;
      this.#slots[place] = (value as string).length;
    } else if (typeof value === 'number') this.#slots[place] = value;
    else if (typeof value === 'bigint') this.#writeLong(place, value, kind);
    else if (typeof value === 'boolean') this.#slots[place] = value ? 1 : 0;
    else if (kind === kindStruct) this.#writeChildren(node, value as Record<string, unknown>);
    else this.#writeItems(node, place, value as readonly unknown[]);
  }

  #writeLong(place: number, value: bigint, kind: number): void {
    if (kind !== kindLong) {
      this.#slots[place] = Number(value);
      return;
    }
    this.#tags[place] = tagLong;
    this.#longs[place] = value;
  }

  #writeChildren({ children }: FeedNode, value: Record<string, unknown>): void {
    for (let index = 0; index < children.length; index += 1) {
      const child = children[index] as FeedNode;
      this.#write(child, value[child.name]);
    }
  }

  #writeItems(node: FeedNode, place: number, items: readonly unknown[]): void {
    this.#slots[place] = items.length;
    if (node.kind === kindMap) {
      for (const item of items) this.#writeChildren(node, item as Record<string, unknown>);
      return;
    }
    const element = node.children[0] as FeedNode;
    for (let index = 0; index < items.length; index += 1) this.#write(element, items[index]);
  }

  /** All texts of the row at once, which takes a third of the time that one after the other does. True: all are ASCII. */
  #writeTexts(): boolean {
    const text = this.#text;
    this.#text = '';
    // A UTF-16 unit takes at most three bytes.
    if (text.length * 3 > this.#textBytes) this.#growTexts(text.length * 3);
    return encoder.encodeInto(text, this.#texts).written === text.length;
  }

  #look(): void {
    const { buffer } = this.#kernel.run.memory;
    this.#tags = new Uint8Array(buffer, this.#tagsAt, this.#places);
    this.#slots = new Float64Array(buffer, this.#slotsAt, this.#places);
    this.#longs = new BigInt64Array(buffer, this.#slotsAt, this.#places);
    this.#texts = new Uint8Array(buffer, this.#textsAt, this.#textBytes);
  }

  #growPlaces(): void {
    this.#tagsAt = this.#grown(this.#tagsAt, this.#places, this.#places * 2);
    this.#slotsAt = this.#grown(this.#slotsAt, this.#places * 8, this.#places * 16);
    this.#places *= 2;
    this.#look();
  }

  #growTexts(bytes: number): void {
    let larger = this.#textBytes;
    while (larger < bytes) larger *= 2;
    this.#textsAt = this.#grown(this.#textsAt, this.#textBytes, larger);
    this.#textBytes = larger;
    this.#look();
  }

  #grown(block: number, size: number, larger: number): number {
    const { run } = this.#kernel;
    const grown = run.allocate(larger) >>> 0;
    this.#kernel.bytes.copyWithin(grown, block, block + size);
    run.release(block, size);
    return grown;
  }
}

const kinds = {
  boolean: kindBoolean,
  int: kindInt,
  date: kindInt,
  long: kindLong,
  timestamptz: kindLong,
  double: kindDouble,
  string: kindText,
  json: kindText,
  struct: kindStruct,
  list: kindList,
  map: kindMap,
} as const;

function countNodes({ children }: ShapeNode): number {
  return children.reduce((sum, child) => sum + countNodes(child), 1);
}
