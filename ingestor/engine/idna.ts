/** Labels of host names that are not ASCII, or stand for such: IDNA 2008 (RFC 5890 to 5893), Punycode (RFC 3492). */

/** The host name's labels, those of Punycode decoded; undefined where one is none, or they do not read in one direction. */
export function unicodeLabels(name: string): readonly string[] | undefined {
  const labels = name.split('.').map((label) => (/^xn--/i.test(label) ? unicodeOf(label) : label));
  const known = labels.filter((label) => label !== undefined);
  return known.length === labels.length && readInOneDirection(known) ? known : undefined;
}

/** What stands behind `xn--` is the Punycode of a Unicode label, and just what that would be encoded to. */
function unicodeOf(label: string): string | undefined {
  const encoded = label.slice(4).toLowerCase();
  const decoded = decodePunycode(encoded);
  if (decoded === undefined || !isUnicodeLabel(decoded) || encodePunycode(decoded) !== encoded) return undefined;
  return decoded;
}

/** A label with characters beyond ASCII, as RFC 5891 (section 4.2) lets it be registered. */
export function isUnicodeLabel(label: string): boolean {
  if (!/[^\0-\x7f]/.test(label) || !label.isWellFormed() || label.normalize('NFC') !== label) return false;
  if (/^-|-$|^..--/u.test(label) || /^\p{M}/u.test(label)) return false;
  if (`xn--${encodePunycode(label)}`.length > 63) return false;
  const characters = Array.from(label);
  return characters.every((_, at) => isAllowed(characters, at));
}

/** RFC 5892: the derived property, computed from properties of Unicode, and the rules of context of its appendix A. */
function isAllowed(label: readonly string[], at: number): boolean {
  const character = label[at] ?? '';
  const rule = contextRules.find(([characters]) => characters.test(character));
  if (rule) return rule[1](label, at);
  if (exceptions.valid.test(character) || /[a-z0-9-]/.test(character)) return true;
  if (exceptions.disallowed.test(character) || oldHangul.test(character)) return false;
  if (unstable.test(character) || ignorable.test(character)) return false;
  return /[\p{Ll}\p{Lu}\p{Lo}\p{Nd}\p{Lm}\p{Mn}\p{Mc}]/u.test(character);
}

/** Section 2.6. */
const exceptions = {
  valid: /[\u00df\u03c2\u06fd\u06fe\u0f0b\u3007]/u,
  disallowed: /[\u0640\u07fa\u302e\u302f\u3031-\u3035\u303b]/u,
};
/** Section 2.9. */
const oldHangul = /[\u1100-\u11ff\ua960-\ua97c\ud7b0-\ud7c6\ud7cb-\ud7fb]/u;
/** Section 2.2: folding its case and its compatibility makes another of it. */
const unstable = /\p{Changes_When_NFKC_Casefolded}/u;
/** Sections 2.3 and 2.4. */
const ignorable =
  /[\p{Default_Ignorable_Code_Point}\p{White_Space}\p{Noncharacter_Code_Point}\u{1d100}-\u{1d24f}]|[\u20d0-\u20ff]/u;

type ContextRule = readonly [RegExp, (label: readonly string[], at: number) => boolean];

const contextRules: readonly ContextRule[] = [
  // Zero width non-joiner: behind a virama, or between letters that join. Zero width joiner: behind a virama.
  [
    /\u200c/u,
    (label, at) =>
      isBehindVirama(label, at) || joining.test(`${label.slice(0, at).join('')} ${label.slice(at + 1).join('')}`),
  ],
  [/\u200d/u, isBehindVirama],
  // Middle dot: between two l.
  [/\u00b7/u, (label, at) => label[at - 1] === 'l' && label[at + 1] === 'l'],
  // Greek keraia: before Greek. Hebrew geresh and gershayim: behind Hebrew.
  [/\u0375/u, (label, at) => /\p{Script=Greek}/u.test(label[at + 1] ?? '')],
  [/[\u05f3\u05f4]/u, (label, at) => /\p{Script=Hebrew}/u.test(label[at - 1] ?? '')],
  // Katakana middle dot: in a label of Hiragana, Katakana or Han.
  [/\u30fb/u, (label) => label.some((one) => one !== '\u30fb' && /[\p{sc=Hira}\p{sc=Kana}\p{sc=Han}]/u.test(one))],
  // Arabic-Indic digits and extended ones do not mix.
  [/[\u0660-\u0669]/u, (label) => !label.some((one) => /[\u06f0-\u06f9]/u.test(one))],
  [/[\u06f0-\u06f9]/u, (label) => !label.some((one) => /[\u0660-\u0669]/u.test(one))],
];

/** Those of canonical combining class 9. */
const viramas =
  /[\u094d\u09cd\u0a4d\u0acd\u0b4d\u0bcd\u0c4d\u0ccd\u0d3b\u0d3c\u0d4d\u0dca\u0e3a\u0eba\u0f84\u1039\u103a\u1714\u1715\u1734\u17d2\u1a60\u1b44\u1baa\u1bab\u1bf2\u1bf3\u2d7f\ua806\ua82c\ua8c4\ua953\ua9c0\uaaf6\uabed\u{10a3f}\u{11046}\u{11070}\u{1107f}\u{110b9}\u{11133}\u{11134}\u{111c0}\u{11235}\u{112ea}\u{1134d}\u{11442}\u{114c2}\u{115bf}\u{1163f}\u{116b6}\u{1172b}\u{11839}\u{1193d}\u{1193e}\u{119e0}\u{11a34}\u{11a47}\u{11a99}\u{11c3f}\u{11d44}\u{11d45}\u{11d97}\u{11f41}\u{11f42}]/u;

function isBehindVirama(label: readonly string[], at: number): boolean {
  return viramas.test(label[at - 1] ?? '');
}

/** Arabic letters that join to both sides and those that join to the one before, of the Unicode block that names are of. */
const joinsBoth =
  '\\u0620\\u0626\\u0628\\u062a-\\u062e\\u0633-\\u063f\\u0641-\\u0647\\u0649\\u064a\\u066e\\u066f\\u0678-\\u0687\\u069a-\\u06bf\\u06c1\\u06c2\\u06cc\\u06ce\\u06d0\\u06d1\\u06fa-\\u06fc\\u06ff';
const joinsBefore =
  '\\u0622-\\u0625\\u0627\\u0629\\u062f-\\u0632\\u0648\\u0671-\\u0673\\u0675-\\u0677\\u0688-\\u0699\\u06c0\\u06c3-\\u06cb\\u06cd\\u06cf\\u06d2\\u06d3\\u06d5\\u06ee\\u06ef';
/** What stands before and behind a non-joiner, with a space in its place. */
const joining = new RegExp(`[${joinsBoth}]\\p{Mn}* \\p{Mn}*[${joinsBoth}${joinsBefore}]`, 'u');

/** RFC 5893, section 2, as far as scripts tell: if one label has letters that are read from the right, it is asked of all. */
function readInOneDirection(labels: readonly string[]): boolean {
  if (!labels.some((label) => rightToLeft.test(label) || arabicDigits.test(label))) return true;
  return labels.every((label) => {
    const isRight = rightToLeft.test(Array.from(label)[0] ?? '');
    if (!/^\p{L}/u.test(label) || !/[\p{L}\p{Nd}]\p{M}*$/u.test(label)) return false;
    if (!isRight) return !rightToLeft.test(label) && !arabicDigits.test(label);
    return !leftToRight.test(label) && !(arabicDigits.test(label) && /[0-9\u06f0-\u06f9]/u.test(label));
  });
}

const rightScripts = ['Arab', 'Hebr', 'Syrc', 'Thaa', 'Nkoo', 'Samr', 'Mand', 'Adlm']
  .map((one) => `\\p{sc=${one}}`)
  .join('');
const rightToLeft = new RegExp(`(?=\\p{L})[${rightScripts}]`, 'u');
const leftToRight = new RegExp(`(?=\\p{L})[^${rightScripts}]`, 'u');
const arabicDigits = /[\u0660-\u0669]/u;

/** RFC 3492, section 5. */
const [base, tMin, tMax, skew, damp, initialBias, initialCode] = [36, 1, 26, 38, 700, 72, 128];

function decodePunycode(text: string): string | undefined {
  const border = text.lastIndexOf('-');
  const codes = Array.from(text.slice(0, Math.max(0, border)), (one) => one.charCodeAt(0));
  let [code, bias, index] = [initialCode, initialBias, 0];
  for (let at = border + 1; at < text.length; ) {
    const before = index;
    for (let [weight, k] = [1, base]; ; k += base) {
      const digit = digitOf(text[at]);
      if (digit === undefined) return undefined;
      at += 1;
      index += digit * weight;
      const threshold = thresholdAt(k, bias);
      if (digit < threshold) break;
      weight *= base - threshold;
    }
    const count = codes.length + 1;
    bias = adapt(index - before, count, before === 0);
    code += Math.floor(index / count);
    index %= count;
    if (code > 0x10ffff) return undefined;
    codes.splice(index, 0, code);
    index += 1;
  }
  return String.fromCodePoint(...codes);
}

function encodePunycode(text: string): string {
  const codes = Array.from(text, (one) => one.codePointAt(0) ?? 0);
  const basic = codes.filter((code) => code < initialCode);
  let output = String.fromCodePoint(...basic) + (basic.length > 0 ? '-' : '');
  let [code, bias, delta, handled] = [initialCode, initialBias, 0, basic.length];
  while (handled < codes.length) {
    const next = Math.min(...codes.filter((one) => one >= code));
    delta += (next - code) * (handled + 1);
    code = next;
    for (const one of codes) {
      if (one < code) delta += 1;
      if (one !== code) continue;
      output += encodeNumber(delta, bias);
      bias = adapt(delta, handled + 1, handled === basic.length);
      delta = 0;
      handled += 1;
    }
    delta += 1;
    code += 1;
  }
  return output;
}

function encodeNumber(value: number, bias: number): string {
  let [rest, output] = [value, ''];
  for (let k = base; ; k += base) {
    const threshold = thresholdAt(k, bias);
    if (rest < threshold) return output + digits[rest];
    output += digits[threshold + ((rest - threshold) % (base - threshold))];
    rest = Math.floor((rest - threshold) / (base - threshold));
  }
}

const digits = 'abcdefghijklmnopqrstuvwxyz0123456789';

function digitOf(character: string | undefined): number | undefined {
  const digit = character === undefined || character === '' ? -1 : digits.indexOf(character);
  return digit < 0 ? undefined : digit;
}

function thresholdAt(k: number, bias: number): number {
  return Math.min(tMax, Math.max(tMin, k - bias));
}

function adapt(delta: number, count: number, isFirst: boolean): number {
  let rest = Math.floor(delta / (isFirst ? damp : 2));
  rest += Math.floor(rest / count);
  let k = 0;
  for (; rest > ((base - tMin) * tMax) / 2; k += base) rest = Math.floor(rest / (base - tMin));
  return k + Math.floor(((base - tMin + 1) * rest) / (rest + skew));
}
