/** Numbers as JSON writes them: integers exact to 64 bits, doubles as correctly rounded as JSON.parse rounds them. */

/** What the last number read was; what was not exact to its last digit is not said. */
export let integer: i64 = 0;
export let double: f64 = 0;

/** Where the integer ends that begins at `at`, in plain digits and of 64 bits; 0 where there is none. */
@inline
export function readInteger(at: usize): usize {
  const negative = u64(load<u8>(at) == 0x2d);
  at += <usize>negative;
  const first = at;
  let value: u64 = 0;
  while (true) {
    const digit = <u64>load<u8>(at) - 0x30;
    if (digit > 9) break;
    value = value * 10 + digit;
    at++;
  }
  const digits = at - first;
  // 19 digits cannot exceed an unsigned integer, so that the comparison is right.
  if (digits - 1 > 18 || (digits > 1 && load<u8>(first) == 0x30) || value > 0x7fff_ffff_ffff_ffff + negative) return 0;
  const next = <u32>load<u8>(at);
  if (next == 0x2e || (next | 0x20) == 0x65) return 0;
  integer = negative ? 0 - <i64>value : <i64>value;
  return at;
}

/** 10^0 to 10^22: powers of ten that a double holds exactly. */
const exactPowers: usize = memory.data<f64>([
  1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
  1e21, 1e22,
]);

/** Where the number ends that begins at `at`; 0 where there is none, or one that is not decided here. */
@inline
export function readDouble(at: usize): usize {
  const negative = u32(load<u8>(at) == 0x2d);
  at += negative;
  const first = at;
  let mantissa: u64 = 0;
  while (true) {
    const digit = <u64>load<u8>(at) - 0x30;
    if (digit > 9) break;
    mantissa = mantissa * 10 + digit;
    at++;
  }
  let digits = <u32>(at - first);
  if (digits == 0 || (digits > 1 && load<u8>(first) == 0x30)) return 0;
  let exponent: i32 = 0;
  if (load<u8>(at) == 0x2e) {
    at += 1;
    const point = at;
    while (true) {
      const digit = <u64>load<u8>(at) - 0x30;
      if (digit > 9) break;
      mantissa = mantissa * 10 + digit;
      at++;
    }
    if (at == point) return 0;
    exponent = <i32>(point - at);
    digits += <u32>(at - point);
  }
  if ((<u32>load<u8>(at) | 0x20) == 0x65) {
    at = readExponent(at + 1);
    if (at == 0) return 0;
    exponent += lastExponent;
  }
  if (digits > 19 && !fits(first, digits)) return 0;
  if (mantissa <= 0x20_0000_0000_0000 && exponent >= -22 && exponent <= 22) {
    const whole = <f64>mantissa;
    const value = exponent < 0
      ? whole / load<f64>(exactPowers + (<usize>-exponent << 3))
      : whole * load<f64>(exactPowers + (<usize>exponent << 3));
    double = negative ? -value : value;
    return at;
  }
  const value = nearest(mantissa, exponent);
  if (!(value < Infinity)) return 0;
  double = negative ? -value : value;
  return at;
}

let lastExponent: i32 = 0;

function readExponent(at: usize): usize {
  const sign = <u32>load<u8>(at);
  if (sign == 0x2b || sign == 0x2d) at++;
  const first = at;
  let value: i32 = 0;
  while (true) {
    const digit = <u32>load<u8>(at) - 0x30;
    if (digit > 9) break;
    value = value < 10_000 ? value * 10 + <i32>digit : value;
    at++;
  }
  lastExponent = sign == 0x2d ? -value : value;
  return at == first ? 0 : at;
}

/** Whether so many digits are at most 19 once zeros at their head are left out. */
function fits(at: usize, digits: u32): bool {
  for (; digits > 19; at++) {
    const byte = load<u8>(at);
    if (byte == 0x2e) continue;
    if (byte != 0x30) return false;
    digits--;
  }
  return true;
}

/** The first 128 bits of 5^q for q from `leastPower` to `mostPower`, high half first; the host fills it. */
const leastPower: i32 = -330;
const mostPower: i32 = 308;
const powers: usize = memory.data(639 * 16, 8);

export function powersOfFive(): usize {
  return powers;
}

/**
 * The double nearest to mantissa * 10^exponent (D. Lemire, "Number Parsing at a Gigabyte per Second"); NaN or infinity
 * where that is not decided here: what is near the least double, too large, or too close to the middle of two.
 */
function nearest(mantissa: u64, exponent: i32): f64 {
  if (mantissa == 0) return 0;
  if (exponent < leastPower || exponent > mostPower) return NaN;
  const power = powers + (<usize>(exponent - leastPower) << 4);
  const zeros = <i32>clz(mantissa);
  const normal = mantissa << (<u64>zeros);
  multiply(normal, load<u64>(power));
  let high = productHigh;
  let low = productLow;
  if ((high & 0x1ff) == 0x1ff) {
    multiply(normal, load<u64>(power, 8));
    low += productHigh;
    if (productHigh > low) high++;
  }
  if (low == 0xffff_ffff_ffff_ffff && (exponent < -27 || exponent > 55)) return NaN;
  const upper = <i32>(high >> 63);
  const shift = <u64>(upper + 9);
  let bits = high >> shift;
  let binary = ((217_706 * exponent) >> 16) + 63 + upper - zeros + 1023;
  if (binary <= 0) return NaN;
  // Exactly in the middle of two: to the even one.
  if (low <= 1 && exponent >= -4 && exponent <= 23 && (bits & 3) == 1 && bits << shift == high) bits &= ~1;
  bits += bits & 1;
  bits >>= 1;
  if (bits >= 0x20_0000_0000_0000) {
    bits = 0x10_0000_0000_0000;
    binary++;
  }
  if (binary >= 0x7ff) return NaN;
  return reinterpret<f64>((bits & 0xf_ffff_ffff_ffff) | ((<u64>binary) << 52));
}

let productHigh: u64 = 0;
let productLow: u64 = 0;

function multiply(a: u64, b: u64): void {
  const aLow = a & 0xffff_ffff;
  const aHigh = a >> 32;
  const bLow = b & 0xffff_ffff;
  const bHigh = b >> 32;
  const low = aLow * bLow;
  const middle = aHigh * bLow + (low >> 32);
  const other = aLow * bHigh + (middle & 0xffff_ffff);
  productHigh = aHigh * bHigh + (middle >> 32) + (other >> 32);
  productLow = (other << 32) | (low & 0xffff_ffff);
}
