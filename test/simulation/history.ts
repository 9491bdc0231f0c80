/** What the objects in the bucket said, from the moment each was made: an oracle remembers what others may delete. */
import type { Contents } from './contents.ts';

export interface SeenPlan {
  readonly batch: { readonly kind: string; readonly id: string };
  readonly run: number;
  readonly requests: readonly { readonly run: number; readonly token: string; readonly digest: string }[];
  readonly files: { readonly input: number; readonly skipped: number };
  readonly shards: readonly { readonly inputs?: readonly SeenInput[]; readonly part?: string }[];
  readonly refusal?: unknown;
  readonly reading?: { readonly schemaDigest: string; readonly validateOnly?: boolean };
}
export interface SeenInput {
  readonly name: string;
  readonly etag: string;
}
export interface SeenDecision {
  readonly outcome: 'Committed' | 'Failed' | 'Aborted';
  readonly reason: string;
  readonly records: SeenRecords;
  readonly files: { readonly input: number; readonly skipped: number; readonly failed: number };
  readonly dataFiles: readonly { readonly key: string; readonly rows: number }[];
  readonly removeFiles?: readonly string[];
  readonly rejectFiles: readonly string[];
  readonly rewrites?: boolean;
}
export interface SeenRecords {
  readonly read: number;
  readonly ingested: number;
  readonly failed: number;
  readonly skipped: number;
}
export interface SeenReceipt {
  readonly dataFiles: readonly { readonly key: string }[];
  readonly rejectFile?: { readonly key: string };
}
export interface SeenLanding {
  readonly outcome: string;
  readonly refusal?: unknown;
  readonly by?: { readonly id: string; readonly run: number };
  /** Of a revert: who asked for it. */
  readonly request?: { readonly token: string; readonly digest: string };
}

/** One run of a batch. */
export class SeenRun {
  readonly name: string;
  plan: SeenPlan | undefined;
  decision: SeenDecision | undefined;
  readonly receipts: SeenReceipt[] = [];
  /** The version that took what was decided, and what it said. */
  landed: { readonly version: number; readonly landing: SeenLanding } | undefined;
  marked = false;
  revertMarked = false;
  reverted: { readonly version: number; readonly landing: SeenLanding } | undefined;
  /** When a task of the run last made something. */
  lastProgress = 0;
  decidedTime = 0;

  constructor(name: string) {
    this.name = name;
  }
}

interface SeenSegment {
  readonly writer: string;
  readonly sequence: number;
  readonly good: readonly string[];
  readonly bad: number;
  /** When it was made first: a request that lands twice may make it once more. */
  readonly time: number;
}
export interface SeenRound {
  readonly takes: readonly { readonly writer: string; readonly from: number; readonly to: number }[];
}
export interface SeenRoundReceipt {
  readonly files: readonly { readonly key: string; readonly rows: number }[];
  readonly rejects?: { readonly key: string };
  readonly records: SeenRecords;
  readonly unreadable: readonly unknown[];
  readonly writers: Readonly<Record<string, { readonly sequence: number }>>;
}

export class SeenInlet {
  readonly plans = new Map<number, SeenRound>();
  readonly receipts = new Map<number, SeenRoundReceipt>();
  readonly segments = new Map<string, SeenSegment>();
  /** As the newest version says. */
  state = { round: 0, taken: 0 };

  /** The last segment of a writer that the table has. */
  takenOf(writer: string): number {
    return this.receipts.get(this.state.taken)?.writers[writer]?.sequence ?? 0;
  }
}

export class History {
  readonly runs = new Map<string, SeenRun>();
  readonly inlets = new Map<string, SeenInlet>();
  readonly #contents: Contents;
  readonly #parts = new Map<string, readonly SeenInput[]>();

  constructor(contents: Contents) {
    this.#contents = contents;
  }

  /** `batch.run`, as properties of the table name it. */
  run(batch: string, run: string | number): SeenRun {
    const name = `${batch}.${run}`;
    const known = this.runs.get(name) ?? new SeenRun(name);
    this.runs.set(name, known);
    return known;
  }

  inlet(id: string): SeenInlet {
    const known = this.inlets.get(id) ?? new SeenInlet();
    this.inlets.set(id, known);
    return known;
  }

  /** An object was made under this name. */
  created(key: string, body: Uint8Array, time: number): void {
    const ofRun = parseRunKey(key);
    if (ofRun !== undefined) this.#createdOfRun(this.run(ofRun.batch, ofRun.run), key, ofRun.name, body, time);
    const ofInlet = parseInletKey(key);
    if (ofInlet !== undefined) createdOfInlet(this.inlet(ofInlet.inlet), ofInlet.name, body, time);
    const [, batch, run] = /^ingest\/open\/([0-9a-f]{32})\.([0-9]+)$/.exec(key) ?? [];
    if (batch !== undefined && run !== undefined) this.run(batch, run).lastProgress = time;
  }

  /** What the inputs of a run hold. Undefined where the history does not know it. */
  inputsOf({ plan }: SeenRun): { readonly good: readonly string[]; readonly bad: number }[] {
    const inputs = (plan?.shards ?? []).flatMap((shard) => shard.inputs ?? this.#parts.get(shard.part ?? '') ?? []);
    const byETag = new Map(inputs.map((input) => [`${input.name} ${input.etag}`, input.etag]));
    return [...byETag.values()].map((etag) => {
      const content = this.#contents.get(etag);
      if (content === undefined) throw new Error(`a plan names ${etag}, which nobody wrote`);
      return content;
    });
  }

  #createdOfRun(run: SeenRun, key: string, name: string, body: Uint8Array, time: number): void {
    if (name === 'plan.json') run.plan = parse(body);
    if (name === 'decision.json') [run.decision, run.decidedTime] = [parse(body), time];
    if (name === 'committed.json') run.marked = true;
    if (name === 'reverted.json') run.revertMarked = true;
    if (name.startsWith('rejects/')) this.#contents.addRefused(body);
    if (name.startsWith('shards/')) run.receipts.push(parse(body));
    const isEnd = name.endsWith('ed.json') || name === 'decision.json' || run.plan?.refusal !== undefined;
    if (!isEnd) run.lastProgress = time;
    if (name.startsWith('parts/')) this.#parts.set(key, parse<{ inputs: SeenInput[] }>(body).inputs);
  }
}

export function parseRunKey(key: string): { batch: string; run: string; name: string } | undefined {
  const [, batch, run, name] = /^ingest\/batches\/([0-9a-f]{32})\/([1-9][0-9]*)\/(.+)$/.exec(key) ?? [];
  return batch === undefined || run === undefined || name === undefined ? undefined : { batch, run, name };
}

export function parseInletKey(key: string): { inlet: string; name: string } | undefined {
  const [, inlet, name] = /^ingest\/inlets\/([0-9a-f]{64})\/(.+)$/.exec(key) ?? [];
  return inlet === undefined || name === undefined ? undefined : { inlet, name };
}

export function parseRoundName(name: string): { round: number; what: string } | undefined {
  const [, round, what] = /^rounds\/([1-9][0-9]*)\/([a-z]+)\.json$/.exec(name) ?? [];
  return round === undefined || what === undefined ? undefined : { round: Number(round), what };
}

export function parseSegmentName(name: string): { writer: string; sequence: number } | undefined {
  const [, writer, sequence] = /^segments\/([0-9a-f]{32})\/([0-9]+)\.seg$/.exec(name) ?? [];
  return writer === undefined ? undefined : { writer, sequence: Number(sequence) };
}

function createdOfInlet(inlet: SeenInlet, name: string, body: Uint8Array, time: number): void {
  const round = parseRoundName(name);
  if (round !== undefined && round.round > inlet.state.round) {
    const documents: Map<number, unknown> = round.what === 'plan' ? inlet.plans : inlet.receipts;
    if (documents.has(round.round)) throw new Error('given twice, and the round is not over');
    documents.set(round.round, parse(body));
  }
  const segment = parseSegmentName(name);
  if (segment === undefined || inlet.segments.has(`${segment.writer}/${segment.sequence}`)) return;
  const [, ...lines] = Buffer.from(body).toString().trimEnd().split('\n');
  const good = lines.flatMap((line) => JSON.parse(line).id ?? []);
  inlet.segments.set(`${segment.writer}/${segment.sequence}`, {
    ...segment,
    good,
    bad: lines.length - good.length,
    time,
  });
}

function parse<T>(body: Uint8Array): T {
  return JSON.parse(Buffer.from(body).toString());
}
