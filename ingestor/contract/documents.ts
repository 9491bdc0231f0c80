/** Documents are parsed here, at the border, and trusted inside. */
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import type { Static, TSchema } from 'typebox';
import { type ErrorCode, ForebayError } from './errors.ts';
import { documentVersion } from './task.ts';

/**
 * The document in `text`, checked against `schema`. `name` is how messages call it. Throws NewerDocument when a newer
 * version wrote it, else a ForebayError of `code` that says what is wrong at which place.
 */
export function parseDocument<S extends TSchema>(schema: S, text: string, name: string, code: ErrorCode): Static<S> {
  return checkDocument(schema, parseJson(text, name, code), name, code);
}

/** As `parseDocument`, for a value that was parsed already. */
export function checkDocument<S extends TSchema>(schema: S, value: unknown, name: string, code: ErrorCode): Static<S> {
  const version = versionOf(value);
  if (version === undefined) throw new ForebayError(code, `${name} has no version`);
  if (version > documentVersion) {
    throw new ForebayError(
      'NewerDocument',
      `${name} is of version ${version}; this program reads up to ${documentVersion}`,
    );
  }
  const accepts = validator(schema);
  if (!accepts(value)) throw new ForebayError(code, `${name} is not valid: ${describe(accepts.errors ?? [])}`);
  return value;
}

export function parseJson(text: string, name: string, code: ErrorCode): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ForebayError(code, `${name} is no JSON`, { cause });
  }
}

function versionOf(value: unknown): number | undefined {
  if (typeof value !== 'object' || value === null || !('version' in value)) return undefined;
  return typeof value.version === 'number' ? value.version : undefined;
}

/** Compiled once for each schema: compiling costs milliseconds, a pod lives for seconds. */
const validators = new WeakMap<TSchema, ValidateFunction>();

function validator<S extends TSchema>(schema: S): ValidateFunction<Static<S>> {
  const known = validators.get(schema);
  if (known) return known as ValidateFunction<Static<S>>;
  const ajv = new Ajv({ strict: false, validateSchema: false, addUsedSchema: false });
  const compiled = ajv.compile<Static<S>>(schema);
  validators.set(schema, compiled);
  return compiled;
}

/** The first errors, with their place: of a union, those of all its members. */
function describe(errors: readonly ErrorObject[]): string {
  return errors
    .slice(0, 3)
    .map(
      (error) => `${error.instancePath === '' ? 'the document' : error.instancePath} ${error.message}${allowed(error)}`,
    )
    .join('; ');
}

function allowed(error: ErrorObject): string {
  const values: unknown = error.params.allowedValues ?? error.params.allowedValue;
  return values === undefined ? '' : ` (${JSON.stringify(values)})`;
}
