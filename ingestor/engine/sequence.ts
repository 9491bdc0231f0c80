/** The outcomes of the parts of one input in the order in which the parts stand in it, whoever reads them and when. */
import type { Outcome } from './intake.ts';

export class Sequence {
  readonly #take: (outcome: Outcome) => void;
  /** Undefined: being read. */
  readonly #waiting: { outcome: Outcome | undefined }[] = [];

  /** `take` is called with each outcome when all before it are known. */
  constructor(take: (outcome: Outcome) => void) {
    this.#take = take;
  }

  add(outcome: Outcome): void {
    if (this.#waiting.length === 0) this.#take(outcome);
    else if (outcome.read > 0) this.#waiting.push({ outcome });
  }

  /** The place of a part that is being read; to be told what came of it. */
  reserve(): (outcome: Outcome) => void {
    const place: { outcome: Outcome | undefined } = { outcome: undefined };
    this.#waiting.push(place);
    return (outcome) => {
      place.outcome = outcome;
      for (let first = this.#waiting[0]; first?.outcome; first = this.#waiting[0]) {
        this.#waiting.shift();
        this.#take(first.outcome);
      }
    };
  }
}
