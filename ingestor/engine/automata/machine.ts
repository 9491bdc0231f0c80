/** Deterministic machines over bytes, made as small as they can be (Hopcroft's algorithm). */

/** State 0 is dead. The state that follows `state` by `byte` is `transitions[state * classCount + classes[byte]]`. */
export interface Machine {
  /** For each byte its class. */
  readonly classes: Uint8Array;
  readonly classCount: number;
  readonly transitions: Uint16Array;
  readonly start: number;
  /** For each state, 1 where a text may end. */
  readonly accepting: Uint8Array;
}

/** The smallest machine that accepts the same; its states are numbered in the order in which texts reach them. */
export function minimise(machine: Machine): Machine {
  return withFewestClasses(renumber(machine, blocksOf(machine)));
}

/** For each state its block: those of one block accept the same. */
function blocksOf(machine: Machine): readonly number[] {
  const { classCount, accepting } = machine;
  const before = predecessors(machine);
  const blocks: Set<number>[] = [new Set(), new Set()];
  const blockOf = Array.from(accepting, (accepts) => accepts);
  for (const [state, block] of blockOf.entries()) blocks[block]?.add(state);
  const waiting = new Set([0, 1]);
  for (const block of waiting) {
    waiting.delete(block);
    const splitter = [...(blocks[block] ?? [])];
    for (let column = 0; column < classCount; column += 1) {
      const leading = splitter.flatMap((state) => before[state * classCount + column] ?? []);
      for (const [index, states] of grouped(leading, blockOf)) {
        const split = blocks[index];
        if (!split || states.length === split.size) continue;
        const added = blocks.push(new Set(states)) - 1;
        for (const state of states) {
          split.delete(state);
          blockOf[state] = added;
        }
        waiting.add(waiting.has(index) || states.length <= split.size ? added : index);
      }
    }
  }
  return blockOf;
}

/** For each state and class, the states that lead to it by that class. */
function predecessors({ transitions, classCount }: Machine): number[][] {
  const before: number[][] = Array.from(transitions, () => []);
  for (const [index, to] of transitions.entries()) {
    before[to * classCount + (index % classCount)]?.push(Math.floor(index / classCount));
  }
  return before;
}

function grouped(states: readonly number[], blockOf: readonly number[]): Map<number, number[]> {
  const groups = new Map<number, number[]>();
  for (const state of states) {
    const block = blockOf[state] ?? 0;
    const group = groups.get(block);
    if (group) group.push(state);
    else groups.set(block, [state]);
  }
  return groups;
}

/** One state for each block that is reached. */
function renumber(machine: Machine, blockOf: readonly number[]): Machine {
  const { classCount, transitions, accepting } = machine;
  const numbers = new Map([[blockOf[0], 0]]);
  /** One of each block, by its number. */
  const states = [0];
  const numberOf = (state: number): number => {
    const block = blockOf[state];
    const known = numbers.get(block);
    if (known !== undefined) return known;
    numbers.set(block, states.length);
    return states.push(state) - 1;
  };
  const start = numberOf(machine.start);
  const rows: number[] = [];
  for (const state of states) {
    for (let column = 0; column < classCount; column += 1) {
      rows.push(numberOf(transitions[state * classCount + column] ?? 0));
    }
  }
  return {
    ...machine,
    start,
    transitions: Uint16Array.from(rows),
    accepting: Uint8Array.from(states, (state) => accepting[state] ?? 0),
  };
}

/** Classes that lead to the same states from everywhere become one. */
export function withFewestClasses(machine: Machine): Machine {
  const { classes, classCount, transitions, accepting } = machine;
  const columns: number[][] = [];
  const numbers = new Map<string, number>();
  const numberOf = Array.from({ length: classCount }, (_, column) => {
    const states = Array.from(accepting, (_accepts, state) => transitions[state * classCount + column] ?? 0);
    const key = states.join();
    const number = numbers.get(key) ?? columns.push(states) - 1;
    numbers.set(key, number);
    return number;
  });
  const rows = Array.from(accepting, (_accepts, state) => columns.map((column) => column[state] ?? 0));
  return {
    ...machine,
    classes: classes.map((column) => numberOf[column] ?? 0),
    classCount: columns.length,
    transitions: Uint16Array.from(rows.flat()),
  };
}
