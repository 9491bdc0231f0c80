import { expect, test } from 'vitest';
import { type Case, type Reading, readPlain, readWalked } from './csvtesting.ts';

/** Reads both ways, and expects the same but for who took what. */
async function compared(one: Case): Promise<Reading> {
  const walked = await readWalked(one);
  if (!walked) throw new Error('the schema is not decided by walkers');
  const { said, warned, columns } = await readPlain(one);
  expect({ said: walked.said, warned: walked.warned, columns: walked.columns }).toEqual({ said, warned, columns });
  return walked;
}

function record(properties: object, rest: object = {}): object {
  return { type: 'object', properties, ...rest };
}

const text = { type: 'string' };
const ab = record({ a: text, b: text });

const everyType = record({
  text: { type: 'string', minLength: 1, maxLength: 5 },
  int: { type: 'integer', minimum: -5, maximum: 1000 },
  long: { type: ['integer', 'null'] },
  double: { type: 'number' },
  boolean: { type: 'boolean' },
  day: { type: 'string', format: 'date' },
  moment: { type: 'string', format: 'date-time' },
});

test('rows of every type are taken', async () => {
  const { walked, left } = await compared({
    schema: everyType,
    text: [
      'text,int,long,double,boolean,day,moment',
      'abc,7,123456789012345678,-1.5e3,true,2024-02-29,2024-01-01T00:00:00.1234567+01:30',
      'é😀,-5,-42,0,FALSE,1969-12-31,1969-12-31T23:59:59Z',
      ',,,,,,',
      '"a""b","+7",007,"12.25","Yes","2024-02-29","2024-01-01T00:00:00Z"\r',
      'x,-0,+0,-0,y,2024-02-29,2024-12-31T23:59:60Z',
      '',
    ].join('\n'),
  });
  expect(left).toEqual([]);
  expect(walked).toBe(5);
});

test('rows that are spelled otherwise are left', async () => {
  const { walked, left } = await compared({
    schema: everyType,
    text: 'long,double\n5.0,1\n1e3,1\n5,5.\n5,.5\n5,+5\n9223372036854775807,1\n5,05\n5,5\n',
  });
  expect(walked).toBe(1);
  expect(left).toHaveLength(7);
});

test('rows that the schema refuses are refused', async () => {
  const { walked, said } = await compared({
    schema: everyType,
    text: 'text,int,boolean,day\nabcdef,1,true,2024-01-01\na,1001,true,2024-01-01\na,x,true,2024-01-01\na,1,maybe,2024-01-01\na,1,true,2023-02-29\n"",1,true,2024-01-01\na,1,true,2024-01-01\n',
  });
  expect(walked).toBe(1);
  expect(said).toHaveLength(7);
});

test.each([
  ['quoted', 'a,b\n"x","y"\n"x, z","1\n2"\n"""x""",""""\n"",\n', 4],
  ['with CR LF', 'a,b\r\nx,y\r\n"x","y"\r\n"x\r\n","y\r"\r\nx,\r\n,"y"\r\n', 5],
  ['with CR elsewhere', 'a,b\nx\ry,\r\n\r\r,\r\r\n\r\n', 2],
  ['between blank lines', 'a,b\n\n\nx,y\n\r\n\nx,y\n\n', 2],
  ['with quotes inside of unquoted fields', 'a,b\n5" disk,x\nx,y"\nx y" z,"q ""w"" e"\nx,y\n', 4],
  ['with text after a closing quote', 'a,b\nx,y\n"x"z,y\nx,y\n"x" ,y\nx,"y"\rz\nx,y\n', 3],
  ['with NUL and what is not ASCII', 'a,b\n\0,é\n"日本\0","\u{1f600}"\n', 2],
  ['with too many fields or too few', 'a,b\nx\nx,y\nx,y,z\n"x"\nx,y\n', 2],
  ['without an end', 'a,b\nx,y\nx,y', 1],
  ['with a quote that never closes', 'a,b\nx,y\nx,"y\nx,y\nx,y\n', 3],
])('rows %s are what they are for the reader', async (_name, csv, taken) => {
  const { walked } = await compared({ schema: ab, text: csv });
  expect(walked).toBe(taken);
});

test('of a single column blank lines are nulls', async () => {
  const { walked } = await compared({ schema: record({ a: text }), text: 'a\n\nx\n\r\n""\n\n' });
  expect(walked).toBe(5);
});

test('invalid UTF-8 costs its row only', async () => {
  const bad = Buffer.from([0x78, 0xff, 0x2c, 0x79, 0x0a]);
  const good = Buffer.from('x,y\n');
  const bytes = Buffer.concat([Buffer.from('a,b\n'), good, good, bad, good, bad, bad, good, good]);
  const { walked, said } = await compared({ schema: ab, text: bytes });
  expect(walked).toBe(5);
  expect(said).toHaveLength(6);
});

test('other delimiters, quotes and null markers are read', async () => {
  await compared({
    schema: ab,
    text: "a;b\n'x;''';\n\\N;'\\N'\n\\N;y\n",
    options: { delimiter: ';', quote: "'", escape: '', nullMarker: '\\N' },
  });
  const { walked } = await compared({
    schema: ab,
    text: 'a\tb\n"x\ty"\nNULL\t\n',
    options: { delimiter: '\t', quote: '', nullMarker: 'NULL' },
  });
  expect(walked).toBe(2);
});

test.each([
  { delimiter: '||' },
  { escape: '\\' },
  { comment: '#' },
  { charset: 'ISO-8859-1' as const },
  { delimiter: '§' },
])('a dialect with %o is read without walkers', async (options) => {
  const { walked } = await compared({ schema: ab, text: 'a,b\nx,y\n', options });
  expect(walked).toBe(0);
});

const nested = record(
  {
    id: text,
    s: record({ a: text, t: record({ b: { type: 'integer' }, c: text }, { required: ['b'] }), d: text }),
    r: record({ x: text, y: text }, { required: ['x'], additionalProperties: false }),
    list: { type: 'array', items: text },
    any: {},
  },
  { required: ['id', 'r'] },
);

test('structs are there where one of their fields is', async () => {
  const { walked, said } = await compared({
    schema: nested,
    text: 'id,s.a,s.t.b,s.t.c,s.d,r.x,r.y\n1,a,2,c,d,x,y\n2,,,,,x,\n3,,2,,,x,\n4,,,,d,x,\n5,,,c,,x,\n6,,,,,,y\n7,,,,,,\n,,,,,x,\n',
  });
  expect(walked).toBe(4);
  expect(said).toHaveLength(5);
});

test('fields that no column holds are warned of, or refused', async () => {
  const { walked, warned, said } = await compared({
    schema: nested,
    text: 'id,r.x,more,s.more,r.more\n1,x,,,\n2,x,1,,\n3,x,"",,\n4,x,,1,\n5,x,,,1\n',
  });
  expect(walked).toBe(4);
  expect(warned).toBe(3);
  expect(said).toHaveLength(2);
});

test('lists and mixed values are left unless they are null', async () => {
  const { walked, left } = await compared({
    schema: nested,
    text: 'id,r.x,list,any,s\n1,x,,,\n2,x,"[""a""]",,\n3,x,,5,\n4,x,,,"{""a"":""b""}"\n',
  });
  expect(walked).toBe(1);
  expect(left).toHaveLength(3);
});

test('moved fields go where the mapping says', async () => {
  const mapping = [
    { source: 'First Name', destination: 's.a' },
    { source: 'key', destination: 'id' },
    { source: 'q', destination: 's.t' },
    { source: 'key', destination: 'r.x' },
  ];
  const { walked, warned } = await compared({
    schema: nested,
    mapping,
    text: 'First Name,key,q.b,id,s.a,s.t.c\nAnna,1,5,,,\n,2,,x,,\nAnna,3,,,y,\nAnna,4,5,,,z\n',
  });
  expect(walked).toBe(4);
  expect(warned).toBe(2);
});

test('two fields for one place are left', async () => {
  const { walked } = await compared({ schema: nested, text: 'id,r.x,s\\.a,s.a,r\\.x\n1,x,,,\n1,x,2,,\n' });
  expect(walked).toBe(2);
  const { walked: none } = await compared({ schema: record({ 'a.b': text }), text: 'a.b,a\\.b\nx,\n,x\nx,y\n,\n' });
  expect(none).toBe(1);
});

test('nulls that the schema asks for are there', async () => {
  const orNull = { type: ['string', 'null'] };
  const schema = record(
    {
      a: orNull,
      b: text,
      s: record({ x: orNull, y: text }, { required: ['x'] }),
      n: { type: ['object', 'null'], properties: { z: text } },
    },
    { required: ['a', 'n'] },
  );
  const { walked } = await compared({ schema, text: 'a,b,s.x,s.y,n.z\n,b,,,\n,,,y,\na,,x,,z\n,,,,\n' });
  expect(walked).toBe(4);
  const { walked: without } = await compared({ schema, text: 'b,s.y\nb,\n,y\n' });
  expect(without).toBe(2);
});

test('names that every object inherits are columns like others', async () => {
  const orNull = { type: ['string', 'null'] };
  const schema = record({ toString: orNull, constructor: text }, { required: ['toString'] });
  await compared({ schema, text: 'toString,constructor,__proto__,valueOf\na,b,,\n,b,,\na,,,v\na,,p,\n' });
});

test('fields of megabytes are taken', async () => {
  const long = '"",\n'.repeat(100_000);
  const csv = `a,b\nx,"${long}"\n"${'y'.repeat(300_000)}",z\n`;
  const { walked } = await compared({ schema: ab, text: csv });
  expect(walked).toBe(2);
  await compared({ schema: ab, text: csv, maxRecordBytes: 1000 });
});

test('a thousand columns are taken', async () => {
  const names = Array.from({ length: 1000 }, (_, index) => `c${index}`);
  const schema = record(Object.fromEntries(names.map((name) => [name, { type: 'integer' }])));
  const row = names.map((_, index) => index).join();
  const reversed = [...names].reverse().join();
  const { walked } = await compared({ schema, text: `${reversed}\n${`${row}\n`.repeat(50)}` });
  expect(walked).toBe(50);
});

test('blocks may end at any byte', async () => {
  const csv = 'a,b\r\n"x,""\n",y\r\n5" z,""\n\n"x"x,y\n"é",\r\n,\nx\n"","\r"\r\nq,"w"';
  const bytes = Buffer.from(csv);
  for (let size = 1; size <= bytes.length; size += 1) {
    await compared({ schema: ab, text: csv, pieces: [size, 1000] });
    await compared({ schema: ab, text: csv, pieces: [size] });
    await compared({ schema: ab, text: csv, blockBytes: size, rows: 1 + (size % 3) });
  }
});
