/** Whether both wrote the same: DuckDB reads both, and compares rows by their key. */
import { DuckDBInstance } from '@duckdb/node-api';
import { type Column, compileSchema } from '../../ingestor/engine/index.ts';
import type { BenchInput } from './data/input.ts';

/**
 * Throws where rows of one key differ: their number, and the sum of the hashes of all their values; structs by their
 * fields, since DuckDB was spared to tell one that is null from one whose fields are. DuckDB checks no rules, so it has
 * bad records that Forebay refused. Answers how many good ones it has not: with `ignore_errors`, a line that is half an
 * object costs now and then the line after it too.
 */
export async function checkAgreement(input: BenchInput, forebay: string, duckdb: string): Promise<number> {
  const { columns } = compileSchema(JSON.stringify(input.schema), 'Record');
  const values = columns.flatMap((column) => leaves(column, ''));
  const key = `"${input.key}"`;
  const [ours, theirs] = [`read_parquet('${forebay}')`, `read_parquet('${duckdb}')`];
  const keysOf = (source: string) => `(SELECT ${key} FROM ${source} WHERE ${key} IS NOT NULL)`;
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  await connection.run("SET TimeZone = 'UTC'");
  const ask = async (sql: string) => (await connection.runAndReadAll(sql)).getRowsJson()[0] ?? [];
  const differs = async (what: string) => {
    const a = await ask(`SELECT count(*), sum(${what}) FROM ${ours} WHERE ${key} IN ${keysOf(theirs)}`);
    const b = await ask(`SELECT count(*), sum(${what}) FROM ${theirs} WHERE ${key} IN ${keysOf(ours)}`);
    return JSON.stringify(a) === JSON.stringify(b) ? undefined : `${a} of Forebay, ${b} of DuckDB`;
  };
  const difference = await differs(`hash(${values.join(', ')})`);
  const places: string[] = [];
  if (difference) for (const value of values) if (await differs(`hash(${value})`)) places.push(value);
  const [lost] = await ask(`SELECT count(*) FROM ${ours} WHERE ${key} NOT IN ${keysOf(theirs)}`);
  connection.closeSync();
  if (difference) throw new Error(`${input.name}: ${difference}; columns: ${places.join(', ')}`);
  return Number(lost);
}

/** What DuckDB calls the values of a column; numbers and times as one type, whatever the files have. */
function leaves({ name, type, children }: Column, parent: string): string[] {
  const value = `${parent}"${name}"`;
  switch (type) {
    case 'struct':
      return children.flatMap((child) => leaves(child, `${value}.`));
    case 'timestamptz':
      return [`epoch_us(${value})`];
    case 'int':
    case 'long':
      return [`${value}::BIGINT`];
    default:
      return [value];
  }
}
