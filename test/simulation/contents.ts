/** All records that anyone sends in a simulation, so that an oracle knows what a file holds whatever became of the file. */
import { createHash } from 'node:crypto';
import { zstdDecompressSync } from 'node:zlib';

export interface Content {
  readonly text: string;
  /** Ids of the records that the schema takes. */
  readonly good: readonly string[];
  readonly bad: number;
}

export class Contents {
  readonly #byETag = new Map<string, Content>();
  #next = 0;

  /** Lines with new ids, or with those of an earlier content (the same records, sent again in another form). */
  make(name: string, good: number, bad: number, ids?: readonly string[]): Content {
    this.#next += 1;
    const own = ids ?? Array.from({ length: good }, (_, index) => `${name}-${this.#next}-${index}`);
    const goodLines = own.map((id, index) => JSON.stringify({ id, n: index, of: this.#next }));
    const badLines = Array.from({ length: bad }, (_, index) => JSON.stringify({ n: index, of: this.#next }));
    const text = [...goodLines, ...badLines].map((line) => `${line}\n`).join('');
    const content = { text, good: own, bad };
    for (const etag of etagsOf(text)) this.#byETag.set(etag, content);
    return content;
  }

  /** A file that this program wrote and may read again: refused records, which are refused again. */
  addRefused(body: Uint8Array): void {
    const bad = zstdDecompressSync(body).toString().trimEnd().split('\n').length;
    for (const etag of etagsOf(body)) this.#byETag.set(etag, { text: '', good: [], bad });
  }

  /** By the ETag that a plan names. */
  get(etag: string): Content | undefined {
    return this.#byETag.get(etag);
  }
}

/** As the store tells it, and as plans name inline text. */
function etagsOf(text: string | Uint8Array): string[] {
  const md5 = createHash('md5').update(text).digest('hex');
  const sha256 = createHash('sha256').update(text).digest('hex');
  return [`"${md5}"`, sha256];
}
