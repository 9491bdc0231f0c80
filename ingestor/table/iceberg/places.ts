/** URLs, as Iceberg names objects, and keys, as the store does. */
export class Places {
  readonly #root: string;
  readonly #prefix: string;

  /** `root`: URL of the store. */
  constructor(root: string) {
    this.#root = root;
    this.#prefix = `${canonical(root)}/`;
  }

  /** Of what lies elsewhere the URL itself is the key. */
  toURL(key: string): string {
    return key.includes('://') ? key : `${this.#root}/${key}`;
  }

  /** Undefined for what lies elsewhere. */
  toKey(url: string): string | undefined {
    const full = canonical(url);
    return full.startsWith(this.#prefix) ? full.slice(this.#prefix.length) : undefined;
  }
}

/** Engines on Hadoop call S3 `s3a` or `s3n`, and write a file's URL with one slash. */
function canonical(url: string): string {
  return url.replace(/^s3[an]:/, 's3:').replace(/^file:\/+/, 'file:///');
}
