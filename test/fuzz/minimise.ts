/** The smallest trial found that still fails: fewer records, fewer bytes, fewer members of the schema. */
import type { CsvOptions } from '../../ingestor/contract/task.ts';
import type { Schema } from './places.ts';
import type { Trial } from './trial.ts';

export type Fails = (trial: Trial) => Promise<boolean>;

/** Enough for what seeds make; each attempt runs two engines. A large file takes seconds. */
const mostAttempts = 1_500;
const mostAttemptsOfLarge = 40;

export async function minimise(trial: Trial, fails: Fails): Promise<Trial> {
  const search = new Search(trial, fails);
  await search.simplifyReading();
  await search.shorten('records');
  // What one part lets go of may let another one go: until nothing more does.
  for (let before = ''; before !== search.text(); ) {
    before = search.text();
    await search.shorten('mapping');
    await search.simplifySchema();
    await search.shortenRecords();
    await search.shorten('records');
  }
  return search.trial;
}

class Search {
  trial: Trial;
  readonly #fails: Fails;
  #attempts = 0;

  constructor(trial: Trial, fails: Fails) {
    this.trial = trial;
    this.#fails = fails;
  }

  text(): string {
    return JSON.stringify(this.trial);
  }

  /** Keeps the change when the trial still fails. */
  async #try(change: Partial<Trial>): Promise<boolean> {
    if (this.#attempts >= (this.trial.times > 1 ? mostAttemptsOfLarge : mostAttempts)) return false;
    this.#attempts += 1;
    const changed = { ...this.trial, ...change };
    if (!(await this.#fails(changed))) return false;
    this.trial = changed;
    return true;
  }

  async simplifyReading(): Promise<void> {
    await this.#try({ threads: 1, times: 1 });
    await this.#try({ threads: 1 });
    await this.#try({ pieces: [2 ** 20] });
    await this.#try({ parts: 1 });
    await this.#try({ maxRecordBytes: 2 ** 20 });
    await this.#try({ targetFileSizeBytes: 2 ** 27 });
    const { format } = this.trial;
    if (format.type !== 'CSV') return;
    const simpler: Partial<CsvOptions>[] = [
      { comment: '' },
      { skipLines: 0 },
      { charset: 'UTF-8' },
      { escape: '"', quote: '"' },
    ];
    for (const change of simpler) {
      const { format } = this.trial;
      if (format.type === 'CSV') await this.#try({ format: { ...format, csv: { ...format.csv, ...change } } });
    }
  }

  /** Leaves out runs of items, long ones first. */
  async shorten(part: 'records' | 'mapping'): Promise<void> {
    await shortened<unknown>(this.trial[part], async (items) => await this.#try({ [part]: items }));
  }

  async shortenRecords(): Promise<void> {
    if (this.trial.records.length > 5) return;
    for (const index of this.trial.records.keys()) {
      await shortened([...(this.trial.records[index] ?? [])], async (bytes) => {
        const records = this.trial.records.map((record, at) => (at === index ? Buffer.from(bytes) : record));
        return await this.#try({ records });
      });
    }
  }

  /** Leaves out each member of each object, and each item of each list, that is not needed. */
  async simplifySchema(): Promise<void> {
    for (const path of pathsOf(this.trial.schema)) {
      const smaller = without(this.trial.schema, path);
      if (smaller) await this.#try({ schema: smaller as Schema });
    }
  }
}

async function shortened<T>(list: readonly T[], keep: (shorter: readonly T[]) => Promise<boolean>): Promise<void> {
  let kept = list;
  for (let run = Math.ceil(kept.length / 2); run >= 1; run = run === 1 ? 0 : Math.ceil(run / 2)) {
    for (let at = 0; at < kept.length; ) {
      const shorter = [...kept.slice(0, at), ...kept.slice(at + run)];
      if (await keep(shorter)) kept = shorter;
      else at += run;
    }
  }
}

type Path = readonly string[];

/** Outer places first. */
function pathsOf(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [];
  const names = Object.keys(value);
  // From the end, so that the places of a list that are left stay where they are.
  const below = names.reverse().map((name) => [...path, name]);
  return [...below, ...below.flatMap((at) => pathsOf((value as Schema)[at.at(-1) ?? ''], at))];
}

/** Undefined where there is no such place any more. */
function without(value: unknown, [name, ...rest]: Path): unknown {
  if (typeof value !== 'object' || value === null || name === undefined || !Object.hasOwn(value, name))
    return undefined;
  const inner: unknown = (value as Schema)[name];
  const smaller = rest.length > 0 ? without(inner, rest) : undefined;
  if (rest.length > 0 && smaller === undefined) return undefined;
  if (Array.isArray(value)) {
    return value.flatMap((item, index) => (String(index) !== name ? [item] : rest.length > 0 ? [smaller] : []));
  }
  const entries = Object.entries(value).flatMap(([key, item]): [string, unknown][] => {
    if (key !== name) return [[key, item]];
    return rest.length > 0 ? [[key, smaller]] : [];
  });
  return Object.fromEntries(entries);
}
