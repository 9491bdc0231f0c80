/** An instance of the kernel: its functions, and its memory as the host sees it. One serves one thread. */
import { kernelWasm } from './kernel.gen.ts';
import type { WalkerFunctions } from './walkerfunctions.ts';

/** Pointers and lengths are bytes of the kernel's memory. See `assembly/index.ts`. */
export interface KernelFunctions extends WalkerFunctions {
  readonly memory: WebAssembly.Memory;
  allocate(bytes: number): number;
  release(block: number, bytes: number): void;
  makeColumns(leaves: number): void;
  setLeaf(leaf: number, type: number, maxDefinition: number, maxRepetition: number): void;
  setPlain(leaf: number): void;
  rows(): number;
  heldBytes(): number;
  beginRow(): void;
  endRow(): void;
  dropRow(): void;
  clearColumns(): void;
  /** `rows`: where their numbers lie, 32 bits each; 0: all of them. */
  keepRows(rows: number, count: number): void;
  encodeLeaf(leaf: number, encoding: number, rows: number, count: number, pageBytes: number, pageRows: number): number;
  releasePages(): void;
  addToBloom(leaf: number, rows: number, count: number, filter: number, bytes: number): void;
  placeValues(leaf: number, to: number): void;
  valuesAt(leaf: number): number;
  distinctAt(leaf: number): number;
  presentValues(leaf: number): number;
  distinctValues(leaf: number): number;
  makeNodes(count: number): void;
  setNode(
    index: number,
    kind: number,
    firstLeaf: number,
    endLeaf: number,
    nullLevel: number,
    presentLevel: number,
    repetition: number,
    next: number,
  ): void;
  feedRow(tags: number, slots: number, texts: number, isAscii: number): void;
  feedValues(tags: number, slots: number, texts: number, isAscii: number): void;
}

/** Tells whether a text is allowed; each is asked once. */
export type CheckText = (text: string) => boolean;

export class Kernel {
  readonly run: KernelFunctions;
  readonly #checks: CheckText[] = [];
  #bytes: Buffer = Buffer.alloc(0);

  constructor() {
    const instance = new WebAssembly.Instance(compiled(), {
      env: {
        checkText: (check: number, at: number, length: number) => this.#check(check, at, length),
        abort: () => {
          throw new Error('the kernel has stopped');
        },
      },
    });
    this.run = instance.exports as unknown as KernelFunctions;
  }

  /** All of its memory. Good until the kernel next takes more: ask again after each call. */
  get bytes(): Buffer {
    const { buffer } = this.run.memory;
    if (this.#bytes.buffer !== buffer) this.#bytes = Buffer.from(buffer);
    return this.#bytes;
  }

  /** The number by which `appendText` knows it. */
  addCheck(check: CheckText): number {
    return this.#checks.push(check) - 1;
  }

  #check(check: number, at: number, length: number): number {
    return this.#checks[check]?.(this.bytes.toString('utf8', at, at + length)) ? 1 : 0;
  }
}

let wasmModule: WebAssembly.Module | undefined;

function compiled(): WebAssembly.Module {
  wasmModule ??= new WebAssembly.Module(Buffer.from(kernelWasm, 'base64'));
  return wasmModule;
}
