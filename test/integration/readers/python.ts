/** A Python program of this folder as a process that answers questions: one JSON document a line in, one a line out. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { installPython } from '../../servers/install.ts';

export class PythonProcess {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  readonly #interface: Interface;
  #errors = '';

  private constructor(python: string, program: string) {
    this.#process = spawn(python, ['-W', 'ignore', join(import.meta.dirname, program)]);
    this.#process.stderr.on('data', (text) => {
      this.#errors += text;
    });
    this.#interface = createInterface({ input: this.#process.stdout });
    this.#lines = this.#interface[Symbol.asyncIterator]();
  }

  static async start(program: string): Promise<PythonProcess> {
    const requirements = join(import.meta.dirname, 'requirements.txt');
    const programs = await installPython('readers', requirements, 'pyiceberg and pyarrow');
    return new PythonProcess(join(programs, 'python'), program);
  }

  stop(): void {
    this.#interface.close();
    this.#process.kill();
  }

  /** One question at a time. */
  async ask<T>(command: string, question: object): Promise<T> {
    this.#process.stdin.write(`${JSON.stringify({ command, ...question })}\n`);
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`Python ended: ${this.#errors}`);
    const answer: { result: T; error?: string } = JSON.parse(value);
    if (answer.error !== undefined) throw new Error(`${answer.error}\n${this.#errors}`);
    return answer.result;
  }
}
