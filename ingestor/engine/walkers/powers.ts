/** The table by which the kernel rounds decimal numbers to doubles: see `nearest` in assembly/numbers.ts. */
import type { Kernel } from '../../kernel/kernel.ts';

const least = -330;
const most = 308;

/** Writes the first 128 bits of 5^q for all powers of ten that are decided in the kernel, high half first. */
export function writePowersOfFive(kernel: Kernel): void {
  const at = kernel.run.powersOfFive() >>> 0;
  const { bytes } = kernel;
  for (let power = least; power <= most; power += 1) {
    const bits = leadingBits(power);
    const to = at + (power - least) * 16;
    bytes.writeBigUInt64LE(bits >> 64n, to);
    bytes.writeBigUInt64LE(bits & (2n ** 64n - 1n), to + 8);
  }
}

/** As D. Lemire, "Number Parsing at a Gigabyte per Second", has them: cut, but of small negative powers rounded up. */
function leadingBits(power: number): bigint {
  const five = 5n ** BigInt(Math.abs(power));
  const length = five.toString(2).length;
  if (power >= 0) return length > 128 ? five >> BigInt(length - 128) : five << BigInt(128 - length);
  return (1n << BigInt(length + 127)) / five + (power >= -27 ? 1n : 0n);
}
