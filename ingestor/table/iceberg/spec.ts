/**
 * The parts of the Apache Iceberg table specification, version 2, and of its REST catalog specification that are used
 * here, as they stand in JSON: names and meanings are those of the specifications. Ids of snapshots and sequence
 * numbers are 64-bit there: `parseJSON` gives them as bigint where a number would not be exact.
 */

export type Long = number | bigint;

export interface StructType {
  readonly type: 'struct';
  readonly fields: readonly NestedField[];
}
export interface ListType {
  readonly type: 'list';
  readonly 'element-id': number;
  readonly 'element-required': boolean;
  readonly element: IcebergType;
}
export interface MapType {
  readonly type: 'map';
  readonly 'key-id': number;
  readonly key: IcebergType;
  readonly 'value-id': number;
  readonly 'value-required': boolean;
  readonly value: IcebergType;
}
/** `boolean`, `int`, `long`, `double`, `date`, `timestamptz`, `string`, and what other engines add. */
export type PrimitiveType = string;
export type IcebergType = PrimitiveType | StructType | ListType | MapType;

export interface NestedField {
  readonly id: number;
  readonly name: string;
  readonly required: boolean;
  readonly type: IcebergType;
  readonly doc?: string;
}

export interface IcebergSchema extends StructType {
  readonly 'schema-id': number;
  readonly 'identifier-field-ids'?: readonly number[];
}

export interface PartitionSpec {
  readonly 'spec-id': number;
  readonly fields: readonly {
    readonly 'source-id': number;
    readonly 'field-id': number;
    readonly name: string;
    /** `identity`, `year`, `month`, `day`, `hour`, `bucket[N]`, `truncate[W]`, `void`. */
    readonly transform: string;
  }[];
}

export interface SortOrder {
  /** 0: unsorted, without fields. */
  readonly 'order-id': number;
  readonly fields: readonly {
    readonly 'source-id': number;
    readonly transform: string;
    readonly direction: 'asc' | 'desc';
    readonly 'null-order': 'nulls-first' | 'nulls-last';
  }[];
}

export interface Snapshot {
  readonly 'snapshot-id': Long;
  readonly 'parent-snapshot-id'?: Long;
  readonly 'sequence-number': Long;
  readonly 'timestamp-ms': number;
  /** URL. */
  readonly 'manifest-list': string;
  readonly summary: { readonly operation: 'append' | 'replace' | 'overwrite' | 'delete' } & Readonly<
    Record<string, string>
  >;
  readonly 'schema-id'?: number;
}

export interface SnapshotRef {
  readonly 'snapshot-id': Long;
  readonly type: 'branch' | 'tag';
  readonly 'min-snapshots-to-keep'?: number;
  readonly 'max-snapshot-age-ms'?: number;
  readonly 'max-ref-age-ms'?: number;
}

export interface TableMetadata {
  readonly 'format-version': 2;
  readonly 'table-uuid': string;
  readonly location: string;
  readonly 'last-sequence-number': Long;
  readonly 'last-updated-ms': number;
  readonly 'last-column-id': number;
  readonly schemas: readonly IcebergSchema[];
  readonly 'current-schema-id': number;
  readonly 'partition-specs': readonly PartitionSpec[];
  readonly 'default-spec-id': number;
  readonly 'last-partition-id': number;
  readonly properties?: Readonly<Record<string, string>>;
  /** -1 (or absent) while there is none. */
  readonly 'current-snapshot-id'?: Long;
  readonly snapshots?: readonly Snapshot[];
  readonly 'snapshot-log'?: readonly { readonly 'snapshot-id': Long; readonly 'timestamp-ms': number }[];
  readonly 'metadata-log'?: readonly { readonly 'metadata-file': string; readonly 'timestamp-ms': number }[];
  readonly 'sort-orders': readonly SortOrder[];
  readonly 'default-sort-order-id': number;
  readonly refs?: Readonly<Record<string, SnapshotRef>>;
}

/** A change of the metadata, as the REST catalog takes it; tables without a catalog apply it themselves. */
export type MetadataUpdate =
  | { readonly action: 'add-schema'; readonly schema: IcebergSchema; readonly 'last-column-id'?: number }
  /** -1: the one added last. */
  | { readonly action: 'set-current-schema'; readonly 'schema-id': number }
  | { readonly action: 'add-sort-order'; readonly 'sort-order': SortOrder }
  /** -1: the one added last. */
  | { readonly action: 'set-default-sort-order'; readonly 'sort-order-id': number }
  | { readonly action: 'add-snapshot'; readonly snapshot: Snapshot }
  | ({ readonly action: 'set-snapshot-ref'; readonly 'ref-name': string } & SnapshotRef)
  | { readonly action: 'remove-snapshots'; readonly 'snapshot-ids': readonly Long[] }
  | { readonly action: 'set-properties'; readonly updates: Readonly<Record<string, string>> }
  | { readonly action: 'remove-properties'; readonly removals: readonly string[] };

/** What must hold of the metadata for updates to be applied. */
export type TableRequirement =
  | { readonly type: 'assert-create' }
  | { readonly type: 'assert-table-uuid'; readonly uuid: string }
  /** null: the reference is not there. */
  | { readonly type: 'assert-ref-snapshot-id'; readonly ref: string; readonly 'snapshot-id': Long | null }
  | { readonly type: 'assert-last-assigned-field-id'; readonly 'last-assigned-field-id': number }
  | { readonly type: 'assert-current-schema-id'; readonly 'current-schema-id': number };

/** What a new table begins with; ids as they shall be. */
export interface TableCreation {
  readonly uuid: string;
  /** URL of its folder. */
  readonly location: string;
  readonly schema: IcebergSchema;
  readonly 'partition-spec': PartitionSpec;
  readonly 'write-order': SortOrder;
  readonly properties: Readonly<Record<string, string>>;
  readonly time: number;
}
