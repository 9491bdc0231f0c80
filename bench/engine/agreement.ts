/** Whether both wrote the same: DuckDB reads both, and compares the rows of each key. */
import { DuckDBInstance } from '@duckdb/node-api';
import { type Column, compileSchema } from '../../ingestor/engine/index.ts';
import type { BenchInput } from './data/input.ts';

/**
 * Throws where the rows of a key differ: their number, or the sum of the hashes of all their values; structs by their
 * fields, since DuckDB was spared to tell one that is null from one whose fields are. DuckDB checks no rules, so it has
 * bad records that Forebay refused. Answers how many good ones it has not: with `ignore_errors`, a line that is half an
 * object costs now and then the line after it too.
 */
export async function checkAgreement(input: BenchInput, forebay: string, duckdb: string): Promise<number> {
  const { columns } = compileSchema(JSON.stringify(input.schema), 'Record');
  const values = columns.flatMap((column) => leaves(column, ''));
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  await connection.run("SET TimeZone = 'UTC'");
  const compare = async (what: string) => {
    const byKey = (files: string) =>
      `(SELECT "${input.key}" AS key, count(*) AS rows, sum(${what}) AS sum
        FROM read_parquet('${files}') WHERE "${input.key}" IS NOT NULL GROUP BY key)`;
    const found = await connection.runAndReadAll(
      `SELECT count(*) FILTER (theirs.key IS NULL), count(*) FILTER (ours.rows != theirs.rows OR ours.sum != theirs.sum)
       FROM ${byKey(forebay)} ours LEFT JOIN ${byKey(duckdb)} theirs USING (key)`,
    );
    const [lost = 0, different = 0] = found.getRowsJson()[0]?.map(Number) ?? [];
    return { lost, different };
  };
  const { lost, different } = await compare(`hash(${values.join(', ')})`);
  const places: string[] = [];
  if (different > 0) {
    for (const value of values) if ((await compare(`hash(${value})`)).different > 0) places.push(value);
  }
  connection.closeSync();
  if (different > 0) throw new Error(`${input.name}: ${different} keys have other rows; columns: ${places.join(', ')}`);
  return lost;
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
