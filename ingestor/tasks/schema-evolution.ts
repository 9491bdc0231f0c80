/** Whether a table that holds rows of one schema can take rows of another. */
import type { Column } from '../engine/index.ts';

/** The first field in the way, as its path and what is wrong; undefined when the new schema fits the table. */
export function findIncompatibility(old: readonly Column[], next: readonly Column[], parent = ''): string | undefined {
  const byName = new Map(next.map((column) => [column.name, column]));
  const known = new Set(old.map((column) => column.name));
  for (const column of old) {
    const path = `${parent}${column.name}`;
    const found = byName.get(column.name);
    const problem =
      found === undefined
        ? `${path} is missing: keep the field, also when no record has it any more`
        : compareColumn(column, found, path);
    if (problem !== undefined) return problem;
  }
  const added = next.find((column) => !known.has(column.name) && column.required);
  return added === undefined
    ? undefined
    : `${parent}${added.name} is new and required: make it optional, earlier rows have no value for it`;
}

/** Only what every reader of the earlier rows can still read: looser, and wider from int to long. */
function compareColumn(old: Column, next: Column, path: string): string | undefined {
  const isWider = old.type === 'int' && next.type === 'long';
  if (old.type !== next.type && !isWider)
    return `${path} changes from ${old.type} to ${next.type}: give the new type a field of its own`;
  if (next.required && !old.required)
    return `${path} becomes required: leave it optional, earlier rows may have no value for it`;
  return findIncompatibility(old.children, next.children, `${path}.`);
}
