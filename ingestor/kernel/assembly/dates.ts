/** RFC 3339 dates and times, exactly as ingestor/engine/datetime.ts reads them. */

/** What is no date. */
export const noDate: i32 = i32.MIN_VALUE;
/** What is no date-time. */
export const noDateTime: i64 = i64.MIN_VALUE;

/** Days since 1970-01-01 of a `full-date`. */
export function dateOf(at: usize, length: u32): i32 {
  return length == 10 ? dateAt(at) : noDate;
}

/** Microseconds since 1970-01-01T00:00:00Z of a `date-time`. Digits past the microsecond are cut. */
export function dateTimeOf(at: usize, length: u32): i64 {
  if (length < 20 || (<u32>load<u8>(at, 10) | 0x20) != 0x74) return noDateTime;
  const day = dateAt(at);
  if (day == noDate) return noDateTime;
  const hour = twoDigits(at + 11);
  const minute = twoDigits(at + 14);
  const second = twoDigits(at + 17);
  if (hour > 23 || minute > 59 || second > 60) return noDateTime;
  if (load<u8>(at, 13) != 0x3a || load<u8>(at, 16) != 0x3a) return noDateTime;

  const end = at + length;
  let next = at + 19;
  let micros: u32 = 0;
  if (load<u8>(next) == 0x2e) {
    next += 1;
    const first = next;
    let unit: u32 = 100_000;
    for (; next < end; next++) {
      const digit = <u32>load<u8>(next) - 0x30;
      if (digit > 9) break;
      micros += digit * unit;
      unit /= 10;
    }
    if (next == first) return noDateTime;
  }

  const offset = offsetAt(next, end);
  if (offset == noDate) return noDateTime;
  const minutes = <i32>(hour * 60 + minute) - offset;
  // RFC 3339 5.7: leap seconds are at the end of a UTC day only.
  if (second == 60 && (minutes + 2880) % 1440 != 1439) return noDateTime;
  return ((<i64>day * 1440 + <i64>minutes) * 60 + <i64>second) * 1_000_000 + <i64>micros;
}

function dateAt(at: usize): i32 {
  const century = twoDigits(at);
  const yearOfCentury = twoDigits(at + 2);
  const month = twoDigits(at + 5);
  const day = twoDigits(at + 8);
  if ((century | yearOfCentury) > 127 || month - 1 > 11 || day == 0 || day > 31) return noDate;
  if (load<u8>(at, 4) != 0x2d || load<u8>(at, 7) != 0x2d) return noDate;
  const year = century * 100 + yearOfCentury;
  if (day > 28 && day > lengthOf(year, month)) return noDate;
  return daysFromCivil(year, month, day);
}

function lengthOf(year: u32, month: u32): u32 {
  if (month == 2) return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

/** Days since 1970-01-01 in the proleptic Gregorian calendar, for years from 0 on (H. Hinnant, chrono algorithms). */
@inline
function daysFromCivil(year: u32, month: u32, day: u32): i32 {
  // Years begin in March; an era of 400 years is added so that none is negative.
  const y = year + 400 - u32(month <= 2);
  const era = y / 400;
  const yearOfEra = y - era * 400;
  const dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  const dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear;
  return <i32>(era * 146_097 + dayOfEra) - 719_468 - 146_097;
}

/** Minutes east of UTC of the offset from `at` to `end`, or `noDate`. */
@inline
function offsetAt(at: usize, end: usize): i32 {
  const sign = <u32>load<u8>(at);
  if ((sign | 0x20) == 0x7a) return end == at + 1 ? 0 : noDate;
  if ((sign != 0x2b && sign != 0x2d) || end != at + 6 || load<u8>(at, 3) != 0x3a) return noDate;
  const hours = twoDigits(at + 1);
  const minutes = twoDigits(at + 4);
  if (hours > 23 || minutes > 59) return noDate;
  const offset = <i32>(hours * 60 + minutes);
  return sign == 0x2b ? offset : -offset;
}

/** The number that two digits mean; 128 where they are none. */
@inline
function twoDigits(at: usize): u32 {
  const tens = <u32>load<u8>(at) - 0x30;
  const ones = <u32>load<u8>(at, 1) - 0x30;
  return tens > 9 || ones > 9 ? 128 : tens * 10 + ones;
}
