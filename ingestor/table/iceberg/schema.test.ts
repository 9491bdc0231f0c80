import { describe, expect, test } from 'vitest';
import type { Column } from '../../engine/schema.ts';
import { column } from '../testing.ts';
import { createSchema, evolveSchema, fieldIDs } from './schema.ts';
import type { IcebergSchema, NestedField } from './spec.ts';

const required = { required: true };
const list = (name: string, element: Column, more: Partial<Column> = {}) =>
  column(name, 'list', { children: [{ ...element, name: 'element' }], ...more });
const map = (name: string, value: Column) =>
  column(name, 'map', { children: [column('key', 'string', required), { ...value, name: 'value' }] });
const struct = (name: string, ...children: Column[]) => column(name, 'struct', { children });

const before = [
  column('id', 'string', required),
  column('n', 'int', required),
  struct('place', column('city')),
  list('parts', struct('element', column('name'))),
  map('counts', column('value', 'int')),
];

function evolve(columns: readonly Column[], start: readonly Column[] = before) {
  const { schema, lastColumnID } = createSchema(start);
  return evolveSchema(schema, columns, { schemas: [schema], lastColumnID });
}

function fieldOf(schema: IcebergSchema, name: string): NestedField | undefined {
  return schema.fields.find((field) => field.name === name);
}

describe('a new schema', () => {
  test('gives an id to each field, element, key and value, outer ones first', () => {
    const { schema, lastColumnID } = createSchema(before);
    expect(lastColumnID).toBe(10);
    expect(fieldIDs(schema)).toEqual({
      id: 1,
      n: 2,
      place: 3,
      'place.city': 6,
      parts: 4,
      'parts.element': 7,
      'parts.element.name': 8,
      counts: 5,
      'counts.key': 9,
      'counts.value': 10,
    });
  });

  test('has each type of column', () => {
    const types = ['string', 'boolean', 'int', 'long', 'double', 'date', 'timestamptz', 'json'] as const;
    const { schema } = createSchema(types.map((type) => column(type, type)));
    expect(schema.fields.map(({ type }) => type)).toEqual([...types.slice(0, -1), 'string']);
  });

  test('says what is required, in lists and maps too', () => {
    const { schema } = createSchema([
      list('a', column('element', 'int', required)),
      list('b', column('element', 'int')),
      map('c', column('value', 'long', required)),
    ]);
    expect(schema.fields.map(({ type }) => type)).toEqual([
      { type: 'list', 'element-id': 4, 'element-required': true, element: 'int' },
      { type: 'list', 'element-id': 5, 'element-required': false, element: 'int' },
      { type: 'map', 'key-id': 6, key: 'string', 'value-id': 7, 'value-required': true, value: 'long' },
    ]);
  });

  test('has dots in names apart from those of paths, and backslashes from those before dots', () => {
    expect(fieldIDs(createSchema([column('a.b'), struct('c', column('d.e')), column('f\\')]).schema)).toEqual({
      'a\\.b': 1,
      c: 2,
      'f\\\\': 3,
      'c.d\\.e': 4,
    });
  });

  test('cannot have two fields that engines would call the same', () => {
    const made = () => createSchema([column('a.b'), struct('a', column('b'))]);
    expect(made).toThrow(expect.objectContaining({ code: 'InvalidSchema', message: expect.stringContaining('a\\.b') }));
  });
});

describe('a schema that changes', () => {
  test('is the same one when nothing does', () => {
    expect(evolve(before).schema['schema-id']).toBe(0);
    expect(evolve(before).lastColumnID).toBe(10);
  });

  test('keeps ids by name, in whatever order columns come', () => {
    const { schema } = evolve(before.toReversed());
    expect(schema['schema-id']).toBe(0);
  });

  test('adds columns as optional ones with new ids, also within structs, lists and maps', () => {
    const { schema, lastColumnID } = evolve([
      column('added', 'long', required),
      column('id', 'string', required),
      column('n', 'int', required),
      struct('place', column('city'), column('land')),
      list('parts', struct('element', column('name'), struct('size', column('x', 'int', required)))),
      map('counts', column('value', 'int')),
    ]);
    expect(schema['schema-id']).toBe(1);
    expect(lastColumnID).toBe(14);
    expect(fieldIDs(schema)).toMatchObject({
      'place.city': 6,
      'place.land': 11,
      'parts.element.name': 8,
      'parts.element.size': 12,
      'parts.element.size.x': 13,
      added: 14,
    });
    expect(fieldOf(schema, 'added')?.required).toBe(false);
  });

  test('loosens what is not required any more, and never tightens', () => {
    const loose = before.map((one) => ({ ...one, required: false }));
    expect(evolve(loose).schema.fields.every((field) => !field.required)).toBe(true);
    expect(evolve(before, loose).schema.fields.every((field) => !field.required)).toBe(true);
    const element = (more: Partial<Column>) => [list('a', column('element', 'int', more))];
    const [field] = evolve(element({}), element(required)).schema.fields;
    expect(field?.type).toMatchObject({ 'element-required': false });
  });

  test('widens int to long, also in a map, and does not narrow', () => {
    const wide = [
      ...before.slice(0, 1),
      column('n', 'long', required),
      ...before.slice(2, 4),
      map('counts', column('value', 'long')),
    ];
    const { schema } = evolve(wide);
    expect(fieldOf(schema, 'n')?.type).toBe('long');
    expect(fieldOf(schema, 'counts')?.type).toMatchObject({ value: 'long', 'value-id': 10 });
    expect(fieldOf(evolve(before, wide).schema, 'n')?.type).toBe('long');
  });

  test.for<[string, Column]>([
    ['id is string in the table and cannot become long', column('id', 'long')],
    ['place is struct in the table and cannot become string', column('place', 'string')],
    ['place.city is string in the table and cannot become int', struct('place', column('city', 'int'))],
    ['parts.element is struct in the table and cannot become int', list('parts', column('element', 'int'))],
  ])('refuses another type: %s', ([message, changed]) => {
    const columns = before.map((one) => (one.name === changed.name ? changed : one));
    expect(() => evolve(columns)).toThrow(expect.objectContaining({ code: 'SchemaIncompatible', message }));
  });

  test('keeps columns that another engine added, and loosens them: we write none', () => {
    const { schema } = evolve(before.slice(1));
    expect(fieldOf(schema, 'id')).toMatchObject({ id: 1, required: false });
  });

  test('gives a column that was dropped and comes again another id', () => {
    const { schema: first, lastColumnID } = createSchema(before);
    const dropped = { ...first, 'schema-id': 1, fields: first.fields.filter(({ name }) => name !== 'n') };
    const { schema } = evolveSchema(dropped, before, { schemas: [first, dropped], lastColumnID });
    expect(fieldOf(schema, 'n')).toMatchObject({ id: 11, required: false });
    expect(schema['schema-id']).toBe(2);
  });

  test('takes an equal earlier schema again, whatever the order of its members', () => {
    const { schema: first, lastColumnID } = createSchema([column('a'), column('b')]);
    const fields = first.fields.map(({ id, name, required: isRequired, type }) => ({
      type,
      required: isRequired,
      name,
      id,
    }));
    const second = { ...first, 'schema-id': 5, fields: fields.slice(0, 1) };
    const grown = { ...first, 'schema-id': 3, fields };
    const evolved = evolveSchema(second, [column('a')], { schemas: [grown, second], lastColumnID });
    expect(evolved.schema['schema-id']).toBe(5);
    const tight = {
      ...second,
      'schema-id': 6,
      fields: fields.slice(0, 1).map((field) => ({ ...field, required: true })),
    };
    const loosened = evolveSchema(tight, [column('a')], { schemas: [grown, second, tight], lastColumnID });
    expect(loosened.schema['schema-id']).toBe(5);
  });
});
