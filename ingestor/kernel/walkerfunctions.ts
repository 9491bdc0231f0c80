/** What walkers call of the kernel: see `assembly/json.ts` and `assembly/csv.ts`. */
export interface WalkerFunctions {
  setAutomaton(check: number, automaton: number): void;
  /** Once the keys of a node are written. */
  indexKeys(node: number): void;
  /** Where the first 128 bits of powers of five go: see `assembly/numbers.ts`. */
  powersOfFive(): number;
  /** Answers where it stopped. */
  takeJsonLines(root: number, start: number, end: number, mostRows: number, mostBytes: number): number;
  takeJsonValues(root: number, from: number, start: number, end: number, mostRows: number, mostBytes: number): number;
  placeInValues(): number;
  /** Of the last call of either. */
  takenRows(): number;
  warnedRows(): number;

  /** Answers where the last row ends that may be taken: see `assembly/csvscan.ts`. */
  scanCsv(start: number, end: number, delimiter: number, quote: number): number;
  scannedRows(): number;
  keepScannedRows(rows: number): void;
  endOfRows(rows: number): number;
  /** Answers where it stopped: see `assembly/csv.ts`. */
  takeCsv(plan: number, start: number, mostRows: number): number;
  /** Of the last call. */
  takenCsvRows(): number;
  warnedCsvRows(): number;
}
