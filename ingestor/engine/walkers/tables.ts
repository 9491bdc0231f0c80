/** Writes a plan into a kernel's memory as the tables that its walkers read: see ingestor/kernel/assembly/nodes.ts. */
import {
  allowBoolean,
  allowInteger,
  allowList,
  allowNumber,
  allowObject,
  allowText,
  automatonClasses,
  automatonRows,
  automatonSize,
  automatonStart,
  automatonWidth,
  keyLength,
  keyNext,
  keyNode,
  keyRequired,
  keySize,
  keyText,
  kindBoolean,
  kindDate,
  kindDateTime,
  kindDouble,
  kindInt,
  kindJson,
  kindList,
  kindLong,
  kindMap,
  kindStruct,
  kindText,
  kindUnknown,
  nodeAllowed,
  nodeBounded,
  nodeCheck,
  nodeChild,
  nodeChoiceCount,
  nodeChoices,
  nodeEndLeaf,
  nodeFirstKey,
  nodeFirstLeaf,
  nodeKeyCount,
  nodeKeys,
  nodeKind,
  nodeLeast,
  nodeMaximum,
  nodeMinimum,
  nodeMost,
  nodeNullable,
  nodeNullLevel,
  nodeOpen,
  nodePresentLevel,
  nodeRepetition,
  nodeSize,
  nodeUnique,
} from '../../kernel/assembly/nodes.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { Check, FieldCheck, Span, TextCheck, Value, WalkPlan } from '../plan/plan.ts';
import { writePowersOfFive } from './powers.ts';

/** The address of the node of the whole record. */
export function writeTables(kernel: Kernel, { root }: WalkPlan): number {
  writePowersOfFive(kernel);
  return new TableWriter(kernel).node({ shape: undefined, nullable: false, value: root });
}

/** The address of the node of one place of a record. */
export function writeNode(kernel: Kernel, check: Check): number {
  return new TableWriter(kernel).node(check);
}

const kinds: Readonly<Record<Value['kind'], number>> = {
  unknown: kindUnknown,
  text: kindText,
  int: kindInt,
  long: kindLong,
  double: kindDouble,
  boolean: kindBoolean,
  date: kindDate,
  'date-time': kindDateTime,
  json: kindJson,
  struct: kindStruct,
  list: kindList,
  map: kindMap,
};

class TableWriter {
  readonly #kernel: Kernel;
  /** What many fields ask for is one check. */
  readonly #checks = new Map<TextCheck, number>();

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  node({ shape, nullable, value }: Check): number {
    const at = this.#allocate(nodeSize);
    this.#byte(at + nodeKind, kinds[value.kind]);
    this.#byte(at + nodeNullable, nullable ? 1 : 0);
    this.#byte(at + nodeNullLevel, shape?.nullLevel ?? 0);
    this.#byte(at + nodePresentLevel, shape?.presentLevel ?? 0);
    this.#byte(at + nodeRepetition, shape?.repetition ?? 0);
    this.#word(at + nodeFirstLeaf, shape?.firstLeaf ?? 0);
    this.#word(at + nodeEndLeaf, shape?.endLeaf ?? 0);
    this.#value(at, value);
    return at;
  }

  #value(at: number, value: Value): void {
    switch (value.kind) {
      case 'text':
      case 'date':
      case 'date-time':
        this.#span(at, value.length);
        // -1: none.
        this.#word(at + nodeCheck, value.check ? this.#check(value.check) : 0xffff_ffff);
        break;
      case 'int':
      case 'long':
        this.#kernel.bytes.writeBigInt64LE(value.min, at + nodeMinimum);
        this.#kernel.bytes.writeBigInt64LE(value.max, at + nodeMaximum);
        this.#choices(at, value.choices, (choice, to) => this.#kernel.bytes.writeBigInt64LE(choice, to));
        break;
      case 'double':
        this.#byte(at + nodeBounded, value.choices || value.min > -Infinity || value.max < Infinity ? 1 : 0);
        this.#kernel.bytes.writeDoubleLE(value.min, at + nodeMinimum);
        this.#kernel.bytes.writeDoubleLE(value.max, at + nodeMaximum);
        this.#choices(at, value.choices, (choice, to) => this.#kernel.bytes.writeDoubleLE(choice, to));
        break;
      case 'boolean':
        this.#byte(at + nodeAllowed, (value.allowed.includes(false) ? 1 : 0) | (value.allowed.includes(true) ? 2 : 0));
        break;
      case 'json':
        this.#byte(at + nodeAllowed, allowedBits(value.kinds));
        break;
      case 'struct':
        this.#byte(at + nodeOpen, value.open ? 1 : 0);
        this.#span(at, value.size);
        this.#keys(at, value.fields, jsonKey);
        break;
      case 'list':
        this.#byte(at + nodeUnique, value.unique ? 1 : 0);
        this.#span(at, value.size);
        this.#word(at + nodeChild, this.node(value.item));
        break;
      case 'map':
        this.#span(at, value.size);
        this.#keys(at, value.fields, plainKey);
        this.#word(at + nodeChild, this.node(value.value));
        break;
      case 'unknown':
        break;
    }
  }

  /** The number of the check, which the kernel does itself where it has an automaton. */
  #check(asked: TextCheck): number {
    const known = this.#checks.get(asked);
    if (known !== undefined) return known;
    const { allows, automaton } = asked;
    const check = this.#kernel.addCheck(allows);
    this.#checks.set(asked, check);
    if (!automaton) return check;
    const { classes, classCount, transitions, start, accepting } = automaton;
    const width = classCount + 1;
    // Rows are told by where they begin, in 16 bits.
    if (accepting.length * width > 0x10000) return check;
    const rows = this.#allocate(accepting.length * width * 2);
    for (const [state, accepts] of accepting.entries()) {
      for (let column = 0; column < classCount; column += 1) {
        const next = transitions[state * classCount + column] ?? 0;
        this.#kernel.bytes.writeUInt16LE(next * width, rows + (state * width + column) * 2);
      }
      this.#kernel.bytes.writeUInt16LE(accepts, rows + (state * width + classCount) * 2);
    }
    const at = this.#allocate(automatonSize);
    this.#word(at + automatonWidth, classCount);
    this.#word(at + automatonStart, start * width);
    this.#word(at + automatonRows, rows);
    this.#kernel.bytes.set(classes, at + automatonClasses);
    this.#kernel.run.setAutomaton(check, at);
    return check;
  }

  #span(at: number, { least, most }: Span): void {
    this.#word(at + nodeLeast, least);
    this.#word(at + nodeMost, most);
  }

  #choices<T>(at: number, choices: readonly T[] | undefined, write: (choice: T, to: number) => void): void {
    if (!choices) return;
    const list = this.#allocate(choices.length * 8);
    for (const [index, choice] of choices.entries()) write(choice, list + index * 8);
    this.#word(at + nodeChoices, list);
    this.#word(at + nodeChoiceCount, choices.length);
  }

  #keys(at: number, fields: readonly FieldCheck[], textOf: (name: string) => Buffer): void {
    const keys = this.#allocate(Math.max(1, fields.length) * keySize);
    for (const [index, { name, required, check }] of fields.entries()) {
      const key = keys + index * keySize;
      const text = textOf(name);
      const textAt = this.#allocate(text.length);
      text.copy(this.#kernel.bytes, textAt);
      this.#word(key + keyText, textAt);
      this.#word(key + keyLength, text.length);
      this.#word(key + keyNode, this.node(check));
      this.#word(key + keyNext, keys + ((index + 1) % fields.length) * keySize);
      this.#word(key + keyRequired, required ? 1 : 0);
    }
    this.#word(at + nodeKeys, keys);
    this.#word(at + nodeKeyCount, fields.length);
    this.#word(at + nodeFirstKey, keys);
    this.#kernel.run.indexKeys(at);
  }

  /** All zero, and some bytes more, so that whole vectors may be read. */
  #allocate(bytes: number): number {
    const at = this.#kernel.run.allocate(bytes + 16) >>> 0;
    this.#kernel.bytes.fill(0, at, at + bytes + 16);
    return at;
  }

  #byte(at: number, value: number): void {
    this.#kernel.bytes[at] = value;
  }

  #word(at: number, value: number): void {
    this.#kernel.bytes.writeUInt32LE(value, at);
  }
}

/** As it stands in JSON; what no UTF-8 text holds where it has escapes: such names are not decided. */
function jsonKey(name: string): Buffer {
  const text = JSON.stringify(name);
  return text === `"${name}"` ? Buffer.from(`${text}:`) : Buffer.from([0xff, 0xff]);
}

function plainKey(name: string): Buffer {
  return Buffer.from(`"${name}":`);
}

function allowedBits(allowed: ReadonlySet<string>): number {
  const bits = {
    boolean: allowBoolean,
    integer: allowInteger,
    number: allowInteger | allowNumber,
    string: allowText,
    array: allowList,
    object: allowObject,
  };
  return Object.entries(bits).reduce((all, [kind, bit]) => (allowed.has(kind) ? all | bit : all), 0);
}
