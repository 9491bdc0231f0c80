/** From the text of a request to messages: each a record, as raw text on one line, or the reason why it is none. */
import type { InletTask } from '../contract/task.ts';
import { elementSpans, memberSpan, type Span } from './spans.ts';

export type Envelope = InletTask['envelope'];

export type Message = AcceptedMessage | RefusedMessage;

export interface AcceptedMessage {
  /** The record as it came, on one line. */
  readonly text: string;
}

export interface RefusedMessage {
  readonly statusCode: number;
  /** For the sender: may say where, never quotes content. */
  readonly message: string;
}

export interface MessageRules {
  readonly envelope: Envelope;
  readonly maxRecordBytes: number;
}

export function isRefused(message: Message): message is RefusedMessage {
  return 'statusCode' in message;
}

/** The one message that a request body is. */
export function parseMessage(text: string, rules: MessageRules): Message {
  const value = parse(text);
  if (value === undefined) return { statusCode: 400, message: 'The body is not valid JSON.' };
  return toMessage(text, { start: 0, end: text.length }, value, rules);
}

/** The messages of `{"messages": [...]}`; a refusal when the body is no such thing. */
export function parseMessages(text: string, rules: MessageRules): Message[] | RefusedMessage {
  const value = parse(text);
  if (value === undefined) return { statusCode: 400, message: 'The body is not valid JSON.' };
  if (!isObject(value) || !('messages' in value) || !Array.isArray(value.messages)) {
    return { statusCode: 400, message: 'The body must be an object with the array "messages".' };
  }
  const values: unknown[] = value.messages;
  const spans = elementSpans(text, memberSpan(text, 'messages')?.start);
  return spans.map((span, index) => toMessage(text, span, values[index], rules));
}

/** One message a line; empty lines are passed over. */
export function parseLines(text: string, rules: MessageRules): Message[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => parseLine(line, rules));
}

function parseLine(line: string, rules: MessageRules): Message {
  const value = parse(line);
  if (value === undefined) return { statusCode: 400, message: 'The line is not valid JSON.' };
  return toMessage(line, { start: 0, end: line.length }, value, rules);
}

/** Undefined for what is no JSON; the engine's own message quotes content. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function toMessage(text: string, span: Span, value: unknown, rules: MessageRules): Message {
  if (!isObject(value)) return { statusCode: 400, message: 'A message must be a JSON object.' };
  if (rules.envelope === 'Raw' || (rules.envelope === 'Auto' && !isXdm(value))) return toRecord(text, span, rules);
  return unwrap(text, span, value, rules);
}

/** `{header, body: {xdmEntity}}`. */
function isXdm(value: object): boolean {
  return (
    'header' in value && isObject(value.header) && 'body' in value && isObject(value.body) && 'xdmEntity' in value.body
  );
}

function unwrap(text: string, span: Span, value: object, rules: MessageRules): Message {
  if (!isXdm(value))
    return { statusCode: 400, message: 'Message has unknown xdm format: it needs header and body.xdmEntity.' };
  const operation = 'header' in value ? dataOperation(value.header) : undefined;
  if (operation !== undefined && operation !== 'create') {
    return { statusCode: 400, message: 'Only the operation "create" is supported in header.operations.data.' };
  }
  const body = memberSpan(text, 'body', span.start);
  const entity = memberSpan(text, 'xdmEntity', body?.start);
  const record =
    'body' in value && isObject(value.body) && 'xdmEntity' in value.body ? value.body.xdmEntity : undefined;
  if (entity === undefined || !isObject(record))
    return { statusCode: 400, message: 'body.xdmEntity must be an object.' };
  return toRecord(text, entity, rules);
}

/** To take a request to delete or to merge for a record would be a wrong record. */
function dataOperation(header: unknown): unknown {
  if (!isObject(header) || !('operations' in header) || !isObject(header.operations)) return undefined;
  return 'data' in header.operations ? header.operations.data : undefined;
}

function toRecord(text: string, span: Span, { maxRecordBytes }: MessageRules): Message {
  const raw = oneLine(text.slice(span.start, span.end).trim());
  if (Buffer.byteLength(raw) > maxRecordBytes) {
    return { statusCode: 413, message: `The record is longer than ${maxRecordBytes} bytes.` };
  }
  return { text: raw };
}

/** In valid JSON line breaks stand between tokens only: inside a string they are escaped. */
function oneLine(text: string): string {
  return text.includes('\n') || text.includes('\r') ? text.replaceAll(/[\r\n]/g, ' ') : text;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
