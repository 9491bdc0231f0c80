/** Room for one purpose at a time, kept from call to call; what was in it is lost when it has to grow. */
import { allocate, capacityOf, release } from './memory';

export const scratchDefinitions: usize = 0;
export const scratchRepetitions: usize = 1;
export const scratchValues: usize = 2;
export const scratchNumbers: usize = 3;
export const scratchDistinct: usize = 4;
export const scratchTable: usize = 5;
export const scratchLengths: usize = 6;
/** All 0 between its uses. */
export const scratchSeen: usize = 7;

const blocks: usize = memory.data(8 * 8, 16);

export function scratch(purpose: usize, bytes: usize): usize {
  const at = blocks + (purpose << 3);
  const size = load<usize>(at, 4);
  if (bytes <= size) return load<usize>(at);
  if (size != 0) release(load<usize>(at), size);
  const larger = capacityOf(bytes);
  const block = allocate(larger);
  if (purpose == scratchSeen) memory.fill(block, 0, larger);
  store<usize>(at, block);
  store<usize>(at, larger, 4);
  return block;
}
