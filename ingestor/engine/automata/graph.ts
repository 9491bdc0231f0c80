/** From an expression to a graph (Thompson's) whose edges are bytes: what the subset construction walks over. */
import { allCodePoints, type CodePoints } from './codepoints.ts';
import type { Assertion, Expression } from './expression.ts';
import { type ByteTree, byteTreeOf } from './utf8.ts';

export type GraphNode =
  /** Goes on at all of them at once. */
  | { readonly kind: 'fork'; readonly to: number[] }
  | { readonly kind: 'bytes'; readonly edges: readonly GraphEdge[] }
  | { readonly kind: Assertion['kind']; readonly to: number }
  /** Found: the pattern is a search, so whatever follows does not matter. */
  | { readonly kind: 'found' };

export interface GraphEdge {
  readonly first: number;
  readonly last: number;
  readonly to: number;
}

export interface Graph {
  readonly nodes: readonly GraphNode[];
  readonly start: number;
  /** It asks for borders of words. */
  readonly borders: boolean;
}

/** Undefined where it would have more than so many nodes: counted repeats are written out. */
export function graphOf(expression: Expression, maxNodes: number): Graph | undefined {
  try {
    return new GraphBuilder(maxNodes).build(expression);
  } catch (error) {
    if (error instanceof TooLarge) return undefined;
    throw error;
  }
}

class TooLarge extends Error {}

class GraphBuilder {
  readonly #nodes: GraphNode[] = [];
  readonly #trees = new Map<CodePoints, ByteTree>();
  readonly #maxNodes: number;
  #steps = 0;
  #borders = false;

  constructor(maxNodes: number) {
    this.#maxNodes = maxNodes;
  }

  build(expression: Expression): Graph {
    const search = this.#add({ kind: 'fork', to: [] });
    const found = this.#add({ kind: 'found' });
    const pattern = this.#enter(expression, found);
    // Any text before: by bytes, which is smaller, save where it would matter that a place is inside of a character.
    const before = this.#borders
      ? this.#characters(allCodePoints, search)
      : this.#add({ kind: 'bytes', edges: [{ first: 0, last: 255, to: search }] });
    this.#fork(search).push(pattern, before);
    return { nodes: this.#nodes, start: search, borders: this.#borders };
  }

  /** The node where the expression begins that goes on at `next`. */
  #enter(expression: Expression, next: number): number {
    this.#steps += 1;
    if (this.#steps > this.#maxNodes) throw new TooLarge();
    switch (expression.kind) {
      case 'set':
        return this.#characters(expression.set, next);
      case 'sequence':
        return expression.items.reduceRight<number>((to, item) => this.#enter(item, to), next);
      case 'choice':
        return this.#add({ kind: 'fork', to: expression.options.map((option) => this.#enter(option, next)) });
      case 'repeat':
        return this.#repeat(expression.item, expression.min, expression.max, next);
      default:
        if (expression.kind === 'border' || expression.kind === 'inside') this.#borders = true;
        return this.#add({ kind: expression.kind, to: next });
    }
  }

  #repeat(item: Expression, min: number, max: number, next: number): number {
    let entry = next;
    if (max === Infinity) {
      entry = this.#add({ kind: 'fork', to: [next] });
      this.#fork(entry).push(this.#enter(item, entry));
    } else {
      for (let count = min; count < max; count += 1) {
        entry = this.#add({ kind: 'fork', to: [next, this.#enter(item, entry)] });
      }
    }
    for (let count = 0; count < min; count += 1) entry = this.#enter(item, entry);
    return entry;
  }

  #characters(set: CodePoints, next: number): number {
    const tree = this.#trees.get(set) ?? byteTreeOf(set);
    this.#trees.set(set, tree);
    return this.#bytes(tree, next, new Map());
  }

  #bytes(tree: ByteTree, next: number, known: Map<ByteTree, number>): number {
    const same = known.get(tree);
    if (same !== undefined) return same;
    const edges = tree.map(({ first, last, to }) => ({ first, last, to: to ? this.#bytes(to, next, known) : next }));
    const node = this.#add({ kind: 'bytes', edges });
    known.set(tree, node);
    return node;
  }

  #add(node: GraphNode): number {
    if (this.#nodes.length >= this.#maxNodes) throw new TooLarge();
    return this.#nodes.push(node) - 1;
  }

  #fork(index: number): number[] {
    const node = this.#nodes[index];
    return node?.kind === 'fork' ? node.to : [];
  }
}
