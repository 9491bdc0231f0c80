/**
 * Where values stand in a JSON text. What is kept of a message is a piece of the text its sender wrote, never a value
 * that went through JavaScript: a long of 19 digits would come out as another number.
 *
 * All functions want text that `JSON.parse` accepts; on other text they answer nonsense.
 */

/** From `start` to before `end`, in UTF-16 units of the text. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** The value of a member of the object that begins at or after `at`; of several members of one name the last counts, as in JSON.parse. */
export function memberSpan(text: string, name: string, at = 0): Span | undefined {
  let found: Span | undefined;
  let position = skipSpace(text, skipSpace(text, at) + 1);
  while (text.charCodeAt(position) === quote) {
    const keyEnd = skipString(text, position);
    const start = skipSpace(text, skipSpace(text, keyEnd) + 1);
    const end = skipValue(text, start);
    if (isKey(text.slice(position, keyEnd), name)) found = { start, end };
    position = skipComma(text, end);
  }
  return found;
}

/** The elements of the array that begins at or after `at`. */
export function elementSpans(text: string, at = 0): Span[] {
  const spans: Span[] = [];
  let start = skipSpace(text, skipSpace(text, at) + 1);
  while (start < text.length && text.charCodeAt(start) !== closeBracket) {
    const end = skipValue(text, start);
    spans.push({ start, end });
    start = skipComma(text, end);
  }
  return spans;
}

const quote = 0x22;
const comma = 0x2c;
const backslash = 0x5c;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/** A key may be written with escapes. */
function isKey(literal: string, name: string): boolean {
  return literal.includes('\\') ? JSON.parse(literal) === name : literal.slice(1, -1) === name;
}

function skipSpace(text: string, at: number): number {
  let position = at;
  while (isSpace(text.charCodeAt(position))) position += 1;
  return position;
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

/** To the next member or element, or to the closing bracket. */
function skipComma(text: string, at: number): number {
  const position = skipSpace(text, at);
  return text.charCodeAt(position) === comma ? skipSpace(text, position + 1) : position;
}

function skipString(text: string, at: number): number {
  let end = text.indexOf('"', at + 1);
  while (end !== -1 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end === -1 ? text.length : end + 1;
}

function isEscaped(text: string, at: number): boolean {
  let before = at;
  while (text.charCodeAt(before - 1) === backslash) before -= 1;
  return (at - before) % 2 === 1;
}

function skipValue(text: string, at: number): number {
  const first = text.charCodeAt(at);
  if (first === quote) return skipString(text, at);
  if (first === openBrace || first === openBracket) return skipNested(text, at);
  return skipLiteral(text, at);
}

/** Counts brackets instead of calling itself: depth is the sender's choice. */
function skipNested(text: string, at: number): number {
  let depth = 0;
  for (let position = at; position < text.length; position += 1) {
    const code = text.charCodeAt(position);
    if (code === quote) position = skipString(text, position) - 1;
    else if (code === openBrace || code === openBracket) depth += 1;
    else if (code === closeBrace || code === closeBracket) {
      depth -= 1;
      if (depth === 0) return position + 1;
    }
  }
  return text.length;
}

function skipLiteral(text: string, at: number): number {
  let position = at;
  for (; position < text.length; position += 1) {
    const code = text.charCodeAt(position);
    if (code === comma || code === closeBrace || code === closeBracket || isSpace(code)) break;
  }
  return position;
}
