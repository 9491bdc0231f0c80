/**
 * RFC 3339 dates and times, exactly: 2026-02-31 is none. One parser serves the judge (is it one?) and the table (which
 * one?), so they cannot disagree. Reads character codes since every record passes here.
 */

/** Days since 1970-01-01 of a `full-date` (yyyy-mm-dd), or undefined when it is none. */
export function parseDate(text: string): number | undefined {
  return text.length === 10 ? dateAt(text) : undefined;
}

/**
 * Microseconds since 1970-01-01T00:00:00Z of a `date-time`, or undefined when it is none: a bigint where a double could
 * not hold it (past the year 2255). Digits past the microsecond are cut. A leap second is the second after it.
 */
export function parseDateTime(text: string): number | bigint | undefined {
  if (text.length < 20 || (text.charCodeAt(10) | 0x20) !== lowerT) return undefined;
  const day = dateAt(text);
  if (day === undefined) return undefined;
  const time = timeAt(text, 11);
  if (time === undefined) return undefined;
  const micros = day * microsPerDay + time;
  if (Number.isSafeInteger(micros)) return micros;
  return BigInt(day) * BigInt(microsPerDay) + BigInt(time);
}

/** True for a `full-time` (hh:mm:ss[.fraction] and an offset or Z). */
export function isTime(text: string): boolean {
  return timeAt(text, 0) !== undefined;
}

/** yyyy-mm-dd of days since 1970-01-01; undefined outside the years 0000 to 9999. */
export function formatDate(days: number): string | undefined {
  if (days < firstDay || days > lastDay) return undefined;
  return new Date(days * 86_400_000).toISOString().slice(0, 10);
}

/** RFC 3339 in UTC with as many digits as needed; undefined outside the years 0000 to 9999. */
export function formatDateTime(micros: number | bigint): string | undefined {
  let rest = Number(typeof micros === 'bigint' ? micros % 1_000_000n : micros % microsPerSecond);
  if (rest < 0) rest += microsPerSecond;
  const seconds =
    typeof micros === 'bigint' ? Number((micros - BigInt(rest)) / 1_000_000n) : (micros - rest) / microsPerSecond;
  if (seconds < firstSecond || seconds > lastSecond) return undefined;
  const text = new Date(seconds * 1000).toISOString().slice(0, 19);
  if (rest === 0) return `${text}Z`;
  return `${text}.${String(rest).padStart(6, '0').replace(/0+$/, '')}Z`;
}

const lowerT = 0x74;
const lowerZ = 0x7a;
const microsPerSecond = 1_000_000;
const microsPerDay = 86_400 * microsPerSecond;
/** 0000-01-01 and 9999-12-31, as days since 1970-01-01. */
const firstDay = -719_528;
const lastDay = 2_932_896;
const firstSecond = firstDay * 86_400;
const lastSecond = (lastDay + 1) * 86_400 - 1;
const monthLengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** The two digits at `at`, or NaN. */
function two(text: string, at: number): number {
  const tens = text.charCodeAt(at) - 48;
  const ones = text.charCodeAt(at + 1) - 48;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN;
}

function dateAt(text: string): number | undefined {
  const year = two(text, 0) * 100 + two(text, 2);
  const month = two(text, 5);
  const day = two(text, 8);
  // Comparisons with NaN are false, so digits that are none fall out here.
  if (!(year >= 0 && month >= 1 && month <= 12 && day >= 1)) return undefined;
  if (text.charCodeAt(4) !== 0x2d || text.charCodeAt(7) !== 0x2d) return undefined;
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const length = month === 2 && leap ? 29 : monthLengths[month - 1];
  if (length === undefined || day > length) return undefined;
  return daysFromCivil(year, month, day);
}

/** Days since 1970-01-01 in the proleptic Gregorian calendar, for years from 0 on (H. Hinnant, chrono algorithms). */
function daysFromCivil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

/** Microseconds since midnight UTC of the full-time that makes up the rest of `text`; negative or over a day where the offset says so. */
function timeAt(text: string, at: number): number | undefined {
  const hour = two(text, at);
  const minute = two(text, at + 3);
  const second = two(text, at + 6);
  if (!(hour <= 23 && minute <= 59 && second <= 60)) return undefined;
  if (text.charCodeAt(at + 2) !== 0x3a || text.charCodeAt(at + 5) !== 0x3a) return undefined;

  let next = at + 8;
  let micros = 0;
  if (text.charCodeAt(next) === 0x2e) {
    const start = next + 1;
    let unit = 100_000;
    for (next = start; next < text.length; next += 1) {
      const digit = text.charCodeAt(next) - 48;
      if (digit < 0 || digit > 9) break;
      micros += digit * unit;
      unit = unit === 1 ? 0 : unit / 10;
    }
    if (next === start) return undefined;
  }

  const offset = offsetAt(text, next);
  if (offset === undefined) return undefined;
  // RFC 3339 5.7: leap seconds are at the end of a UTC day only.
  if (second === 60 && (((hour * 60 + minute - offset) % 1440) + 1440) % 1440 !== 1439) return undefined;
  return ((hour * 60 + minute - offset) * 60 + second) * microsPerSecond + micros;
}

/** Minutes east of UTC of the offset that makes up the rest of `text`. */
function offsetAt(text: string, at: number): number | undefined {
  const sign = text.charCodeAt(at);
  if ((sign | 0x20) === lowerZ) return text.length === at + 1 ? 0 : undefined;
  if ((sign !== 0x2b && sign !== 0x2d) || text.length !== at + 6 || text.charCodeAt(at + 3) !== 0x3a) return undefined;
  const hours = two(text, at + 1);
  const minutes = two(text, at + 4);
  if (!(hours <= 23 && minutes <= 59)) return undefined;
  return (sign === 0x2b ? 1 : -1) * (hours * 60 + minutes);
}
