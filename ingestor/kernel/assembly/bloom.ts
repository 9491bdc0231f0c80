/** Parquet's split-block bloom filter: blocks of 256 bits, in each of whose 8 words a value sets one. */
import { xxHash64 } from './hash';
import { leafAt, leafType, table, typeText, valueShift } from './leaf';
import { pick, pickedDistinct, pickedDistinctCount, pickedPresent, pickedValues } from './pick';
import { lengthBytes } from './texts';

/** Adds the values of the rows `wanted` (0: all) to the filter at `filter`. */
export function addToBloom(leaf: u32, wanted: usize, count: u32, filter: usize, bytes: u32): void {
  pick(leaf, wanted, count);
  const column = leafAt(leaf);
  const blocks = bytes >> 5;
  if (load<u32>(column, leafType) == typeText) {
    const hasDictionary = load<usize>(column, table) != 0;
    const from = hasDictionary ? pickedDistinct : pickedValues;
    const end = from + (<usize>(hasDictionary ? pickedDistinctCount : pickedPresent) << 2);
    for (let at = from; at < end; at += 4) {
      const record = load<usize>(at);
      setBits(filter, blocks, xxHash64(record + lengthBytes, load<u32>(record)));
    }
    return;
  }
  const size = (<usize>1) << load<u32>(column, valueShift);
  const end = pickedValues + <usize>pickedPresent * size;
  for (let at = pickedValues; at < end; at += size) setBits(filter, blocks, xxHash64(at, size));
}

function setBits(filter: usize, blocks: u32, hash: u64): void {
  const block = filter + (<usize>(((hash >> 32) * <u64>blocks) >> 32) << 5);
  const key = <u32>hash;
  setBit(block, key, 0x47b6137b);
  setBit(block + 4, key, 0x44974d91);
  setBit(block + 8, key, 0x8824ad5b);
  setBit(block + 12, key, 0xa2b7289d);
  setBit(block + 16, key, 0x705495c7);
  setBit(block + 20, key, 0x2df1424b);
  setBit(block + 24, key, 0x9efc4947);
  setBit(block + 28, key, 0x5c6bfb31);
}

@inline
function setBit(word: usize, key: u32, salt: u32): void {
  store<u32>(word, load<u32>(word) | (1 << ((key * salt) >> 27)));
}
