/** pyiceberg as a process that answers questions about tables; see reader.py. */
import { PythonProcess } from './python.ts';

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
  readonly #process: PythonProcess;

  private constructor(process: PythonProcess) {
    this.#process = process;
  }

  static async start(): Promise<Pyiceberg> {
    return new Pyiceberg(await PythonProcess.start('reader.py'));
  }

  /** What a scan gives. */
  async read(question: Question): Promise<Answer> {
    return await this.#process.ask<Answer>('read', question);
  }

  async describe(question: Question): Promise<Description> {
    return await this.#process.ask<Description>('describe', question);
  }

  /** What the manifests say about files that is not so in them. */
  async checkFiles(question: Question): Promise<{ files: number; problems: readonly string[] }> {
    return await this.#process.ask('check_files', question);
  }

  /** The current snapshot's manifests written by pyiceberg; answers the URL of their list. */
  async rewriteManifests(question: Question & Rewriting): Promise<string> {
    return await this.#process.ask('rewrite_manifests', question);
  }

  stop(): void {
    this.#process.stop();
  }
}
