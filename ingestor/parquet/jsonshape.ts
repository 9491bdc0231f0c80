/** Columns as JSON has them: structs without the fields that are null, lists, maps as objects. */
import type { SchemaElement, SchemaTree } from 'hyparquet';
import type { Shape } from './assembler.ts';
import { jsonValues } from './logicaltypes.ts';

/** Throws Error for a column that cannot be read. */
export function jsonShape(tree: SchemaTree): Shape {
  if (tree.element.repetition_type !== 'REPEATED') return contentShape(tree);
  return { kind: 'list', tree, repeated: tree, element: contentShape(tree) };
}

/** Of a node that may be repeated, what is there once. */
function contentShape(tree: SchemaTree): Shape {
  const { element, children } = tree;
  if (children.length === 0) return { kind: 'leaf', tree, values: jsonValues(element) };
  const [repeated, ...others] = children;
  if (repeated?.element.repetition_type === 'REPEATED' && others.length === 0) {
    if (isList(element) && repeated.children.length <= 1) return listShape(tree, repeated);
    if (isMap(element) && repeated.children.length === 2) return mapShape(tree, repeated);
  }
  if (element.logical_type?.type === 'VARIANT') throw new Error(`column ${tree.path.join('.')} is a VARIANT`);
  const fields = children.map((child) => ({ name: child.element.name, shape: jsonShape(child) }));
  return { kind: 'struct', tree, fields, withNulls: false };
}

/** Of two levels or three: in the latter, a group that is repeated has the element in it. */
function listShape(tree: SchemaTree, repeated: SchemaTree): Shape {
  const [inner] = repeated.children;
  return { kind: 'list', tree, repeated, element: inner ? jsonShape(inner) : contentShape(repeated) };
}

function mapShape(tree: SchemaTree, repeated: SchemaTree): Shape {
  const [first, second] = repeated.children.toSorted((a, b) => Number(isKey(b)) - Number(isKey(a)));
  if (!first || !second) throw new Error(`column ${tree.path.join('.')} is not whole`);
  return { kind: 'map', tree, repeated, key: jsonShape(first), value: jsonShape(second) };
}

/** The key is the first child; writers that have another order name it. */
function isKey({ element }: SchemaTree): boolean {
  return element.name === 'key';
}

function isList({ converted_type: converted, logical_type: logical }: SchemaElement): boolean {
  return converted === 'LIST' || (converted === undefined && logical?.type === 'LIST');
}

function isMap({ converted_type: converted, logical_type: logical }: SchemaElement): boolean {
  return converted === 'MAP' || converted === 'MAP_KEY_VALUE' || (converted === undefined && logical?.type === 'MAP');
}
