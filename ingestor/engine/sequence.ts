/** The outcomes of the parts of one input in the order in which the parts stand in it, whoever reads them and when. */
import type { Outcome } from './intake.ts';

interface Place {
  /** Undefined: being read. */
  outcome: Outcome | undefined;
}

export class Sequence {
  readonly #take: (outcome: Outcome) => void;
  readonly #waiting: Place[] = [];
  /** Characters of refused records that wait for what stands before them. */
  held = 0;

  /** `take` is called with each outcome when all before it are known. */
  constructor(take: (outcome: Outcome) => void) {
    this.#take = take;
  }

  add(outcome: Outcome): void {
    if (this.#waiting.length === 0) this.#take(outcome);
    else if (outcome.read > 0) this.reserve()(outcome);
  }

  /** The place of a part that is being read; to be told what came of it. */
  reserve(): (outcome: Outcome) => void {
    const place: Place = { outcome: undefined };
    this.#waiting.push(place);
    return (outcome) => {
      place.outcome = outcome;
      this.held += outcome.held;
      for (let first = this.#waiting[0]; first?.outcome; first = this.#waiting[0]) {
        this.#waiting.shift();
        this.held -= first.outcome.held;
        this.#take(first.outcome);
      }
    };
  }
}
