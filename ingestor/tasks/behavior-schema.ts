import { ForebayError } from '../contract/errors.ts';
import type { PrepareTask } from '../contract/task.ts';

/** What records of a time series must have. */
const timeSeriesFields = ['_id', 'timestamp'];

/**
 * The schema with what the behaviour adds, as text: what is kept and checked is one text. Unchanged, to the letter, when
 * it says so itself. Throws InvalidSchema when a field is not described.
 */
export function behaviorSchema(schema: string, behavior: PrepareTask['behavior']): string {
  if (behavior === 'Record') return schema;
  const root = parseLossless(schema);
  if (typeof root !== 'object' || root === null) return schema;
  const required: unknown = 'required' in root ? root.required : [];
  const described = 'properties' in root && typeof root.properties === 'object' ? (root.properties ?? {}) : {};
  const missing = timeSeriesFields.find((field) => !(field in described));
  if (missing !== undefined) {
    throw new ForebayError(
      'InvalidSchema',
      `schema.behavior TimeSeries needs a field ${missing} in the schema's properties`,
    );
  }
  const names: unknown[] = Array.isArray(required) ? required : [];
  const added = timeSeriesFields.filter((field) => !names.includes(field));
  return added.length === 0 ? schema : JSON.stringify({ ...root, required: [...names, ...added] });
}

/** Numbers keep their digits: bounds of 64-bit integers are no doubles. */
function parseLossless(text: string): unknown {
  try {
    return JSON.parse(text, (_key: string, value: unknown, context?: { source?: string }) =>
      typeof value === 'number' && context?.source !== undefined ? rawNumber(context.source) : value,
    );
  } catch (cause) {
    throw new ForebayError('InvalidSchema', 'the schema is no JSON', { cause });
  }
}

/** Part of the language since ES2026; its types are not in the libraries this project names. */
function rawNumber(source: string): unknown {
  return 'rawJSON' in JSON && typeof JSON.rawJSON === 'function' ? JSON.rawJSON(source) : Number(source);
}
