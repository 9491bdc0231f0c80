import { type RecordCounts, zeroRecords } from '../contract/counts.ts';

/** Where progress goes: stderr, so that stdout stays what was asked for. */
export interface Terminal {
  readonly isTTY: boolean;
  write(text: string): void;
}

export interface ProgressView {
  readonly records: RecordCounts;
  /** Bytes read so far, and all that will be read once that is known. */
  readonly inputBytes: number;
  readonly totalInputBytes?: number;
}

const barWidth = 24;

/**
 * One line for the work at hand. On a terminal it is drawn again and again in place; elsewhere (a log, CI) only its end
 * is printed.
 */
export class ProgressBar {
  readonly #terminal: Terminal;
  readonly #label: string;
  #view: ProgressView = { records: zeroRecords(), inputBytes: 0 };

  constructor(terminal: Terminal, label: string) {
    this.#terminal = terminal;
    this.#label = label;
  }

  /** What is absent is as before. */
  update(view: Partial<ProgressView>): void {
    this.#view = { ...this.#view, ...view };
    if (this.#terminal.isTTY) this.#terminal.write(`\r\u001b[2K${progressLine(this.#label, this.#view)}`);
  }

  /** A line of its own, while the work goes on. */
  note(text: string): void {
    this.#terminal.write(`${this.#label}  ${text}\n`);
  }

  end(text: string): void {
    const start = this.#terminal.isTTY ? '\r\u001b[2K' : '';
    this.#terminal.write(`${start}${this.#label}  ${text}\n`);
  }
}

export function progressLine(label: string, view: ProgressView): string {
  const share = view.totalInputBytes ? Math.min(1, view.inputBytes / view.totalInputBytes) : 0;
  const filled = Math.round(share * barWidth);
  const bar = `${'#'.repeat(filled)}${'.'.repeat(barWidth - filled)}`;
  const { read, failed } = view.records;
  return `${label}  [${bar}] ${Math.floor(share * 100)
    .toString()
    .padStart(3)}%  ${read} read, ${failed} refused`;
}
