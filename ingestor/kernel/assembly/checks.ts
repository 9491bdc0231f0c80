/** Whether a text is allowed: by the automaton of a check, or by the host where it has none. */
import { allocate, grow } from './memory';
import { automatonClasses, automatonRows, automatonStart, automatonWidth } from './nodes';

/** 1 when the value is allowed. */
@external("env", "checkText")
declare function checkText(check: i32, at: usize, length: u32): i32;

/** The address of each check's automaton, or 0. */
let automata: usize = 0;
let capacity: u32 = 0;

export function setAutomaton(check: u32, automaton: usize): void {
  if (check >= capacity) {
    const larger = (check + 1) * 2;
    automata = capacity == 0 ? allocate(larger << 2) : grow(automata, capacity << 2, capacity << 2, larger << 2);
    memory.fill(automata + (capacity << 2), 0, (larger - capacity) << 2);
    capacity = larger;
  }
  store<usize>(automata + (check << 2), automaton);
}

/** Whether `check` allows it; -1 allows all. */
@inline
export function isAllowed(check: i32, at: usize, length: u32): bool {
  return check < 0 || passes(check, at, length);
}

export function passes(check: i32, at: usize, length: u32): bool {
  const automaton = <u32>check < capacity ? load<usize>(automata + (<usize>check << 2)) : 0;
  return automaton == 0 ? checkText(check, at, length) != 0 : accepts(automaton, at, length);
}

function accepts(automaton: usize, at: usize, length: u32): bool {
  const rows = load<usize>(automaton, automatonRows);
  let state = load<u32>(automaton, automatonStart);
  for (let end = at + length; at < end; at++) {
    const column = <u32>load<u8>(automaton + <usize>load<u8>(at), automatonClasses);
    state = <u32>load<u16>(rows + (<usize>(state + column) << 1));
    if (state == 0) return false;
  }
  return load<u16>(rows + (<usize>(state + load<u32>(automaton, automatonWidth)) << 1)) != 0;
}
