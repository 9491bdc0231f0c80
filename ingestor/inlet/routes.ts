/** What a request asks for, by its head alone: the inlet's own paths, POST, a content type and a coding we read. */
import type { IncomingMessage } from 'node:http';
import type { InletTask } from '../contract/task.ts';
import { type Coding, tooLarge } from './body.ts';
import { type Answer, problem } from './problem.ts';

export interface Call {
  /** One record, or several. */
  readonly shape: 'Message' | 'Messages' | 'Lines';
  readonly coding: Coding;
  readonly syncValidation: boolean;
}

export type Routes = ReadonlyMap<string, 'single' | 'batch'>;

/** The paths of the inlet; a name is never a digest of 64 digits, so none is said twice. */
export function inletRoutes({ namespace, name, id }: InletTask['inlet']): Routes {
  return new Map([
    [`/collection/${namespace}/${name}`, 'single'],
    [`/collection/${id}`, 'single'],
    [`/collection/batch/${namespace}/${name}`, 'batch'],
    [`/collection/batch/${id}`, 'batch'],
  ]);
}

export interface Target {
  readonly endpoint: 'single' | 'batch';
  readonly syncValidation: boolean;
}

export function findTarget(routes: Routes, { url = '', method }: IncomingMessage): Target | Answer {
  const [path = '', query] = splitQuery(url);
  const endpoint = routes.get(path);
  if (endpoint === undefined) return problem(404, 'NotFound', 'No inlet listens on this path.');
  if (method !== 'POST') {
    return problem(405, 'MethodNotAllowed', 'Records are sent with POST.', { headers: { Allow: 'POST' } });
  }
  const syncValidation = query !== undefined && new URLSearchParams(query).get('syncValidation') === 'true';
  return { endpoint, syncValidation };
}

function splitQuery(url: string): [string, string?] {
  const mark = url.indexOf('?');
  return mark === -1 ? [url] : [url.slice(0, mark), url.slice(mark + 1)];
}

/** Checked before the body is read. */
export function findCall(
  { endpoint, syncValidation }: Target,
  { headers }: IncomingMessage,
  maxRequestBytes: number,
): Call | Answer {
  const shape = findShape(endpoint, headers['content-type'] ?? '');
  if (shape === undefined) return unsupportedType(endpoint);
  const coding = findCoding(headers['content-encoding'] ?? 'identity');
  if (coding === undefined) {
    const detail = 'The body may be packed with gzip or zstd.';
    return problem(415, 'UnsupportedEncoding', detail, { headers: { 'Accept-Encoding': 'gzip, zstd' } });
  }
  if (Number(headers['content-length'] ?? 0) > maxRequestBytes) return tooLarge(maxRequestBytes);
  return { shape, coding, syncValidation };
}

const lineTypes: readonly string[] = [
  'application/x-ndjson',
  'application/ndjson',
  'application/jsonl',
  'application/x-jsonlines',
  'application/jsonlines',
];

function findShape(endpoint: Target['endpoint'], contentType: string): Call['shape'] | undefined {
  const [type = '', ...parameters] = contentType
    .toLowerCase()
    .split(';')
    .map((part) => part.trim());
  const charset = parameters.find((parameter) => parameter.startsWith('charset='))?.slice('charset='.length);
  if (charset !== undefined && !/^"?(utf-?8|us-ascii)"?$/.test(charset)) return undefined;
  if (type === 'application/json' || /^application\/[-\w.]+\+json$/.test(type)) {
    return endpoint === 'single' ? 'Message' : 'Messages';
  }
  return endpoint === 'batch' && lineTypes.includes(type) ? 'Lines' : undefined;
}

function unsupportedType(endpoint: Target['endpoint']): Answer {
  const lines = endpoint === 'batch' ? ', or application/x-ndjson with one record a line' : '';
  return problem(415, 'UnsupportedMediaType', `Send application/json in UTF-8${lines}.`);
}

function findCoding(encoding: string): Coding | undefined {
  const name = encoding.trim().toLowerCase();
  if (name === '' || name === 'identity') return 'identity';
  if (name === 'gzip' || name === 'x-gzip') return 'gzip';
  return name === 'zstd' ? 'zstd' : undefined;
}
