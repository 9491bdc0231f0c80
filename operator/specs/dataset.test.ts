import { expect, test } from 'vitest';
import type { DatasetSpecTable } from '../api/types.gen.ts';
import { datasetPlace, maintainTask, prepareTask } from './dataset.ts';
import { exampleDataset } from './examples.ts';

const table: DatasetSpecTable = { format: 'Iceberg', compression: 'Zstd', targetFileSizeMiB: 256 };

function settingsOf(more: Partial<DatasetSpecTable>) {
  const dataset = exampleDataset({ table: { ...table, ...more } });
  const { document } = prepareTask(datasetPlace(dataset, 'main'), dataset, '{}');
  return document.verb === 'prepare' ? document.table : undefined;
}

test('partitions are told with one parameter, whatever the CRD calls it', () => {
  const settings = settingsOf({
    partitionBy: [
      { field: 'timestamp', transform: 'Day' },
      { field: 'customer.id', transform: 'Bucket', buckets: 16 },
      { field: 'code', transform: 'Truncate', width: 4 },
    ],
    sortBy: ['timestamp'],
  });
  expect(settings).toEqual({
    format: 'Iceberg',
    compression: 'Zstd',
    targetFileSizeBytes: 256 * 2 ** 20,
    partitionBy: [
      { field: 'timestamp', transform: 'Day' },
      { field: 'customer.id', transform: 'Bucket', parameter: 16 },
      { field: 'code', transform: 'Truncate', parameter: 4 },
    ],
    sortBy: ['timestamp'],
  });
  expect(Object.keys(settingsOf({}) ?? {})).toEqual(['format', 'compression', 'targetFileSizeBytes']);
});

test('a catalog knows the table by the names of the Dataset, unless it is told others', () => {
  const catalogOf = (rest: object) => {
    const catalog = { rest: { uri: 'https://catalog.example.com', ...rest } };
    return datasetPlace(exampleDataset({ table: { ...table, catalog } }), 'main').target.catalog?.rest;
  };
  expect(catalogOf({})).toEqual({ uri: 'https://catalog.example.com', namespace: ['shop'], table: 'events' });
  expect(catalogOf({ namespace: ['web', 'raw'], table: 'clicks', warehouse: 'lake', scope: 'all' })).toMatchObject({
    namespace: ['web', 'raw'],
    table: 'clicks',
    warehouse: 'lake',
    scope: 'all',
  });
});

test('the documented keys of the catalog are mounted beside those of the storage', () => {
  const rest = {
    uri: 'https://catalog.example.com',
    credentialsSecretRef: { name: 'catalog-key' },
    caConfigMapRef: { name: 'catalog-ca', key: 'ca.crt' },
  };
  const { target, projections } = datasetPlace(exampleDataset({ table: { ...table, catalog: { rest } } }), 'main');
  expect(target.catalog?.rest).toMatchObject({
    credentialsPath: '/etc/forebay/credentials/catalog',
    caPath: '/etc/forebay/certificates/catalog.pem',
  });
  const paths = projections.flatMap(({ secret, configMap }) => {
    const { name, items = [] } = secret ?? configMap ?? {};
    return items.map(({ path }) => `${name}: ${path}`);
  });
  expect(paths).toEqual([
    'lake-key: credentials/dataset/accessKeyID',
    'lake-key: credentials/dataset/secretAccessKey',
    'lake-key: credentials/dataset/sessionToken',
    'lake-ca: certificates/dataset.pem',
    'catalog-key: credentials/catalog/token',
    'catalog-key: credentials/catalog/clientID',
    'catalog-key: credentials/catalog/clientSecret',
    'catalog-ca: certificates/catalog.pem',
  ]);
});

test('maintain is told how long things are kept', () => {
  const retention = { rowDays: 365, snapshotDays: 7, revertDays: 30, diagnosticsDays: 30 };
  const dataset = exampleDataset({ retention });
  expect(maintainTask(datasetPlace(dataset, 'main'), dataset).document).toMatchObject({ verb: 'maintain', retention });
});
