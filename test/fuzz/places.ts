/**
 * Schemas by chance, each with the values it asks for: a place of a record. Values are JSON text, since how a number or a
 * text is written is what readers are tried with; in CSV, scalars are written without JSON's quotes.
 */
import type { Chance } from '../support/chance.ts';
import { type Draw, gap, isStrange } from './draw.ts';
import { anyDouble, anyInteger, looseNumbers, oddNumbers, spellInteger } from './numbers.ts';
import { formatNames, formatRule, patternRule, type Rule } from './patterns.ts';
import { anyLength, anyText, oddTexts, spellText } from './texts.ts';

export type Schema = { readonly [keyword: string]: unknown };

export interface Place {
  readonly schema: Schema;
  /** JSON text. */
  json(draw: Draw): string;
  /** A field of CSV; null: empty and unquoted. */
  flat(draw: Draw): string | null;
  /** Of a struct; else none. */
  readonly fields: readonly Field[];
}

export interface Field {
  readonly name: string;
  readonly place: Place;
  readonly required: boolean;
}

/** What the places of one schema share. */
export interface Making {
  readonly chance: Chance;
  readonly draft: 'draft-07' | '2020-12';
  /** Names that fields may have. */
  readonly names: readonly string[];
  /** Filled on the way: schemas that `$ref` refers to. */
  readonly definitions: Record<string, Schema>;
  /** Formats that may be asked for; default: all. */
  readonly formats?: readonly string[];
  /** No lists, maps or values of several types: CSV has JSON text for them. */
  readonly flat: boolean;
  /** How often a place has a keyword that walkers do not know, 0 to 1. */
  readonly oddity: number;
}

/** A record. */
export function recordPlace(making: Making): Place {
  return structPlace(making, making.chance.from(1, 12), 2);
}

function anyPlace(making: Making, depth: number): Place {
  const { chance, flat } = making;
  const place = chance.weighted<(making: Making, depth: number) => Place>([
    [9, textPlace],
    [6, integerPlace],
    [4, numberPlace],
    [3, booleanPlace],
    [depth > 0 ? 4 : 0, (inner, below) => structPlace(inner, chance.from(1, 5), below - 1)],
    [depth > 0 && !flat ? 3 : 0, listPlace],
    [depth > 0 && !flat ? 3 : 0, mapPlace],
    [flat ? 0 : 1, mixedPlace],
  ])(making, depth);
  return dressed(place, making);
}

/** The same place said in another way, with null allowed beside, or with one keyword more. */
function dressed(place: Place, making: Making): Place {
  const { chance, oddity } = making;
  if (chance.is(oddity)) return { ...place, schema: { ...place.schema, ...oddKeyword(chance) } };
  switch (chance.whole(12)) {
    case 0:
    case 1:
      return nullable(place, chance);
    case 2:
      return { ...place, schema: { $ref: referTo(place.schema, making) } };
    case 3:
      return { ...place, schema: { allOf: [place.schema, { description: 'said twice' }] } };
    case 4:
      return { ...place, schema: { title: 'A place', ...place.schema, examples: [1] } };
    default:
      return place;
  }
}

/** Puts the schema among the definitions; the reference to it is a pointer, or the name that it bears itself. */
function referTo(schema: Schema, { chance, draft, definitions }: Making): string {
  const [keyword, anchor] = draft === 'draft-07' ? ['definitions', '$id'] : ['$defs', '$anchor'];
  const name = `part${Object.keys(definitions).length}`;
  const style = '$ref' in schema ? 0 : chance.whole(8);
  if (style === 1) {
    definitions[name] = { [anchor]: draft === 'draft-07' ? `#${name}` : name, ...schema };
    return `#${name}`;
  }
  // A schema with an address of its own is another document: what it refers to would be looked for there.
  if (style === 2 && !JSON.stringify(schema).includes('$ref')) {
    definitions[name] = { $id: `https://schemas.example/${name}`, ...schema };
    return `https://schemas.example/${name}`;
  }
  definitions[name] = schema;
  return `#/${keyword}/${name}`;
}

function nullable(place: Place, chance: Chance): Place {
  const { schema } = place;
  const typed = typeof schema.type === 'string' && !('enum' in schema) && !('const' in schema);
  return {
    ...place,
    schema:
      typed && chance.is(0.6)
        ? { ...schema, type: chance.is(0.5) ? [schema.type, 'null'] : ['null', schema.type] }
        : { [chance.is(0.8) ? 'anyOf' : 'oneOf']: chance.shuffled([schema, { type: 'null' }]) },
    json: (draw) => (draw.chance.is(0.2) ? 'null' : place.json(draw)),
    flat: (draw) => (draw.chance.is(0.2) ? null : place.flat(draw)),
  };
}

/** Keywords that the plan of a walker does not translate, or only in part. */
function oddKeyword(chance: Chance): Schema {
  return chance.pick<Schema>([
    { not: { const: 'no' } },
    { not: { type: 'boolean' } },
    { if: { type: 'string' }, else: { maxLength: 5 } },
    { anyOf: [{ minLength: 2 }, { type: 'integer' }, { type: 'object' }] },
    { oneOf: [{ type: 'string' }, { type: ['number', 'object', 'array', 'boolean', 'null'] }] },
    { multipleOf: 0.01 },
    { multipleOf: 3 },
    { minProperties: 1 },
    { maxProperties: 2 },
    { propertyNames: { maxLength: 4 } },
    { patternProperties: { '^a': { type: ['string', 'integer'] } } },
    { contains: { type: 'string' } },
    { uniqueItems: true },
    { minItems: 1, maxItems: 3 },
    { minimum: 0, minLength: 1 },
    { enum: ['a', 1, true, null, { a: 1 }, [1]] },
    { const: 'a' },
    { dependentRequired: { a: ['b'] } },
    { required: ['a'] },
    { default: 5, $comment: 'nothing' },
  ]);
}

const strangers = ['null', 'true', 'false', '0', '-1.5', '"x"', '""', '[]', '{}', '[null]', '{"a":1}', '[[1,"2"]]'];

/** Scalars: `fitting` and `near` give JSON text, `raw` what stands in CSV for it. */
interface Scalar {
  readonly schema: Schema;
  fitting(draw: Draw): string;
  near(draw: Draw): string;
  raw(draw: Draw): string;
}

function scalarPlace({ schema, fitting, near, raw }: Scalar): Place {
  return {
    schema,
    fields: [],
    json: (draw) => {
      if (!isStrange(draw)) return fitting(draw);
      return draw.chance.is(0.7) ? near(draw) : draw.chance.pick(strangers);
    },
    flat: (draw) => {
      if (!isStrange(draw)) return raw(draw);
      return draw.chance.is(0.6) ? unquoted(near(draw)) : draw.chance.pick([null, ...strangers.map(unquoted)]);
    },
  };
}

/** What JSON text says, where it is a text. */
function unquoted(json: string): string {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'string' ? value : json;
  } catch {
    return json;
  }
}

const closeWords = [
  '',
  'a',
  'ab',
  'abc',
  'abd',
  'A',
  'é',
  'e\u0301',
  '😀',
  'a"b',
  'a\\b',
  'web.page',
  'web.pages',
  'null',
];

function textPlace(making: Making): Place {
  return chooseText(making.chance)(making);
}

function chooseText(chance: Chance): (making: Making) => Place {
  return chance.weighted([
    [5, freeTextPlace],
    [3, enumPlace],
    [3, ({ chance }) => rulePlace(patternRule(chance), chance)],
    [4, ({ chance, formats = formatNames }) => rulePlace(formatRule(chance, commonFormat(chance, formats)), chance)],
  ]);
}

/** Dates have walkers of their own. */
function commonFormat(chance: Chance, formats: readonly string[]): string {
  const dates = formats.filter((name) => name.startsWith('date'));
  return dates.length > 0 && chance.is(0.5) ? chance.pick(dates) : chance.pick(formats);
}

function freeTextPlace({ chance }: Making): Place {
  const bounds = chance.is(0.5) ? [chance.whole(6), chance.from(6, 40)] : [];
  const [least, most] = bounds;
  const text = (draw: Draw, fits: boolean) => {
    const length = anyLength(draw.chance, bounds);
    return anyText(draw.chance, fits ? Math.min(Math.max(length, least ?? 0), most ?? length) : length);
  };
  return scalarPlace({
    schema: {
      type: 'string',
      ...(least !== undefined && chance.is(0.7) ? { minLength: least } : {}),
      ...(most !== undefined && chance.is(0.7) ? { maxLength: most } : {}),
    },
    fitting: (draw) => spellText(text(draw, true), draw),
    near: (draw) => (draw.chance.is(0.5) ? draw.chance.pick(oddTexts) : spellText(text(draw, false), draw)),
    raw: (draw) => text(draw, true),
  });
}

function enumPlace({ chance }: Making): Place {
  const words = chance.shuffled(closeWords).slice(0, chance.from(1, 6));
  const typed = chance.is(0.7) ? { type: 'string' } : {};
  return scalarPlace({
    schema: words.length === 1 && chance.is(0.5) ? { ...typed, const: words[0] } : { ...typed, enum: words },
    fitting: (draw) => spellText(draw.chance.pick(words), draw),
    near: (draw) => spellText(draw.chance.pick(closeWords), draw),
    raw: (draw) => draw.chance.pick(words),
  });
}

function rulePlace(rule: Rule, chance: Chance): Place {
  const limit = chance.is(0.2) ? { maxLength: chance.from(1, 30) } : {};
  return scalarPlace({
    schema: { type: 'string', ...asXdm(rule.schema, chance), ...limit },
    fitting: (draw) => spellText(rule.fitting(draw.chance), draw),
    near: (draw) => spellText(rule.near(draw.chance), draw),
    raw: (draw) => rule.fitting(draw.chance),
  });
}

/** Dates may be called so by XDM's keyword, alone or too. */
function asXdm(schema: Rule['schema'], chance: Chance): Schema {
  if (!('format' in schema) || !schema.format.startsWith('date') || !chance.is(0.15)) return schema;
  return { ...(chance.is(0.5) ? schema : {}), 'meta:xdmType': schema.format };
}

function integerPlace({ chance }: Making): Place {
  if (chance.is(0.15)) return numericEnumPlace(chance);
  const bounds = integerBounds(chance);
  const size = chance.is(0.15) ? { 'meta:xdmType': chance.pick(['byte', 'short', 'int', 'long']) } : {};
  const [low, high] = endsOf(bounds, size['meta:xdmType']);
  const ends = [low, high].filter((end) => end > -(2n ** 62n) && end < 2n ** 62n);
  const beyond = [low - 1n, high + 1n].filter((end) => end > -(2n ** 62n) && end < 2n ** 62n);
  const near = (draw: Draw) => {
    const value = beyond.length > 0 && draw.chance.is(0.7) ? draw.chance.pick(beyond) : anyInteger(draw, ends);
    return spellInteger(value, draw);
  };
  const fitting = (draw: Draw) => {
    const value = anyInteger(draw, ends);
    const span = high - low < 1000n ? high - low + 1n : 1000n;
    const step = BigInt(draw.chance.whole(Number(span)));
    const fits = value >= low && value <= high ? value : low > -(2n ** 62n) ? low + step : high - step;
    return spellInteger(fits, draw);
  };
  return scalarPlace({
    schema: { type: 'integer', ...bounds, ...size },
    fitting,
    near: (draw) =>
      draw.chance.weighted([
        [6, near],
        [2, () => anyDouble(draw)],
        [2, () => draw.chance.pick(oddNumbers)],
      ])(draw),
    raw: (draw) => (draw.chance.is(0.05) ? draw.chance.pick(looseNumbers) : fitting(draw)),
  });
}

function integerBounds(chance: Chance): Record<string, number> {
  if (chance.is(0.4)) return {};
  const low = chance.pick([0, 0, 1, -1, -100, -(2 ** 31), -(2 ** 53), 0.5]);
  const high = low + chance.pick([3, 10, 1000, 2 ** 31, 2 ** 32, 2 ** 53]);
  const bounds: Record<string, number> = {};
  if (chance.is(0.8)) bounds[chance.is(0.65) ? 'minimum' : 'exclusiveMinimum'] = low;
  if (chance.is(0.6)) bounds[chance.is(0.65) ? 'maximum' : 'exclusiveMaximum'] = high;
  return bounds;
}

const sizes: Readonly<Record<string, bigint>> = { byte: 2n ** 7n, short: 2n ** 15n, int: 2n ** 31n };

/** The least and the greatest integer, both inclusive. */
function endsOf(bounds: Record<string, number>, size = 'long'): [bigint, bigint] {
  const { minimum = -Infinity, maximum = Infinity, exclusiveMinimum = -Infinity, exclusiveMaximum = Infinity } = bounds;
  const limit = sizes[size] ?? 2n ** 63n;
  const least = Math.max(Math.ceil(minimum), Math.floor(exclusiveMinimum) + 1);
  const most = Math.min(Math.floor(maximum), Math.ceil(exclusiveMaximum) - 1);
  const low = least >= -Number(limit) ? BigInt(least) : -limit;
  const high = most < Number(limit) ? BigInt(most) : limit - 1n;
  return [low, high < low ? low : high];
}

function numericEnumPlace(chance: Chance): Place {
  const values = chance.shuffled([0, 1, -1, 5, 100, 2 ** 31, 2 ** 53]).slice(0, chance.from(1, 4));
  return scalarPlace({
    schema: { type: 'integer', enum: values },
    fitting: (draw) => spellInteger(BigInt(draw.chance.pick(values)), draw),
    near: (draw) => spellInteger(anyInteger(draw), draw),
    raw: (draw) => String(draw.chance.pick(values)),
  });
}

function numberPlace({ chance }: Making): Place {
  const bounds: Record<string, number> = {};
  if (chance.is(0.3))
    bounds[chance.is(0.7) ? 'minimum' : 'exclusiveMinimum'] = chance.pick([0, -90, 0.1, -1e300, 1e-9]);
  if (chance.is(0.4)) bounds[chance.is(0.6) ? 'maximum' : 'exclusiveMaximum'] = chance.pick([1, 90, 1000.5, 1e300]);
  const numbers = Object.values(bounds);
  const fitting = (draw: Draw) => {
    for (let attempt = 0; attempt < 8; attempt += 1) {
      const text = anyDouble(draw, numbers);
      const value = Number(text);
      const {
        minimum = -Infinity,
        maximum = Infinity,
        exclusiveMinimum = -Infinity,
        exclusiveMaximum = Infinity,
      } = bounds;
      if (value >= minimum && value <= maximum && value > exclusiveMinimum && value < exclusiveMaximum) return text;
    }
    return '1';
  };
  return scalarPlace({
    schema: { type: 'number', ...bounds },
    fitting,
    near: (draw) =>
      draw.chance.weighted([
        [2, () => anyDouble(draw, numbers)],
        [numbers.length, () => String(draw.chance.pick(numbers))],
        [2, () => draw.chance.pick(oddNumbers)],
      ])(),
    raw: (draw) => (draw.chance.is(0.1) ? draw.chance.pick(looseNumbers) : fitting(draw)),
  });
}

function booleanPlace({ chance }: Making): Place {
  const only = chance.is(0.1) ? chance.is(0.5) : undefined;
  const value = (draw: Draw) => String(only ?? draw.chance.is(0.5));
  return scalarPlace({
    schema: { type: 'boolean', ...(only === undefined ? {} : { const: only }) },
    fitting: value,
    near: (draw) => draw.chance.pick(['True', 'tru', 'truee', 'nul', '1', '"true"', 'fals', 'true', 'false']),
    raw: (draw) => (draw.chance.is(0.7) ? value(draw) : draw.chance.pick(['TRUE', 'yes', 'No', 'on', 'OFF', 'y', 'n'])),
  });
}

/** JSON text in a field of CSV. */
function nestedPlace(schema: Schema, json: (draw: Draw) => string, fields: readonly Field[] = []): Place {
  const text = (draw: Draw) => (isStrange(draw) ? draw.chance.pick(strangers) : json(draw));
  return { schema, fields, json: text, flat: text };
}

/** Any of several types, or anything: a column of JSON text. */
function mixedPlace({ chance }: Making): Place {
  const integer = (draw: Draw) => spellInteger(anyInteger(draw), draw);
  const text = (draw: Draw) => spellText(anyText(draw.chance, draw.chance.whole(4)), draw);
  const object = (draw: Draw) => objectText([['a', anyJson(draw, 1)]], draw);
  const list = (draw: Draw) => listText([anyJson(draw, 1)], draw);
  const kinds: readonly (readonly [Schema, readonly ((draw: Draw) => string)[]])[] = [
    [{}, [integer, text, object, list]],
    [{ type: ['string', 'integer'] }, [text, integer]],
    [{ type: ['object', 'boolean'] }, [object, () => 'true']],
    [{ type: 'object' }, [object]],
    [{ type: 'array' }, [list]],
    [{ anyOf: [{ type: 'string', maxLength: 3 }, { type: 'number' }] }, [text, integer]],
    [{ enum: ['a', 1, null] }, [() => '"a"', () => '1.0', () => 'null', () => '"\\u0061"']],
  ];
  const [schema, makers] = chance.pick(kinds);
  return nestedPlace(schema, (draw) => draw.chance.pick(makers)(draw));
}

function anyJson(draw: Draw, depth: number): string {
  const { chance } = draw;
  if (depth === 0 || chance.is(0.6)) {
    return chance.weighted([
      [2, () => spellText(anyText(chance, anyLength(chance)), draw)],
      [2, () => spellInteger(anyInteger(draw), draw)],
      [1, () => anyDouble(draw)],
      [2, () => chance.pick(strangers)],
    ])();
  }
  const items = chance.repeat(chance.whole(4), () => anyJson(draw, depth - 1));
  if (chance.is(0.5)) return listText(items, draw);
  return objectText(
    items.map((item, index) => [chance.pick(['a', 'b', 'c d', 'é', '', 'a']) + (chance.is(0.8) ? index : ''), item]),
    draw,
  );
}

function listText(items: readonly string[], draw: Draw): string {
  return `[${gap(draw)}${items.map((item) => `${item}${gap(draw)}`).join(`,${gap(draw)}`)}]`;
}

function objectText(members: readonly (readonly [name: string, json: string])[], draw: Draw): string {
  // A name that is escaped costs a walker the whole record.
  const named = { ...draw, escaping: draw.escaping / 50 };
  const texts = members.map(([name, json]) => `${spellText(name, named)}${gap(draw)}:${gap(draw)}${json}${gap(draw)}`);
  return `{${gap(draw)}${texts.join(`,${gap(draw)}`)}}`;
}

function listPlace(making: Making, depth: number): Place {
  const { chance } = making;
  const items = anyPlace(making, depth - 1);
  const least = chance.is(0.2) ? chance.from(1, 2) : 0;
  const most = chance.is(0.2) ? chance.from(2, 4) : undefined;
  const limits = {
    ...(least > 0 ? { minItems: least } : {}),
    ...(most === undefined ? {} : { maxItems: most }),
    ...(chance.is(0.05) ? { uniqueItems: true } : {}),
  };
  return nestedPlace({ type: 'array', items: items.schema, ...limits }, (draw) => {
    const count = draw.chance.is(0.9) ? draw.chance.whole(4) : draw.chance.from(4, 40);
    const fits = isStrange(draw) ? count : Math.min(Math.max(count, least), most ?? count);
    return listText(
      draw.chance.repeat(fits, () => items.json(draw)),
      draw,
    );
  });
}

const keys = ['a', 'b', 'ECID', 'Email', 'é', '', 'a"b', '😀', 'constructor', '__proto__', 'a', 'toString', '0', '12'];

/** A map; sometimes with a name that has a stricter schema of the same type, as XDM's identityMap has. */
function mapPlace(making: Making, depth: number): Place {
  const { chance } = making;
  const values = anyPlace(making, depth - 1);
  const strict =
    chance.is(0.2) && values.schema.type === 'string'
      ? { properties: { Email: { ...values.schema, minLength: 2 } } }
      : {};
  const least = chance.is(0.1) ? 1 : 0;
  const limits = least > 0 ? { minProperties: least } : {};
  return nestedPlace({ type: 'object', additionalProperties: values.schema, ...strict, ...limits }, (draw) => {
    const names = draw.chance.is(0.9) ? draw.chance.shuffled(keys.slice(0, 8)) : draw.chance.shuffled(keys);
    return objectText(
      names.slice(0, draw.chance.from(isStrange(draw) ? 0 : least, 3)).map((name) => [name, values.json(draw)]),
      draw,
    );
  });
}

function structPlace(making: Making, size: number, depth: number): Place {
  const { chance } = making;
  const names = chance.shuffled(making.names).slice(0, size);
  const fields = names.map((name): Field => ({ name, place: anyPlace(making, depth), required: chance.is(0.3) }));
  const closed = chance.is(0.5);
  return nestedPlace(structSchema(making, fields, closed), (draw) => structText(fields, closed, draw), fields);
}

function structSchema({ chance, draft }: Making, fields: readonly Field[], closed: boolean): Schema {
  const part = (some: readonly Field[]) => ({
    type: 'object',
    properties: Object.fromEntries(some.map(({ name, place }) => [name, place.schema])),
    ...(some.some(({ required }) => required)
      ? { required: some.flatMap(({ name, required }) => (required ? [name] : [])) }
      : {}),
  });
  if ((!closed || draft === '2020-12') && fields.length > 1 && chance.is(0.15)) {
    const middle = chance.from(1, fields.length - 1);
    const parts = [part(fields.slice(0, middle)), part(fields.slice(middle))];
    return { type: 'object', allOf: parts, ...(closed ? { unevaluatedProperties: false } : {}) };
  }
  const unwanted = !closed && chance.is(0.05) ? { properties: { ...part(fields).properties, unwanted: false } } : {};
  return {
    ...part(fields),
    ...unwanted,
    ...(closed ? { additionalProperties: false } : chance.is(0.1) ? { additionalProperties: true } : {}),
  };
}

function structText(fields: readonly Field[], closed: boolean, draw: Draw): string {
  const { chance } = draw;
  const wanted = fields.filter(({ required }) => (required ? !isStrange(draw) : chance.is(0.75)));
  const members = wanted.map(({ name, place }): [string, string] => [name, place.json(draw)]);
  if (chance.is(closed ? draw.strangeness / 4 : 0.05)) {
    const extra: [string, string] = [
      chance.pick(['more', 'unwanted', 'constructor', 'é', '__proto__', 'nam']),
      anyJson(draw, 1),
    ];
    members.splice(chance.whole(members.length + 1), 0, extra);
  }
  const [first] = members;
  if (first && isStrange(draw) && chance.is(0.3)) {
    const twice = wanted.find(({ name }) => name === first[0]);
    if (twice) members.push([first[0], twice.place.json(draw)]);
  }
  return objectText(chance.is(0.85) ? members : chance.shuffled(members), draw);
}
