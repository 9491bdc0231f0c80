/**
 * Blocks of memory, in sizes that are powers of two, each with a list of those that are free. What grows asks for twice
 * its size and gives the old block back, so no more than half of what is held is unused. Nothing goes back to the system.
 */

/** Every block may be read, and written by whole vectors, so far past its end. */
export const padding: usize = 64;

const smallest: u32 = 6;
const classes: u32 = 32;
const free: usize = memory.data(<i32>(classes * 4), 16);
let top: usize = 0;

/** A block of at least `bytes`, aligned to 16. Traps when memory is used up. */
export function allocate(bytes: usize): usize {
  const size = classOf(bytes);
  const found = load<usize>(free + ((<usize>size) << 2));
  if (found != 0) {
    store<usize>(free + ((<usize>size) << 2), load<usize>(found));
    return found;
  }
  if (top == 0) top = (__heap_base + 63) & ~63;
  const block = top;
  const end = <u64>block + ((<u64>1) << (<u64>size)) + <u64>padding;
  const pages = <i32>((end + 0xffff) >> 16);
  const have = memory.size();
  if (end > 0xffff0000 || (pages > have && memory.grow(pages - have) < 0)) unreachable();
  top = <usize>end;
  return block;
}

export function release(block: usize, bytes: usize): void {
  const size = classOf(bytes);
  store<usize>(block, load<usize>(free + ((<usize>size) << 2)));
  store<usize>(free + ((<usize>size) << 2), block);
}

/** What a block that was asked for with `bytes` can hold. */
export function capacityOf(bytes: usize): usize {
  return (<usize>1) << (<usize>classOf(bytes));
}

/** A block with room for `bytes`, with the first `used` bytes of `block`, which is given back. */
export function grow(block: usize, capacity: usize, used: usize, bytes: usize): usize {
  const larger = allocate(bytes);
  memory.copy(larger, block, used);
  release(block, capacity);
  return larger;
}

function classOf(bytes: usize): u32 {
  const size: u32 = bytes <= 1 ? 0 : 32 - clz(<u32>bytes - 1);
  return size < smallest ? smallest : size;
}
