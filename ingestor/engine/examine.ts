/** One record: judged by the schema, converted for the columns, or the reasons why not. */
import { type ColumnPlan, planRecord, type RecordPlan } from './columns.ts';
import { createConverter, type RowConverter } from './convert.ts';
import { mayBeRounded } from './exact.ts';
import { createJudge, type Judge } from './judge.ts';
import { recordErrors } from './recorderrors.ts';
import type { RecordError } from './schema.ts';
import { isObject, type JsonObject, type SchemaDocument } from './schemadocument.ts';

export interface Examiner {
  readonly columns: readonly ColumnPlan[];
  /**
   * Fills `row` for an accepted record and answers an empty list, else all reasons to refuse it. `exact` gives the same
   * record with integers past 2^53 as bigints; it is called only when there may be one. Never throws.
   */
  examine(record: JsonObject, row: unknown[], exact?: () => unknown): readonly RecordError[];
  /** The same for a record that has its big integers as bigints. */
  examineExact(record: unknown, row: unknown[]): readonly RecordError[];
  /** The record accepted last has fields that no column holds. */
  readonly extra: boolean;
}

/** Throws InvalidSchema. `isKnown`: the schema was accepted before, so it is not held against its meta-schema, which takes 0.1 s. */
export function createExaminer(document: SchemaDocument, isKnown = false): Examiner {
  // ajv first: what it says of a schema that is none is more to the point.
  const judge = createJudge(document, isKnown);
  return new SchemaExaminer(planRecord(document), judge);
}

class SchemaExaminer implements Examiner {
  readonly columns: readonly ColumnPlan[];
  extra = false;
  readonly #judge: Judge;
  readonly #converter: RowConverter;

  constructor(plan: RecordPlan, judge: Judge) {
    this.columns = plan.columns;
    this.#judge = judge;
    this.#converter = createConverter(plan);
  }

  examine(record: JsonObject, row: unknown[], exact?: () => unknown): readonly RecordError[] {
    return withoutCrash(() => {
      const errors = this.#judge.errors(record);
      if (errors.length > 0) {
        return exact && mayBeRounded(record) ? this.examineExact(exact(), row) : this.#refusals(errors);
      }
      const conversion = this.#converter.convert(record, row);
      if (conversion.rounded && exact) return this.examineExact(exact(), row);
      this.extra = conversion.extra;
      return conversion.errors;
    });
  }

  examineExact(record: unknown, row: unknown[]): readonly RecordError[] {
    return withoutCrash(() => {
      if (!isObject(record)) return [notAnObject];
      const errors = this.#judge.exactErrors(record);
      if (errors.length > 0) return this.#refusals(errors);
      const conversion = this.#converter.convert(record, row);
      this.extra = conversion.extra;
      return conversion.errors;
    });
  }

  #refusals(errors: Parameters<typeof recordErrors>[0]): readonly RecordError[] {
    const found = recordErrors(errors, this.columns);
    return found.length > 0 ? found : [{ code: 'SchemaMismatch', path: '', message: 'breaks the schema' }];
  }
}

export const notAnObject: RecordError = { code: 'MalformedRecord', path: '', message: 'is no JSON object' };

/**
 * JSON that nests by the ten thousand exhausts the stack of whatever walks it: that is the record's fault. So is any
 * other error here, for what differs from one record to the next is the record; it must not stop those after it.
 */
function withoutCrash(examine: () => readonly RecordError[]): readonly RecordError[] {
  try {
    return examine();
  } catch (error) {
    if (error instanceof RangeError) return [{ code: 'MalformedRecord', path: '', message: 'nests too deeply' }];
    const name = error instanceof Error ? error.name : 'Error';
    return [{ code: 'SchemaMismatch', path: '', message: `cannot be judged: ${name}` }];
  }
}
