/**
 * Which schemas hold at a place of a record, and which types of JSON values they allow: references followed, `allOf` taken
 * together, and of `anyOf` the one branch that stands beside null.
 */
import {
  appendPointer,
  invalidSchema,
  isObject,
  type JsonObject,
  type Located,
  type SchemaDocument,
} from './schemadocument.ts';

export type Kind = 'null' | 'boolean' | 'integer' | 'number' | 'string' | 'array' | 'object';

export interface Scope {
  readonly document: SchemaDocument;
  /** Pointers of the references that led here: a second time would be for ever. */
  readonly trail: readonly string[];
  /** How many more schemas may be looked at: references can lead to the same ones again and again. Absent: any number. */
  readonly room?: { left: number };
}

/** One of the schemas that must all hold at a place; `orNull`: it stood beside null in anyOf. */
export interface Member extends Located {
  readonly orNull?: boolean;
}

/** Those: its own, those it refers to, those of `allOf`, and the one branch that is not null. */
export interface Members {
  readonly located: readonly Member[];
  readonly trail: readonly string[];
  readonly recursive: boolean;
}

export function expand(located: Located, scope: Scope): Members {
  const { schema, pointer } = located;
  if (scope.room) scope.room.left -= 1;
  if (scope.room && scope.room.left < 0) {
    throw invalidSchema('', '$ref', 'leads to so many schemas, over and over, that the columns cannot be told');
  }
  if (!isObject(schema)) return { located: schema === true ? [] : [located], trail: scope.trail, recursive: false };
  const parts: Members[] = [];
  const reference = typeof schema.$ref === 'string' ? scope.document.references.follow(schema, schema.$ref) : undefined;
  if (reference) {
    if (scope.trail.includes(reference.pointer)) return { located: [], trail: scope.trail, recursive: true };
    parts.push(expand(reference, { ...scope, trail: [...scope.trail, reference.pointer] }));
  }
  if (schema.$ref !== undefined && scope.document.draft === 'draft-07') {
    // Keywords beside it do not count. What is not followed here stays, so that nobody takes it for a schema of anything.
    if (!reference)
      parts.push({ located: [{ schema: { $ref: schema.$ref }, pointer }], trail: scope.trail, recursive: false });
  } else {
    parts.push({ located: [located], trail: scope.trail, recursive: false });
    for (const [index, item] of listOf(schema.allOf).entries()) {
      parts.push(expand({ schema: item, pointer: appendPointer(pointer, 'allOf', index) }, scope));
    }
    const branch = onlyBranch(located, scope);
    if (branch) {
      const inside = expand(branch, scope);
      parts.push({
        ...inside,
        located: inside.located.map((one) => ({ ...one, orNull: one.orNull || branch.orNull })),
      });
    }
  }
  return {
    located: parts.flatMap((part) => part.located),
    trail: [...new Set(parts.flatMap((part) => part.trail))],
    recursive: parts.some((part) => part.recursive),
  };
}

/** Of `anyOf` or `oneOf`, the branch that stands beside nothing but null: how generators write an optional field. */
function onlyBranch({ schema, pointer }: Located, scope: Scope): Member | undefined {
  if (!isObject(schema)) return undefined;
  const found = (['anyOf', 'oneOf'] as const).flatMap((keyword) => {
    const branches = listOf(schema[keyword]).map((item, index) => ({
      schema: item,
      pointer: appendPointer(pointer, keyword, index),
    }));
    const others = branches.filter((branch) => !isOnlyNull(branch, scope));
    return others.length === 1 ? others.map((one) => ({ ...one, orNull: branches.length > 1 })) : [];
  });
  return found.length === 1 ? found[0] : undefined;
}

function isOnlyNull(located: Located, scope: Scope): boolean {
  if (!isObject(located.schema)) return false;
  const kinds = kindsHere(located.schema, scope);
  return kinds.size === 1 && kinds.has('null');
}

const allKinds: ReadonlySet<Kind> = new Set(['null', 'boolean', 'number', 'string', 'array', 'object']);

/** The types of JSON values that all members allow; `number` includes `integer`. */
export function kindsOf(members: readonly Member[], scope: Scope): ReadonlySet<Kind> {
  return members.reduce<ReadonlySet<Kind>>((kinds, { schema, orNull }) => {
    const here = isObject(schema) ? kindsHere(schema, scope) : new Set<Kind>();
    return intersect(kinds, orNull ? new Set<Kind>([...here, 'null']) : here);
  }, allKinds);
}

function kindsHere(schema: JsonObject, scope: Scope): ReadonlySet<Kind> {
  const types = typeof schema.type === 'string' ? [schema.type] : Array.isArray(schema.type) ? schema.type : undefined;
  if (types) {
    const kinds = new Set(types as Kind[]);
    if (kinds.has('number')) kinds.delete('integer');
    return kinds;
  }
  if (Array.isArray(schema.enum)) return new Set(schema.enum.map(kindOf));
  if (schema.const !== undefined) return new Set([kindOf(schema.const)]);
  return [schema.anyOf, schema.oneOf].reduce<ReadonlySet<Kind>>((kinds, branches) => {
    return Array.isArray(branches) ? intersect(kinds, kindsOfBranches(branches, scope)) : kinds;
  }, allKinds);
}

function kindsOfBranches(branches: readonly unknown[], scope: Scope): ReadonlySet<Kind> {
  const kinds = new Set<Kind>();
  for (const branch of branches) {
    const { located, trail, recursive } = expand({ schema: branch, pointer: '' }, scope);
    for (const kind of recursive ? allKinds : kindsOf(located, { ...scope, trail })) kinds.add(kind);
  }
  if (kinds.has('number')) kinds.delete('integer');
  return kinds;
}

function intersect(a: ReadonlySet<Kind>, b: ReadonlySet<Kind>): ReadonlySet<Kind> {
  const both = new Set<Kind>();
  for (const kind of a) {
    if (b.has(kind)) both.add(kind);
    else if (kind === 'integer' && b.has('number')) both.add('integer');
    else if (kind === 'number' && b.has('integer')) both.add('integer');
  }
  return both;
}

function kindOf(value: unknown): Kind {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'bigint') return 'integer';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value === 'object' ? 'object' : (typeof value as Kind);
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
