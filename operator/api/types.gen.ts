/**
 * Generated from crds/ by scripts/generate/types.ts; do not edit.
 *
 * The types are those of objects as the API server gives them: a field with a default is always there, and so are
 * the objects around it that have `default: {}`.
 */
export const apiVersion = 'ingest.forebay.dev/v1alpha1';

/** The annotation `ingest.forebay.dev/crd-version` of the CRDs that this code was made for. */
export const crdVersion = '2';

export const kinds = {
  Dataset: { plural: 'datasets' },
  Batch: { plural: 'batches' },
  StreamInlet: { plural: 'streaminlets' },
  SourceConnection: { plural: 'sourceconnections' },
} as const;
export type Kind = keyof typeof kinds;

/** What Kubernetes keeps about every object, as far as Forebay reads it. */
export interface ObjectMeta {
  name: string;
  namespace: string;
  uid: string;
  generation: number;
  resourceVersion?: string;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  ownerReferences?: OwnerReference[];
}

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

export interface KeyRef {
  /** Name of a ConfigMap in the same namespace. */
  name: string;
  key: string;
}

/**
 * The JSON Schema (draft-07 or 2020-12) that every record must satisfy and that columns are made from: exactly one of
 * configMapRef and inline. A change that only adds optional fields, loosens `required` or widens int to long evolves
 * the table; any other leaves the earlier schema in force and stalls.
 */
export interface DatasetSpecSchema {
  /**
   * The schema as text in a ConfigMap; the order of its keys is the order of the columns. It is read again every 5
   * minutes. Example: {name: web-event-schema, key: schema.json}.
   */
  configMapRef?: KeyRef;
  /**
   * The schema itself. Kubernetes does not keep the order of keys, so columns are in the order of their names. Example:
   * {type: object, properties: {id: {type: string}}}.
   */
  inline?: Record<string, unknown>;
  /**
   * Record (default): what is known about things. TimeSeries: what happened when; every record must have _id and
   * timestamp. Immutable.
   */
  behavior: 'Record' | 'TimeSeries';
}

export interface NameRef {
  name: string;
}

export interface S3Place {
  /** Name of the bucket, which must exist; no s3:// and no path. Example: lake. */
  bucket: string;
  prefix: string;
  /**
   * Region that requests are signed for. Absent: AWS_REGION where the cluster injects it, else us-east-1. Example:
   * eu-central-1.
   */
  region?: string;
  /** URL of an S3-compatible server; absent: AWS. Example: http://s3.storage.svc:8333. */
  endpoint?: string;
  /**
   * true: the bucket is named in the path (http://host/bucket/key), as most servers but AWS want it; false (the
   * default): in the host name.
   */
  forcePathStyle?: boolean;
  /**
   * Certificates of a private authority, to be trusted beside the usual ones. Example: {name: lake-ca, key: ca.crt}.
   */
  caConfigMapRef?: KeyRef;
  /**
   * Secret with the keys accessKeyID, secretAccessKey and, for temporary credentials, sessionToken. They are mounted as
   * files and read again when they change. Absent: the pod's own identity (podTemplate.spec.serviceAccountName).
   */
  credentialsSecretRef?: NameRef;
}

/** Where the table and all that belongs to it lies; exactly one system (in this version: s3). */
export interface DatasetSpecStorage {
  /** A place in an S3 bucket. Example: {bucket: lake, prefix: web-events, credentialsSecretRef: {name: lake-key}}. */
  s3?: S3Place;
}

export interface DatasetSpecTablePartitionBy {
  /** Path in the schema: dots separate the steps, `\.` is a dot in a name. Not within lists and maps. */
  field: string;
  /**
   * Identity: the value. Year, Month, Day, Hour: of a date or timestamp, in UTC. Bucket: a hash of the value. Truncate:
   * the first characters of a text, or a number rounded down.
   */
  transform: 'Identity' | 'Year' | 'Month' | 'Day' | 'Hour' | 'Bucket' | 'Truncate';
  /** With Bucket, and only there, how many. */
  buckets?: number;
  /** With Truncate, and only there, how many characters are kept, or to multiples of what a number is rounded down. */
  width?: number;
}

/**
 * A table in an Iceberg REST catalog; the data stays in `storage`. Immutable but for addresses and credentials.
 * Example: {uri: "https://catalog.example.com", warehouse: lake, credentialsSecretRef: {name: catalog-key}}.
 */
export interface DatasetSpecTableCatalogRest {
  /** URL of the catalog, without the /v1 that its paths begin with. Example: https://catalog.example.com/api. */
  uri: string;
  /** What the catalog is asked for as its warehouse; absent: its default. Immutable. Example: lake. */
  warehouse?: string;
  /**
   * Levels of the namespace, outermost first; it is made if it is not there. Immutable. Default: one level, the
   * namespace of the Dataset. Example: [web, raw].
   */
  namespace?: string[];
  /** Name of the table. Immutable. Default: the name of the Dataset. */
  table?: string;
  /**
   * URL where a client id and its secret are exchanged for a token; absent: the one of the catalog itself. Example:
   * https://login.example.com/oauth/token.
   */
  oauth2ServerURI?: string;
  /** Scope that a token is asked for; absent: catalog, or none with an oauth2ServerURI. Example: PRINCIPAL_ROLE:ALL. */
  scope?: string;
  /**
   * Secret with the key token, or with clientID and clientSecret. They are mounted as files and read again when they
   * change. Absent: no authentication.
   */
  credentialsSecretRef?: NameRef;
  /**
   * Certificates of a private authority, to be trusted beside the usual ones. Example: {name: catalog-ca, key: ca.crt}.
   */
  caConfigMapRef?: KeyRef;
}

/**
 * Who keeps the table's metadata; exactly one (in this version: rest). Iceberg only. Absent: metadata files in the
 * bucket, which engines only read.
 */
export interface DatasetSpecTableCatalog {
  /**
   * A table in an Iceberg REST catalog; the data stays in `storage`. Immutable but for addresses and credentials.
   * Example: {uri: "https://catalog.example.com", warehouse: lake, credentialsSecretRef: {name: catalog-key}}.
   */
  rest?: DatasetSpecTableCatalogRest;
}

/** How the table is written. */
export interface DatasetSpecTable {
  /**
   * Iceberg (default): an Apache Iceberg table, version 2. Parquet: committed files with a versioned list of them
   * beside. Immutable.
   */
  format: 'Iceberg' | 'Parquet';
  /**
   * Fields whose values say which partition a record goes to, in this order. Iceberg only. Immutable. Absent: one
   * partition. Example: [{field: timestamp, transform: Day}, {field: customer.id, transform: Bucket, buckets: 16}].
   */
  partitionBy?: DatasetSpecTablePartitionBy[];
  /**
   * Paths of fields that rows are sorted by within each data file, ascending, nulls first. Iceberg only. A change holds
   * for files written from then on. Absent: as they come. Example: [timestamp].
   */
  sortBy?: string[];
  /**
   * Compression of the pages in the data files: Zstd (default), Snappy, Gzip or None. A change holds for files written
   * from then on.
   */
  compression: 'Zstd' | 'Snappy' | 'Gzip' | 'None';
  /**
   * Size in MiB at which a data file is closed and the next begun, and to which small files are compacted. Default:
   * 256.
   */
  targetFileSizeMiB: number;
  /**
   * Who keeps the table's metadata; exactly one (in this version: rest). Iceberg only. Absent: metadata files in the
   * bucket, which engines only read.
   */
  catalog?: DatasetSpecTableCatalog;
}

/** How long things are kept, in days; `maintain` sees to it hourly. */
export interface DatasetSpecRetention {
  /**
   * Rows of a TimeSeries Dataset whose timestamp is older leave the table, file by file: a file goes when all its rows
   * are older. Absent: they are kept. Example: 365.
   */
  rowDays?: number;
  /** Snapshots that the table can be queried at, and at most 1,000 of them. Default: 7. */
  snapshotDays: number;
  /** How long a batch can be reverted or replaced; its files are not compacted before. Default: 30. */
  revertDays: number;
  /** Records that were refused, with their raw text. Default: 30. */
  diagnosticsDays: number;
}

/** Labels and annotations of the pods and their Jobs (for instance a queue name for Kueue). */
export interface PodTemplateMetadata {
  /** Added to the operator's own labels, which win. Example: {team: web}. */
  labels?: Record<string, string>;
  /**
   * Added to the operator's own annotations, which win. Example: {cluster-autoscaler.kubernetes.io/safe-to-evict:
   * "false"}.
   */
  annotations?: Record<string, string>;
}

export interface Toleration {
  /** Key of the taint; absent with operator Exists matches every taint. */
  key?: string;
  /** How key and value relate: Exists, Equal (Kubernetes' own default), or Lt and Gt where the cluster has them. */
  operator?: string;
  /** Value of the taint; empty with operator Exists. */
  value?: string;
  /** The effect that is accepted: NoSchedule, PreferNoSchedule or NoExecute; absent: all. */
  effect?: string;
  /** With effect NoExecute: seconds until eviction; absent: never evicted for this taint. */
  tolerationSeconds?: number;
}

export interface NodeRequirement {
  /** Label or field. */
  key: string;
  /** How key and values relate. */
  operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist' | 'Gt' | 'Lt';
  /** For In and NotIn at least one, for Gt and Lt one number, else none. */
  values?: string[];
}

export interface NodeSelectorTerm {
  /** Requirements on the node's labels; all must hold. */
  matchExpressions?: NodeRequirement[];
  /** Requirements on the node's fields (metadata.name); all must hold. */
  matchFields?: NodeRequirement[];
}

/** A pod goes only to nodes that match one of the terms. */
export interface NodeSelector {
  /** One of the terms must match. */
  nodeSelectorTerms: NodeSelectorTerm[];
}

export interface PreferredNode {
  /** From 1 to 100: added up per node. */
  weight: number;
  preference: NodeSelectorTerm;
}

/** Which nodes the pods are attracted to. */
export interface NodeAffinity {
  /** A pod goes only to nodes that match one of the terms. */
  requiredDuringSchedulingIgnoredDuringExecution?: NodeSelector;
  /** Nodes that match are preferred by weight. */
  preferredDuringSchedulingIgnoredDuringExecution?: PreferredNode[];
}

export interface LabelRequirement {
  /** Label. */
  key: string;
  /** How key and values relate. */
  operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  /** For In and NotIn at least one, else none. */
  values?: string[];
}

/** Which ones count, by their labels; all requirements must hold. */
export interface LabelSelector {
  /** Labels and the value each must have. */
  matchLabels?: Record<string, string>;
  /** Requirements on labels. */
  matchExpressions?: LabelRequirement[];
}

export interface PodAffinityTerm {
  /** Node label that says what "the same place" is. Example: kubernetes.io/hostname. */
  topologyKey: string;
  /** Which ones count, by their labels; all requirements must hold. */
  labelSelector?: LabelSelector;
  /** Namespaces whose pods count; absent with no namespaceSelector, the pod's own. */
  namespaces?: string[];
  /** Which ones count, by their labels; all requirements must hold. */
  namespaceSelector?: LabelSelector;
  /** Labels whose value is taken from the pod itself and must be equal. */
  matchLabelKeys?: string[];
  /** Labels whose value is taken from the pod itself and must differ. */
  mismatchLabelKeys?: string[];
}

export interface PreferredPods {
  /** From 1 to 100: added up per node. */
  weight: number;
  podAffinityTerm: PodAffinityTerm;
}

export interface PodAffinity {
  /** A pod goes only where all terms hold. */
  requiredDuringSchedulingIgnoredDuringExecution?: PodAffinityTerm[];
  /** Places where the term holds are preferred by weight. */
  preferredDuringSchedulingIgnoredDuringExecution?: PreferredPods[];
}

/** Rules of attraction to and repulsion from nodes and other pods. */
export interface Affinity {
  /** Which nodes the pods are attracted to. */
  nodeAffinity?: NodeAffinity;
  /** Which pods the pods want to be near. */
  podAffinity?: PodAffinity;
  /** Which pods the pods want to be apart from. */
  podAntiAffinity?: PodAffinity;
}

export interface TopologySpreadConstraint {
  /** Most pods by which two domains may differ. */
  maxSkew: number;
  /** Node label whose values are the domains. Example: topology.kubernetes.io/zone. */
  topologyKey: string;
  /** DoNotSchedule: the pod waits; ScheduleAnyway: it is placed where the skew is least. */
  whenUnsatisfiable: 'DoNotSchedule' | 'ScheduleAnyway';
  /** Which ones count, by their labels; all requirements must hold. */
  labelSelector?: LabelSelector;
  /** Labels whose value is taken from the pod itself. */
  matchLabelKeys?: string[];
  /** Fewest domains that count as enough; only with DoNotSchedule. */
  minDomains?: number;
  /** Whether nodeSelector and nodeAffinity count when domains are found: Honor (Kubernetes' own default) or Ignore. */
  nodeAffinityPolicy?: 'Honor' | 'Ignore';
  /** Whether taints count when domains are found: Honor or Ignore (Kubernetes' own default). */
  nodeTaintsPolicy?: 'Honor' | 'Ignore';
}

/**
 * Requests and limits of the container. Buffers and the number of threads are derived from the limits: memory stays
 * bounded whatever the input is. Absent: what the installation sets.
 */
export interface PodResources {
  /** What the scheduler sets aside. Example: {cpu: "1", memory: 512Mi}. */
  requests?: Record<string, number | string>;
  /** What the container may use at most. Example: {memory: 1Gi}. */
  limits?: Record<string, number | string>;
}

/** The part of a pod's spec that can be set; each field as in `kubectl explain pod.spec`. */
export interface PodTemplateSpec {
  /** Labels a node must have. Example: {kubernetes.io/arch: arm64}. */
  nodeSelector?: Record<string, string>;
  /** Taints of nodes that the pods accept. */
  tolerations?: Toleration[];
  /** Rules of attraction to and repulsion from nodes and other pods. */
  affinity?: Affinity;
  /** How the pods are spread over zones, nodes or other topologies. */
  topologySpreadConstraints?: TopologySpreadConstraint[];
  /** A PriorityClass of the cluster. */
  priorityClassName?: string;
  /**
   * ServiceAccount whose cloud identity the pods use for the bucket when there is no credentialsSecretRef. Absent:
   * `default`. The pods get no token for the Kubernetes API in any case.
   */
  serviceAccountName?: string;
  /** Secrets of the namespace for pulling the image, beside those of the service account. */
  imagePullSecrets?: NameRef[];
  /**
   * Requests and limits of the container. Buffers and the number of threads are derived from the limits: memory stays
   * bounded whatever the input is. Absent: what the installation sets.
   */
  resources?: PodResources;
}

export interface PodTemplate {
  /** Labels and annotations of the pods and their Jobs (for instance a queue name for Kueue). */
  metadata?: PodTemplateMetadata;
  /** The part of a pod's spec that can be set; each field as in `kubectl explain pod.spec`. */
  spec?: PodTemplateSpec;
}

/** What is wanted. */
export interface DatasetSpec {
  /**
   * The JSON Schema (draft-07 or 2020-12) that every record must satisfy and that columns are made from: exactly one of
   * configMapRef and inline. A change that only adds optional fields, loosens `required` or widens int to long evolves
   * the table; any other leaves the earlier schema in force and stalls.
   */
  schema: DatasetSpecSchema;
  /** Where the table and all that belongs to it lies; exactly one system (in this version: s3). */
  storage: DatasetSpecStorage;
  /** How the table is written. */
  table: DatasetSpecTable;
  /** How long things are kept, in days; `maintain` sees to it hourly. */
  retention: DatasetSpecRetention;
  /**
   * What becomes of the data when the Dataset is deleted. Retain (default): it stays in the bucket. Delete: table and
   * control objects are removed before the Dataset goes.
   */
  deletionPolicy: 'Retain' | 'Delete';
  /**
   * The base of every pod that works on the Dataset; Batch, StreamInlet and SourceConnection override it field by
   * field. A part of a pod template: what is not listed cannot be set.
   */
  podTemplate?: PodTemplate;
}

export interface Condition {
  /** What the condition is about. */
  type: string;
  /** Whether it holds. */
  status: 'True' | 'False' | 'Unknown';
  /** The state or the error, in one stable word; docs/errors.md lists them. */
  reason: string;
  /** One line for people. */
  message: string;
  /** When the status of the condition changed last. */
  lastTransitionTime: string;
  /** The metadata.generation that the condition speaks of. */
  observedGeneration?: number;
}

/** The table as its newest version says. */
export interface DatasetStatusTable {
  /** Folder of the table, as a URL. */
  location: string;
  /** Format of the table. */
  format: string;
  /** Version number of the table; rises with every commit. */
  sequence?: number;
  /** The newest snapshot. */
  snapshotID?: string;
  /** Rows in the table. */
  records?: number;
  /** Data files in the table. */
  files?: number;
  /** Size of the data files. */
  sizeBytes?: number;
  /** When the newest version was committed. */
  lastCommitTime?: string;
}

/** Records of all inlets and committed batches since the table was made. */
export interface DatasetStatusRecords {
  /** Records that became rows. */
  ingested?: number;
  /** Records that were refused. */
  failed?: number;
}

/** Batches by how they ended. */
export interface DatasetStatusBatches {
  /** Batches that were committed. */
  succeeded?: number;
  /** Batches that ended without a commit. */
  failed?: number;
  /** Batches that have not ended. */
  running?: number;
}

export interface BatchMention {
  /** Its ID, as in status.batchID of the Batch. */
  batchID?: string;
  /** When it ended. */
  time?: string;
}

/** The schema in force. Other kinds wait until there is one. */
export interface DatasetStatusSchema {
  /** SHA-256 of the schema, as hexadecimal digits. */
  digest: string;
  /** Fields of the schema that have no fields of their own. */
  fields?: number;
}

/** What was seen last. Counts come from the bucket. */
export interface DatasetStatus {
  /** The metadata.generation that the status speaks of; -1 before the operator has seen the resource. */
  observedGeneration?: number;
  /** The value of the annotation ingest.forebay.dev/requestedAt that was last acted on. */
  lastHandledRequest?: string;
  /**
   * Ready: the place in the bucket is claimed and a schema is in force, so records can be ingested. Reconciling and
   * Stalled are there only while True: being worked on; stuck until a person helps.
   */
  conditions?: Condition[];
  /** The table as its newest version says. */
  table?: DatasetStatusTable;
  /** Records of all inlets and committed batches since the table was made. */
  records?: DatasetStatusRecords;
  /** Batches by how they ended. */
  batches?: DatasetStatusBatches;
  /** The batch that was committed or failed last. */
  lastBatch?: BatchMention;
  /** The batch that failed last. */
  lastFailedBatch?: BatchMention;
  /** SHA-256 of the schema, settings and request that the table was last prepared for, whether taken or refused. */
  preparedDigest?: string;
  /** The schema in force. Other kinds wait until there is one. */
  schema?: DatasetStatusSchema;
}

/**
 * Where records go and what they must look like: a JSON Schema, a place in a bucket, and how the table is written.
 * Batches, StreamInlets and SourceConnections name it in datasetRef.
 */
export interface Dataset {
  apiVersion: typeof apiVersion;
  kind: 'Dataset';
  metadata: ObjectMeta;
  spec: DatasetSpec;
  status: DatasetStatus;
}

/**
 * Files of an S3 bucket: those of `keys`, or all below `prefix` that fit `glob`. They are listed once. Example:
 * {bucket: landing, prefix: crm, glob: "*.csv.gz", credentialsSecretRef: {name: landing-key}}.
 */
export interface BatchSpecInputS3 {
  /** Name of the bucket, which must exist; no s3:// and no path. Example: lake. */
  bucket: string;
  /** Folder of the bucket to list; no slash at either end. Default: empty, the whole bucket. Example: landing/crm. */
  prefix: string;
  /**
   * Region that requests are signed for. Absent: AWS_REGION where the cluster injects it, else us-east-1. Example:
   * eu-central-1.
   */
  region?: string;
  /** URL of an S3-compatible server; absent: AWS. Example: http://s3.storage.svc:8333. */
  endpoint?: string;
  /**
   * true: the bucket is named in the path (http://host/bucket/key), as most servers but AWS want it; false (the
   * default): in the host name.
   */
  forcePathStyle?: boolean;
  /**
   * Certificates of a private authority, to be trusted beside the usual ones. Example: {name: lake-ca, key: ca.crt}.
   */
  caConfigMapRef?: KeyRef;
  /**
   * Secret with the keys accessKeyID, secretAccessKey and, for temporary credentials, sessionToken. They are mounted as
   * files and read again when they change. Absent: the pod's own identity (podTemplate.spec.serviceAccountName).
   */
  credentialsSecretRef?: NameRef;
  /** Whole keys of the objects to read, at most 1,000; in place of prefix and glob. Example: [crm/2026-11-24.csv]. */
  keys?: string[];
  /**
   * Pattern of the keys below `prefix`; * stays within a folder, ** does not. Absent: all. Example:
   * "**\/*.{csv,csv.gz}".
   */
  glob?: string;
  /**
   * Leaves out files younger than this, in seconds by the store's clock: they may still be written. Absent: none is
   * left out.
   */
  minAgeSeconds?: number;
}

/**
 * Files of a SourceConnection, with its format and its ledger: files that were ingested are skipped. Its runs are made
 * like this; by hand it takes in chosen files now. Example: {name: crm-accounts, paths: [2026-11-24.csv]}.
 */
export interface BatchSpecInputConnection {
  /** Name of a SourceConnection in the same namespace. */
  name: string;
  /** Files to read, below the connection's place, at most 1,000; absent: those its selection finds. */
  paths?: string[];
}

/** A few records in the resource itself. Example: {data: "{\"id\": 1}\n{\"id\": 2}\n"}. */
export interface BatchSpecInputInline {
  /** The content of a file in the given format, as text of at most 131,072 characters. */
  data: string;
}

/**
 * The records that a batch of the same Dataset refused, from their raw text and in the format they came in, for when
 * schema, mapping or the reading of the format were mended. Example: {batchID: shop/crm-2026-11-24}.
 */
export interface BatchSpecInputRejects {
  /** ID of the batch, as in its status.batchID. With a slash it is namespace/name, without one an externalID. */
  batchID: string;
}

/**
 * What is read: exactly one of s3, connection, inline and rejects. Absent, with `replaces`: nothing, rows are only
 * taken out. Immutable.
 */
export interface BatchSpecInput {
  /**
   * Files of an S3 bucket: those of `keys`, or all below `prefix` that fit `glob`. They are listed once. Example:
   * {bucket: landing, prefix: crm, glob: "*.csv.gz", credentialsSecretRef: {name: landing-key}}.
   */
  s3?: BatchSpecInputS3;
  /**
   * Files of a SourceConnection, with its format and its ledger: files that were ingested are skipped. Its runs are
   * made like this; by hand it takes in chosen files now. Example: {name: crm-accounts, paths: [2026-11-24.csv]}.
   */
  connection?: BatchSpecInputConnection;
  /** A few records in the resource itself. Example: {data: "{\"id\": 1}\n{\"id\": 2}\n"}. */
  inline?: BatchSpecInputInline;
  /**
   * The records that a batch of the same Dataset refused, from their raw text and in the format they came in, for when
   * schema, mapping or the reading of the format were mended. Example: {batchID: shop/crm-2026-11-24}.
   */
  rejects?: BatchSpecInputRejects;
}

/**
 * How the CSV is written; only with type CSV. Absent: RFC 4180 with a header. Example: {delimiter: ";", nullMarker:
 * NA}.
 */
export interface CsvFormat {
  /**
   * What stands between fields; may be several characters. Default: a comma. Example: "\t" (in double quotes) for a
   * tab.
   */
  delimiter: string;
  /**
   * One ASCII character around fields that hold a delimiter, a quote or a line break. Default: ". Empty: quotes are
   * ordinary text.
   */
  quote: string;
  /**
   * One ASCII character that stands before a quote inside a quoted field. Default: ", that is, quotes are doubled.
   * Example: \.
   */
  escape: string;
  /**
   * true (default): the first row names the fields, and dots in a name make nested fields (customer.id). false: there
   * is no such row.
   */
  header: boolean;
  /**
   * Names of the fields, in order. With a header they take its place, and must be as many. Absent and without a header:
   * _1, _2, and so on. Example: [id, name, customer.id].
   */
  columns?: string[];
  /** Text that stands for null, beside the empty field without quotes. Example: NA. */
  nullMarker?: string;
  /** Character set of the files: UTF-8 (default; a byte order mark is passed over), ISO-8859-1 or US-ASCII. */
  charset: 'UTF-8' | 'ISO-8859-1' | 'US-ASCII';
  /** Lines at the start of each file that are passed over, before the header. Default: 0. */
  skipLines: number;
  /** Lines that begin with it are passed over. Default: empty, none are. Example: "#". */
  comment: string;
}

export interface Format {
  /**
   * CSV: rows of text with a delimiter. JSONLines: one JSON object a line. JSON: one array of objects, or one object.
   * Parquet: rows are records, columns are fields. Avro: object container files.
   */
  type: 'CSV' | 'JSONLines' | 'JSON' | 'Parquet' | 'Avro';
  /**
   * How the CSV is written; only with type CSV. Absent: RFC 4180 with a header. Example: {delimiter: ";", nullMarker:
   * NA}.
   */
  csv?: CsvFormat;
}

/** How much may come of a compressed file; more fails it as UnreadableFile. Example: {maxRatio: 20000}. */
export interface BatchSpecDecompression {
  /**
   * So many times the size of the file; what comes of a file up to 1 GiB is not looked at. Absent: 1000. Records that
   * differ stay below 500; the same one again and again does not.
   */
  maxRatio?: number;
  /** So many GiB, whatever the size of the file. Absent: 1024. */
  maxSizeGiB?: number;
}

export interface FieldMapping {
  /** Path in the input record. */
  source: string;
  /** Path in the schema of the Dataset. */
  destination: string;
}

export interface ErrorPolicy {
  maxFailed: number | string;
}

/** What is wanted. All but parallelism, suspend, desiredState, ttlSecondsAfterFinished and podTemplate is immutable. */
export interface BatchSpec {
  /** The Dataset that takes the records. Example: {name: web-events}. */
  datasetRef: NameRef;
  /**
   * What makes the batch one and the same for the Dataset: an ID that was committed is never ingested again, whatever
   * the resource is called. No slash. Immutable. Absent: namespace/name. Example: crm-2026-11-24.
   */
  externalID?: string;
  /**
   * What is read: exactly one of s3, connection, inline and rejects. Absent, with `replaces`: nothing, rows are only
   * taken out. Immutable.
   */
  input?: BatchSpecInput;
  /**
   * How the files are written. Required, except with input.connection, which brings its own, and without input.
   * Immutable. Example: {type: CSV, csv: {delimiter: ";"}}.
   */
  format?: Format;
  /**
   * How the files are compressed. Auto (default): by their first bytes, not by their names; it knows all of these but
   * Deflate, which has nothing to tell it by. None, Gzip, Zstd, Bzip2. Deflate: with the header of zlib or without.
   * Zip, Tar, TarGzip: archives, in which each file is read as one of its own.
   */
  compression: 'Auto' | 'None' | 'Gzip' | 'Zstd' | 'Bzip2' | 'Deflate' | 'Zip' | 'Tar' | 'TarGzip';
  /** How much may come of a compressed file; more fails it as UnreadableFile. Example: {maxRatio: 20000}. */
  decompression?: BatchSpecDecompression;
  /**
   * Renames and moves fields of the input to fields of the schema; others keep their names. Dots separate the steps of
   * a path, `\.` is a dot in a name. Example: [{source: Origin Airport, destination: origin.code}].
   */
  mapping?: FieldMapping[];
  /** When bad records fail the batch. Immutable. */
  errorPolicy: ErrorPolicy;
  /**
   * Longest record, in bytes of the uncompressed input; a longer one is counted as failed (RecordTooLarge). Memory is
   * bounded by it. Default: 16777216 (16 MiB).
   */
  maxRecordBytes: number;
  /**
   * Most input in one pod, in MiB as it lies in the bucket; a batch with more is spread over several. A larger file is
   * cut on borders of records where its format allows it: CSV and JSON lines without compression, Parquet. Default:
   * 256.
   */
  shardSizeMiB: number;
  /**
   * IDs of batches whose rows leave the table in the same snapshot in which those of this batch come. With a slash it
   * is namespace/name, without one an externalID. Immutable. Example: [shop/crm-2026-11-23].
   */
  replaces?: string[];
  /**
   * true: read, check and count, and add nothing to the table; the batch ends as Validated. Setting it to false then
   * ingests. Default: false.
   */
  validateOnly: boolean;
  /** Most pods that read at once. Can be changed while they run. Default: 8. */
  parallelism: number;
  /** true: pods stop, what is finished is kept, nothing new starts; false (default) goes on from there. */
  suspend: boolean;
  /**
   * Active (also when absent): rows go in. Aborted: stop, if it is not too late; committed rows stay. Reverted: stop,
   * or take the rows out again. Both are final: Active again changes nothing until a new attempt is asked for.
   */
  desiredState?: 'Active' | 'Aborted' | 'Reverted';
  /**
   * Seconds after its end at which the Batch deletes itself; the data stays. Absent: it is kept, which is right for
   * GitOps, where it would be applied again. Example: 86400.
   */
  ttlSecondsAfterFinished?: number;
  /**
   * Overrides the Dataset's podTemplate, field by field, for the pods of this Batch; mutable, holds from the next pods
   * on. A part of a pod template: what is not listed cannot be set.
   */
  podTemplate?: PodTemplate;
}

/** What the newest attempt was opened for; another one makes a batch that ended without rows try again. */
export interface BatchStatusRequest {
  /** The value of requestedAt, or what stands for an edit; empty for the first attempt. */
  token?: string;
  /**
   * SHA-256 of the spec without parallelism, suspend, desiredState and ttlSecondsAfterFinished, as hexadecimal digits.
   */
  digest?: string;
}

/** Records: read = ingested + failed + skipped. */
export interface BatchStatusRecords {
  /** Records that were read. */
  read?: number;
  /** Records that became rows. */
  ingested?: number;
  /** Records that were refused. */
  failed?: number;
  /**
   * Good records that did not become rows, since they are in the table already, or the batch failed or was only to be
   * checked.
   */
  skipped?: number;
  /** Records that were ingested though something was odd. */
  warnings?: number;
}

/** Files. */
export interface BatchStatusFiles {
  /** Files that were read. */
  input?: number;
  /** Files that were ingested already, or changed while they were read. */
  skipped?: number;
  /** Files that could not be read. */
  failed?: number;
  /** Data files that were written. */
  output?: number;
}

/** Sizes in bytes. */
export interface BatchStatusBytes {
  /** What was read, as it lies in the source. */
  input?: number;
  /** What was written to the table. */
  output?: number;
}

/** Where one such record is. */
export interface ErrorSample {
  /** The file it was read from. */
  file: string;
  /** Number of the record in the file. */
  record: number;
}

export interface ErrorClass {
  /** Error code; docs/errors.md explains each. */
  code: string;
  /** What is wrong. */
  message: string;
  /** Place in the schema, as a JSON pointer with * for the items of a list. */
  path?: string;
  /** How many records. */
  count: number;
  /** Where one such record is. */
  sample?: ErrorSample;
}

/** Where the refused records lie, with their raw text and all reasons. */
export interface Diagnostics {
  /** A folder in the Dataset's bucket. */
  location?: string;
}

/** How the input was split. */
export interface BatchStatusPlan {
  /** SHA-256 of the plan, as hexadecimal digits. */
  digest?: string;
  /** Parts of the input, one pod each. */
  shards?: number;
}

/** What was seen last. Counts come from the bucket. */
export interface BatchStatus {
  /** The metadata.generation that the status speaks of; -1 before the operator has seen the resource. */
  observedGeneration?: number;
  /** The value of the annotation ingest.forebay.dev/requestedAt that was last acted on. */
  lastHandledRequest?: string;
  /**
   * Succeeded: True when committed (reason Active), False when failed (the reason is the error code) or when it ended
   * without rows as asked (Validated, Aborted, Reverted), Unknown while it waits, works or is suspended. Ready: True
   * when the end that was asked for is reached. Reconciling and Stalled are there only while True: being worked on;
   * stuck until a person helps.
   */
  conditions?: Condition[];
  /** What names the batch in the Dataset, spec.externalID or namespace/name. */
  batchID?: string;
  /** Number of the newest attempt, as it stands in the bucket. */
  run?: number;
  /** Attempts made so far. */
  attempts?: number;
  /** What the newest attempt was opened for; another one makes a batch that ended without rows try again. */
  request?: BatchStatusRequest;
  /** When the newest attempt began. */
  startTime?: string;
  /** When the batch ended, whatever the end. */
  completionTime?: string;
  /** Share of the input that was read. */
  progressPercent?: number;
  /** The snapshot of the table that the batch made; of a reverted batch, the one that took its rows out. */
  snapshotID?: string;
  /** Records: read = ingested + failed + skipped. */
  records?: BatchStatusRecords;
  /** Files. */
  files?: BatchStatusFiles;
  /** Sizes in bytes. */
  bytes?: BatchStatusBytes;
  /**
   * Why records were refused, most frequent first; one entry for each code and place in the schema. Never shows what
   * the records hold.
   */
  errors?: ErrorClass[];
  /** Where the refused records lie, with their raw text and all reasons. */
  diagnostics?: Diagnostics;
  /** How the input was split. */
  plan?: BatchStatusPlan;
}

/**
 * One unit of input for a Dataset. It is all in or, with more bad records than errorPolicy allows, all out. What it
 * takes in is immutable; while Succeeded is False it can be edited, which is a new attempt.
 */
export interface Batch {
  apiVersion: typeof apiVersion;
  kind: 'Batch';
  metadata: ObjectMeta;
  spec: BatchSpec;
  status: BatchStatus;
}

/** A key of a Secret, sent as "Authorization: Bearer <key>" or "x-api-key: <key>". */
export interface StreamInletSpecAuthenticationApiKey {
  /**
   * Secret whose every value is an accepted API key, whatever its key is called (one for each sender is good). Read
   * again when it changes.
   */
  secretRef: NameRef;
}

export interface StreamInletSpecAuthentication {
  /** A key of a Secret, sent as "Authorization: Bearer <key>" or "x-api-key: <key>". */
  apiKey?: StreamInletSpecAuthenticationApiKey;
  /** Whoever reaches the Service may send, without proof; write `anonymous: {}`. */
  anonymous?: Record<string, never>;
}

/** The Service in front of the pods; it has the name of the inlet and port 80. */
export interface StreamInletSpecService {
  /** ClusterIP (default: within the cluster, or behind an Ingress or route of your own), NodePort or LoadBalancer. */
  type: 'ClusterIP' | 'NodePort' | 'LoadBalancer';
  /** Annotations of the Service, for instance for the cloud's load balancer. */
  annotations?: Record<string, string>;
}

/** Bounds of each pod. What is over them is answered 413 or 429. */
export interface StreamInletSpecLimits {
  /** Longest request, in bytes. Default: 1048576 (1 MiB). */
  maxRequestBytes: number;
  /** Longest record, in bytes. Default: 1048576 (1 MiB). */
  maxRecordBytes: number;
  /** Most requests a second; absent: no limit. */
  requestsPerSecond?: number;
  /** Most bytes of requests that were not answered yet; memory is bounded by it. Default: 67108864 (64 MiB). */
  maxInFlightBytes: number;
}

/** How records are gathered into segments, the objects whose creation makes them durable. */
export interface StreamInletSpecDurability {
  /**
   * Longest wait for further records before a segment is written, in milliseconds; each answer waits for it. Default:
   * 100.
   */
  maxDelayMilliseconds: number;
  /** Size in bytes at which a segment is written at once. Default: 8388608 (8 MiB). */
  maxSegmentBytes: number;
}

/** When durable records are put into the table; what is reached first counts. */
export interface StreamInletSpecCommit {
  /** Seconds between rounds. Shorter: sooner visible, more and smaller files. Default: 60. */
  periodSeconds: number;
  /** Bytes of segments at which a round begins, and most that one round takes. Default: 268435456 (256 MiB). */
  maxBytes: number;
  /** Records at which a round begins. Default: 1000000. */
  maxRecords: number;
}

/** What is wanted. */
export interface StreamInletSpec {
  /** The Dataset that takes the records. Example: {name: web-events}. */
  datasetRef: NameRef;
  /** Pods that take records in; `kubectl scale` and autoscalers set it. 0 closes the inlet. Default: 1. */
  replicas: number;
  /**
   * How senders prove who they are; one of the entries must hold. Each has exactly one of apiKey and anonymous, and
   * anonymous stands alone. Example: [{apiKey: {secretRef: {name: web-keys}}}].
   */
  authentication: StreamInletSpecAuthentication[];
  /** The Service in front of the pods; it has the name of the inlet and port 80. */
  service: StreamInletSpecService;
  /**
   * What a message looks like. XDM: {header, body: {xdmEntity: RECORD}}. Raw: the message is the record. Auto
   * (default): XDM where header and body.xdmEntity are there, else Raw.
   */
  envelope: 'Auto' | 'XDM' | 'Raw';
  /**
   * Async (default): records are checked after they were acknowledged; bad ones are set aside and counted. Sync: before
   * the answer, which is 400 with the reasons. A request asks for Sync with ?syncValidation=true.
   */
  validation: 'Async' | 'Sync';
  /**
   * Renames and moves fields of the input to fields of the schema; others keep their names. Dots separate the steps of
   * a path, `\.` is a dot in a name. Example: [{source: Origin Airport, destination: origin.code}].
   */
  mapping?: FieldMapping[];
  /** Bounds of each pod. What is over them is answered 413 or 429. */
  limits: StreamInletSpecLimits;
  /** How records are gathered into segments, the objects whose creation makes them durable. */
  durability: StreamInletSpecDurability;
  /** When durable records are put into the table; what is reached first counts. */
  commit: StreamInletSpecCommit;
  /**
   * Overrides the Dataset's podTemplate, field by field, for the pods of this inlet. A part of a pod template: what is
   * not listed cannot be set.
   */
  podTemplate?: PodTemplate;
}

/** Records since the inlet was made: received = ingested + failed + skipped + pending. */
export interface StreamInletStatusRecords {
  /** Records that were acknowledged. */
  received?: number;
  /** Records that became rows. */
  ingested?: number;
  /** Records that were set aside, since they cannot be ingested. */
  failed?: number;
  /** Records that were passed over because they are in the table already. */
  skipped?: number;
  /** Records that are durable and not in the table yet. */
  pending?: number;
}

/** What was seen last. Counts come from the bucket. */
export interface StreamInletStatus {
  /** The metadata.generation that the status speaks of; -1 before the operator has seen the resource. */
  observedGeneration?: number;
  /** The value of the annotation ingest.forebay.dev/requestedAt that was last acted on. */
  lastHandledRequest?: string;
  /**
   * Ready: records are taken in (reason Closed with replicas 0). Reconciling and Stalled are there only while True:
   * being worked on; stuck until a person helps.
   */
  conditions?: Condition[];
  /** SHA-256 of namespace/name, as hexadecimal digits; POST /collection/{inletID} reaches the inlet too. No secret. */
  inletID?: string;
  /** Where to send records, from within the cluster first. */
  urls?: string[];
  /** Pods there are. */
  replicas?: number;
  /** Label selector of the pods, for autoscalers. */
  selector?: string;
  /** Records since the inlet was made: received = ingested + failed + skipped + pending. */
  records?: StreamInletStatusRecords;
  /** Bytes of all records that were acknowledged. */
  bytes?: number;
  /** Age of the oldest record that is not in the table yet; 0 when there is none. */
  lagSeconds?: number;
  /** When a round was committed last. */
  lastCommitTime?: string;
  /** When the counts were last heard of. */
  lastReportTime?: string;
  /**
   * Why records were refused, most frequent first; one entry for each code and place in the schema. Never shows what
   * the records hold.
   */
  errors?: ErrorClass[];
  /** Where the refused records lie, with their raw text and all reasons. */
  diagnostics?: Diagnostics;
}

/**
 * An HTTP endpoint that answers once a record is durable in the bucket, and puts records into the table in rounds. POST
 * /collection/{namespace}/{inlet} takes one record, /collection/batch/{namespace}/{inlet} many.
 */
export interface StreamInlet {
  apiVersion: typeof apiVersion;
  kind: 'StreamInlet';
  metadata: ObjectMeta;
  spec: StreamInletSpec;
  status: StreamInletStatus;
}

/** Where records come from; exactly one system (in this version: s3). */
export interface SourceConnectionSpecSource {
  /** Files of an S3 bucket. Example: {bucket: landing, prefix: crm, credentialsSecretRef: {name: landing-key}}. */
  s3?: S3Place;
}

/** Which files. Example: {path: exports, glob: "*.csv", minAgeSeconds: 60}. */
export interface SourceConnectionSpecSelectionFiles {
  /**
   * Folder below the prefix of the source; no slash at either end. Absent: the prefix itself. Example: exports/daily.
   */
  path?: string;
  /**
   * Pattern of the paths below `path`; * stays within a folder, ** does not. Absent: all. Example:
   * "**\/*.{csv,csv.gz}".
   */
  glob?: string;
  /**
   * Files younger than this, in seconds by the store's clock, are left for the next run: they may still be written.
   * Default: 0.
   */
  minAgeSeconds: number;
}

/** What is taken from the source; the member that fits it (in this version: files). Absent: all files. */
export interface SourceConnectionSpecSelection {
  /** Which files. Example: {path: exports, glob: "*.csv", minAgeSeconds: 60}. */
  files?: SourceConnectionSpecSelectionFiles;
}

/** How much may come of a compressed file; more fails it as UnreadableFile. Example: {maxRatio: 20000}. */
export interface SourceConnectionSpecDecompression {
  /**
   * So many times the size of the file; what comes of a file up to 1 GiB is not looked at. Absent: 1000. Records that
   * differ stay below 500; the same one again and again does not.
   */
  maxRatio?: number;
  /** So many GiB, whatever the size of the file. Absent: 1024. */
  maxSizeGiB?: number;
}

/**
 * When runs are made. One at a time: slots missed during a run or an outage become one run. Absent: only on request, by
 * a new value of the annotation ingest.forebay.dev/requestedAt.
 */
export interface SourceConnectionSpecSchedule {
  /**
   * Minute, hour, day of month, month, day of week: "*\/15 * * * *" is every quarter of an hour, "0 6 * * MON-FRI" at
   * six on working days. In the time zone below.
   */
  cron: string;
  /** Time zone of the cron, by its IANA name. Default: Etc/UTC. Example: Europe/Berlin. */
  timeZone: string;
  /** Seconds after its slot at which a missed run is no longer made up for. Absent: it always is. */
  startingDeadlineSeconds?: number;
}

/** How many ended runs are kept as Batches. Their data stays. */
export interface SourceConnectionSpecHistory {
  /** Runs that were committed. Default: 3. */
  succeeded: number;
  /** Runs that failed. Default: 3. */
  failed: number;
}

/** What is wanted. */
export interface SourceConnectionSpec {
  /** The Dataset that takes the records. Example: {name: web-events}. */
  datasetRef: NameRef;
  /** Where records come from; exactly one system (in this version: s3). */
  source: SourceConnectionSpecSource;
  /** What is taken from the source; the member that fits it (in this version: files). Absent: all files. */
  selection?: SourceConnectionSpecSelection;
  /** How the files are written. Example: {type: CSV, csv: {delimiter: ";"}}. */
  format: Format;
  /**
   * How the files are compressed. Auto (default): by their first bytes, not by their names; it knows all of these but
   * Deflate, which has nothing to tell it by. None, Gzip, Zstd, Bzip2. Deflate: with the header of zlib or without.
   * Zip, Tar, TarGzip: archives, in which each file is read as one of its own.
   */
  compression: 'Auto' | 'None' | 'Gzip' | 'Zstd' | 'Bzip2' | 'Deflate' | 'Zip' | 'Tar' | 'TarGzip';
  /** How much may come of a compressed file; more fails it as UnreadableFile. Example: {maxRatio: 20000}. */
  decompression?: SourceConnectionSpecDecompression;
  /**
   * Renames and moves fields of the input to fields of the schema; others keep their names. Dots separate the steps of
   * a path, `\.` is a dot in a name. Example: [{source: Origin Airport, destination: origin.code}].
   */
  mapping?: FieldMapping[];
  /** When bad records fail a run. */
  errorPolicy: ErrorPolicy;
  /**
   * Longest record, in bytes of the uncompressed input; a longer one is counted as failed (RecordTooLarge). Memory is
   * bounded by it. Default: 16777216 (16 MiB).
   */
  maxRecordBytes: number;
  /**
   * Most input in one pod, in MiB as it lies in the bucket; a batch with more is spread over several. A file is never
   * cut, so a larger one is a shard of its own. Default: 256.
   */
  shardSizeMiB: number;
  /** Most pods that read at once. Can be changed while they run. Default: 8. */
  parallelism: number;
  /**
   * When runs are made. One at a time: slots missed during a run or an outage become one run. Absent: only on request,
   * by a new value of the annotation ingest.forebay.dev/requestedAt.
   */
  schedule?: SourceConnectionSpecSchedule;
  /** true: no new runs, also none on request; a run that has begun goes on. Default: false. */
  suspend: boolean;
  /** How many ended runs are kept as Batches. Their data stays. */
  history: SourceConnectionSpecHistory;
  /**
   * Overrides the Dataset's podTemplate, field by field, for the pods of this connection and its runs. A part of a pod
   * template: what is not listed cannot be set.
   */
  podTemplate?: PodTemplate;
}

export interface RunMention {
  /** Name of its Batch. */
  name?: string;
  /** Its slot; on request, when the request was seen. */
  scheduledTime?: string;
  /** When it ended. */
  completionTime?: string;
  /** How it ended, or what it is doing. */
  reason?: string;
}

/** Runs by how they ended. */
export interface SourceConnectionStatusRuns {
  /** Runs that were committed. */
  succeeded?: number;
  /** Runs that failed. */
  failed?: number;
}

/** Records of all runs: read = ingested + failed + skipped. */
export interface SourceConnectionStatusRecords {
  /** Records that were read. */
  read?: number;
  /** Records that became rows. */
  ingested?: number;
  /** Records that were refused. */
  failed?: number;
  /** Records that were passed over because they are in the table already. */
  skipped?: number;
}

/** What was seen last. Counts come from the bucket. */
export interface SourceConnectionStatus {
  /** The metadata.generation that the status speaks of; -1 before the operator has seen the resource. */
  observedGeneration?: number;
  /** The value of the annotation ingest.forebay.dev/requestedAt that was last acted on. */
  lastHandledRequest?: string;
  /**
   * Ready: runs can be made. Connected: the source answered and the credentials were accepted, at the last check or
   * run. Reconciling and Stalled are there only while True: being worked on; stuck until a person helps.
   */
  conditions?: Condition[];
  /** The system that records come from, like s3. */
  sourceType?: string;
  /** The run that began last. */
  lastRun?: RunMention;
  /** The run that was committed last. */
  lastSuccessfulRun?: RunMention;
  /** The next slot of the schedule. */
  nextRunTime?: string;
  /** Runs by how they ended. */
  runs?: SourceConnectionStatusRuns;
  /** Records of all runs: read = ingested + failed + skipped. */
  records?: SourceConnectionStatusRecords;
  /** SHA-256 of the source, selection and request that were last checked. */
  checkedDigest?: string;
  /** When the source was last asked whether it answers. */
  lastCheckTime?: string;
}

/**
 * Pulls new files from an outside system, on a schedule or on request. Each run is a Batch that it owns. A file is
 * ingested once; one that changed is new.
 */
export interface SourceConnection {
  apiVersion: typeof apiVersion;
  kind: 'SourceConnection';
  metadata: ObjectMeta;
  spec: SourceConnectionSpec;
  status: SourceConnectionStatus;
}

/** What holds where there is no CsvFormat. */
export const csvFormatDefaults: CsvFormat = {
  delimiter: ",",
  quote: "\"",
  escape: "\"",
  header: true,
  charset: "UTF-8",
  skipLines: 0,
  comment: "",
};
