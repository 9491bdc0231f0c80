/** What few bytes may become when they are decompressed, so that nobody keeps a pod busy for days with a small file. */
import { type DecompressionLimits, decompressionDefaults } from '../../contract/task.ts';
import { unreadable } from '../readers/reader.ts';

/** A file may always become so large, whatever its own size. 1 GiB is read within seconds. */
const alwaysAllowed = 2 ** 30;

/** Counts what comes of one file. */
export class Expansion {
  readonly #limits: DecompressionLimits;
  readonly #size: number;
  #bytes = 0;

  /** `size`: of the file as it is stored. */
  constructor(size: number, limits: DecompressionLimits = decompressionDefaults) {
    this.#size = size;
    this.#limits = limits;
  }

  /** Throws UnreadableFile when that is too much. */
  add(bytes: number): void {
    const { maxRatio, maxBytes } = this.#limits;
    this.#bytes += bytes;
    if (this.#bytes > maxBytes) throw unreadable(`expands to more than ${maxBytes} bytes, the most that is allowed`);
    if (this.#bytes > alwaysAllowed && this.#bytes > maxRatio * this.#size) {
      throw unreadable(`expands to more than ${maxRatio} times its size, the most that is allowed past 1 GiB`);
    }
  }
}
