import { claimDataset, type Dataset } from '../commit/dataset.ts';
import { reportTable } from '../commit/report.ts';
import { loadSchema, saveSchema } from '../commit/schemas.ts';
import { ForebayError } from '../contract/errors.ts';
import type { PrepareResult } from '../contract/result.ts';
import type { PrepareTask, TableSettings } from '../contract/task.ts';
import { type CompiledSchema, compileSchema } from '../engine/index.ts';
import { commitToTable, createTable } from '../table/commit.ts';
import type { TableState } from '../table/table.ts';
import { behaviorSchema } from './behavior-schema.ts';
import { type Environment, withStore } from './environment.ts';
import { proveStore } from './prove-store.ts';
import { findIncompatibility } from './schema-evolution.ts';

/** Claims the place, and creates or evolves the table. May run at any time, also while batches are ingested. */
export async function runPrepare(task: PrepareTask, environment: Environment): Promise<PrepareResult> {
  const { owner, storage } = task.dataset;
  return await withStore(environment, storage, async (store) => {
    await proveStore(store, storage, environment);
    const dataset = await claimDataset(store, owner, task.table.format, environment);
    const before = await dataset.table.load();
    const schema = readSchema(task);
    if (schema instanceof ForebayError) return await keepSchema(dataset, task, schema, before, environment);

    const digest = await saveSchema(store, schema.text, environment);
    const first = before ?? (await createTable(dataset.table, digest, task.table, environment));
    if (isAsked(first, digest, task.table)) return report(dataset, first, schema.compiled.fields);
    return await evolve(dataset, task, schema, digest, environment);
  });
}

interface AskedSchema {
  /** As it is kept: with what the behaviour of the dataset adds. */
  readonly text: string;
  readonly compiled: CompiledSchema;
}

function readSchema({ schema, behavior }: PrepareTask): AskedSchema | ForebayError {
  try {
    const text = behaviorSchema(schema, behavior);
    return { text, compiled: compileSchema(text, behavior) };
  } catch (thrown) {
    if (thrown instanceof ForebayError && thrown.code === 'InvalidSchema') return thrown;
    throw thrown;
  }
}

function isAsked({ schemaDigest, settings }: TableState, digest: string, asked: TableSettings): boolean {
  return schemaDigest === digest && isSame(settings, asked);
}

function isSame(a: TableSettings, b: TableSettings): boolean {
  return a.compression === b.compression && a.targetFileSizeBytes === b.targetFileSizeBytes;
}

/** Brings the table to the asked schema, when it can take it, and to the asked settings. */
async function evolve(
  dataset: Dataset,
  task: PrepareTask,
  asked: AskedSchema,
  digest: string,
  environment: Environment,
): Promise<PrepareResult> {
  const settings = task.table;
  return await commitToTable<PrepareResult>(
    dataset.table,
    async (state) => {
      if (isAsked(state, digest, settings)) return { done: report(dataset, state, asked.compiled.fields) };
      const current = compileSchema(await loadSchema(dataset.store, state.schemaDigest, environment), task.behavior);
      const problem =
        state.schemaDigest === digest ? undefined : findIncompatibility(current.columns, asked.compiled.columns);
      if (problem === undefined) return { change: { schemaDigest: digest, settings } };
      if (!isSame(state.settings, settings)) return { change: { settings } };
      const refused = { code: 'SchemaIncompatible', message: problem };
      return { done: { ...report(dataset, state, current.fields), refused } };
    },
    environment,
  );
}

/** A schema that is none stops nothing: the one in force stays. Without one the dataset cannot be used at all. */
async function keepSchema(
  dataset: Dataset,
  task: PrepareTask,
  error: ForebayError,
  state: TableState | undefined,
  environment: Environment,
): Promise<PrepareResult> {
  if (state === undefined) throw error;
  const current = await loadSchema(dataset.store, state.schemaDigest, environment);
  const { fields } = compileSchema(current, task.behavior);
  return { ...report(dataset, state, fields), refused: { code: error.code, message: error.message } };
}

function report(dataset: Dataset, state: TableState, fields: number): PrepareResult {
  return {
    version: 1,
    verb: 'prepare',
    schema: { digest: state.schemaDigest, fields },
    table: reportTable(dataset.table, state),
  };
}
