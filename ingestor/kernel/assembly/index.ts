/** What the host calls. */
export { allocate, release } from './memory';

// The columns.
export { addToBloom } from './bloom';
export { beginRow, clearColumns, dropRow, endRow, heldBytes, makeColumns, rows, setLeaf, setPlain } from './columns';
export { feedRow, feedValues, makeNodes, setNode } from './feed';
export { encodeLeaf, releasePages } from './pages';
export { keepRows } from './pick';
export { distinctAt, distinctValues, placeValues, presentValues, valuesAt } from './places';

// Records of JSON.
export { setAutomaton } from './checks';
export { indexKeys } from './keys';
export { placeInValues, takeJsonLines, takeJsonValues, takenRows, warnedRows } from './json';
export { powersOfFive } from './numbers';

// Rows of CSV.
export { takeCsv, takenCsvRows, warnedCsvRows } from './csv';
export { endOfRows, keepScannedRows, scanCsv, scannedRows } from './csvscan';
