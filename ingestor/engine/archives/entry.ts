/** What archives have in common: the files in them. */
import type { Bytes } from '../readers/reader.ts';

/** A regular file in an archive. Its bytes are read, or given up, before the next one is asked for. */
export interface Entry {
  /** With the folders in the archive, separated by slashes. */
  readonly name: string;
  /** As they are after the archive's own compression. Throws UnreadableFile. */
  readonly bytes: Bytes;
}

/** Hidden files, files of hidden folders, and what macOS adds: no records of anybody. */
export function isPassedOver(name: string): boolean {
  const parts = name.split('/');
  return parts[0] === '__MACOSX' || parts.some((part) => part.startsWith('.') && part !== '.' && part !== '..');
}

/** Longer names are cut: they stand with every refused record. */
const mostCharacters = 512;

/** A name as it may stand in status and reject files: no `./` before it, no control characters, and not too long. */
export function shownName(name: string): string {
  const clean = name.replace(/^(\.?\/)+/, '').replace(/\p{Cc}/gu, '\ufffd');
  const characters = [...clean.slice(0, 2 * mostCharacters)];
  return characters.length > mostCharacters ? `${characters.slice(0, mostCharacters).join('')}…` : clean;
}
