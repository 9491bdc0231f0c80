/** One trial: a schema, a mapping, a format, and the bytes of an input, all made from a seed. */
import type { Format, Mapping } from '../../ingestor/contract/task.ts';
import { Chance } from '../support/chance.ts';
import { csvTrial } from './csv.ts';
import type { Draw } from './draw.ts';
import { mutated } from './mutate.ts';
import { type Making, type Place, recordPlace, type Schema } from './places.ts';

export interface Trial {
  readonly seed: number;
  readonly schema: Schema;
  readonly mapping: Mapping;
  readonly format: Format;
  /** Bytes of the file that are not a record's: before the first, between two, after the last. */
  readonly head: Buffer;
  readonly between: Buffer;
  readonly tail: Buffer;
  /** With what ends them. */
  readonly records: readonly Buffer[];
  /** All of them, over and over: threads are started for large files only. */
  readonly times: number;
  readonly maxRecordBytes: number;
  /** Bytes of the pieces that the file comes in, over and over. */
  readonly pieces: readonly number[];
  /** The file is read in about so many parts, each a range of its own; 1: whole. */
  readonly parts: number;
  /** Small ones make many files. */
  readonly targetFileSizeBytes: number;
  readonly threads: number;
}

export function bytesOf({ head, records, between, tail, times }: Trial): Buffer {
  const all = Array.from({ length: times }, () => records).flat();
  const parts = all.flatMap((record, index) => (index === 0 ? [record] : [between, record]));
  return Buffer.concat([head, ...parts, tail]);
}

type TrialFormat = 'JSONLines' | 'JSON' | 'CSV';

/** What a trial is made of beside its schema. */
export interface Wanted {
  /** Most records; default 60. */
  readonly records?: number;
  readonly format?: TrialFormat;
  /** Formats of texts that schemas may ask for. */
  readonly formats?: readonly string[];
  /** How often a value is not what its place asks for. */
  readonly strangeness?: number;
  /** Bytes of records are changed by chance; default: yes. */
  readonly mutations?: boolean;
}

const simpleNames = ['a', 'b', 'id', 'name', 'value', 'webPage', 'webPages', 'x1', 'x2', 'timestamp', 'A'];
const oddNames = [
  'é',
  'a b',
  'a.b',
  'na"me',
  'back\\slash',
  '東京',
  '😀',
  'constructor',
  'toString',
  '0',
  'n'.repeat(40),
  '_',
  '/~1',
];

export function makeTrial(seed: number, wanted: Wanted = {}): Trial {
  const chance = new Chance(seed);
  const type =
    wanted.format ??
    chance.weighted<TrialFormat>([
      [5, 'JSONLines'],
      [4, 'CSV'],
      [2, 'JSON'],
    ]);
  const making: Making = {
    chance,
    draft: chance.is(0.5) ? 'draft-07' : '2020-12',
    names:
      type === 'CSV'
        ? [...simpleNames, 'é', 'a b', '0', '_']
        : chance.is(0.7)
          ? simpleNames
          : [...simpleNames, ...oddNames],
    definitions: {},
    flat: type === 'CSV' && chance.is(0.7),
    oddity: chance.weighted([
      [3, 0],
      [1, 0.03],
    ]),
    ...(wanted.formats ? { formats: wanted.formats } : {}),
  };
  const record = recordPlace(making);
  const schema = documentOf(record.schema, making);
  const draw: Draw = {
    chance,
    strangeness: wanted.strangeness ?? chance.pick([0, 0.005, 0.02, 0.08]),
    spacing: chance.weighted([
      [6, 0],
      [1, 0.05],
      [1, 0.5],
    ]),
    spaces: type === 'JSON' ? [' ', '\n', '\t', '\r'] : [' ', ' ', '\t', '\r'],
    exotic: chance.pick([0, 0, 0.03, 0.3]),
    escaping: chance.weighted([
      [3, 0],
      [1, 0.02],
      [1, 0.3],
    ]),
  };
  const count = chance.weighted([
    [1, chance.whole(3)],
    [6, chance.from(1, wanted.records ?? 60)],
  ]);
  const made = type === 'CSV' ? csvTrial(record, draw, count) : jsonTrial(type, record, draw, count);
  const records = wanted.mutations === false ? made.records : mutatedSome(made.records, chance);
  const trial = {
    seed,
    schema,
    ...made,
    records: withoutLastLineEnd(records, type, chance),
    ...reading(chance, records),
  };
  return seed % threadedShare === threadedShare - 1 && type !== 'JSON' ? threaded({ ...trial, records }) : trial;
}

function documentOf(schema: Schema, { chance, draft, definitions }: Making): Schema {
  const keyword = draft === 'draft-07' ? 'definitions' : '$defs';
  return {
    ...(draft === 'draft-07' ? { $schema: `http://json-schema.org/draft-0${chance.is(0.8) ? 7 : 6}/schema#` } : {}),
    ...schema,
    ...(Object.keys(definitions).length > 0 ? { [keyword]: definitions } : {}),
  };
}

type Made = Pick<Trial, 'mapping' | 'format' | 'head' | 'between' | 'tail' | 'records'>;

const none = Buffer.alloc(0);

function jsonTrial(type: 'JSONLines' | 'JSON', record: Place, draw: Draw, count: number): Made {
  const { chance } = draw;
  const ends = chance.weighted([
    [8, ['\n']],
    [2, ['\r\n']],
    [1, ['\n', '\n\n', '\r\n', ' \n', '\n \t\n']],
  ]);
  const mapping = chance.is(0.06) ? jsonMapping(record, chance) : [];
  const texts = chance.repeat(count, () => record.json(draw));
  if (type === 'JSONLines') {
    const records = texts.map((text) => Buffer.from(`${text}${chance.pick(ends)}`));
    const mark = chance.is(0.05) ? '\ufeff' : chance.is(0.05) ? '\n' : '';
    return { mapping, format: { type }, head: Buffer.from(mark), between: none, tail: none, records };
  }
  const spaced = chance.pick(['', '', '\n', ' ', '\n  ']);
  const [open, between, close] = chance.is(0.8) ? ['[', ',', ']'] : ['', '\n', ''];
  return {
    mapping,
    format: { type },
    head: Buffer.from(`${open}${spaced}`),
    between: Buffer.from(`${between}${spaced}`),
    tail: Buffer.from(`${spaced}${close}\n`),
    records: texts.map((text) => Buffer.from(text)),
  };
}

/** One seed in so many is read in two threads, which takes some seconds. */
const threadedShare = 200;
/** The engine reads 16 MiB before it starts threads. */
const threadedBytes = 24 * 1024 * 1024;

function threaded(trial: Trial): Trial {
  const bytes = trial.records.reduce((sum, record) => sum + record.length, 0);
  if (bytes < 2_000) return trial;
  return {
    ...trial,
    times: Math.ceil(threadedBytes / bytes),
    threads: 2,
    pieces: [2 ** 18],
    parts: 1,
    targetFileSizeBytes: 2 ** 27,
  };
}

/** A field that comes under another name. */
function jsonMapping({ fields }: Place, chance: Chance): Mapping {
  const { name = 'a' } = fields.length > 0 ? chance.pick(fields) : {};
  return [{ source: chance.pick(['more', 'a', 'moved.from', 'x1']), destination: pathText([name]) }];
}

export function pathText(path: readonly string[]): string {
  return path.map((name) => name.replaceAll('\\', '\\\\').replaceAll('.', '\\.')).join('.');
}

function mutatedSome(records: readonly Buffer[], chance: Chance): Buffer[] {
  const share = chance.weighted([
    [3, 0],
    [3, 0.03],
    [1, 0.3],
  ]);
  return records.map((record) => (chance.is(share) ? mutated(record, records, chance) : record));
}

function withoutLastLineEnd(records: readonly Buffer[], type: TrialFormat, chance: Chance): readonly Buffer[] {
  const last = records.at(-1);
  if (type === 'JSON' || !last || !chance.is(0.3)) return records;
  return [...records.slice(0, -1), last.subarray(0, last.lastIndexOf(0x0a) < 0 ? last.length : last.lastIndexOf(0x0a))];
}

function reading(chance: Chance, records: readonly Buffer[]) {
  const longest = Math.max(1, ...records.map((record) => record.length));
  return {
    maxRecordBytes: chance.is(0.9) ? 2 ** 20 : chance.from(1, longest + 10),
    pieces: chance.weighted([
      [3, [2 ** 20]],
      [3, chance.repeat(5, () => chance.from(1, 500))],
      [1, chance.repeat(7, () => chance.from(1, 8))],
    ]),
    parts: chance.is(0.85) ? 1 : chance.from(2, 5),
    targetFileSizeBytes: chance.is(0.9) ? 2 ** 27 : chance.from(100, 5_000),
    threads: 1,
    times: 1,
  };
}
