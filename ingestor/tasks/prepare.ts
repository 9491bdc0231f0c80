import { claimDataset, type Dataset } from '../commit/dataset.ts';
import { reportTable } from '../commit/report.ts';
import { loadSchema, saveSchema, schemaDigest } from '../commit/schemas.ts';
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
    if (before === undefined) await createTable(dataset.table, asked.digest, task.table, environment);
    return await evolve(dataset, task, asked, environment);
  });
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

/** Brings the table to the asked settings, and to the asked schema where it can take it. */
async function evolve(
  dataset: Dataset,
  task: PrepareTask,
  asked: AskedSchema | ForebayError,
  environment: Environment,
): Promise<PrepareResult> {
  const settings = task.table;
  return await commitToTable<PrepareResult>(
    dataset.table,
    async (state) => {
      const next = await judge(dataset, task, asked, state, environment);
      const isThere = next.digest === state.schemaDigest && isSame(state.settings, settings);
      if (!isThere) return { change: { schemaDigest: next.digest, settings } };
      return { done: report(dataset, state, next) };
    },
    environment,
  );
}

/** The schema that is to be in force, and why it is not the asked one. */
interface Judged {
  readonly digest: string;
  readonly fields: number;
  readonly refused?: PrepareResult['refused'];
}

async function judge(
  { store }: Dataset,
  { behavior }: PrepareTask,
  asked: AskedSchema | ForebayError,
  { schemaDigest: digest }: TableState,
  environment: Environment,
): Promise<Judged> {
  const isError = asked instanceof ForebayError;
  if (!isError && asked.digest === digest) return { digest, fields: asked.compiled.fields };
  const current = compileSchema(await loadSchema(store, digest, environment), behavior);
  if (isError) return { digest, fields: current.fields, refused: { code: asked.code, message: asked.message } };
  const problem = findIncompatibility(current.columns, asked.compiled.columns);
  if (problem === undefined) return { digest: asked.digest, fields: asked.compiled.fields };
  return { digest, fields: current.fields, refused: { code: 'SchemaIncompatible', message: problem } };
}

function isSame(a: TableSettings, b: TableSettings): boolean {
  return a.compression === b.compression && a.targetFileSizeBytes === b.targetFileSizeBytes;
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
