/** What walkers call of the kernel: see `assembly/json.ts`. */
export interface WalkerFunctions {
  setAutomaton(check: number, automaton: number): void;
  /** Where the first 128 bits of powers of five go: see `assembly/numbers.ts`. */
  powersOfFive(): number;
  /** Answers where it stopped. */
  takeJsonLines(root: number, start: number, end: number, mostRows: number, mostBytes: number): number;
  /** Of the last call. */
  takenRows(): number;
  warnedRows(): number;
}
