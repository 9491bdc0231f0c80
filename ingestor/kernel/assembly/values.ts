/**
 * One value of a leaf, checked as its node asks and appended to its column. All answer false, and have appended nothing,
 * where the value is not what the node allows, or that is not decided here.
 */
import { appendBoolean, appendDouble, appendInt, appendLong, appendText } from './columns';
import { dateOf, dateTimeOf, noDate, noDateTime } from './dates';
import {
  kindInt,
  nodeAllowed,
  nodeBounded,
  nodeCheck,
  nodeChoiceCount,
  nodeChoices,
  nodeFirstLeaf,
  nodeKind,
  nodeLeast,
  nodeMaximum,
  nodeMinimum,
  nodeMost,
} from './nodes';
import { hasLength } from './text';

/** Well-formed UTF-8; `padding` bytes behind it may be read. */
@inline
export function appendTextOf(node: usize, at: usize, length: u32, repetition: u32): bool {
  if (!hasFittingLength(node, at, length)) return false;
  return appendText(load<u32>(node, nodeFirstLeaf), at, length, repetition, load<i32>(node, nodeCheck));
}

@inline
function hasFittingLength(node: usize, at: usize, length: u32): bool {
  return hasLength(at, length, load<u32>(node, nodeLeast), load<u32>(node, nodeMost));
}

export function appendDateOf(node: usize, at: usize, length: u32, repetition: u32): bool {
  const days = dateOf(at, length);
  if (days == noDate || !hasFittingLength(node, at, length)) return false;
  appendInt(load<u32>(node, nodeFirstLeaf), days, repetition);
  return true;
}

export function appendDateTimeOf(node: usize, at: usize, length: u32, repetition: u32): bool {
  const micros = dateTimeOf(at, length);
  if (micros == noDateTime || !hasFittingLength(node, at, length)) return false;
  appendLong(load<u32>(node, nodeFirstLeaf), micros, repetition);
  return true;
}

/** An integer, of an int or a long. */
@inline
export function appendIntegerOf(node: usize, value: i64, repetition: u32): bool {
  if (value < load<i64>(node, nodeMinimum) || value > load<i64>(node, nodeMaximum)) return false;
  if (load<u32>(node, nodeChoiceCount) != 0 && !isIntegerChoice(node, value)) return false;
  const leaf = load<u32>(node, nodeFirstLeaf);
  if (load<u8>(node, nodeKind) == kindInt) appendInt(leaf, <i32>value, repetition);
  else appendLong(leaf, value, repetition);
  return true;
}

function isIntegerChoice(node: usize, value: i64): bool {
  const choices = load<usize>(node, nodeChoices);
  for (let index: u32 = 0; index < load<u32>(node, nodeChoiceCount); index++) {
    if (load<i64>(choices + (<usize>index << 3)) == value) return true;
  }
  return false;
}

/** A finite double. From 2^53 on its bounds are judged by more digits than it has. */
@inline
export function appendDoubleOf(node: usize, value: f64, repetition: u32): bool {
  if (load<u8>(node, nodeBounded) != 0 && !isWithin(node, value)) return false;
  appendDouble(load<u32>(node, nodeFirstLeaf), value, repetition);
  return true;
}

@inline
function isWithin(node: usize, value: f64): bool {
  if (!(value >= load<f64>(node, nodeMinimum) && value <= load<f64>(node, nodeMaximum))) return false;
  if (abs(value) >= 9007199254740992) return false;
  return load<u32>(node, nodeChoiceCount) == 0 || isDoubleChoice(node, value);
}

function isDoubleChoice(node: usize, value: f64): bool {
  const choices = load<usize>(node, nodeChoices);
  for (let index: u32 = 0; index < load<u32>(node, nodeChoiceCount); index++) {
    if (load<f64>(choices + (<usize>index << 3)) == value) return true;
  }
  return false;
}

/** 0 or 1. */
@inline
export function appendBooleanOf(node: usize, value: u32, repetition: u32): bool {
  if (((<u32>load<u8>(node, nodeAllowed) >> value) & 1) == 0) return false;
  appendBoolean(load<u32>(node, nodeFirstLeaf), value, repetition);
  return true;
}
