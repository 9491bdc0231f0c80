/** The keys of a node, found by their names: where the prediction of the next one fails, and those of maps. */
import { areSame } from './bytes';
import { hashOf } from './hash';
import { allocate } from './memory';
import { keyLength, keySize, keyText, nodeKeyCount, nodeKeyMask, nodeKeys, nodeKeyTable } from './nodes';

/** What the text of a key has beside its name: `"":`. */
const around: u32 = 3;

/** Makes the table in which the keys of a node are found; once, when they are written. */
export function indexKeys(node: usize): void {
  const count = load<u32>(node, nodeKeyCount);
  let size: u32 = 4;
  while (size < count * 2) size <<= 1;
  const table = allocate(<usize>size << 2);
  memory.fill(table, 0, <usize>size << 2);
  let key = load<usize>(node, nodeKeys);
  for (let index: u32 = 0; index < count; index++, key += keySize) {
    const length = load<u32>(key, keyLength);
    if (length < around) continue;
    let slot = <u32>hashOf(load<usize>(key, keyText) + 1, length - around) & (size - 1);
    while (load<usize>(table + (<usize>slot << 2)) != 0) slot = (slot + 1) & (size - 1);
    store<usize>(table + (<usize>slot << 2), key);
  }
  store<usize>(node, table, nodeKeyTable);
  store<u32>(node, size - 1, nodeKeyMask);
}

/** The key of this name, or 0. */
export function keyOf(node: usize, name: usize, length: u32): usize {
  const table = load<usize>(node, nodeKeyTable);
  const mask = load<u32>(node, nodeKeyMask);
  let slot = <u32>hashOf(name, length) & mask;
  let key = load<usize>(table + (<usize>slot << 2));
  while (key != 0) {
    if (load<u32>(key, keyLength) == length + around && areSame(load<usize>(key, keyText) + 1, name, length)) return key;
    slot = (slot + 1) & mask;
    key = load<usize>(table + (<usize>slot << 2));
  }
  return 0;
}
