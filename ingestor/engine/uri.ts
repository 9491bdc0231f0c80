/** RFC 3986 URIs and RFC 1123 host names, as the formats `uri`, `uri-reference` and `hostname` mean them. */
import { isUnicodeLabel, unicodeLabels } from './idna.ts';

/** An absolute URI, with scheme. */
export function isUri(text: string): boolean {
  return isReference(text) && scheme.test(text);
}

/** A URI or a relative reference. */
export function isReference(text: string): boolean {
  const match = parts.exec(text);
  if (!match) return false;
  const [, schemePart, , authority, path = '', query = '', fragment = ''] = match;
  if (!pathCharacters.test(path) || !queryCharacters.test(query) || !queryCharacters.test(fragment)) return false;
  if (schemePart !== undefined) return scheme.test(text) && (authority === undefined || isAuthority(authority));
  // Without a scheme, a colon in the first segment would be taken for the end of one.
  if (authority === undefined && (path.split('/', 1)[0] ?? '').includes(':')) return false;
  return authority === undefined || isAuthority(authority);
}

/** Labels of 1 to 63 letters, digits and hyphens, 253 in all; `xn--` stands for Unicode, other `??--` for nothing. */
export function isHostname(text: string): boolean {
  if (text.length > 253 || !text.split('.').every(isLabel)) return false;
  return !/xn--/i.test(text) || unicodeLabels(text) !== undefined;
}

/** The same with labels that are Unicode. */
export function isIdnHostname(text: string): boolean {
  // Long before, it is too long in ASCII.
  if (text.length > 253) return false;
  const name = text.replace(/[\u3002\uff0e\uff61]/g, '.');
  return unicodeLabels(name) !== undefined && name.split('.').every((one) => isLabel(one) || isUnicodeLabel(one));
}

function isLabel(text: string): boolean {
  return label.test(text) && (!reserved.test(text) || ace.test(text));
}

/** Appendix B of RFC 3986. */
const parts = /^(?:([^:/?#]+):)?(\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/su;
const scheme = /^[a-z][a-z0-9+.-]*:/i;
const pathCharacters = /^(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2})*$/;
const queryCharacters = /^(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/?]|%[0-9A-Fa-f]{2})*$/;
const userCharacters = /^(?:[A-Za-z0-9\-._~!$&'()*+,;=:]|%[0-9A-Fa-f]{2})*$/;
const nameCharacters = /^(?:[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})*$/;
const futureAddress = /^v[0-9a-f]+\.[A-Za-z0-9\-._~!$&'()*+,;=:]+$/i;
const label = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i;
const reserved = /^..--/;
const ace = /^xn--/i;

function isAuthority(authority: string): boolean {
  const at = authority.indexOf('@');
  if (at >= 0 && !userCharacters.test(authority.slice(0, at))) return false;
  const hostAndPort = authority.slice(at + 1);
  const literal = /^\[([^\]]*)\](?::\d*)?$/.exec(hostAndPort);
  if (literal) return isAddress(literal[1] ?? '');
  const colon = hostAndPort.indexOf(':');
  const host = colon < 0 ? hostAndPort : hostAndPort.slice(0, colon);
  return nameCharacters.test(host) && (colon < 0 || /^\d*$/.test(hostAndPort.slice(colon + 1)));
}

/** IPv6, with an IPv4 address at its end at most, or a future version's. */
function isAddress(text: string): boolean {
  return futureAddress.test(text) || isIPv6(text);
}

export function isIPv6(text: string): boolean {
  const halves = text.split('::');
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')));
  const last = groups.at(-1);
  const embedded = last?.includes('.') === true && !text.endsWith('::');
  if (embedded && !isIPv4(last ?? '')) return false;
  const plain = embedded ? groups.slice(0, -1) : groups;
  if (!plain.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return false;
  const count = plain.length + (embedded ? 2 : 0);
  return halves.length === 2 ? count <= 7 : count === 8;
}

export function isIPv4(text: string): boolean {
  const groups = text.split('.');
  return groups.length === 4 && groups.every((group) => /^(?:0|[1-9]\d{0,2})$/.test(group) && Number(group) <= 255);
}
