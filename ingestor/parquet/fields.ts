/** Fields of a table by their paths: the ids that its layout gives them, and the leaves that have their values. */
import type { TableLayout } from '../contract/layout.ts';
import { type Path, parsePath } from '../engine/mapping.ts';
import type { Shape, ShapeLeaf } from '../kernel/shape.ts';

/** Ids by the names that lead to a field; a list's item is `element`, a map's parts are `key` and `value`. */
export type FieldID = (path: Path) => number | undefined;

/** Throws Error for a column without an id, unless the layout has none at all. */
export function fieldIDs(layout: TableLayout | undefined): FieldID {
  const ids = new Map(Object.entries(layout?.fieldIDs ?? {}));
  if (ids.size === 0) return () => undefined;
  return (path) => {
    const id = ids.get(formatPath(path));
    if (id === undefined) throw new Error(`the table's layout has no id for field ${formatPath(path)}`);
    return id;
  };
}

/** Text that `parsePath` reads: dots separate, `\.` is a dot in a name, `\\` a backslash. */
export function formatPath(path: Path): string {
  return path.map((name) => name.replace(/[\\.]/g, '\\$&')).join('.');
}

/** Throws Error where there is no field of this path with a value of its own in each row. */
export function leafAt(shape: Shape, path: string): ShapeLeaf {
  const wanted = formatPath(parsePath(path));
  const leaf = shape.leaves.find((one) => formatPath(one.path) === wanted);
  if (!leaf || leaf.maxRepetition > 0) throw new Error(`the table's layout names ${path}, which is no field of a row`);
  return leaf;
}
