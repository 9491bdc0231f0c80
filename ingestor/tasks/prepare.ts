import { claimDataset, type Dataset, noteCreated } from '../commit/dataset.ts';
import { reportTable } from '../commit/report.ts';
import { loadSchema, saveSchema, schemaDigest } from '../commit/schemas.ts';
import { ForebayError } from '../contract/errors.ts';
import type { PrepareResult } from '../contract/result.ts';
import type { PrepareTask, TableSettings } from '../contract/task.ts';
import { type CompiledSchema, compileSchema } from '../engine/index.ts';
import { commitToTable, createTable } from '../table/commit.ts';
import { checkTable, findFixedSetting, isSameSettings } from '../table/settings.ts';
import type { TableState } from '../table/table.ts';
import { behaviorSchema } from './behavior-schema.ts';
import { type Environment, withStore } from './environment.ts';
import { proveStore } from './prove-store.ts';
import { findIncompatibility } from './schema-evolution.ts';

/** Claims the place, and creates or evolves the table. May run at any time, also while batches are ingested. */
export async function runPrepare(task: PrepareTask, environment: Environment): Promise<PrepareResult> {
  const { storage } = task.dataset;
  return await withStore(environment, storage, async (store) => {
    await proveStore(store, storage, environment);
    const dataset = await claimDataset(store, task.dataset, task.table.format, environment);
    const before = await dataset.table.load();
    const asked = readSchema(task);
    if (asked instanceof ForebayError) {
      // Without a schema in force the dataset cannot be used at all; with one, a bad edit stops nothing.
      if (before === undefined) throw asked;
      return await evolve(dataset, task, asked, environment);
    }
    await saveSchema(store, asked.text, environment);
    if (before === undefined) await create(dataset, task, asked, environment);
    await noteCreated(dataset, environment);
    return await evolve(dataset, task, asked, environment);
  });
}

async function create(
  { table }: Dataset,
  { table: settings }: PrepareTask,
  { digest: schemaDigest, compiled: { columns } }: AskedSchema,
  environment: Environment,
): Promise<void> {
  checkTable(columns, settings);
  await createTable(table, { schemaDigest, columns, settings }, environment);
}

interface AskedSchema {
  /** As it is kept: with what the behaviour of the dataset adds. */
  readonly text: string;
  readonly digest: string;
  readonly compiled: CompiledSchema;
}

function readSchema({ schema, behavior }: PrepareTask): AskedSchema | ForebayError {
  try {
    const text = behaviorSchema(schema, behavior);
    return { text, digest: schemaDigest(text), compiled: compileSchema(text, behavior) };
  } catch (thrown) {
    if (thrown instanceof ForebayError && thrown.code === 'InvalidSchema') return thrown;
    throw thrown;
  }
}

/** Brings the table to the asked settings and to the asked schema, as far as it can take them. */
async function evolve(
  dataset: Dataset,
  task: PrepareTask,
  asked: AskedSchema | ForebayError,
  environment: Environment,
): Promise<PrepareResult> {
  return await commitToTable<PrepareResult>(
    dataset.table,
    async (state) => {
      const schema = await judgeSchema(dataset, task, asked, state, environment);
      const next = judgeSettings(schema, task.table, state);
      const { digest, columns, settings } = next;
      if (digest !== state.schemaDigest) return { change: { schemaDigest: digest, columns, settings } };
      if (!isSameSettings(state.settings, settings)) return { change: { settings } };
      return { done: report(dataset, state, next) };
    },
    environment,
  );
}

/** The schema that is to be in force, and why it is not the asked one. */
interface JudgedSchema {
  readonly digest: string;
  readonly columns: CompiledSchema['columns'];
  readonly fields: number;
  readonly refused?: PrepareResult['refused'];
}

interface Judged extends JudgedSchema {
  readonly settings: TableSettings;
}

async function judgeSchema(
  { store }: Dataset,
  { behavior }: PrepareTask,
  asked: AskedSchema | ForebayError,
  { schemaDigest: digest, settings }: TableState,
  environment: Environment,
): Promise<JudgedSchema> {
  const isError = asked instanceof ForebayError;
  if (!isError && asked.digest === digest) return { digest, ...partsOf(asked.compiled) };
  const current = compileSchema(await loadSchema(store, digest, environment), behavior);
  const inForce = { digest, ...partsOf(current) };
  if (isError) return { ...inForce, refused: refusal(asked) };
  const problem = findIncompatibility(current.columns, asked.compiled.columns);
  if (problem !== undefined) return { ...inForce, refused: { code: 'SchemaIncompatible', message: problem } };
  const refused = findRefusal(asked.compiled.columns, settings);
  return refused === undefined ? { digest: asked.digest, ...partsOf(asked.compiled) } : { ...inForce, refused };
}

/** What never changes stays as it is; what can, does, also when the schema is refused. */
function judgeSettings(schema: JudgedSchema, asked: TableSettings, { settings: now }: TableState): Judged {
  const { partitionBy: _partitionBy, sortBy: askedOrder, ...changing } = asked;
  const { format, partitionBy } = now;
  const kept = { ...changing, format, ...(partitionBy === undefined ? {} : { partitionBy }) };
  const withOrder = (sortBy: TableSettings['sortBy']) => ({ ...kept, ...(sortBy === undefined ? {} : { sortBy }) });
  const fixed = findFixedSetting(now, asked);
  const refused = findRefusal(schema.columns, withOrder(askedOrder));
  const settings = withOrder(refused === undefined ? askedOrder : now.sortBy);
  const first = schema.refused ?? (fixed === undefined ? refused : { code: 'SchemaIncompatible', message: fixed });
  return { ...schema, settings, ...(first === undefined ? {} : { refused: first }) };
}

function findRefusal(columns: CompiledSchema['columns'], settings: TableSettings): PrepareResult['refused'] {
  try {
    checkTable(columns, settings);
    return undefined;
  } catch (thrown) {
    if (thrown instanceof ForebayError) return refusal(thrown);
    throw thrown;
  }
}

function refusal({ code, message }: ForebayError): { code: string; message: string } {
  return { code, message };
}

function partsOf({ columns, fields }: CompiledSchema): Pick<JudgedSchema, 'columns' | 'fields'> {
  return { columns, fields };
}

function report(dataset: Dataset, state: TableState, { digest, fields, refused }: Judged): PrepareResult {
  return {
    version: 1,
    verb: 'prepare',
    schema: { digest, fields },
    ...(refused === undefined ? {} : { refused }),
    table: reportTable(dataset.table, state),
  };
}
