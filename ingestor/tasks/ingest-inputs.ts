/** One shard's files through the engine, to a receipt that is not written yet. */
import type { Dataset } from '../commit/dataset.ts';
import type { Plan, PlanInput, Receipt } from '../commit/documents.ts';
import { batchDigest, dataKey, rejectKey } from '../commit/names.ts';
import { inputsOf } from '../commit/plan.ts';
import { loadSchema } from '../commit/schemas.ts';
import { type ErrorClass, mergeErrorClasses, zeroRecords } from '../contract/counts.ts';
import { type ErrorCode, ForebayError } from '../contract/errors.ts';
import type { ByteSink, Engine, EngineOutput, IngestedInput } from '../engine/engine.ts';
import type { OpenInput } from '../sources/inputs.ts';
import { openAhead } from '../sources/inputs-ahead.ts';
import type { Environment } from './environment.ts';

/**
 * Reads all files of a shard. The engine cannot take back what it read of a file that turns out bad, so where such a
 * file is to be left out, those after it are tried one by one, and the good ones are read again from the start.
 */
export async function ingestInputs(
  dataset: Dataset,
  plan: Plan,
  index: number,
  open: OpenInput,
  environment: Environment,
): Promise<Receipt> {
  const work: Work = { dataset, plan, open, environment };
  const leftOut: LeftOut[] = [];
  let inputs = await inputsOf(dataset, plan, index, environment);
  for (;;) {
    const tried = await tryInputs(work, inputs, (attempt) => tableSinks(work, index, attempt));
    if (!('failure' in tried)) return toReceipt(work, index, inputs, tried, leftOut);
    const bad = toLeftOut(plan, tried);
    if (bad === undefined) return failedReceipt(work, index, tried.failure);
    for (const one of [bad, ...(await findMoreBad(work, inputs, bad))]) leftOut.push(...allParts(one, inputs));
    inputs = inputs.filter((input) => leftOut.every((left) => left.input !== input));
  }
}

/** Half of what a pod loads. Who will need it soon may begin while the store is asked. */
export async function loadEngine() {
  return await import('../engine/index.ts');
}

interface Work {
  readonly dataset: Dataset;
  readonly plan: Plan;
  readonly open: OpenInput;
  readonly environment: Environment;
}

/** A file that is left out of a shard, and why. */
interface LeftOut {
  readonly input: PlanInput;
  readonly failure: ForebayError;
}

interface Ingested {
  readonly attempt: string;
  readonly inputs: readonly IngestedInput[];
  readonly output: EngineOutput;
}

/** An error for which trying again would find the same; `input`: the file it was met in. */
interface Failed {
  readonly failure: ForebayError;
  readonly input: PlanInput | undefined;
}

interface Sinks {
  /** Keys of all that was opened. */
  readonly opened: readonly string[];
  openDataFile(k: number): ByteSink;
  openRejectFile(): ByteSink;
}

/** One pass, with an attempt of its own; what it wrote is removed when it fails. */
async function tryInputs(
  work: Work,
  inputs: readonly PlanInput[],
  makeSinks: (attempt: string) => Sinks,
): Promise<Ingested | Failed> {
  const { random, signal } = work.environment;
  const attempt = random.nonce();
  const sinks = makeSinks(attempt);
  const ingested: IngestedInput[] = [];
  let engine: Engine | undefined;
  try {
    engine = await startEngine(work, sinks);
    for await (const input of openAhead(inputs, work.open)) {
      signal.throwIfAborted();
      ingested.push(await engine.ingest(input));
    }
    return { attempt, inputs: ingested, output: await engine.finish() };
  } catch (thrown) {
    await engine?.abort();
    await work.dataset.store.delete(sinks.opened, { signal }).catch(() => {});
    return { failure: requireDataError(thrown), input: inputs[ingested.length] };
  }
}

async function startEngine({ dataset, plan, environment }: Work, sinks: Sinks): Promise<Engine> {
  const { reading } = plan;
  if (reading === undefined) throw new ForebayError('InvalidTask', `run ${plan.run} of ${plan.batch.id} reads nothing`);
  const { createEngine } = await loadEngine();
  return createEngine({
    schema: await loadSchema(dataset.store, reading.schemaDigest, environment),
    read: reading.read,
    compression: reading.settings.compression,
    ...(reading.layout === undefined || reading.validateOnly ? {} : { layout: reading.layout }),
    targetFileSizeBytes: reading.settings.targetFileSizeBytes,
    threads: environment.threads ?? 1,
    signal: environment.signal,
    openDataFile: (k) => sinks.openDataFile(k),
    openRejectFile: () => sinks.openRejectFile(),
    onProgress: (records, input) => environment.progress({ records, bytes: { input, output: 0 } }),
  });
}

/** Names with the attempt in them: no twin writes the same object, so nobody needs a condition on large ones. */
function tableSinks({ dataset, plan, environment }: Work, index: number, attempt: string): Sinks {
  const batch = batchDigest(plan.batch);
  const { store, table } = dataset;
  const opened: string[] = [];
  const open = (key: string): ByteSink => {
    opened.push(key);
    return store.upload(key, { signal: environment.signal });
  };
  return {
    opened,
    openDataFile: plan.reading?.validateOnly
      ? () => dropAll
      : (k) => open(dataKey(table.dataFolder, batch, plan.run, index, attempt, k)),
    openRejectFile: () => open(rejectKey(batch, plan.run, index, attempt)),
  };
}

const dataErrors: readonly ErrorCode[] = ['UnreadableFile', 'FileChanged', 'InvalidMapping'];

function requireDataError(thrown: unknown): ForebayError {
  if (thrown instanceof ForebayError && dataErrors.includes(thrown.code)) return thrown;
  throw thrown;
}

/** Undefined when the plan does not let the file be left out. */
function toLeftOut({ reading }: Plan, { failure, input }: Failed): LeftOut | undefined {
  if (reading === undefined || input === undefined) return undefined;
  const mayBeLeftOut =
    (failure.code === 'FileChanged' && reading.skipChangedFiles) ||
    (failure.code === 'UnreadableFile' && reading.setAsideUnreadableFiles);
  return mayBeLeftOut ? { input, failure } : undefined;
}

/** A file is left out whole: with all of its parts that lie in the shard. */
function allParts(leftOut: LeftOut, inputs: readonly PlanInput[]): LeftOut[] {
  return inputs.filter(({ key }) => key === leftOut.input.key).map((input) => ({ ...leftOut, input }));
}

/** Tries each file after a bad one, writing nothing. */
async function findMoreBad(work: Work, inputs: readonly PlanInput[], bad: LeftOut): Promise<LeftOut[]> {
  const found: LeftOut[] = [];
  for (const input of inputs.slice(inputs.indexOf(bad.input) + 1)) {
    if ([bad, ...found].some((known) => known.input.key === input.key)) continue;
    const tried = await tryInputs(work, [input], () => nowhere);
    const other = 'failure' in tried ? toLeftOut(work.plan, tried) : undefined;
    if (other !== undefined) found.push(other);
  }
  return found;
}

const dropAll: ByteSink = {
  key: 'nowhere',
  write: async () => {},
  complete: async () => 0,
  abort: async () => {},
};
const nowhere: Sinks = { opened: [], openDataFile: () => dropAll, openRejectFile: () => dropAll };

function toReceipt(
  work: Work,
  index: number,
  planned: readonly PlanInput[],
  { attempt, inputs, output }: Ingested,
  leftOut: LeftOut[],
): Receipt {
  const { records, inputBytes, rejectFile } = output;
  const dataFiles = work.plan.reading?.validateOnly ? [] : output.dataFiles;
  const bytes = { input: inputBytes, output: dataFiles.reduce((sum, file) => sum + file.bytes, 0) };
  work.environment.progress({ records, bytes });
  return {
    ...emptyReceipt(work.plan, index, attempt),
    records,
    files: { failed: countOf(leftOut, 'UnreadableFile'), skipped: countOf(leftOut, 'FileChanged') },
    ...(leftOut.length === 0 ? {} : { leftOut: leftOut.map(toReceiptLeftOut) }),
    bytes,
    inputs: inputs.map((input, at) => toReceiptInput(input, planned[at]?.range)),
    dataFiles: [...dataFiles],
    ...(rejectFile === undefined ? {} : { rejectFile }),
    errors: mergeErrorClasses([output.errors, onceAFile(leftOut).map(toErrorClass)], Number.POSITIVE_INFINITY),
  };
}

function toReceiptInput(
  { name, records, bytes, span }: IngestedInput,
  range: PlanInput['range'],
): Receipt['inputs'][number] {
  if (range === undefined || span === undefined) return { name, records, bytes };
  return { name, records, bytes, range: { start: range.start, end: range.end, from: span.from, to: span.to } };
}

function toReceiptLeftOut({ input, failure }: LeftOut): NonNullable<Receipt['leftOut']>[number] {
  const reason = failure.code === 'FileChanged' ? 'FileChanged' : 'UnreadableFile';
  return { name: input.name, reason, ...(input.range === undefined ? {} : { range: true }) };
}

/** Of a file's parts the first. */
function onceAFile(leftOut: readonly LeftOut[]): LeftOut[] {
  return leftOut.filter(({ input }, at) => leftOut.findIndex((other) => other.input.key === input.key) === at);
}

function countOf(leftOut: readonly LeftOut[], code: ErrorCode): number {
  return leftOut.filter(({ failure }) => failure.code === code).length;
}

function toErrorClass({ input, failure }: LeftOut): ErrorClass {
  return { code: failure.code, message: failure.message, count: 1, sample: { file: input.name, record: 0 } };
}

function failedReceipt({ plan, environment }: Work, index: number, failure: ForebayError): Receipt {
  const { code, message } = failure;
  return { ...emptyReceipt(plan, index, environment.random.nonce()), failure: { reason: code, message } };
}

function emptyReceipt({ table }: Plan, index: number, attempt: string): Receipt {
  return {
    version: 1,
    attempt,
    table,
    index,
    records: zeroRecords(),
    files: { failed: 0, skipped: 0 },
    bytes: { input: 0, output: 0 },
    inputs: [],
    dataFiles: [],
    errors: [],
  };
}
