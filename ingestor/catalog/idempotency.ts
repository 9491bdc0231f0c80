/** A UUID of version 7 (RFC 9562): milliseconds since 1970, then chance of 32 hexadecimal digits. */
export function idempotencyKey(time: number, nonce: string): string {
  const digits = `${time.toString(16).padStart(12, '0')}7${nonce.slice(0, 3)}8${nonce.slice(3, 18)}`;
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
