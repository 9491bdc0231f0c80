/** Whether both wrote the same: DuckDB reads both, and compares rows by their key. */
import { DuckDBInstance } from '@duckdb/node-api';
import { type Column, compileSchema } from '../../ingestor/engine/index.ts';
import type { BenchInput } from './data/input.ts';

/**
 * Throws where they differ. DuckDB checks no rules, so it has bad records that Forebay refused: of its rows, those count
 * whose key Forebay wrote. Compared are the number of rows, and the sum of the hashes of all values of a row; structs by
 * their fields, since DuckDB was spared to tell one that is null from one whose fields are.
 */
export async function checkAgreement(input: BenchInput, forebay: string, duckdb: string): Promise<void> {
  const { columns } = compileSchema(JSON.stringify(input.schema), 'Record');
  const values = columns.flatMap((column) => leaves(column, ''));
  const key = `"${input.key}"`;
  const ours = `read_parquet('${forebay}')`;
  const theirs = `read_parquet('${duckdb}') WHERE ${key} IN (SELECT ${key} FROM ${ours})`;
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  await connection.run("SET TimeZone = 'UTC'");
  const differ = async (what: string) => {
    const sums = [ours, theirs].map(async (source) => {
      const result = await connection.runAndReadAll(`SELECT count(*), sum(${what}) FROM ${source}`);
      return JSON.stringify(result.getRowsJson()[0]);
    });
    const [a, b] = await Promise.all(sums);
    return a === b ? undefined : `${a} of Forebay, ${b} of DuckDB`;
  };
  const difference = await differ(`hash(${values.join(', ')})`);
  const places: string[] = [];
  if (difference) for (const value of values) if (await differ(`hash(${value})`)) places.push(value);
  connection.closeSync();
  if (difference) throw new Error(`${input.name}: ${difference}; columns: ${places.join(', ')}`);
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
