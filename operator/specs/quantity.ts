/** Kubernetes quantities, as far as the operator must understand them. */

const multipliers: Readonly<Record<string, number>> = {
  '': 1,
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** `1Gi`, `1.5e9`, `512M`, 1024; undefined for what is no quantity. */
export function parseQuantity(quantity: string | number): number | undefined {
  const [, digits, suffix = ''] =
    /^([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)([A-Za-z]*)$/.exec(String(quantity)) ?? [];
  const multiplier = multipliers[suffix];
  return digits === undefined || multiplier === undefined ? undefined : Number(digits) * multiplier;
}

const mebibyte = 2 ** 20;

/** Code, stacks and the runtime itself, measured at an idle ingestor. */
const runtimeBytes = 64 * mebibyte;

/** Of what is left, for objects; the rest is for buffers outside the heap: sockets, decompression, column pages. */
const heapShare = 0.6;

/** Half of what V8 would set aside for objects that die young, which made nothing faster. */
const semiSpaceMiB = 16;

/** Options of Node for a container's memory limit; undefined without a limit, where V8 looks itself. */
export function heapOptions(limit: string | number | undefined): string[] | undefined {
  const bytes = limit === undefined ? undefined : parseQuantity(limit);
  if (bytes === undefined) return undefined;
  const heapMiB = Math.max(32, Math.floor(((bytes - runtimeBytes) * heapShare) / mebibyte));
  return [`--max-old-space-size=${heapMiB}`, `--max-semi-space-size=${semiSpaceMiB}`];
}
