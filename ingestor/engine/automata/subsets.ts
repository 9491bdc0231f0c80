/** The subset construction: from a graph to a deterministic machine. */
import type { Graph } from './graph.ts';
import type { Machine } from './machine.ts';

export interface Limits {
  readonly states: number;
  /** Nodes visited: what bounds the time. */
  readonly visits: number;
}

/** The machine, undefined where it would pass the limits, and how many nodes were visited for it. */
export function determinise(graph: Graph, limits: Limits): { machine: Machine | undefined; visits: number } {
  const subsets = new Subsets(graph, limits);
  const machine = subsets.machine();
  return { machine, visits: subsets.visits };
}

/** What holds between two characters; undefined: not known yet, since the next has not been read. */
interface Place {
  readonly start: boolean;
  readonly end: boolean | undefined;
  readonly border: boolean | undefined;
}

/** The nodes that all are at once, and what stands before them. */
interface Subset {
  readonly nodes: readonly number[];
  readonly start: boolean;
  /** The character before is one of a word; asked only where the graph asks for borders. */
  readonly word: boolean;
}

class Subsets {
  visits = 0;
  readonly #graph: Graph;
  readonly #limits: Limits;
  readonly #states: Subset[] = [];
  readonly #indexes = new Map<string, number>();
  /** For each node, the number of the walk that met it last. */
  readonly #met: Uint32Array;
  #walks = 0;

  constructor(graph: Graph, limits: Limits) {
    this.#graph = graph;
    this.#limits = limits;
    this.#met = new Uint32Array(graph.nodes.length);
  }

  machine(): Machine | undefined {
    const { classes, classCount, bytes } = byteClasses(this.#graph);
    this.#stateOf({ nodes: [], start: false, word: false });
    const start = this.#stateOf({
      nodes: this.#reach([this.#graph.start], { start: true, end: undefined, border: undefined }),
      start: true,
      word: false,
    });
    const rows: number[] = [];
    for (let index = 0; index < this.#states.length; index += 1) {
      const state = this.#states[index];
      if (!state || this.#states.length > this.#limits.states || this.visits > this.#limits.visits) return undefined;
      for (const byte of bytes) rows.push(this.#stateOf(this.#step(state, byte)));
    }
    const accepting = Uint8Array.from(this.#states, (state) => (this.#acceptsAtEnd(state) ? 1 : 0));
    return { classes, classCount, transitions: Uint16Array.from(rows), start, accepting };
  }

  #step(state: Subset, byte: number): Subset {
    const word = this.#graph.borders && isWordByte(byte);
    const place = { start: state.start, end: false, border: state.word !== word };
    const now = state.nodes.some((node) => this.#isAssertion(node)) ? this.#reach(state.nodes, place) : state.nodes;
    const next: number[] = [];
    for (const index of now) {
      const node = this.#graph.nodes[index];
      if (node?.kind === 'found') return { nodes: [index], start: false, word: false };
      if (node?.kind !== 'bytes') continue;
      this.visits += 1;
      const edge = node.edges.find(({ first, last }) => byte >= first && byte <= last);
      if (edge) next.push(edge.to);
    }
    const nodes = this.#reach(next, { start: false, end: undefined, border: undefined });
    const found = nodes.find((index) => this.#graph.nodes[index]?.kind === 'found');
    if (found !== undefined) return { nodes: [found], start: false, word: false };
    return { nodes, start: false, word: word && nodes.length > 0 };
  }

  #acceptsAtEnd({ nodes, start, word }: Subset): boolean {
    const reached = this.#reach(nodes, { start, end: true, border: word });
    return reached.some((index) => this.#graph.nodes[index]?.kind === 'found');
  }

  /** All nodes that are reached without reading; assertions that are not known yet stay. Sorted. */
  #reach(from: readonly number[], place: Place): number[] {
    this.#walks += 1;
    const reached: number[] = [];
    const pending = [...from];
    for (let index = pending.pop(); index !== undefined; index = pending.pop()) {
      if (this.#met[index] === this.#walks) continue;
      this.#met[index] = this.#walks;
      this.visits += 1;
      const node = this.#graph.nodes[index];
      if (node === undefined) continue;
      if (node.kind === 'fork') pending.push(...node.to);
      else if (node.kind === 'bytes' || node.kind === 'found') reached.push(index);
      else {
        const holds = holdsAt(node.kind, place);
        if (holds) pending.push(node.to);
        else if (holds === undefined) reached.push(index);
      }
    }
    return reached.sort((a, b) => a - b);
  }

  #isAssertion(index: number): boolean {
    const kind = this.#graph.nodes[index]?.kind;
    return kind !== 'bytes' && kind !== 'found';
  }

  #stateOf(subset: Subset): number {
    const key = `${subset.start ? 'start' : ''}${subset.word ? 'word' : ''}${subset.nodes.join()}`;
    const known = this.#indexes.get(key);
    if (known !== undefined) return known;
    const index = this.#states.push(subset) - 1;
    this.#indexes.set(key, index);
    return index;
  }
}

function holdsAt(kind: 'start' | 'end' | 'border' | 'inside', { start, end, border }: Place): boolean | undefined {
  if (kind === 'start') return start;
  if (kind === 'end') return end;
  return border === undefined ? undefined : border === (kind === 'border');
}

/** Characters of words are ASCII, and no byte of another character is. */
function isWordByte(byte: number): boolean {
  return /[0-9A-Za-z_]/.test(String.fromCharCode(byte));
}

/** Bytes that no edge tells apart are one class. */
function byteClasses({ nodes, borders }: Graph): { classes: Uint8Array; classCount: number; bytes: number[] } {
  const begins = new Uint8Array(257);
  begins[0] = 1;
  for (const node of nodes) {
    if (node.kind !== 'bytes') continue;
    for (const { first, last } of node.edges) {
      begins[first] = 1;
      begins[last + 1] = 1;
    }
  }
  const classes = new Uint8Array(256);
  const bytes: number[] = [];
  for (let byte = 0; byte < 256; byte += 1) {
    if (begins[byte] === 1 || (borders && isWordByte(byte) !== isWordByte(byte - 1))) bytes.push(byte);
    classes[byte] = bytes.length - 1;
  }
  return { classes, classCount: bytes.length, bytes };
}
