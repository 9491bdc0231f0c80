/**
 * Rows that the host has as values: it writes each place of a row, depth first, as a tag and a slot of 8 bytes, text to
 * bytes that lie one after the other; here they are appended by a table of the columns' shape.
 */
import { appendBoolean, appendDouble, appendInt, appendLong, appendNulls, appendText, beginRow, endRow } from './columns';
import { allocate } from './memory';

const kindBoolean: u32 = 0;
const kindInt: u32 = 1;
const kindLong: u32 = 2;
const kindDouble: u32 = 3;
const kindText: u32 = 4;
const kindStruct: u32 = 5;

/** Tags: nothing is there; the slot has a double (of text its UTF-16 units, of lists and maps their items); an integer of 64 bits. */
const tagNull: u32 = 0;
const tagLong: u32 = 2;

const nodeKind: usize = 0;
const nodeFirst: usize = 4;
const nodeEnd: usize = 8;
const nodeNullLevel: usize = 12;
const nodePresentLevel: usize = 16;
const nodeRepetition: usize = 20;
/** Children follow their node, depth first: past all that lies below it. */
const nodeNext: usize = 24;
const nodeSize: usize = 32;

let nodes: usize = 0;
let nodesEnd: usize = 0;
let tag: usize = 0;
let slot: usize = 0;
let text: usize = 0;
let areUnitsBytes: bool = false;

export function makeNodes(count: u32): void {
  nodes = allocate(<usize>count * nodeSize);
  nodesEnd = nodes + <usize>count * nodeSize;
}

/** `next`: the number of the node past all that lie below this one. */
export function setNode(
  index: u32,
  kind: u32,
  first: u32,
  end: u32,
  nullLevel: u32,
  presentLevel: u32,
  repetition: u32,
  next: u32,
): void {
  const node = nodes + <usize>index * nodeSize;
  store<u32>(node, kind, nodeKind);
  store<u32>(node, first, nodeFirst);
  store<u32>(node, end, nodeEnd);
  store<u32>(node, nullLevel, nodeNullLevel);
  store<u32>(node, presentLevel, nodePresentLevel);
  store<u32>(node, repetition, nodeRepetition);
  store<usize>(node, nodes + <usize>next * nodeSize, nodeNext);
}

/** Adds the row that lies ready. */
export function feedRow(tags: usize, slots: usize, texts: usize, isAscii: bool): void {
  beginRow();
  feedValues(tags, slots, texts, isAscii);
  endRow();
}

/** Appends its values: the caller begins and ends the row. */
export function feedValues(tags: usize, slots: usize, texts: usize, isAscii: bool): void {
  areUnitsBytes = isAscii;
  tag = tags;
  slot = slots;
  text = texts;
  for (let node = nodes; node < nodesEnd; node = load<usize>(node, nodeNext)) feed(node, 0);
}

function feed(node: usize, repetition: u32): void {
  const kindOfSlot = <u32>load<u8>(tag++);
  const at = slot;
  slot += 8;
  const leaf = load<u32>(node, nodeFirst);
  if (kindOfSlot == tagNull) {
    appendNulls(leaf, load<u32>(node, nodeEnd), load<u32>(node, nodeNullLevel), repetition);
    return;
  }
  switch (load<u32>(node, nodeKind)) {
    case kindBoolean:
      appendBoolean(leaf, <u32>load<f64>(at), repetition);
      return;
    case kindInt:
      appendInt(leaf, <i32>load<f64>(at), repetition);
      return;
    case kindLong:
      appendLong(leaf, kindOfSlot == tagLong ? load<i64>(at) : <i64>load<f64>(at), repetition);
      return;
    case kindDouble:
      appendDouble(leaf, load<f64>(at), repetition);
      return;
    case kindText: {
      const units = <u32>load<f64>(at);
      const length = areUnitsBytes ? units : bytesOf(text, units);
      appendText(leaf, text, length, repetition, -1);
      text += length;
      return;
    }
    case kindStruct:
      feedChildren(node, repetition);
      return;
    default:
      feedItems(node, <u32>load<f64>(at), repetition);
  }
}

function feedItems(node: usize, count: u32, repetition: u32): void {
  if (count == 0) {
    appendNulls(load<u32>(node, nodeFirst), load<u32>(node, nodeEnd), load<u32>(node, nodePresentLevel), repetition);
    return;
  }
  feedChildren(node, repetition);
  const again = load<u32>(node, nodeRepetition);
  for (let index: u32 = 1; index < count; index++) feedChildren(node, again);
}

function feedChildren(node: usize, repetition: u32): void {
  const end = load<usize>(node, nodeNext);
  for (let child = node + nodeSize; child < end; child = load<usize>(child, nodeNext)) feed(child, repetition);
}

/** How many bytes of UTF-8 so many UTF-16 units take: a character of four bytes is two of them. */
function bytesOf(from: usize, units: u32): u32 {
  let at = from;
  while (units > 0) {
    const first = load<u8>(at);
    at += first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    units -= first < 0xf0 ? 1 : min<u32>(2, units);
  }
  return <u32>(at - from);
}
