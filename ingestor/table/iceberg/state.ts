/** What an Iceberg table's metadata says to this program. All that must be in the table stands in its properties. */
import { type Static, type TSchema, Type } from 'typebox';
import { findProblem } from '../../contract/check.ts';
import { parseJson } from '../../contract/documents.ts';
import { ForebayError } from '../../contract/errors.ts';
import { TableSettings } from '../../contract/task.ts';
import { addCounts, Counts } from '../counts.ts';
import type { TableChange, TableState } from '../table.ts';
import type { LoadedTable } from './catalog.ts';
import { currentSchema, currentSnapshot } from './metadata.ts';
import { fieldIDs } from './schema.ts';
import type { Snapshot } from './spec.ts';

export interface IcebergState extends TableState {
  readonly loaded: LoadedTable;
}

/** What is in the table now; the rest of the totals is counted here. */
export type FileTotals = Pick<TableState['totals'], 'records' | 'files' | 'sizeBytes'>;

const names = {
  /** The uuid that the dataset gave the table, whatever a catalog calls it. */
  table: 'forebay.table',
  sequence: 'forebay.sequence',
  schema: 'forebay.schema',
  settings: 'forebay.settings',
  totals: 'forebay.totals',
} as const;
const ownNames: ReadonlySet<string> = new Set(Object.values(names));

/** `files`: as the current snapshot counts. Throws TableReplaced for a table that is not this dataset's. */
export function readState(uuid: string, loaded: LoadedTable, files: FileTotals): IcebergState {
  const { metadata, location } = loaded;
  const properties = metadata.properties ?? {};
  if (properties[names.table] !== uuid) {
    const other = properties[names.table] ?? 'none';
    throw new ForebayError(
      'TableReplaced',
      `${location} has ${names.table} ${other}: it is not the table ${uuid} that the dataset made`,
    );
  }
  const settings = readProperty(TableSettings, loaded, names.settings);
  const snapshot = currentSnapshot(metadata);
  return {
    loaded,
    sequence: readProperty(Type.Integer({ minimum: 1 }), loaded, names.sequence),
    ...(snapshot === undefined ? {} : snapshotMembers(snapshot)),
    schemaDigest: requireProperty(loaded, names.schema),
    settings,
    layout: {
      fieldIDs: fieldIDs(currentSchema(metadata)),
      partitionBy: settings.partitionBy ?? [],
      sortBy: settings.sortBy ?? [],
    },
    properties: Object.fromEntries(Object.entries(properties).filter(([name]) => !ownNames.has(name))),
    totals: { ...files, ...readProperty(Counts, loaded, names.totals) },
    lastCommitTime: Math.max(metadata['last-updated-ms'], snapshot?.['timestamp-ms'] ?? 0),
  };
}

/** The properties that a change sets, ours among them; `base` is absent for the first. */
export function writeProperties(
  uuid: string,
  base: TableState | undefined,
  change: TableChange,
): Record<string, string> {
  const schemaDigest = change.schemaDigest ?? base?.schemaDigest;
  const settings = change.settings ?? base?.settings;
  if (schemaDigest === undefined || settings === undefined) {
    throw new TypeError('the first version needs schema and settings');
  }
  return {
    ...change.setProperties,
    [names.table]: uuid,
    [names.sequence]: String((base?.sequence ?? 0) + 1),
    [names.schema]: schemaDigest,
    [names.settings]: JSON.stringify(settings),
    [names.totals]: JSON.stringify(addCounts(base?.totals, change)),
  };
}

/** Files and rows of a snapshot as its writer counted; undefined where it did not. */
export function summaryTotals(snapshot: Snapshot | undefined): FileTotals | undefined {
  if (snapshot === undefined) return { records: 0, files: 0, sizeBytes: 0 };
  const { summary } = snapshot;
  const [records, files, sizeBytes] = ['total-records', 'total-data-files', 'total-files-size'].map((name) => {
    const text = summary[name];
    return text === undefined || !/^[0-9]+$/.test(text) ? undefined : Number(text);
  });
  if (records === undefined || files === undefined || sizeBytes === undefined) return undefined;
  return { records, files, sizeBytes };
}

function snapshotMembers(snapshot: Snapshot): Pick<TableState, 'snapshotID' | 'snapshotTime' | 'deleteFiles'> {
  const deleteFiles = Number(snapshot.summary['total-delete-files'] ?? 0);
  return {
    snapshotID: String(snapshot['snapshot-id']),
    snapshotTime: snapshot['timestamp-ms'],
    ...(deleteFiles > 0 ? { deleteFiles } : {}),
  };
}

function requireProperty({ metadata, location }: LoadedTable, name: string): string {
  const value = metadata.properties?.[name];
  if (value !== undefined) return value;
  throw new ForebayError('DamagedDocument', `${location} has no property ${name}: another program removed it`);
}

function readProperty<S extends TSchema>(schema: S, loaded: LoadedTable, name: string): Static<S> {
  const where = `property ${name} of ${loaded.location}`;
  const value = parseJson(requireProperty(loaded, name), where, 'DamagedDocument');
  if (!fits(schema, value, where)) throw new Error('fits answers or throws');
  return value;
}

function fits<S extends TSchema>(schema: S, value: unknown, where: string): value is Static<S> {
  const problem = findProblem(schema, value);
  if (problem === undefined) return true;
  throw new ForebayError('DamagedDocument', `${where} is not valid: ${problem.path || 'it'} ${problem.message}`);
}
