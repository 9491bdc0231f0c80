/** What a catalog answers, as our errors: which code, and a message that names the place and the cure. */
import { ForebayError } from '../contract/errors.ts';
import { parseJSON } from '../table/iceberg/json.ts';
import type { HttpAnswer, NoAnswer } from './http.ts';

/** Longest part of a catalog's own words in a message. */
const longestWords = 300;

/** A member of a JSON object; undefined when the text is none. */
export function findMember(text: string, name: string): unknown {
  return memberOf(tryParse(text), name);
}

export function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return Object.entries(value).find(([key]) => key === name)?.[1];
}

export function tryParse(text: string): unknown {
  try {
    return parseJSON(text);
  } catch {
    return undefined;
  }
}

/** The error of a catalog that speaks the protocol; undefined for what a proxy or another server says. */
export function catalogError({ text }: HttpAnswer): { readonly type: string; readonly message: string } | undefined {
  const error = findMember(text, 'error');
  const type = memberOf(error, 'type');
  const message = memberOf(error, 'message');
  if (typeof type !== 'string' && typeof message !== 'string') return undefined;
  return { type: typeof type === 'string' ? type : '', message: typeof message === 'string' ? message : '' };
}

/**
 * True when the catalog itself says that the table, or its namespace, is not there. A proxy's 404 says nothing, and
 * NotFoundException is of a table whose metadata file is gone.
 */
export function isMissing(answer: HttpAnswer): boolean {
  const error = answer.status === 404 ? catalogError(answer) : undefined;
  return error !== undefined && error.type !== 'NotFoundException';
}

/** May be otherwise the next time: also what a catalog behind a proxy answers while it is not up. */
export function mayPass(answer: HttpAnswer): boolean {
  const { status } = answer;
  if (status === 404) return catalogError(answer) === undefined;
  return status === 408 || status === 425 || status === 429 || (status >= 500 && status !== 501) || status < 300;
}

/** Not let in, or no longer (419: the token has expired). */
export function isRefusal({ status }: HttpAnswer): boolean {
  return status === 401 || status === 403 || status === 419;
}

/** `400 ValidationException: Snapshot already exists`, in one line, without what a catalog repeats of secrets. */
export function wordsOf(answer: HttpAnswer): string {
  const { status } = answer;
  const error = catalogError(answer);
  if (error === undefined) return String(status);
  const type = error.type === '' ? '' : ` ${error.type}`;
  const message = error.message === '' ? '' : `: ${withoutSecrets(error.message)}`;
  return `${status}${type}${message}`.slice(0, longestWords);
}

function withoutSecrets(message: string): string {
  const [line = ''] = message.split(/[\r\n]/, 1);
  return line
    .replaceAll(/\p{C}/gu, ' ')
    .replaceAll(/(https?:\/\/[^\s?#]*)[?#]\S*/gi, '$1')
    .replaceAll(/(bearer|token|secret|password|credential)(\s*[:=]?\s*)\S+/gi, '$1$2...');
}

/** How long the server asks to be left alone, in milliseconds. */
export function retryAfter({ headers }: HttpAnswer, now: number): number | undefined {
  const told = headers['retry-after'];
  if (told === undefined) return undefined;
  if (/^[0-9]{1,9}$/.test(told)) return 1_000 * Number(told);
  const until = Date.parse(told);
  return Number.isNaN(until) ? undefined : Math.max(0, until - now);
}

export function unavailable(place: string, action: string, reason: string): ForebayError {
  return new ForebayError('CatalogUnavailable', `the catalog ${place} gives no clear answer (${reason}): ${action}`);
}

/** What was sent may hold a secret, so the cause is not kept beyond its name. */
export function noAnswer(place: string, action: string, { reason }: NoAnswer): ForebayError {
  if (isAboutCertificate(reason)) return untrusted(place, reason);
  const isOtherProtocol = reason === 'EPROTO' || reason.startsWith('HPE_');
  return unavailable(place, action, isOtherProtocol ? `${reason}; check http and https` : reason);
}

export function refused(place: string, action: string, answer: HttpAnswer): ForebayError {
  const cure = cureOf(answer);
  return new ForebayError('CatalogRefused', `the catalog ${place} refused to ${action} (${wordsOf(answer)})${cure}`);
}

function cureOf(answer: HttpAnswer): string {
  const { status } = answer;
  if (status >= 300 && status < 400) return ': it answers with a redirect; check the uri';
  if (status === 413) return ': something in front of it limits the size of requests';
  return catalogError(answer) === undefined ? ': check the uri' : '';
}

/** Codes of OpenSSL's verification, and of Node's check of the host name. */
function isAboutCertificate(reason: string): boolean {
  return /CERT|SELF_SIGNED|UNABLE_TO_|ISSUER|HOSTNAME_MISMATCH/.test(reason);
}

function untrusted(place: string, reason: string): ForebayError {
  const message = `the certificate of the catalog ${place} is not trusted (${reason}): ${certificateCure(reason)}`;
  return new ForebayError('UntrustedCertificate', message);
}

function certificateCure(reason: string): string {
  if (reason === 'CERT_HAS_EXPIRED') return 'it has expired';
  if (reason === 'ERR_TLS_CERT_ALTNAME_INVALID') return 'it is for another host; mend the uri';
  return 'name its authority in caConfigMapRef';
}
