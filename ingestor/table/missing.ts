import { ForebayError } from '../contract/errors.ts';

/** The table was made, and is not there: someone emptied its folder, or dropped it from the catalog. */
export function tableGone(location: string): ForebayError {
  return new ForebayError(
    'TableReplaced',
    `the table at ${location} is gone: restore it, or make a new Dataset in another place`,
  );
}
