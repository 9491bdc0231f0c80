/** pyiceberg as a process that answers questions about tables; see reader.py. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { installPython } from '../../servers/install.ts';

export interface Question {
  /** URL of the metadata file. */
  readonly metadata: string;
  readonly snapshot?: string;
  /** As pyiceberg writes it: `n >= 5 and id = 'a'`. */
  readonly filter?: string;
  readonly fields?: readonly string[];
  /** Of its file system. */
  readonly properties?: Readonly<Record<string, string>>;
}

export interface Answer {
  /** In no order; integers that a double does not hold are text, so are times. */
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  /** URLs of the files that it opened. */
  readonly files: readonly string[];
}

export interface Description {
  readonly schema: readonly {
    readonly id: number;
    readonly name: string;
    readonly type: string;
    readonly required: boolean;
  }[];
  readonly spec: string;
  readonly order: readonly string[];
  readonly snapshots: readonly {
    readonly id: string;
    readonly operation: string;
    readonly summary: Readonly<Record<string, string>>;
  }[];
  readonly history: readonly string[];
  readonly refs: Readonly<Record<string, string>>;
}

export interface Rewriting {
  /** Of the Iceberg format. */
  readonly version: 1 | 2;
  readonly codec: 'null' | 'deflate' | 'zstandard';
  /** URL of the folder to write to. */
  readonly folder: string;
}

export class Pyiceberg {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  readonly #interface: Interface;
  #errors = '';

  private constructor(python: string) {
    this.#process = spawn(python, ['-W', 'ignore', join(import.meta.dirname, 'reader.py')]);
    this.#process.stderr.on('data', (text) => {
      this.#errors += text;
    });
    this.#interface = createInterface({ input: this.#process.stdout });
    this.#lines = this.#interface[Symbol.asyncIterator]();
  }

  static async start(): Promise<Pyiceberg> {
    const requirements = join(import.meta.dirname, 'requirements.txt');
    const programs = await installPython('readers', requirements, 'pyiceberg and pyarrow');
    return new Pyiceberg(join(programs, 'python'));
  }

  /** What a scan gives. */
  async read(question: Question): Promise<Answer> {
    return await this.#ask<Answer>('read', question);
  }

  async describe(question: Question): Promise<Description> {
    return await this.#ask<Description>('describe', question);
  }

  /** What the manifests say about files that is not so in them. */
  async checkFiles(question: Question): Promise<{ files: number; problems: readonly string[] }> {
    return await this.#ask('check_files', question);
  }

  /** The current snapshot's manifests written by pyiceberg; answers the URL of their list. */
  async rewriteManifests(question: Question & Rewriting): Promise<string> {
    return await this.#ask('rewrite_manifests', question);
  }

  stop(): void {
    this.#interface.close();
    this.#process.kill();
  }

  /** One question at a time. */
  async #ask<T>(command: string, question: Question & Partial<Rewriting>): Promise<T> {
    this.#process.stdin.write(`${JSON.stringify({ command, ...question })}\n`);
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`pyiceberg ended: ${this.#errors}`);
    const answer: { result: T; error?: string } = JSON.parse(value);
    if (answer.error !== undefined) throw new Error(`${answer.error}\n${this.#errors}`);
    return answer.result;
  }
}
