/** Records of other shapes than the main case: many small ones, wide ones, long texts. One in a hundred is bad. */
import type { Chance } from '../../../test/support/chance.ts';
import { type BenchInput, csvField } from './input.ts';
import { prose } from './texts.ts';

type Value = string | number | boolean | null;

/** Flat records. */
interface Shape {
  readonly schema: {
    readonly type: string;
    readonly properties: Readonly<Record<string, object>>;
    readonly required: string[];
  };
  readonly duckdbColumns: Readonly<Record<string, string>>;
  /** Values in the order of the schema's properties. */
  values(chance: Chance): () => { readonly values: readonly Value[]; readonly bad: boolean };
}

const badShare = 0.01;

/** About 40 bytes in either format: CSV has room for a time. */
function small(withTime: boolean): Shape {
  const properties = {
    id: { type: 'integer', minimum: 0 },
    kind: { type: 'string', enum: ['view', 'click', 'buy'] },
    value: { type: 'number', minimum: 0 },
  };
  const columns = { id: 'BIGINT', kind: 'VARCHAR', value: 'DOUBLE' };
  const time = { type: 'string', format: 'date-time' };
  return {
    schema: { type: 'object', properties: withTime ? { ...properties, time } : properties, required: ['id', 'kind'] },
    duckdbColumns: withTime ? { ...columns, time: 'TIMESTAMP' } : columns,
    values(chance) {
      let id = 1e6;
      return () => {
        id += 1;
        const bad = chance.is(badShare);
        const values = [id, chance.pick(['view', 'click', 'buy']), bad ? -1 : chance.whole(1e6) / 100];
        return { values: withTime ? [...values, `${new Date(id * 1_000).toISOString().slice(0, 19)}Z`] : values, bad };
      };
    },
  };
}

/** A thousand columns of four types, a quarter of them null. */
const wide: Shape = {
  schema: {
    type: 'object',
    properties: Object.fromEntries(wideColumns().map(({ name, schema }) => [name, schema])),
    required: ['id'],
  },
  duckdbColumns: Object.fromEntries(wideColumns().map(({ name, type }) => [name, type])),
  values(chance) {
    const columns = wideColumns().slice(1);
    let id = 0;
    return () => {
      id += 1;
      const bad = chance.is(badShare);
      const rest = columns.map(({ type }): Value => {
        if (chance.is(0.25)) return null;
        if (type === 'BIGINT') return chance.whole(1e9);
        if (type === 'DOUBLE') return chance.whole(1e6) / 1e3;
        return type === 'BOOLEAN' ? chance.is(0.5) : chance.pick(['north', 'east', 'south', 'west', 'Überall']);
      });
      return { values: [bad ? -id : id, ...rest], bad };
    };
  },
};

function wideColumns(): { readonly name: string; readonly type: string; readonly schema: object }[] {
  const kinds = [
    { type: 'BIGINT', schema: { type: ['integer', 'null'] } },
    { type: 'DOUBLE', schema: { type: ['number', 'null'] } },
    { type: 'VARCHAR', schema: { type: ['string', 'null'] } },
    { type: 'BOOLEAN', schema: { type: ['boolean', 'null'] } },
  ] as const;
  const rest = Array.from({ length: 999 }, (_, index) => {
    const kind = kinds[index % kinds.length] ?? kinds[0];
    return { name: `field${String(index + 1).padStart(3, '0')}`, ...kind };
  });
  return [{ name: 'id', type: 'BIGINT', schema: { type: 'integer', minimum: 0 } }, ...rest];
}

/** Texts of 10 KB to 40 KB, some with quotes and line ends. */
const long: Shape = {
  schema: {
    type: 'object',
    properties: {
      id: { type: 'integer', minimum: 0 },
      title: { type: 'string', maxLength: 100 },
      body: { type: 'string', maxLength: 100_000 },
    },
    required: ['id', 'title', 'body'],
  },
  duckdbColumns: { id: 'BIGINT', title: 'VARCHAR', body: 'VARCHAR' },
  values(chance) {
    // Put together from a few long texts: to draw each word of a gigabyte takes minutes.
    const texts = Array.from({ length: 64 }, () => prose(chance, 2_000 + chance.whole(3_000)));
    let id = 0;
    return () => {
      id += 1;
      const bad = chance.is(badShare);
      const parts = Array.from({ length: 4 + chance.whole(8) }, () => chance.pick(texts));
      const body = parts.join(chance.is(0.2) ? '\n"and" ' : '. ');
      return { values: [bad ? -id : id, prose(chance, 30), body], bad };
    };
  },
};

export const shapes: readonly BenchInput[] = [
  inFormat('CSV', 'small', small(true)),
  inFormat('JSONLines', 'small', small(false)),
  inFormat('CSV', 'wide', wide),
  inFormat('JSONLines', 'wide', wide),
  inFormat('CSV', 'long', long),
  inFormat('JSONLines', 'long', long),
];

function inFormat(format: BenchInput['format'], name: string, shape: Shape): BenchInput {
  const names = Object.keys(shape.schema.properties);
  const textOf =
    format === 'CSV'
      ? (values: readonly Value[]) => values.map(csvField).join(',')
      : (values: readonly Value[]) =>
          JSON.stringify(Object.fromEntries(names.map((field, index) => [field, values[index]])));
  return {
    name: `${name}-${format === 'CSV' ? 'csv' : 'jsonl'}`,
    format,
    schema: shape.schema,
    mapping: [],
    head: format === 'CSV' ? `${names.join(',')}\n` : '',
    records(chance) {
      const next = shape.values(chance);
      return () => {
        const { values, bad } = next();
        return { text: `${textOf(values)}\n`, bad };
      };
    },
    duckdbColumns: shape.duckdbColumns,
    duckdbSelect: 'time' in shape.duckdbColumns ? '* REPLACE ("time"::TIMESTAMPTZ AS "time")' : '*',
    key: 'id',
  };
}
