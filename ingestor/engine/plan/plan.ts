/** What a walker checks at each place of a record, and where in the columns it goes: what `planRecords` gives. */
import type { CheckText } from '../../kernel/kernel.ts';
import type { Shape, ShapeNode } from '../../kernel/shape.ts';
import type { Automaton } from '../automata/automaton.ts';

export interface WalkPlan {
  readonly shape: Shape;
  readonly root: StructValue;
}

export interface Check {
  /** Absent for a field that no column is for. */
  readonly shape: ShapeNode | undefined;
  /** Null is accepted. */
  readonly nullable: boolean;
  readonly value: Value;
}

/** What a value that is not null must be. */
export type Value =
  | UnknownValue
  | TextValue
  | IntegerValue
  | DoubleValue
  | BooleanValue
  | JsonValue
  | StructValue
  | ListValue
  | MapValue;

/** Not decided by walkers. */
export interface UnknownValue {
  readonly kind: 'unknown';
}

/** How many there may be, both inclusive. */
export interface Span {
  readonly least: number;
  readonly most: number;
}

export interface TextValue {
  readonly kind: 'text' | 'date' | 'date-time';
  /** In code points. */
  readonly length: Span;
  /** Only of texts that are kept as such. */
  readonly check: TextCheck | undefined;
}

export interface TextCheck {
  readonly allows: CheckText;
  /** Accepts the same; absent where none is known. */
  readonly automaton: Automaton | undefined;
}

export interface IntegerValue {
  readonly kind: 'int' | 'long';
  /** Both inclusive. */
  readonly min: bigint;
  readonly max: bigint;
  /** The only ones allowed. */
  readonly choices: readonly bigint[] | undefined;
}

export interface DoubleValue {
  readonly kind: 'double';
  /** Both inclusive. */
  readonly min: number;
  readonly max: number;
  /** The only ones allowed. */
  readonly choices: readonly number[] | undefined;
}

export interface BooleanValue {
  readonly kind: 'boolean';
  readonly allowed: readonly boolean[];
}

/** Any value of these kinds, kept as JSON text. */
export interface JsonValue {
  readonly kind: 'json';
  readonly kinds: ReadonlySet<string>;
}

export interface FieldCheck {
  readonly name: string;
  /** It must be there, if only as null. */
  readonly required: boolean;
  readonly check: Check;
}

export interface StructValue {
  readonly kind: 'struct';
  readonly fields: readonly FieldCheck[];
  /** Other fields are accepted, whatever they hold. */
  readonly open: boolean;
  readonly size: Span;
}

export interface ListValue {
  readonly kind: 'list';
  readonly item: Check;
  /** No two items may be the same: of texts, integers, booleans. */
  readonly unique: boolean;
  readonly size: Span;
}

export interface MapValue {
  readonly kind: 'map';
  readonly value: Check;
  /** Fields whose values are checked otherwise, or that must be there. */
  readonly fields: readonly FieldCheck[];
  readonly size: Span;
}
