/** From a plan of records to one of CSV rows: which field goes to which leaf, and what becomes of the others. */
import type { ShapeNode } from '../../kernel/shape.ts';
import type { ColumnPlan } from '../columns.ts';
import type { Move } from '../mapping.ts';
import { placeFields } from '../readers/rows.ts';
import type { Check, FieldCheck, StructValue, Value, WalkPlan } from './plan.ts';

export interface RowPlan {
  /** Fields that a row has. */
  readonly width: number;
  readonly steps: readonly RowStep[];
}

/** A field is named by its number in its row. */
export type RowStep =
  /** A field for a leaf; `nullable`: it may be null. */
  | { readonly kind: 'leaf'; readonly field: number; readonly check: LeafCheck; readonly nullable: boolean }
  /** Of a struct: it is there where one of `fields` is not null, and then `steps` follow. */
  | {
      readonly kind: 'struct';
      readonly shape: ShapeNode;
      readonly nullable: boolean;
      readonly fields: readonly number[];
      readonly steps: readonly RowStep[];
    }
  /** No field goes there. Without a shape no column is for it. */
  | { readonly kind: 'nothing'; readonly shape: ShapeNode | undefined; readonly nullable: boolean }
  /** A field that is not decided unless it is null; one that no column holds. */
  | { readonly kind: 'undecided' | 'extra'; readonly field: number };

export interface LeafCheck extends Check {
  readonly shape: ShapeNode;
}

/** Undefined where no row can be decided. */
export function planRows(
  { root }: WalkPlan,
  columns: readonly ColumnPlan[],
  moves: readonly Move[],
  names: readonly string[],
): RowPlan | undefined {
  if (root.size.least > 0 || root.size.most < root.fields.length) return undefined;
  const { placed, leftOut } = placeFields(names, new Map(columns.map((column) => [column.name, column])), moves);
  // Names that JavaScript has its own thoughts about are not worth a rule.
  const odd = placed.filter(({ path }) => path.includes('__proto__'));
  const branch = newBranch();
  for (const { index, path } of placed) if (!path.includes('__proto__')) grow(branch, path, index);
  const steps = [
    ...undecided(odd.map(({ index }) => index)),
    ...leftOut.map((field): RowStep => ({ kind: 'extra', field })),
    ...structSteps(root, columns, branch),
  ];
  return { width: names.length, steps };
}

/** The fields that go to a place, and to those below it. */
interface Branch {
  readonly here: number[];
  readonly below: Map<string, Branch>;
}

function newBranch(): Branch {
  return { here: [], below: new Map() };
}

function grow(branch: Branch, path: readonly string[], field: number): void {
  let at = branch;
  for (const name of path) {
    const next = at.below.get(name) ?? newBranch();
    at.below.set(name, next);
    at = next;
  }
  at.here.push(field);
}

function fieldsOf({ here, below }: Branch): number[] {
  return [...here, ...[...below.values()].flatMap(fieldsOf)];
}

/** What follows where the struct is there. */
function structSteps(value: StructValue, columns: readonly ColumnPlan[], { below }: Branch): RowStep[] {
  const named = new Set(value.fields.map(({ name }) => name));
  const others = [...below].filter(([name]) => !named.has(name)).flatMap(([, branch]) => fieldsOf(branch));
  const byName = new Map(columns.map((column) => [column.name, column]));
  return [
    ...(value.open ? others.map((field): RowStep => ({ kind: 'extra', field })) : undecided(others)),
    ...value.fields.flatMap((field) => fieldSteps(field, byName.get(field.name), below.get(field.name))),
  ];
}

function fieldSteps(field: FieldCheck, column: ColumnPlan | undefined, branch = newBranch()): RowStep[] {
  const { shape, value } = field.check;
  const nullable = mayBeMissing(field, column);
  const nothing: RowStep = { kind: 'nothing', shape, nullable };
  if (!shape || !column) return [...undecided(fieldsOf(branch)), ...(shape || !nullable ? [nothing] : [])];
  if (isDecidedStruct(value)) {
    const fields = fieldsOf(branch);
    if (fields.length === branch.here.length) return [...undecided(fields), nothing];
    const steps = structSteps(value, column.children, branch);
    return [...undecided(branch.here), { kind: 'struct', shape, nullable, fields, steps }];
  }
  const [only, ...more] = branch.here;
  if (only === undefined || more.length > 0 || !isLeaf(value)) return [...undecided(fieldsOf(branch)), nothing];
  const below = [...branch.below.values()].flatMap(fieldsOf);
  return [...undecided(below), { kind: 'leaf', field: only, check: { ...field.check, shape }, nullable }];
}

/**
 * As `compileNulls` and the judge have it: a column that is asked for and nullable is null where it is missing, others
 * are not there.
 */
function mayBeMissing({ name, required, check }: FieldCheck, column: ColumnPlan | undefined): boolean {
  if (!column?.mustBeThere || !column.nullable) return !required && !column?.required;
  return check.nullable && !(name in Object.prototype);
}

/** Where it is there it has at least one field; some of those may be null. */
function isDecidedStruct(value: Value): value is StructValue {
  return value.kind === 'struct' && value.size.least <= 1 && value.size.most >= value.fields.length;
}

/** Others come as JSON text, and are rare. */
function isLeaf({ kind }: Value): boolean {
  return kind !== 'unknown' && kind !== 'json' && kind !== 'struct' && kind !== 'list' && kind !== 'map';
}

function undecided(fields: readonly number[]): RowStep[] {
  return fields.map((field) => ({ kind: 'undecided', field }));
}
