/** What the kernel uses of the WebAssembly JavaScript interface, which the types of Node.js leave to the browser's. */
declare namespace WebAssembly {
  interface Memory {
    readonly buffer: ArrayBuffer;
  }
  class Module {
    constructor(bytes: Uint8Array);
  }
  class Instance {
    constructor(module: Module, imports: Record<string, Record<string, (...args: number[]) => number | undefined>>);
    readonly exports: Record<string, unknown>;
  }
}
