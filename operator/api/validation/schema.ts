/** Structural schemas of CRDs, and places in resources. */

/**
 * All keywords that our CRDs use; operator/api/crds.gen.ts is checked against it, so that a keyword that the validation
 * does not know cannot come in unseen.
 */
export interface StructuralSchema {
  readonly description?: string;
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'boolean';
  /** int32 and int64 bound a number; date-time occurs in status only, which is not validated here. */
  readonly format?: 'int32' | 'int64' | 'date-time';
  readonly properties?: Readonly<Record<string, StructuralSchema>>;
  readonly additionalProperties?: StructuralSchema;
  readonly items?: StructuralSchema;
  readonly required?: readonly string[];
  readonly enum?: readonly string[];
  readonly default?: unknown;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly maxProperties?: number;
  /** Only together with x-kubernetes-int-or-string, where it says the same. */
  readonly anyOf?: readonly { readonly type: string }[];
  readonly 'x-kubernetes-int-or-string'?: boolean;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
  readonly 'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map';
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-map-type'?: 'atomic';
  readonly 'x-kubernetes-validations'?: readonly ValidationRule[];
}

export interface ValidationRule {
  readonly rule: string;
  readonly message: string;
  readonly messageExpression?: string;
}

/** Steps from the root of a resource: names of fields, indexes of lists. */
export type Path = readonly (string | number)[];

export interface Finding {
  readonly path: Path;
  /** What is wrong and what to do about it; begins in lower case, so that it can follow the path. */
  readonly message: string;
}

/** As kubectl writes it: `spec.input.s3.keys[0]`, `metadata.labels[a.b/c]`. */
export function formatPath(path: Path): string {
  return path
    .map((step, index) => {
      if (typeof step === 'number' || !/^[\w-]+$/.test(step)) return `[${step}]`;
      return index === 0 ? step : `.${step}`;
    })
    .join('');
}

export function isWithin(path: Path, outer: Path): boolean {
  return outer.every((step, index) => path[index] === step);
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The schema of a field or an item, as far as it is declared. */
export function childSchema(schema: StructuralSchema | undefined, step: string | number): StructuralSchema | undefined {
  if (typeof step === 'number') return schema?.items;
  return own(schema?.properties, step) ?? schema?.additionalProperties;
}

/** Field names come from users: `constructor` is one that no schema declares. */
export function own<T>(record: Readonly<Record<string, T>> | undefined, key: string): T | undefined {
  return record && Object.hasOwn(record, key) ? record[key] : undefined;
}
