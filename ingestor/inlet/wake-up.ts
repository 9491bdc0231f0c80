/** Lets one loop wait for what another part of the process tells it. A call that comes before the wait is not lost. */
export class WakeUp {
  #called = false;
  #resolve: (() => void) | undefined;

  /** Ends the wait now, or the next one at once. */
  call(): void {
    this.#called = true;
    this.#resolve?.();
  }

  /** For one waiter at a time. */
  async wait(): Promise<void> {
    if (!this.#called) {
      await new Promise<void>((resolve) => {
        this.#resolve = resolve;
      });
    }
    this.#called = false;
    this.#resolve = undefined;
  }
}
