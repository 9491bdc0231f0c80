/** The values of `format` that are checked, each exactly. What is not here is refused with the schema, never passed over. */
import type { Format } from 'ajv';
import { fullFormats } from 'ajv-formats/dist/formats.js';
import { isTime, parseDate, parseDateTime } from './datetime.ts';
import { isHostname, isIPv4, isIPv6, isReference, isUri } from './uri.ts';

/** From ajv-formats as they are. Not `url` (it backtracks without bound) and not its dates (2026-02-31 in "fast" mode). */
const taken = [
  'uri-template',
  'email',
  'regex',
  'json-pointer',
  'relative-json-pointer',
  'binary',
  'password',
  'int32',
  'int64',
  'float',
  'double',
] as const;

/** RFC 3339, appendix A: units are named largest first and none between is left out. */
const durationDate = String.raw`(?:\d+D|\d+M(?:\d+D)?|\d+Y(?:\d+M(?:\d+D)?)?)`;
const durationTime = String.raw`T(?:\d+S|\d+M(?:\d+S)?|\d+H(?:\d+M(?:\d+S)?)?)`;
const duration = new RegExp(`^P(?:${durationDate}(?:${durationTime})?|${durationTime}|\\d+W)$`);

const formats: Readonly<Record<string, Format>> = {
  ...Object.fromEntries(taken.map((name) => [name, fullFormats[name]])),
  date: (text) => parseDate(text) !== undefined,
  time: isTime,
  duration,
  uri: isUri,
  'uri-reference': isReference,
  hostname: isHostname,
  ipv4: isIPv4,
  ipv6: isIPv6,
  'date-time': (text) => parseDateTime(text) !== undefined,
  byte: /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/,
  uuid: /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i,
};

export function knownFormats(): string[] {
  return Object.keys(formats).sort();
}

export function isKnownFormat(name: string): boolean {
  return Object.hasOwn(formats, name);
}

export function allFormats(): Readonly<Record<string, Format>> {
  return formats;
}
