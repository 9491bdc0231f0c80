/** What the host calls. */
export { allocate, release } from './memory';
export { dropRow, makeColumns, rows, setLeaf } from './columns';
export { takeJsonLines, takenRows, warnedRows } from './json';
export { powersOfFive } from './numbers';
