/** Schemas in other words: what means the same, and what ajv judges rightly. */
import { appendPointer, invalidSchema, isObject, type JsonObject, places, subschemas } from './schemadocument.ts';

/** A copy in which each schema, those below it first, is what `change` makes of it. */
export function mapSchemas(root: JsonObject, change: (schema: JsonObject) => JsonObject): JsonObject {
  const mapped = mapBelow(root, '', change);
  return isObject(mapped) ? mapped : root;
}

function mapBelow(schema: unknown, pointer: string, change: (schema: JsonObject) => JsonObject): unknown {
  if (!isObject(schema)) return schema;
  const below = new Map([...subschemas({ schema, pointer })].map((child) => [child.pointer, child.schema]));
  const child = (item: unknown, at: string) => (below.has(at) ? mapBelow(item, at, change) : item);
  const entries = Object.entries(schema).map(([keyword, value]): [string, unknown] => {
    const at = appendPointer(pointer, keyword);
    if (below.has(at)) return [keyword, child(value, at)];
    if (Array.isArray(value)) return [keyword, value.map((item, index) => child(item, appendPointer(at, index)))];
    if (!isObject(value) || !below.size) return [keyword, value];
    const items = Object.entries(value).map(([name, item]) => [name, child(item, appendPointer(at, name))]);
    return [keyword, Object.fromEntries(items)];
  });
  return change(Object.fromEntries(entries));
}

/** Draft 2020-12 as ajv judges it rightly. `unevaluated`: the document asks for what no keyword has looked at. */
export function plainer(root: JsonObject, unevaluated: boolean): JsonObject {
  const anchors = dynamicAnchors(root);
  const room = { left: maxDoubled };
  return mapSchemas(root, (schema) => {
    const followed = withStaticReference(schema, anchors);
    return unevaluated ? withoutDependencies(withoutCondition(followed, room)) : followed;
  });
}

/** How many schemas declare each name as `$dynamicAnchor`. */
function dynamicAnchors(root: JsonObject): ReadonlyMap<unknown, number> {
  const counts = new Map<unknown, number>();
  for (const { schema } of places({ schema: root, pointer: '' })) {
    if (isObject(schema)) counts.set(schema.$dynamicAnchor, (counts.get(schema.$dynamicAnchor) ?? 0) + 1);
  }
  return counts;
}

/**
 * A dynamic reference looks for the outermost schema that declares its anchor. Where no more than one does, there is nothing
 * to look for: it is a reference.
 */
function withStaticReference(schema: JsonObject, anchors: ReadonlyMap<unknown, number>): JsonObject {
  const { $dynamicRef: reference, ...rest } = schema;
  if (typeof reference !== 'string' || (anchors.get(reference.replace(/^.*#/s, '')) ?? 0) > 1) return schema;
  return rest.$ref === undefined ? { ...rest, $ref: reference } : withAll(rest, { $ref: reference });
}

/** ajv counts as looked at what an `if` that does not hold has looked at, and forgets it where a branch is missing. */
function withoutCondition(schema: JsonObject, room: { left: number }): JsonObject {
  const { if: condition, then: ifTrue = true, else: ifFalse = true, ...rest } = schema;
  if (condition === undefined) return schema;
  room.left -= [...places({ schema: condition, pointer: '' })].length;
  if (room.left < 0) throw invalidSchema('', 'if', 'there are too many, in one another, for unevaluatedProperties');
  return withAll(rest, { anyOf: [{ allOf: [condition, ifTrue] }, { allOf: [{ not: condition }, ifFalse] }] });
}

/** The same for fields whose presence asks for more. */
function withoutDependencies(schema: JsonObject): JsonObject {
  return ['dependentSchemas', 'dependencies'].reduce((rewritten, keyword) => {
    const { [keyword]: dependencies, ...rest } = rewritten;
    if (!isObject(dependencies) || Object.values(dependencies).some(Array.isArray)) return rewritten;
    return Object.entries(dependencies).reduce<JsonObject>((all, [name, dependent]) => {
      const present = { type: 'object', required: [name] };
      return withAll(all, { anyOf: [{ not: present }, { allOf: [present, dependent] }] });
    }, rest);
  }, schema);
}

/** Schemas below `if` are written twice, those in an `if` in an `if` four times. */
const maxDoubled = 10_000;

function withAll(schema: JsonObject, added: JsonObject): JsonObject {
  return { ...schema, allOf: [...(Array.isArray(schema.allOf) ? schema.allOf : []), added] };
}
