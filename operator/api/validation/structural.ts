/** What the API server does to a resource before it validates it: nulls, unknown fields, defaults. */
import { closest, places } from './hints.ts';
import { localFieldHints } from './local-fields.ts';
import { childSchema, type Finding, formatPath, isObject, own, type Path, type StructuralSchema } from './schema.ts';

/**
 * A copy without the nulls that stand for absent fields and with the defaults filled in, and the fields that the schema
 * does not know (`kubectl --validate=strict`, the default, refuses them).
 */
export function complete(root: StructuralSchema, value: unknown): { value: unknown; unknown: Finding[] } {
  const unknown: Finding[] = [];
  const visit = (schema: StructuralSchema | undefined, item: unknown, path: Path): unknown => {
    if (Array.isArray(item)) return item.map((entry, index) => visit(schema?.items, entry, [...path, index]));
    if (!isObject(item)) return item;
    const entries = Object.entries(item).filter(([key, entry]) => {
      if (isKnown(schema, key)) return entry !== null || !childSchema(schema, key);
      unknown.push({ path: [...path, key], message: unknownField(root, schema, [...path, key]) });
      return false;
    });
    const visited = entries.map(([key, entry]) => [key, visit(childSchema(schema, key), entry, [...path, key])]);
    return { ...Object.fromEntries(visited), ...missingDefaults(schema, entries, visit, path) };
  };
  return { value: visit(root, value, []), unknown };
}

function isKnown(schema: StructuralSchema | undefined, key: string): boolean {
  if (!schema || schema['x-kubernetes-preserve-unknown-fields'] || schema.additionalProperties) return true;
  // An object without declared fields takes none; what is no object at all is reported by its type.
  return schema.type !== 'object' || own(schema.properties, key) !== undefined;
}

function missingDefaults(
  schema: StructuralSchema | undefined,
  entries: readonly [string, unknown][],
  visit: (schema: StructuralSchema, value: unknown, path: Path) => unknown,
  path: Path,
): Record<string, unknown> {
  const there = new Set(entries.map(([key]) => key));
  const missing = Object.entries(schema?.properties ?? {}).filter(
    ([key, property]) => property.default !== undefined && !there.has(key),
  );
  // Defaults within a default are filled in too: `default: {}` on the parent is how they come in.
  return Object.fromEntries(missing.map(([key, property]) => [key, visit(property, property.default, [...path, key])]));
}

function unknownField(root: StructuralSchema, schema: StructuralSchema | undefined, path: Path): string {
  const onlyLocal = own(localFieldHints, formatPath(path));
  if (onlyLocal) return `unknown field; ${onlyLocal}`;
  const key = String(path.at(-1));
  const known = Object.keys(schema?.properties ?? {});
  const meant = closest(key, known);
  if (meant) return `unknown field; did you mean ${meant}?`;
  const elsewhere = places(root, key)[0];
  if (elsewhere) return `unknown field; it belongs at ${formatPath(elsewhere)}`;
  return known.length === 0 ? 'unknown field; there are none here' : `unknown field; known here: ${known.join(', ')}`;
}
