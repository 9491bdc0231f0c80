/** Resources as the API server gives them, for tests. */
import type { Batch, Dataset, SourceConnection, StreamInlet } from '../api/types.gen.ts';
import type { Installation } from './installation.ts';

const apiVersion = 'ingest.forebay.dev/v1alpha1';

function metadata(name: string) {
  return { name, namespace: 'shop', uid: `uid-of-${name}`, generation: 1, creationTimestamp: '2026-11-24T08:00:00Z' };
}

export const exampleInstallation: Installation = {
  installation: 'main',
  image: 'forebay:test',
  imagePullPolicy: 'IfNotPresent',
  resources: { requests: { cpu: '100m', memory: '256Mi' }, limits: { memory: '1Gi' } },
  jobTTLSeconds: 3600,
};

export function exampleDataset(spec: Partial<Dataset['spec']> = {}): Dataset {
  return {
    apiVersion,
    kind: 'Dataset',
    metadata: metadata('events'),
    spec: {
      schema: { inline: { type: 'object' }, behavior: 'Record' },
      storage: {
        s3: {
          bucket: 'lake',
          prefix: 'events',
          endpoint: 'https://s3.example.com',
          credentialsSecretRef: { name: 'lake-key' },
          caConfigMapRef: { name: 'lake-ca', key: 'ca.crt' },
        },
      },
      table: { format: 'Parquet', compression: 'Zstd', targetFileSizeMiB: 256 },
      retention: { snapshotDays: 7, revertDays: 30, diagnosticsDays: 30 },
      deletionPolicy: 'Retain',
      ...spec,
    },
    status: { observedGeneration: -1 },
  };
}

export function exampleBatch(spec: Partial<Batch['spec']> = {}): Batch {
  return {
    apiVersion,
    kind: 'Batch',
    metadata: metadata('day-1'),
    spec: {
      datasetRef: { name: 'events' },
      input: {
        s3: { bucket: 'landing', prefix: 'day-1', glob: '*.csv', credentialsSecretRef: { name: 'landing-key' } },
      },
      format: { type: 'CSV' },
      compression: 'Auto',
      errorPolicy: { maxFailed: 0 },
      maxRecordBytes: 16777216,
      shardSizeMiB: 256,
      validateOnly: false,
      parallelism: 8,
      suspend: false,
      ...spec,
    },
    status: { observedGeneration: -1 },
  };
}

export function exampleInlet(spec: Partial<StreamInlet['spec']> = {}): StreamInlet {
  return {
    apiVersion,
    kind: 'StreamInlet',
    metadata: metadata('clicks'),
    spec: {
      datasetRef: { name: 'events' },
      replicas: 2,
      authentication: [{ apiKey: { secretRef: { name: 'clicks-keys' } } }],
      service: { type: 'ClusterIP' },
      envelope: 'Auto',
      validation: 'Async',
      limits: { maxRequestBytes: 1048576, maxRecordBytes: 1048576, maxInFlightBytes: 67108864 },
      durability: { maxDelayMilliseconds: 100, maxSegmentBytes: 8388608 },
      commit: { periodSeconds: 60, maxBytes: 268435456, maxRecords: 1000000 },
      ...spec,
    },
    status: { observedGeneration: -1 },
  };
}

export function exampleConnection(spec: Partial<SourceConnection['spec']> = {}): SourceConnection {
  return {
    apiVersion,
    kind: 'SourceConnection',
    metadata: metadata('crm'),
    spec: {
      datasetRef: { name: 'events' },
      source: { s3: { bucket: 'landing', prefix: 'crm', credentialsSecretRef: { name: 'landing-key' } } },
      selection: { files: { path: 'daily', glob: '*.json', minAgeSeconds: 60 } },
      format: { type: 'JSONLines' },
      compression: 'Gzip',
      mapping: [{ source: 'a', destination: 'b' }],
      errorPolicy: { maxFailed: '100%' },
      maxRecordBytes: 16777216,
      shardSizeMiB: 256,
      parallelism: 8,
      suspend: false,
      history: { succeeded: 3, failed: 3 },
      ...spec,
    },
    status: { observedGeneration: -1 },
  };
}
