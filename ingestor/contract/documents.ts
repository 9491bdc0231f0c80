/** Documents are parsed here, at the border, and trusted inside. */
import type { Static, TSchema } from 'typebox';
import { findProblem } from './check.ts';
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
  if (!fits(schema, value, name, code)) throw new Error('findProblem answers or throws');
  return value;
}

/** A predicate, so that the check and the type it proves are one. */
function fits<S extends TSchema>(schema: S, value: unknown, name: string, code: ErrorCode): value is Static<S> {
  const problem = findProblem(schema, value);
  if (problem === undefined) return true;
  throw new ForebayError(code, `${name} is not valid: ${problem.path || 'it'} ${problem.message}`);
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
