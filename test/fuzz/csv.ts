/** Rows of CSV in dialects by chance: leaves of the record as columns, under their own names or moved by a mapping. */
import type { CsvOptions, Mapping } from '../../ingestor/contract/task.ts';
import type { Chance } from '../support/chance.ts';
import { type Draw, isStrange } from './draw.ts';
import type { Place } from './places.ts';
import { pathText, type Trial } from './trial.ts';

interface CsvColumn {
  readonly name: string;
  readonly place: Place | undefined;
  /** The schema asks for it, whatever else is there. */
  readonly required: boolean;
}

const plain: CsvOptions = {
  delimiter: ',',
  quote: '"',
  escape: '"',
  header: true,
  charset: 'UTF-8',
  skipLines: 0,
  comment: '',
};

export function csvTrial(
  record: Place,
  draw: Draw,
  count: number,
): Pick<Trial, 'mapping' | 'format' | 'head' | 'between' | 'tail' | 'records'> {
  const { chance } = draw;
  const { columns, mapping } = columnsOf(record, chance);
  const names = columns.map(({ name }) => name);
  const csv = dialect(chance, names);
  const ends = chance.weighted([
    [8, ['\n']],
    [3, ['\r\n']],
    [1, ['\n', '\r\n', '\n\n', '\r\n\r\n', '\r\r\n']],
  ]);
  const style: Style = { csv, end: () => chance.pick(ends), quoting: chance.pick([0, 0.05, 0.6]) };
  const rows = chance.repeat(count, () => rowText(columns, style, draw));
  const none = Buffer.alloc(0);
  return {
    mapping,
    format: { type: 'CSV', csv },
    head: encoded(headText(names, style, chance), csv),
    between: none,
    tail: none,
    records: rows.map((row) => encoded(row, csv)),
  };
}

/** Some leaves, in any order; a column that the schema does not know. */
function columnsOf(record: Place, chance: Chance): { columns: CsvColumn[]; mapping: Mapping } {
  const mapping: { source: string; destination: string }[] = [];
  const columns = leavesOf(record, [], chance).map(({ path, place, required }, index): CsvColumn => {
    const destination = pathText(path);
    if (path.length > 1 ? chance.is(0.4) : chance.is(0.85)) return { name: destination, place, required };
    mapping.push({ source: `column${index}`, destination });
    return { name: `column${index}`, place, required };
  });
  const kept = chance.is(0.8) ? columns : columns.filter(({ required }) => required || chance.is(0.8));
  const stranger = { name: 'stranger', place: undefined, required: false };
  const open = record.schema.additionalProperties !== false;
  const all = kept.length === 0 || chance.is(open ? 0.1 : 0.02) ? [...kept, stranger] : kept;
  return { columns: chance.is(0.7) ? all : chance.shuffled(all), mapping };
}

interface Leaf {
  readonly path: readonly string[];
  readonly place: Place;
  readonly required: boolean;
}

/** A struct is its fields, or now and then one column of JSON text. */
function leavesOf(place: Place, path: readonly string[], chance: Chance, required = true): Leaf[] {
  if (place.fields.length === 0 || (path.length > 0 && chance.is(0.15))) return [{ path, place, required }];
  return place.fields.flatMap((field) =>
    leavesOf(field.place, [...path, field.name], chance, required && field.required),
  );
}

function dialect(chance: Chance, names: readonly string[]): CsvOptions {
  if (chance.is(0.5)) return plain;
  const quote = chance.weighted([
    [6, '"'],
    [1, "'"],
    [1, ''],
  ]);
  const header = chance.is(0.8);
  return {
    delimiter: chance.weighted([
      [4, ','],
      [2, ';'],
      [2, '\t'],
      [1, '|'],
      [1, '||'],
      [1, '::'],
      [1, 'é'],
    ]),
    quote,
    escape: chance.weighted([
      [4, quote],
      [2, '\\'],
      [1, ''],
    ]),
    header,
    ...(header ? {} : { columns: [...names] }),
    ...(chance.is(0.3) ? { nullMarker: chance.pick(['NULL', '\\N', '-', 'null', '0']) } : {}),
    charset: chance.weighted([
      [10, 'UTF-8'],
      [1, 'ISO-8859-1'],
      [1, 'US-ASCII'],
    ]),
    skipLines: chance.is(0.85) ? 0 : chance.from(1, 2),
    comment: chance.is(0.8) ? '' : chance.pick(['#', '//', '-']),
  };
}

interface Style {
  readonly csv: CsvOptions;
  end(): string;
  /** How often a field is quoted that need not be. */
  readonly quoting: number;
}

function headText(names: readonly string[], style: Style, chance: Chance): string {
  const { csv } = style;
  const skipped = chance.repeat(csv.skipLines, () => 'skipped, "as it is"\n').join('');
  const comment = csv.comment !== '' && chance.is(0.5) ? `${csv.comment} a comment\n` : '';
  const mark = csv.charset === 'UTF-8' && chance.is(0.05) ? '\ufeff' : '';
  const header = csv.header
    ? `${names.map((name) => fieldText(name, style, chance)).join(csv.delimiter)}${style.end()}`
    : '';
  return `${mark}${skipped}${comment}${header}`;
}

function rowText(columns: readonly CsvColumn[], style: Style, draw: Draw): string {
  const { chance } = draw;
  const { csv } = style;
  const fields = columns.map((column) => fieldOf(column, draw));
  if (isStrange(draw)) fields.splice(chance.whole(fields.length), chance.whole(3));
  if (isStrange(draw)) fields.push(chance.pick([null, 'more']));
  const before = csv.comment !== '' && chance.is(0.05) ? `${csv.comment}"${style.end()}` : '';
  return `${before}${fields.map((field) => fieldText(field, style, chance)).join(csv.delimiter)}${style.end()}`;
}

function fieldOf({ place, required }: CsvColumn, draw: Draw): string | null {
  if (!place) return draw.chance.pick([null, 'x', '']);
  return !required && draw.chance.is(0.15) ? null : place.flat(draw);
}

function fieldText(field: string | null, { csv, quoting }: Style, chance: Chance): string {
  if (field === null) return csv.nullMarker !== undefined && chance.is(0.5) ? csv.nullMarker : '';
  const { quote, delimiter, nullMarker } = csv;
  if (quote === '') return field;
  const special = field.includes(delimiter) || field.includes(quote) || /[\r\n]/.test(field) || field === '';
  const must = special || field === nullMarker || (csv.comment !== '' && field.startsWith(csv.comment));
  if (!must && !chance.is(quoting)) return field;
  const escaping = csv.escape === '' ? quote : csv.escape;
  const doubled = escaping === quote ? field : field.replaceAll(escaping, `${escaping}${escaping}`);
  return `${quote}${doubled.replaceAll(quote, `${escaping}${quote}`)}${quote}`;
}

function encoded(text: string, { charset }: CsvOptions): Buffer {
  return Buffer.from(text, charset === 'UTF-8' ? 'utf8' : 'latin1');
}
