/** The values of `format` that are checked, each exactly. What is not here is refused with the schema, never passed over. */
import type { Format } from 'ajv';
import { fullFormats } from 'ajv-formats/dist/formats.js';
import { isTime, parseDate, parseDateTime } from './datetime.ts';
import { formatPatterns } from './formatpatterns.ts';
import { isHostname, isIdnHostname, isIPv4, isIPv6, isReference, isUri } from './uri.ts';

/** From ajv-formats as they are: those of numbers, and those that are none. */
const taken = ['binary', 'password', 'int32', 'int64', 'float', 'double'] as const;

const formats: Readonly<Record<string, Format>> = {
  ...Object.fromEntries(taken.map((name) => [name, fullFormats[name]])),
  byte: regular('byte'),
  date: (text) => parseDate(text) !== undefined,
  'date-time': (text) => parseDateTime(text) !== undefined,
  duration: regular('duration'),
  email: regular('email'),
  hostname: isHostname,
  'idn-hostname': isIdnHostname,
  ipv4: isIPv4,
  ipv6: isIPv6,
  'json-pointer': regular('json-pointer'),
  regex: isPattern,
  'relative-json-pointer': regular('relative-json-pointer'),
  time: isTime,
  uri: isUri,
  'uri-reference': isReference,
  'uri-template': regular('uri-template'),
  uuid: regular('uuid'),
};

/** V8 runs these in time linear in the text. */
function regular(name: keyof typeof formatPatterns): RegExp {
  return new RegExp(formatPatterns[name], 'u');
}

function isPattern(text: string): boolean {
  try {
    new RegExp(text, 'u');
    return true;
  } catch {
    return false;
  }
}

export function knownFormats(): string[] {
  return Object.keys(formats).sort();
}

export function isKnownFormat(name: string): boolean {
  return Object.hasOwn(formats, name);
}

export function allFormats(): Readonly<Record<string, Format>> {
  return formats;
}
