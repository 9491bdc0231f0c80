/**
 * Dense version numbers, as objects whose names are never freed: the newest is found by looking whether a number is
 * taken, in doubling steps from one known to be, so that a hint may be old or missing.
 */

/** The last taken number from `from` on (itself taken, or 0 for none), where all below a taken one are taken. */
export async function findLast(from: number, isTaken: (n: number) => Promise<boolean>): Promise<number> {
  let taken = from;
  let step = 1;
  while (await isTaken(taken + step)) {
    taken += step;
    step *= 2;
  }
  let free = taken + step;
  while (free - taken > 1) {
    const middle = taken + Math.floor((free - taken) / 2);
    if (await isTaken(middle)) taken = middle;
    else free = middle;
  }
  return taken;
}
