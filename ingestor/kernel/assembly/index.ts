/** What the host calls. */
export { allocate, release } from './memory';
export { dropRow, makeColumns, rows, setLeaf } from './columns';
