/**
 * Deterministic automata over the bytes of UTF-8 text, for what the kernel asks of texts: `pattern` and `format`. A step
 * is one look-up a byte, whatever the pattern. Of well-formed text an automaton says exactly what V8 and the judge say.
 */
import { parseExpression } from './expression.ts';
import { graphOf } from './graph.ts';
import { type Machine, minimise, withFewestClasses } from './machine.ts';
import { determinise } from './subsets.ts';

export interface Automaton extends Machine {
  readonly dead: 0;
}

/** 4,096 states of 20 classes are 160 KiB of table: about what the second-level cache of a core holds beside the columns. */
const maxStates = 4_096;
/** Counted repeats are written out, `\p{L}` once is 300 nodes. */
const maxNodes = 50_000;
/** About a tenth of a second. */
const maxVisits = 3_000_000;

/** What making automata may cost: what was made took from it. */
export interface Budget {
  /** Visits of nodes: 30 of them take about a microsecond. */
  visits: number;
}

/**
 * Accepts what `new RegExp(pattern, 'u').test(text)` is true for. Undefined where it would be too large or takes too long
 * to make. Throws Error for a pattern that is none or not regular, as `compilePattern` does.
 */
export function compileAutomaton(pattern: string, budget: Budget = { visits: maxVisits }): Automaton | undefined {
  const graph = graphOf(parseExpression(pattern), Math.min(maxNodes, budget.visits));
  if (!graph) return undefined;
  const { machine, visits } = determinise(graph, { states: maxStates, visits: Math.min(maxVisits, budget.visits) });
  budget.visits -= visits + graph.nodes.length;
  return machine && automatonOf(machine);
}

/** Accepts what both accept; undefined where it would be too large. */
export function intersect(a: Automaton, b: Automaton, budget: Budget = { visits: maxVisits }): Automaton | undefined {
  const classes = new Uint8Array(256);
  const pairs = new Map<string, number>();
  const columns: (readonly [number, number])[] = [];
  for (let byte = 0; byte < 256; byte += 1) {
    const pair = [a.classes[byte] ?? 0, b.classes[byte] ?? 0] as const;
    const known = pairs.get(pair.join()) ?? columns.push(pair) - 1;
    pairs.set(pair.join(), known);
    classes[byte] = known;
  }

  const states: (readonly [number, number])[] = [];
  const indexes = new Map<number, number>();
  const stateOf = (left: number, right: number): number => {
    const both = left === 0 || right === 0 ? 0 : left * b.accepting.length + right;
    const known = indexes.get(both);
    if (known !== undefined) return known;
    indexes.set(both, states.length);
    return states.push(both === 0 ? [0, 0] : [left, right]) - 1;
  };
  stateOf(0, 0);
  const start = stateOf(a.start, b.start);
  const rows: number[] = [];
  for (const [left, right] of states) {
    budget.visits -= columns.length;
    if (states.length > maxStates || budget.visits < 0) return undefined;
    for (const [ofA, ofB] of columns) {
      const to = [a.transitions[left * a.classCount + ofA], b.transitions[right * b.classCount + ofB]];
      rows.push(stateOf(to[0] ?? 0, to[1] ?? 0));
    }
  }
  const accepting = states.map(([left, right]) => (a.accepting[left] === 1 && b.accepting[right] === 1 ? 1 : 0));
  return automatonOf({
    classes,
    classCount: columns.length,
    transitions: Uint16Array.from(rows),
    start,
    accepting: Uint8Array.from(accepting),
  });
}

/** What the kernel does, for tests and for whoever has the bytes at hand. */
export function acceptsBytes(automaton: Automaton, bytes: Uint8Array): boolean {
  let state = automaton.start;
  for (const byte of bytes) {
    state = automaton.transitions[state * automaton.classCount + (automaton.classes[byte] ?? 0)] ?? 0;
    if (state === automaton.dead) return false;
  }
  return automaton.accepting[state] === 1;
}

/** Classes first: there are three times as many before, and minimising takes time for each. */
function automatonOf(machine: Machine): Automaton {
  return { ...minimise(withFewestClasses(machine)), dead: 0 };
}
