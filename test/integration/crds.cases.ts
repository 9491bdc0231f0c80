/**
 * What the API takes and what it refuses, as a table. test/integration/crds.test.ts holds it against a real API server,
 * operator/api/validate.test.ts against the validation without a cluster: both must say the same.
 */
import type { Kind } from '../../operator/api/types.gen.ts';

export interface Case {
  /** Goes on from the kind: `a Batch ...`. */
  readonly name: string;
  readonly kind: Kind;
  /** Merged into the smallest manifest of the kind; null takes a field out, lists are replaced. */
  readonly change: object;
  /** Absent: it is taken. What the message must hold, on both sides or on each. */
  readonly refused?: string | { readonly server: string; readonly offline: string };
}

/** The least that each kind asks for. */
const smallest: Record<Kind, object> = {
  Dataset: {
    spec: { schema: { inline: { type: 'object' } }, storage: { s3: { bucket: 'lake' } } },
  },
  Batch: { spec: { datasetRef: { name: 'd' }, input: { inline: { data: '' } }, format: { type: 'JSONLines' } } },
  StreamInlet: { spec: { datasetRef: { name: 'd' }, authentication: [{ anonymous: {} }] } },
  SourceConnection: { spec: { datasetRef: { name: 'd' }, source: { s3: { bucket: 'b' } }, format: { type: 'JSON' } } },
};

export function manifestOf({ kind, change }: Pick<Case, 'kind' | 'change'>): Record<string, unknown> {
  const base = { apiVersion: 'ingest.forebay.dev/v1alpha1', kind, metadata: { name: 'x' }, ...smallest[kind] };
  return merge(base, change);
}

function merge(target: object, change: object): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...target };
  for (const [key, value] of Object.entries(change)) {
    const earlier = merged[key];
    if (value === null) delete merged[key];
    else merged[key] = isPlainObject(value) ? merge(isPlainObject(earlier) ? earlier : {}, value) : value;
  }
  return merged;
}

function isPlainObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const spec = (change: object) => ({ spec: change });
const named = (name: string) => ({ metadata: { name } });

const nameRule = 'metadata.name must have at most 63 characters and no dots: labels and names of pods are made from it';
const names: Case[] = [
  ...(['Dataset', 'Batch'] as const).flatMap((kind): Case[] => [
    { name: 'may have a name of 63 characters', kind, change: named('n'.repeat(63)) },
    { name: 'may have a name that begins with a digit', kind, change: named('1-a') },
    { name: 'has no longer name', kind, change: named('n'.repeat(64)), refused: nameRule },
    { name: 'has no dot in its name', kind, change: named('a.b'), refused: nameRule },
  ]),
  { name: 'may have a name of 63 characters', kind: 'StreamInlet', change: named('n'.repeat(63)) },
  ...['n'.repeat(64), 'a.b', '1a'].map(
    (name): Case => ({
      name: `is not called ${name}`,
      kind: 'StreamInlet',
      change: named(name),
      refused:
        'metadata.name must have at most 63 characters, begin with a letter and have no dots: it is the name of a Service',
    }),
  ),
  { name: 'may have a name of 52 characters', kind: 'SourceConnection', change: named('n'.repeat(52)) },
  ...['n'.repeat(53), 'a.b'].map(
    (name): Case => ({
      name: `is not called ${name}`,
      kind: 'SourceConnection',
      change: named(name),
      refused: 'metadata.name must have at most 52 characters and no dots: the names of the runs are made from it',
    }),
  ),
  {
    name: 'has no upper-case letters in its name',
    kind: 'Batch',
    change: named('Crm'),
    refused: { server: 'a lowercase RFC 1123 subdomain', offline: '"Crm" is no name: write lower-case letters' },
  },
  {
    name: 'has no number as a label',
    kind: 'Batch',
    change: { metadata: { labels: { week: 48 } } },
    refused: { server: 'cannot unmarshal number', offline: 'metadata.labels.week: must be a string, not 48' },
  },
  {
    name: 'has labels, not label',
    kind: 'Batch',
    change: { metadata: { label: {} } },
    refused: {
      server: 'unknown field "metadata.label"',
      offline: 'metadata.label: unknown field; did you mean labels?',
    },
  },
];

/** Where a kind has its place in S3, and what makes room for it. */
const s3Places: { kind: Kind; path: string; s3: (change: object) => object }[] = [
  { kind: 'Dataset', path: 'spec.storage.s3', s3: (s3) => spec({ storage: { s3 } }) },
  { kind: 'Batch', path: 'spec.input.s3', s3: (s3) => spec({ input: { inline: null, s3: { bucket: 'b', ...s3 } } }) },
  { kind: 'SourceConnection', path: 'spec.source.s3', s3: (s3) => spec({ source: { s3 } }) },
];

const places = s3Places.flatMap(({ kind, path, s3 }): Case[] => [
  {
    name: 'takes all that describes a place in S3',
    kind,
    change: s3({
      bucket: 'My_bucket.1',
      prefix: 'a/b',
      region: 'eu-central-1',
      endpoint: 'http://s3.storage.svc:8333/base',
      forcePathStyle: true,
      caConfigMapRef: { name: 'ca', key: 'ca.crt' },
      credentialsSecretRef: { name: 'key' },
    }),
  },
  ...['s3://lake', 'lake/web', '-lake', 'la ke'].map(
    (bucket): Case => ({
      name: `has no bucket called ${bucket}`,
      kind,
      change: s3({ bucket }),
      refused:
        'bucket is the name of a bucket alone, like "lake"; no s3://, no slashes (a path goes to prefix, a server to endpoint)',
    }),
  ),
  ...['/a', 'a/', '/'].map(
    (prefix): Case => ({
      name: `has no prefix ${prefix}`,
      kind,
      change: s3({ prefix }),
      refused: 'prefix must not begin or end with a slash: write raw/web, not /raw/web/',
    }),
  ),
  ...['s3.example.com:9000', 'https://', 'https://user:secret@h', 'http://h/?x=1', 'http://h/#x', 'http://h /'].map(
    (endpoint): Case => ({
      name: `has no endpoint ${endpoint}`,
      kind,
      change: s3({ endpoint }),
      refused:
        'endpoint must be a URL like https://s3.example.com:9000: with http:// or https://, without user, query or fragment (keys go to credentialsSecretRef)',
    }),
  ),
  {
    name: 'has a bucket in its place in S3',
    kind,
    change: s3({ bucket: null }),
    refused: { server: `${path}.bucket: Required value`, offline: `${path}.bucket: is required. Name of the bucket` },
  },
  {
    name: 'names the key of a ConfigMap with certificates',
    kind,
    change: s3({ caConfigMapRef: { name: 'ca' } }),
    refused: {
      server: `${path}.caConfigMapRef.key: Required value`,
      offline: `${path}.caConfigMapRef.key: is required.`,
    },
  },
  {
    name: 'has no region with spaces',
    kind,
    change: s3({ region: 'eu central 1' }),
    refused: { server: `${path}.region in body should match`, offline: `${path}.region: "eu central 1" is no region` },
  },
  {
    name: 'has no Secret of a strange name',
    kind,
    change: s3({ credentialsSecretRef: { name: 'My_Key' } }),
    refused: {
      server: `${path}.credentialsSecretRef.name in body should match`,
      offline: `${path}.credentialsSecretRef.name: "My_Key" is no name of a resource`,
    },
  },
]);

const csvKinds = ['Batch', 'SourceConnection'] as const;
const csv = (change: object) => spec({ format: { type: 'CSV', csv: change } });
const reading = csvKinds.flatMap((kind): Case[] => [
  {
    name: 'takes all that describes CSV',
    kind,
    change: csv({
      delimiter: '\t',
      quote: '',
      escape: '\\',
      header: false,
      columns: ['id', 'customer.id'],
      nullMarker: 'NA',
      charset: 'ISO-8859-1',
      skipLines: 2,
      comment: '#',
    }),
  },
  ...['JSON', 'JSONLines', 'Parquet', 'Avro'].map(
    (type): Case => ({
      name: `has no csv with format ${type}`,
      kind,
      change: spec({ format: { type, csv: {} } }),
      refused: 'format.csv goes with type CSV only: remove format.csv, or set format.type to CSV',
    }),
  ),
  ...['Auto', 'None', 'Gzip', 'Zstd', 'Bzip2', 'Deflate', 'Zip', 'Tar', 'TarGzip'].map(
    (compression): Case => ({ name: `may be compressed with ${compression}`, kind, change: spec({ compression }) }),
  ),
  {
    name: 'may set what comes of compressed files',
    kind,
    change: spec({ decompression: { maxRatio: 1, maxSizeGiB: 1 } }),
  },
  {
    name: 'has no compression around Parquet',
    kind,
    change: spec({
      format: { type: 'Parquet' },
      compression: 'Zip',
      ...(kind === 'Batch' && { input: { inline: null, s3: { bucket: 'b' } } }),
    }),
    refused: 'Parquet is compressed within, and is read by ranges: remove compression, and store the files unpacked',
  },
  ...['maxRatio', 'maxSizeGiB'].map(
    (limit): Case => ({
      name: `has no ${limit} of 0`,
      kind,
      change: spec({ decompression: { [limit]: 0 } }),
      refused: {
        server: 'greater than or equal to 1',
        offline: `spec.decompression.${limit}: must be at least 1, not 0`,
      },
    }),
  ),
  ...[{ delimiter: '"' }, { delimiter: '\\', escape: '\\' }].map(
    (change): Case => ({
      name: `has no CSV with ${JSON.stringify(change)}`,
      kind,
      change: csv(change),
      refused: 'csv.delimiter must differ from csv.quote and csv.escape',
    }),
  ),
  { name: 'may name columns anew', kind, change: csv({ columns: ['a'] }) },
  ...[';', '||', '¦', '\\'].map(
    (delimiter): Case => ({ name: `may have ${delimiter} as a delimiter`, kind, change: csv({ delimiter }) }),
  ),
  {
    name: 'has no tab written as two characters',
    kind,
    change: csv({ delimiter: '\\t' }),
    refused: 'csv.delimiter is a backslash and a letter: a tab is written "\\t", in double quotes',
  },
  ...['""', '«'].map(
    (quote): Case => ({
      name: `has no quote ${quote}`,
      kind,
      change: csv({ quote }),
      refused: 'csv.quote must be one ASCII character, or empty where quotes are ordinary text',
    }),
  ),
  ...['""', '«'].map(
    (character): Case => ({
      name: `has no escape ${character}`,
      kind,
      change: csv({ escape: character }),
      refused: 'csv.escape must be one ASCII character',
    }),
  ),
  {
    name: 'has a delimiter',
    kind,
    change: csv({ delimiter: '' }),
    refused: { server: 'at least 1 chars', offline: 'csv.delimiter: must not be empty' },
  },
  {
    name: 'has no line break as a delimiter',
    kind,
    change: csv({ delimiter: '\n' }),
    refused: { server: 'csv.delimiter in body should match', offline: 'csv.delimiter: "\\n" must not be a line break' },
  },
  {
    name: 'writes the type of a format as it is listed',
    kind,
    change: spec({ format: { type: 'csv' } }),
    refused: {
      server: 'supported values: "CSV"',
      offline: 'spec.format.type: "csv" is not allowed; did you mean CSV?',
    },
  },
  ...[0, 100, '0%', '0.5%', '99.9999%', '100%', '100.0%'].map(
    (maxFailed): Case => ({
      name: `may let fail ${JSON.stringify(maxFailed)}`,
      kind,
      change: spec({ errorPolicy: { maxFailed } }),
    }),
  ),
  ...[-1, '100', '101%', '1.%', '%', 'half', '0,5%', '-1%', '0.00001%'].map(
    (maxFailed): Case => ({
      name: `does not let fail ${JSON.stringify(maxFailed)}`,
      kind,
      change: spec({ errorPolicy: { maxFailed } }),
      refused:
        'maxFailed must be a number of records, like 100, or a share of the records read, like "0.5%", at most "100%"',
    }),
  ),
  {
    name: 'does not let fail a fraction of a record',
    kind,
    change: spec({ errorPolicy: { maxFailed: 1.5 } }),
    refused: {
      server: 'errorPolicy.maxFailed',
      offline: 'spec.errorPolicy.maxFailed: must be a whole number or a string',
    },
  },
  {
    name: 'does not have maxFailed in the wrong place',
    kind,
    change: spec({ maxFailed: 1 }),
    refused: {
      server: 'unknown field "spec.maxFailed"',
      offline: 'spec.maxFailed: unknown field; it belongs at spec.errorPolicy.maxFailed',
    },
  },
  {
    name: 'has records of at least 1 KiB',
    kind,
    change: spec({ maxRecordBytes: 10 }),
    refused: { server: 'greater than or equal to 1024', offline: 'spec.maxRecordBytes: must be at least 1024, not 10' },
  },
  {
    name: 'has no parallelism in quotes',
    kind,
    change: spec({ parallelism: '8' }),
    refused: {
      server: 'must be of type integer',
      offline: 'must be a whole number, not the string "8": remove the quotes',
    },
  },
  {
    name: 'has some parallelism',
    kind,
    change: spec({ parallelism: 0 }),
    refused: { server: 'greater than or equal to 1', offline: 'spec.parallelism: must be at least 1, not 0' },
  },
  {
    name: 'does not suspend in quotes',
    kind,
    change: spec({ suspend: 'true' }),
    refused: {
      server: 'must be of type boolean',
      offline: 'must be true or false, not the string "true": remove the quotes',
    },
  },
  {
    name: 'has a list as mapping',
    kind,
    change: spec({ mapping: { a: 'b' } }),
    // The API server looks at fields before it looks at types.
    refused: { server: 'unknown field "spec.mapping.a"', offline: 'spec.mapping: must be a list, not an object' },
  },
  {
    name: 'has both ends in a mapping',
    kind,
    change: spec({ mapping: [{ source: 'a' }] }),
    refused: { server: 'mapping[0].destination: Required', offline: 'spec.mapping[0].destination: is required.' },
  },
]);

const globPlaces: { kind: Kind; glob: (glob: string) => object }[] = [
  { kind: 'Batch', glob: (glob) => spec({ input: { inline: null, s3: { bucket: 'b', glob } } }) },
  { kind: 'SourceConnection', glob: (glob) => spec({ selection: { files: { glob } } }) },
];
const globs = globPlaces.flatMap(({ kind, glob }): Case[] => [
  ...['*.csv', '**/*.{csv,csv.gz}', '[0-9]*.csv', 'a\\[b', '{a[0-9],b}/*', '!(old)*', 'ü/*'].map(
    (pattern): Case => ({ name: `may have the glob ${pattern}`, kind, change: glob(pattern) }),
  ),
  ...['/a/*', './a/*'].map(
    (pattern): Case => ({
      name: `has no glob ${pattern}`,
      kind,
      change: glob(pattern),
      refused: 'glob is matched against the path below prefix, which never begins with / or ./: write 2026/*.csv',
    }),
  ),
  ...['*.{csv', '*.csv}', '[0-9.csv', 'a]', '{a,{b,c}}', '[]', '{}', 'a\\'].map(
    (pattern): Case => ({
      name: `has no glob ${pattern}`,
      kind,
      change: glob(pattern),
      refused:
        'glob has a [ or { that is not closed, or braces within braces: write *.{csv,csv.gz} or [0-9]*.csv, and \\[ for the character itself',
    }),
  ),
]);

const table = (change: object) => spec({ table: change });
const rest = { uri: 'https://catalog.example.com/api' };
const retention = { rowDays: 365 };
const datasets: Case[] = [
  {
    name: 'has one schema, not two',
    change: spec({ schema: { configMapRef: { name: 'c', key: 'k' } } }),
    refused: 'schema must have exactly one of configMapRef and inline: remove one, or add the one that is missing',
  },
  {
    name: 'has a schema',
    change: spec({ schema: { inline: null } }),
    refused: 'schema must have exactly one of configMapRef and inline: remove one, or add the one that is missing',
  },
  {
    name: 'keeps everything in an inline schema',
    change: spec({
      schema: {
        inline: { properties: { a: { type: ['string', 'null'], const: null, 'meta:xdmType': 'x', minimum: 0.5 } } },
      },
    }),
  },
  {
    name: 'has a place',
    change: spec({ storage: { s3: null } }),
    refused: 'storage must name one place: set storage.s3 with at least a bucket',
  },
  {
    name: 'has its place in storage',
    change: spec({ storage: null, s3: { bucket: 'lake' } }),
    refused: { server: 'unknown field "spec.s3"', offline: 'spec.s3: unknown field; it belongs at spec.storage.s3' },
  },
  {
    name: 'has a format that is known',
    change: spec({ table: { format: 'iceberg' } }),
    refused: {
      server: 'supported values: "Iceberg", "Parquet"',
      offline: 'spec.table.format: "iceberg" is not allowed; did you mean Iceberg?',
    },
  },
  { name: 'may be a list of files', change: table({ format: 'Parquet', compression: 'Snappy' }) },
  {
    name: 'takes all that describes partitions and order',
    change: table({
      partitionBy: [
        { field: 'timestamp', transform: 'Day' },
        { field: 'customer.id', transform: 'Bucket', buckets: 16 },
        { field: 'customer.id', transform: 'Truncate', width: 4 },
        { field: 'a\\.b', transform: 'Identity' },
      ],
      sortBy: ['timestamp', 'customer.id'],
    }),
  },
  ...[{ partitionBy: [{ field: 'a', transform: 'Identity' }] }, { sortBy: ['a'] }, { catalog: { rest } }].map(
    (change) => ({
      name: `has no ${Object.keys(change)} without Iceberg`,
      change: table({ format: 'Parquet', ...change }),
      refused:
        'table.partitionBy, sortBy and catalog go with format Iceberg only: remove them, or set format to Iceberg',
    }),
  ),
  ...[
    { transform: 'Bucket' },
    { transform: 'Truncate' },
    { transform: 'Bucket', width: 4 },
    { transform: 'Truncate', buckets: 16 },
    { transform: 'Identity', buckets: 16 },
    { transform: 'Day', width: 4 },
  ].map((change) => ({
    name: `has no partition ${JSON.stringify(change)}`,
    change: table({ partitionBy: [{ field: 'a', ...change }] }),
    refused:
      'partitionBy: transform Bucket needs buckets, Truncate needs width, and no other transform has one: write {field: id, transform: Bucket, buckets: 16}',
  })),
  ...[
    ['Day', 'Day'],
    ['Day', 'Hour'],
    ['Year', 'Month'],
    ['Identity', 'Identity'],
  ].map((transforms) => ({
    name: `is not partitioned by ${transforms.join(' and ')} of one field`,
    change: table({ partitionBy: transforms.map((transform) => ({ field: 'a', transform })) }),
    refused:
      'partitionBy names a field twice with the same transform, or with two of Year, Month, Day and Hour: keep the finer one',
  })),
  {
    name: 'is partitioned by fields',
    change: table({ partitionBy: ['timestamp'] }),
    refused: { server: 'must be of type object', offline: 'spec.table.partitionBy[0]: must be an object' },
  },
  {
    name: 'says how it is partitioned by a field',
    change: table({ partitionBy: [{ field: 'timestamp' }] }),
    refused: {
      server: 'partitionBy[0].transform: Required value',
      offline: 'spec.table.partitionBy[0].transform: is required.',
    },
  },
  {
    name: 'is partitioned as it is listed',
    change: table({ partitionBy: [{ field: 'timestamp', transform: 'day' }] }),
    refused: { server: 'supported values: "Identity"', offline: '"day" is not allowed; did you mean Day?' },
  },
  {
    name: 'is not sorted by a field twice',
    change: table({ sortBy: ['a', 'a'] }),
    refused: { server: 'Duplicate value', offline: 'spec.table.sortBy[1]: "a" is there twice' },
  },
  {
    name: 'takes all that describes a REST catalog',
    change: table({
      catalog: {
        rest: {
          ...rest,
          warehouse: 's3://lake/warehouse',
          namespace: ['web', 'raw'],
          table: 'events',
          oauth2ServerURI: 'https://login.example.com/oauth/token',
          scope: 'PRINCIPAL_ROLE:ALL',
          credentialsSecretRef: { name: 'catalog-key' },
          caConfigMapRef: { name: 'catalog-ca', key: 'ca.crt' },
        },
      },
    }),
  },
  {
    name: 'has a catalog that is one',
    change: table({ catalog: {} }),
    refused:
      'catalog must name one: set catalog.rest with its uri, or remove catalog to keep the metadata in the bucket',
  },
  {
    name: 'says where its catalog is',
    change: table({ catalog: { rest: {} } }),
    refused: { server: 'catalog.rest.uri: Required value', offline: 'spec.table.catalog.rest.uri: is required.' },
  },
  ...['catalog.example.com', 'https://', 'https://user:secret@h', 'http://h/?x=1'].flatMap((url) => [
    {
      name: `has no catalog at ${url}`,
      change: table({ catalog: { rest: { uri: url } } }),
      refused:
        'uri must be a URL like https://catalog.example.com: with http:// or https://, without user, query or fragment (keys go to credentialsSecretRef)',
    },
    {
      name: `asks for no tokens at ${url}`,
      change: table({ catalog: { rest: { ...rest, oauth2ServerURI: url } } }),
      refused:
        'oauth2ServerURI must be a URL like https://login.example.com/oauth/token: with http:// or https://, without user, query or fragment',
    },
  ]),
  {
    name: 'has a namespace of levels',
    change: table({ catalog: { rest: { ...rest, namespace: 'web.raw' } } }),
    refused: { server: 'must be of type array', offline: 'spec.table.catalog.rest.namespace: must be a list' },
  },
  { name: 'may drop old rows of a time series', change: spec({ schema: { behavior: 'TimeSeries' }, retention }) },
  {
    name: 'drops no rows that have no time',
    change: spec({ retention }),
    refused:
      'retention.rowDays goes with schema.behavior TimeSeries only, where each record has a timestamp: remove it',
  },
  { name: 'may compact at once', change: spec({ retention: { revertDays: 0 } }) },
  {
    name: 'keeps its snapshots for a day at least',
    change: spec({ retention: { snapshotDays: 0 } }),
    refused: {
      server: 'greater than or equal to 1',
      offline: 'spec.retention.snapshotDays: must be at least 1, not 0',
    },
  },
  {
    name: 'has no files of no size',
    change: spec({ table: { targetFileSizeMiB: 0 } }),
    refused: {
      server: 'greater than or equal to 1',
      offline: 'spec.table.targetFileSizeMiB: must be at least 1, not 0',
    },
  },
  {
    name: 'has no deletionPolicy of its own making',
    change: spec({ deletionPolicy: 'Keep' }),
    refused: {
      server: 'supported values: "Retain", "Delete"',
      offline: '"Keep" is not allowed; write one of Retain, Delete',
    },
  },
].map((entry) => ({ kind: 'Dataset', ...entry }));

const inS3 = (s3: object) => spec({ input: { inline: null, s3: { bucket: 'b', ...s3 } } });
const oneInput = 'input must have exactly one of s3, connection, inline and rejects: remove the others, or add one';
const onlyReplaces = { input: null, format: null, replaces: ['shop/crm-1', 'crm-2'] };
const noBatchID = ['a/b/c', '/a', 'a/'];
const batches: Case[] = [
  { name: 'reads keys', change: inS3({ keys: ['a', 'b/c'] }) },
  { name: 'reads what fits', change: inS3({ prefix: 'p', glob: '*.csv', minAgeSeconds: 60 }) },
  {
    name: 'reads through a connection, with its format',
    change: spec({ format: null, input: { inline: null, connection: { name: 'c', paths: ['a'] } } }),
  },
  { name: 'reads one input, not two', change: spec({ input: { connection: { name: 'c' } } }), refused: oneInput },
  { name: 'reads an input', change: spec({ input: { inline: null } }), refused: oneInput },
  {
    name: 'has an input',
    change: spec({ input: null }),
    refused: 'input is required: add it; only a batch with replaces may go without, and then only takes rows out',
  },
  { name: 'may only take rows out', change: spec(onlyReplaces) },
  { name: 'may put rows in the place of others', change: spec({ replaces: ['crm-1'], externalID: 'crm-2' }) },
  {
    name: 'does not replace itself',
    change: spec({ replaces: ['crm-1'], externalID: 'crm-1' }),
    refused: 'replaces names the batch itself: remove its externalID from replaces, or give it another externalID',
  },
  {
    name: 'replaces something',
    change: spec({ replaces: [] }),
    refused: { server: 'at least 1 items', offline: 'spec.replaces: must have at least one entry' },
  },
  {
    name: 'replaces a batch once',
    change: spec({ replaces: ['a', 'a'] }),
    refused: { server: 'Duplicate value', offline: 'spec.replaces[1]: "a" is there twice' },
  },
  ...noBatchID.flatMap((id) => [
    {
      name: `does not replace ${id}`,
      change: spec({ replaces: [id] }),
      refused: {
        server: 'spec.replaces[0] in body should match',
        offline: `${JSON.stringify(id)} is no ID of a batch`,
      },
    },
    {
      name: `reads no records that ${id} refused`,
      change: spec({ input: { inline: null, rejects: { batchID: id } } }),
      refused: { server: 'rejects.batchID in body should match', offline: `${JSON.stringify(id)} is no ID of a batch` },
    },
  ]),
  {
    name: 'may read refused records',
    change: spec({ input: { inline: null, rejects: { batchID: 'shop/crm-1' } } }),
  },
  { name: 'may be only checked', change: spec({ validateOnly: true }) },
  {
    name: 'has something to check',
    change: spec({ ...onlyReplaces, validateOnly: true }),
    refused: 'validateOnly needs an input to check: add one, or remove validateOnly',
  },
  ...['Active', 'Aborted', 'Reverted'].map((desiredState) => ({
    name: `may be wanted ${desiredState}`,
    change: spec({ desiredState }),
  })),
  {
    name: 'is not wanted otherwise',
    change: spec({ desiredState: 'Abort' }),
    refused: { server: 'supported values: "Active"', offline: 'spec.desiredState: "Abort" is not allowed' },
  },
  ...[{ glob: '*' }, { prefix: 'p' }, { minAgeSeconds: 1 }].map((other) => ({
    name: `reads keys, not also ${Object.keys(other)}`,
    change: inS3({ keys: ['a'], ...other }),
    refused:
      'input.s3.keys are whole keys and taken as they stand: remove keys, or remove prefix, glob and minAgeSeconds',
  })),
  {
    name: 'has a format',
    change: spec({ format: null }),
    refused:
      'format is required: add it, for instance format: {type: CSV}; only a batch with input.connection, or without input, may go without',
  },
  ...['Parquet', 'Avro'].map((type) => ({
    name: `has no ${type} in its text`,
    change: spec({ format: { type } }),
    refused:
      'input.inline holds text, and Parquet and Avro are none: set format.type to CSV, JSONLines or JSON, or read the file through input.s3',
  })),
  {
    name: 'has no slash in its externalID',
    change: spec({ externalID: 'a/b' }),
    refused: 'externalID must not contain a slash: IDs with one are made from namespace/name',
  },
  { name: 'has an externalID of any other kind', change: spec({ externalID: 'Crm 2026-11-24: ü.1' }) },
  {
    name: 'has no key twice',
    change: inS3({ keys: ['a', 'a'] }),
    refused: { server: 'Duplicate value', offline: 'spec.input.s3.keys[1]: "a" is there twice' },
  },
  {
    name: 'has keys in its list of keys',
    change: inS3({ keys: [] }),
    refused: { server: 'at least 1 items', offline: 'spec.input.s3.keys: must have at least one entry' },
  },
  { name: 'may hold 131,072 characters', change: spec({ input: { inline: { data: 'ü'.repeat(131072) } } }) },
  {
    name: 'holds no more',
    change: spec({ input: { inline: { data: 'x'.repeat(131073) } } }),
    refused: { server: 'may not be more than 131072', offline: 'has 131073 characters; at most 131072 are allowed' },
  },
  {
    name: 'has text as its text',
    change: spec({ input: { inline: { data: 5 } } }),
    refused: { server: 'must be of type string', offline: 'must be a string, not the number 5: put it in quotes' },
  },
  {
    name: 'reads no file of this machine',
    change: spec({ input: { inline: null, local: { path: 'a.csv' } } }),
    refused: {
      server: 'unknown field "spec.input.local"',
      offline: 'spec.input.local: unknown field; it is for runs without a cluster (forebay run)',
    },
  },
  {
    name: 'has a Dataset',
    change: spec({ datasetRef: null }),
    refused: {
      server: 'spec.datasetRef: Required value',
      offline: 'spec.datasetRef: is required. The Dataset that takes the records.',
    },
  },
  {
    name: 'names its Dataset in an object',
    change: spec({ datasetRef: 'movies' }),
    refused: {
      server: 'must be of type object',
      offline: 'spec.datasetRef: must be an object, not the string "movies"',
    },
  },
  {
    name: 'has no other compression',
    change: spec({ compression: 'gzip' }),
    refused: {
      server: 'supported values: "Auto"',
      offline: 'spec.compression: "gzip" is not allowed; did you mean Gzip?',
    },
  },
  {
    name: 'has no time to live below zero',
    change: spec({ ttlSecondsAfterFinished: -1 }),
    refused: {
      server: 'greater than or equal to 0',
      offline: 'spec.ttlSecondsAfterFinished: must be at least 0, not -1',
    },
  },
  {
    name: 'has no time to live above 32 bits',
    change: spec({ ttlSecondsAfterFinished: 2 ** 31 }),
    refused: { server: 'int32', offline: 'spec.ttlSecondsAfterFinished: must be at most 2147483647' },
  },
  {
    name: 'has pods as Kubernetes knows them',
    change: spec({
      podTemplate: {
        metadata: { labels: { team: 'web' }, annotations: { 'a.b/c': 'd' } },
        spec: {
          nodeSelector: { disk: 'fast' },
          tolerations: [{ key: 'k', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 5 }],
          affinity: {
            nodeAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: {
                nodeSelectorTerms: [{ matchExpressions: [{ key: 'k', operator: 'In', values: ['v'] }] }],
              },
            },
            podAntiAffinity: {
              preferredDuringSchedulingIgnoredDuringExecution: [
                { weight: 1, podAffinityTerm: { topologyKey: 'zone', labelSelector: { matchLabels: { a: 'b' } } } },
              ],
            },
          },
          topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'ScheduleAnyway' }],
          priorityClassName: 'low',
          serviceAccountName: 'reader',
          imagePullSecrets: [{ name: 'pull' }],
          resources: { requests: { cpu: 1, memory: '512Mi' }, limits: { cpu: '1500m', memory: '1e9' } },
        },
      },
    }),
  },
  {
    name: 'sets no variables of its pods',
    change: spec({ podTemplate: { spec: { env: [] } } }),
    refused: {
      server: 'unknown field "spec.podTemplate.spec.env"',
      offline: 'spec.podTemplate.spec.env: unknown field; known here: nodeSelector',
    },
  },
  {
    name: 'writes half a CPU in quotes',
    change: spec({ podTemplate: { spec: { resources: { limits: { cpu: 0.5 } } } } }),
    refused: {
      server: 'limits.cpu',
      offline: 'limits.cpu: must be a whole number or a string, not the number 0.5: put it in quotes',
    },
  },
].map((entry) => ({ kind: 'Batch', ...entry }));

const key = { apiKey: { secretRef: { name: 'keys' } } };
const oneWay = 'each entry of authentication must have exactly one of apiKey and anonymous (written "anonymous: {}")';
const inlets: Case[] = [
  { name: 'may have several keys', change: spec({ authentication: [key, key] }) },
  { name: 'may be closed', change: spec({ replicas: 0 }) },
  {
    name: 'has ways in that are one thing',
    change: spec({ authentication: [{ ...key, anonymous: {} }] }),
    refused: oneWay,
  },
  { name: 'has ways in that are something', change: spec({ authentication: [{}] }), refused: oneWay },
  {
    name: 'has anonymous alone',
    change: spec({ authentication: [key, { anonymous: {} }] }),
    refused: 'authentication with anonymous lets everyone in: remove the other entries, or remove anonymous',
  },
  {
    name: 'has a way in',
    change: spec({ authentication: [] }),
    refused: { server: 'at least 1 items', offline: 'spec.authentication: must have at least one entry' },
  },
  {
    name: 'says how to get in',
    change: spec({ authentication: null }),
    refused: {
      server: 'spec.authentication: Required value',
      offline: 'spec.authentication: is required. How senders prove',
    },
  },
  {
    name: 'has nothing in anonymous',
    change: spec({ authentication: [{ anonymous: { yes: true } }] }),
    refused: {
      server: 'unknown field "spec.authentication[0].anonymous.yes"',
      offline: 'spec.authentication[0].anonymous.yes: unknown field; there are none here',
    },
  },
  {
    name: 'has no fewer than no pods',
    change: spec({ replicas: -1 }),
    refused: { server: 'greater than or equal to 0', offline: 'spec.replicas: must be at least 0, not -1' },
  },
  { name: 'may hold just one longest request', change: spec({ limits: { maxRequestBytes: 67108864 } }) },
  {
    name: 'has room for its longest request',
    change: spec({ limits: { maxRequestBytes: 67108865 } }),
    refused:
      'limits.maxInFlightBytes must be at least limits.maxRequestBytes, else the longest request could never be taken in: raise the first or lower the second',
  },
  {
    name: 'has a Service that Kubernetes knows',
    change: spec({ service: { type: 'Loadbalancer' } }),
    refused: {
      server: 'supported values: "ClusterIP"',
      offline: '"Loadbalancer" is not allowed; did you mean LoadBalancer?',
    },
  },
].map((entry) => ({ kind: 'StreamInlet', ...entry }));

const cron = (text: string) => spec({ schedule: { cron: text } });
const connections: Case[] = [
  {
    name: 'has a source',
    change: spec({ source: { s3: null } }),
    refused: 'source must name one system: set source.s3 with at least a bucket',
  },
  {
    name: 'says what it selects',
    change: spec({ selection: {} }),
    refused: 'selection must say what is taken: set selection.files, or remove selection to take all files',
  },
  { name: 'selects in a folder', change: spec({ selection: { files: { path: 'a/b', minAgeSeconds: 60 } } }) },
  ...['/a', 'a/'].map((path) => ({
    name: `selects nothing in ${path}`,
    change: spec({ selection: { files: { path } } }),
    refused: 'path must not begin or end with a slash: write exports/daily, not /exports/daily/',
  })),
  ...[
    '* * * * *',
    '*/15 * * * *',
    '0 6 * * MON-FRI',
    '0,30 8-18/2 1,15 jan-Mar sun,3',
    '05 08  01 02 7',
    '0 0 * * 0-7',
  ].map((text) => ({ name: `may run at ${text}`, change: cron(text) })),
  ...['TZ=Europe/Berlin 0 6 * * *', 'CRON_TZ=UTC 0 6 * * *'].map((text) => ({
    name: `does not run at ${text}`,
    change: cron(text),
    refused: 'cron takes no TZ=: set schedule.timeZone',
  })),
  ...['* * * *', '0 * * * * *', '@daily', ' * * * * *', 'every day'].map((text) => ({
    name: `does not run at "${text}"`,
    change: cron(text),
    refused: 'cron must have five fields (minute, hour, day of month, month, day of week), like "*/15 * * * *"',
  })),
  ...[
    '60 * * * *',
    '* 24 * * *',
    '* * 0 * *',
    '* * 32 * *',
    '* * * 13 *',
    '* * * * 8',
    '*/0 * * * *',
    '5/15 * * * *',
    '* * * * MO',
    ', * * * *',
    '1- * * * *',
  ].map((text) => ({
    name: `does not run at "${text}"`,
    change: cron(text),
    refused:
      'cron has a field that is out of range or malformed: minute 0-59, hour 0-23, day 1-31, month 1-12 or JAN-DEC, day of week 0-7 or SUN-SAT; lists like 1,2, ranges like 1-5, steps like */15 or 8-18/2',
  })),
  {
    name: 'does not run backwards',
    change: cron('0 22-2 * * *'),
    refused: 'cron has a range that runs backwards: write 22-23,0-2, not 22-2',
  },
  ...['Europe/Berlin', 'UTC', 'America/Argentina/Buenos_Aires', 'Etc/GMT+3'].map((timeZone) => ({
    name: `may run in ${timeZone}`,
    change: spec({ schedule: { cron: '0 6 * * *', timeZone } }),
  })),
  ...['Europe/Berlinn', 'Local'].map((timeZone) => ({
    name: `does not run in ${timeZone}`,
    change: spec({ schedule: { cron: '0 6 * * *', timeZone } }),
    refused: 'timeZone must be the IANA name of a time zone, like Europe/Berlin or Etc/UTC',
  })),
  {
    name: 'does not run at an offset',
    change: spec({ schedule: { cron: '0 6 * * *', timeZone: '+01:00' } }),
    refused: { server: 'timeZone in body should match', offline: 'spec.schedule.timeZone: "+01:00" is no time zone' },
  },
  {
    name: 'has a cron in its schedule',
    change: spec({ schedule: {} }),
    refused: { server: 'spec.schedule.cron: Required value', offline: 'spec.schedule.cron: is required. Minute, hour' },
  },
  {
    name: 'has its cron in a schedule',
    change: spec({ cron: '* * * * *' }),
    refused: {
      server: 'unknown field "spec.cron"',
      offline: 'spec.cron: unknown field; it belongs at spec.schedule.cron',
    },
  },
  {
    name: 'has a format',
    change: spec({ format: null }),
    refused: { server: 'spec.format: Required value', offline: 'spec.format: is required.' },
  },
  { name: 'may keep no history', change: spec({ history: { succeeded: 0, failed: 0 } }) },
].map((entry) => ({ kind: 'SourceConnection', ...entry }));

/** Objects without `default: {}`, given empty, so that the defaults within show. */
const withDefaults: Case[] = [
  { name: 'is complete by its defaults', kind: 'Dataset', change: {} },
  { name: 'is complete by its defaults', kind: 'Batch', change: csv({}) },
  { name: 'has a prefix by default', kind: 'Batch', change: inS3({}) },
  { name: 'is complete by its defaults', kind: 'StreamInlet', change: {} },
  {
    name: 'is complete by its defaults',
    kind: 'SourceConnection',
    change: spec({ format: { type: 'CSV', csv: {} }, schedule: { cron: '0 6 * * *' }, selection: { files: {} } }),
  },
];

export const cases: readonly Case[] = [
  ...withDefaults,
  ...names,
  ...places,
  ...reading,
  ...globs,
  ...datasets,
  ...batches,
  ...inlets,
  ...connections,
];
