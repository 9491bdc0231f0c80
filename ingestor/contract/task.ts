/**
 * The task document: all that a pod is told. The operator builds it from resources (operator/specs), writes it into a
 * ConfigMap, and the ingestor reads it from `/etc/forebay/task.json`; the CLI hands it over in process. It holds no
 * secret: credentials are named by the folder they are mounted in.
 */
import { type Static, Type } from 'typebox';

/** Version of task and result documents. Older ones are read; a newer one ends the task as `NewerDocument`. */
export const documentVersion = 1;

const path = Type.String({ minLength: 1 });

/** Where an S3 bucket is and how to get in. `credentialsPath` is a folder with the files `accessKeyID`,
 * `secretAccessKey` and optionally `sessionToken`, read again when refused; absent: the pod's own identity. */
export const S3Location = Type.Object({
  bucket: Type.String({ minLength: 1 }),
  /** Without a slash at either end; empty for the whole bucket. */
  prefix: Type.String(),
  region: Type.Optional(Type.String()),
  endpoint: Type.Optional(Type.String()),
  forcePathStyle: Type.Optional(Type.Boolean()),
  credentialsPath: Type.Optional(path),
  /** A file with PEM certificates to trust beside the usual ones. */
  caPath: Type.Optional(path),
});
export type S3Location = Static<typeof S3Location>;

/** A place that a store can be opened on. `local` exists in the CLI only. */
export const StoreLocation = Type.Union([
  Type.Object({ s3: S3Location }),
  Type.Object({ local: Type.Object({ path }) }),
]);
export type StoreLocation = Static<typeof StoreLocation>;

/** Who owns a place in the bucket; compared whole. */
export const Owner = Type.Object({ installation: Type.String(), namespace: Type.String(), name: Type.String() });
export type Owner = Static<typeof Owner>;

export const Compression = Type.Enum(['Zstd', 'Snappy', 'Gzip', 'None']);
export type Compression = Static<typeof Compression>;

/** An Iceberg REST catalog that holds the table; the data stays in the dataset's place. `credentialsPath` is a folder with
 * the file `token`, or with `clientID` and `clientSecret`, read again when refused; absent: no authentication. */
export const RestCatalog = Type.Object({
  uri: Type.String({ minLength: 1 }),
  warehouse: Type.Optional(Type.String()),
  /** Levels of the namespace, outermost first. */
  namespace: Type.Array(Type.String({ minLength: 1 }), { minItems: 1 }),
  table: Type.String({ minLength: 1 }),
  /** Where a client id is exchanged for a token; absent: the catalog's own `v1/oauth/tokens`. */
  oauth2ServerURI: Type.Optional(Type.String()),
  scope: Type.Optional(Type.String()),
  credentialsPath: Type.Optional(path),
  caPath: Type.Optional(path),
});
export type RestCatalog = Static<typeof RestCatalog>;

/** The dataset a task works on. Without a catalog, the table's metadata files in its place are all there is. */
export const DatasetTarget = Type.Object({
  owner: Owner,
  storage: StoreLocation,
  catalog: Type.Optional(Type.Object({ rest: RestCatalog })),
});
export type DatasetTarget = Static<typeof DatasetTarget>;

/** How a value of a field names the partition its record goes to, as the Iceberg specification has it. */
export const PartitionField = Type.Object({
  /** Path in the schema; dots separate, `\\.` is a dot in a name. */
  field: Type.String({ minLength: 1 }),
  transform: Type.Enum(['Identity', 'Year', 'Month', 'Day', 'Hour', 'Bucket', 'Truncate']),
  /** Bucket: how many; Truncate: the width, in characters or in units of the number. No other has one. */
  parameter: Type.Optional(Type.Integer({ minimum: 1 })),
});
export type PartitionField = Static<typeof PartitionField>;

/** How the dataset's data files are written; fixed in the table by `prepare`. Format and partitions never change. */
export const TableSettings = Type.Object({
  format: Type.Enum(['Iceberg', 'Parquet']),
  compression: Compression,
  targetFileSizeBytes: Type.Integer({ minimum: 1 }),
  /** Iceberg only; absent or empty: one partition. */
  partitionBy: Type.Optional(Type.Array(PartitionField)),
  /** Paths of the fields that rows are sorted by within a file, ascending, nulls first. Iceberg only. */
  sortBy: Type.Optional(Type.Array(Type.String({ minLength: 1 }))),
});
export type TableSettings = Static<typeof TableSettings>;

export const CsvOptions = Type.Object({
  delimiter: Type.String(),
  quote: Type.String(),
  escape: Type.String(),
  /** False: columns are named by `columns`, or `_1`, `_2`, ... */
  header: Type.Boolean(),
  columns: Type.Optional(Type.Array(Type.String())),
  /** Text that stands for null, beside the empty unquoted field. */
  nullMarker: Type.Optional(Type.String()),
  charset: Type.Enum(['UTF-8', 'ISO-8859-1', 'US-ASCII']),
  skipLines: Type.Integer({ minimum: 0 }),
  /** Lines that begin with it are passed over; empty: none are. */
  comment: Type.String(),
});
export type CsvOptions = Static<typeof CsvOptions>;

export const Format = Type.Union([
  Type.Object({ type: Type.Literal('CSV'), csv: CsvOptions }),
  Type.Object({ type: Type.Enum(['JSONLines', 'JSON', 'Parquet', 'Avro']) }),
]);
export type Format = Static<typeof Format>;

/** `Auto` goes by the first bytes of the file, not by its name; only Deflate has nothing to tell it by. */
export const InputCompression = Type.Enum([
  'Auto',
  'None',
  'Gzip',
  'Zstd',
  'Bzip2',
  'Deflate',
  'Zip',
  'Tar',
  'TarGzip',
]);
export type InputCompression = Static<typeof InputCompression>;

/** How much may come of a compressed file: so many times its size past 1 GiB, and so many bytes in all. */
export const DecompressionLimits = Type.Object({
  maxRatio: Type.Integer({ minimum: 1 }),
  maxBytes: Type.Integer({ minimum: 1 }),
});
export type DecompressionLimits = Static<typeof DecompressionLimits>;

export const decompressionDefaults: DecompressionLimits = { maxRatio: 1000, maxBytes: 2 ** 40 };

/** `source`: path in the input record; `destination`: path in the schema. Dots separate, `\.` is a dot in a name. */
export const Mapping = Type.Array(Type.Object({ source: Type.String(), destination: Type.String() }));
export type Mapping = Static<typeof Mapping>;

/** How input bytes become records of the schema. */
export const ReadSettings = Type.Object({
  format: Format,
  compression: InputCompression,
  /** Absent: the defaults. */
  decompression: Type.Optional(DecompressionLimits),
  mapping: Mapping,
  /** A longer record is refused as RecordTooLarge; memory is bounded by it. */
  maxRecordBytes: Type.Integer({ minimum: 1 }),
});
export type ReadSettings = Static<typeof ReadSettings>;

/** What files a batch takes in a place: `keys` as they stand, else all below the prefix that fit `glob`. */
export const FileSelection = Type.Object({
  keys: Type.Optional(Type.Array(Type.String())),
  /** Matched against the key below the prefix: `*` stays within a folder, `**` does not. */
  glob: Type.Optional(Type.String()),
  /** Files younger than this, by the store's clock, are left for the next run. */
  minAgeSeconds: Type.Optional(Type.Integer({ minimum: 0 })),
});
export type FileSelection = Static<typeof FileSelection>;

/**
 * Who asks for a run. `token`: of the request annotation, else empty. `digest`: SHA-256 of what is asked for as the spec
 * says it (no listing, no credentials). `order`: text that sorts after that of every earlier request for the batch, so
 * that a task that slept cannot undo what was asked for later; absent: nothing is known to be earlier.
 */
export const RunRequest = Type.Object({
  token: Type.String(),
  digest: Type.String(),
  order: Type.Optional(Type.String()),
});
export type RunRequest = Static<typeof RunRequest>;

/** Names a batch for good: `external` ids and resource names never meet; `internal` ones are the program's own runs. */
export const BatchID = Type.Object({
  kind: Type.Enum(['external', 'resource', 'internal']),
  id: Type.String({ minLength: 1 }),
});
export type BatchID = Static<typeof BatchID>;

export const BatchInput = Type.Union([
  Type.Object({ files: Type.Object({ location: StoreLocation, selection: FileSelection }) }),
  Type.Object({ inline: Type.Object({ data: Type.String() }) }),
  /** The records that the last run of a batch of the same dataset refused, from their raw text. */
  Type.Object({ rejects: Type.Object({ batch: BatchID }) }),
]);
export type BatchInput = Static<typeof BatchInput>;

/** Records that may fail: a number of them, or a share of those read as the user wrote it (`"0.5%"`). */
export const MaxFailed = Type.Union([
  Type.Integer({ minimum: 0 }),
  Type.String({ pattern: '^[0-9]{1,3}(\\.[0-9]{1,4})?%$' }),
]);
export type MaxFailed = Static<typeof MaxFailed>;

export const BatchRequest = Type.Object({
  batch: BatchID,
  /** Of the request annotation, else empty. A failed batch runs again only for a token its plans do not hold. */
  requestToken: Type.String(),
  /** SHA-256 of the request as the spec says it (no listing, no credentials), as hexadecimal digits. */
  requestDigest: Type.String(),
  /** See `RunRequest`. */
  requestOrder: Type.Optional(Type.String()),
  /** Absent in a batch that only takes out what it replaces. */
  input: Type.Optional(BatchInput),
  read: ReadSettings,
  maxFailed: MaxFailed,
  /** Most input bytes in one shard; larger files are cut where their format allows it. */
  shardBytes: Type.Integer({ minimum: 1 }),
  /** Batches whose rows leave the table in the same commit. */
  replaces: Type.Optional(Type.Array(BatchID)),
  /** Reads, checks and counts, and adds nothing to the table. */
  validateOnly: Type.Optional(Type.Boolean()),
  /** With it, files that the dataset's ledger knows are skipped, and those taken are claimed there. */
  ledger: Type.Optional(Type.Object({ source: Type.String() })),
});
export type BatchRequest = Static<typeof BatchRequest>;

const common = { version: Type.Literal(documentVersion), dataset: DatasetTarget };

export const PrepareTask = Type.Object({
  ...common,
  verb: Type.Literal('prepare'),
  /** The JSON Schema as text, so that the order of its keys is kept. */
  schema: Type.String(),
  behavior: Type.Enum(['Record', 'TimeSeries']),
  table: TableSettings,
});
export type PrepareTask = Static<typeof PrepareTask>;

export const PlanTask = Type.Object({ ...common, verb: Type.Literal('plan'), request: BatchRequest });
export type PlanTask = Static<typeof PlanTask>;

/** The shard's index comes from `JOB_COMPLETION_INDEX`, or from `index` in process. */
export const ShardTask = Type.Object({
  ...common,
  verb: Type.Literal('shard'),
  batch: BatchID,
  run: Type.Integer({ minimum: 1 }),
  input: Type.Optional(BatchInput),
  index: Type.Optional(Type.Integer({ minimum: 0 })),
});
export type ShardTask = Static<typeof ShardTask>;

export const FinishTask = Type.Object({
  ...common,
  verb: Type.Literal('finish'),
  batch: BatchID,
  run: Type.Integer({ minimum: 1 }),
  /** Ends the run where receipts are missing: the Job failed for good (an error code), or the user said so (`Aborted`). */
  abort: Type.Optional(Type.Object({ reason: Type.String(), message: Type.String() })),
  /**
   * Of the request to abort. It finds the run when the planning pod died before it could tell its number, and ends one
   * that was never planned, so that a late twin of that pod cannot start it.
   */
  request: Type.Optional(RunRequest),
  /** With `abort`: rows of a run that was committed leave the table. Without it they stay. */
  revert: Type.Optional(Type.Boolean()),
});
export type FinishTask = Static<typeof FinishTask>;

/** How long things are kept, in days. */
export const Retention = Type.Object({
  /** Rows of a TimeSeries dataset by their `timestamp`; absent: for ever. */
  rowDays: Type.Optional(Type.Integer({ minimum: 1 })),
  /** Snapshots, for time travel. */
  snapshotDays: Type.Integer({ minimum: 1 }),
  /** How long a batch can be reverted; its files are not compacted before. */
  revertDays: Type.Integer({ minimum: 0 }),
  /** Reject files. */
  diagnosticsDays: Type.Integer({ minimum: 1 }),
});
export type Retention = Static<typeof Retention>;

export const retentionDefaults: Retention = { snapshotDays: 7, revertDays: 30, diagnosticsDays: 30 };

const atLeastOne = Type.Optional(Type.Integer({ minimum: 1 }));

/** The most that one `maintain` does of each kind of work; the next one goes on where it ended. */
export const MaintainLimits = Type.Object({
  /** Runs of a compaction, each of which is one commit. Default: 8. */
  compactions: atLeastOne,
  /** Bytes of small files in one compaction. Default: 2 GiB. */
  compactionBytes: atLeastOne,
  /** Small files in one compaction. Default: 1,000. */
  compactionFiles: atLeastOne,
  /** Fewest small files that are worth to be put together, unless they fill a file. Default: 5. */
  smallestCompaction: atLeastOne,
  /** Files that leave the table because their rows are past retention, in one commit. Default: 1,000. */
  expiredFiles: atLeastOne,
  /** Snapshots that leave. Default: 1,000. */
  expiredSnapshots: atLeastOne,
  /** Snapshots that stay however old they are. Default: 3. */
  keptSnapshots: atLeastOne,
  /** More snapshots than so many leave however young they are. Default: 750; a table carries at most 1,000. */
  mostSnapshots: atLeastOne,
});
export type MaintainLimits = Static<typeof MaintainLimits>;

/** `retention`: the defaults when absent. */
export const MaintainTask = Type.Object({
  ...common,
  verb: Type.Literal('maintain'),
  retention: Type.Optional(Retention),
  limits: Type.Optional(MaintainLimits),
});
export type MaintainTask = Static<typeof MaintainTask>;

export const PurgeTask = Type.Object({ ...common, verb: Type.Literal('purge') });
export type PurgeTask = Static<typeof PurgeTask>;

export const CheckTask = Type.Object({
  version: Type.Literal(documentVersion),
  verb: Type.Literal('check'),
  location: StoreLocation,
  selection: FileSelection,
});
export type CheckTask = Static<typeof CheckTask>;

/** One way to be let in. `path`: a folder whose files are the accepted keys, read again when they change. */
export const Authentication = Type.Union([
  Type.Object({ anonymous: Type.Object({}) }),
  Type.Object({ apiKey: Type.Object({ path }) }),
]);
export type Authentication = Static<typeof Authentication>;

export const InletLimits = Type.Object({
  maxRequestBytes: Type.Integer({ minimum: 1 }),
  maxRecordBytes: Type.Integer({ minimum: 1 }),
  /** Absent: no limit. Of each pod, as all of these. */
  requestsPerSecond: Type.Optional(Type.Integer({ minimum: 1 })),
  maxInFlightBytes: Type.Integer({ minimum: 1 }),
});
export type InletLimits = Static<typeof InletLimits>;

export const InletTask = Type.Object({
  ...common,
  verb: Type.Literal('inlet'),
  inlet: Type.Object({ namespace: Type.String(), name: Type.String(), id: Type.String() }),
  authentication: Type.Array(Authentication, { minItems: 1 }),
  envelope: Type.Enum(['Auto', 'XDM', 'Raw']),
  validation: Type.Enum(['Async', 'Sync']),
  mapping: Mapping,
  limits: InletLimits,
  durability: Type.Object({
    maxDelayMilliseconds: Type.Integer({ minimum: 0 }),
    maxSegmentBytes: Type.Integer({ minimum: 1 }),
  }),
  commit: Type.Object({
    periodSeconds: Type.Integer({ minimum: 1 }),
    maxBytes: Type.Integer({ minimum: 1 }),
    maxRecords: Type.Integer({ minimum: 1 }),
  }),
  port: Type.Integer({ minimum: 0, maximum: 65535 }),
});
export type InletTask = Static<typeof InletTask>;

export const Task = Type.Union([
  PrepareTask,
  PlanTask,
  ShardTask,
  FinishTask,
  MaintainTask,
  PurgeTask,
  CheckTask,
  InletTask,
]);
export type Task = Static<typeof Task>;
export type Verb = Task['verb'];

/** Files, folders and ports that operator and ingestor agree on. */
export const podLayout = {
  taskFile: '/etc/forebay/task.json',
  credentials: '/etc/forebay/credentials',
  terminationLog: '/dev/termination-log',
  /** Where a pod serves its progress document: GET /progress; also /healthz, /readyz, /metrics. */
  statusPort: 9464,
  inletPort: 8080,
  /** Environment variable with the container's CPU limit, or what the node has, in thousandths of a processor. */
  cpuLimit: 'FOREBAY_CPU_LIMIT',
} as const;
