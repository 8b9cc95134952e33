// What clients saw, request by request, and the sums of a stretch of time.
import type { Answer } from './load.ts';

/** Answers that are remembered, some minutes of them; of what is older only the sums stay. */
const ANSWERS_MAX = 100_000;

/** The answers of a demo. */
export class Ledger {
  #answers: Answer[] = [];
  #totals = sumAnswers([]);

  note(answer: Answer): void {
    this.#answers.push(answer);
    if (this.#answers.length > ANSWERS_MAX) this.#answers = this.#answers.slice(ANSWERS_MAX / 2);
    this.#totals = addSums(this.#totals, sumAnswers([answer]));
  }

  /** Sums of everything so far. */
  totals(): LoadSums {
    return this.#totals;
  }

  /** Answers to requests that were sent from `fromMs` on and before `untilMs`. */
  between(fromMs: number, untilMs: number): readonly Answer[] {
    return this.#answers.filter(({ startMs }) => startMs >= fromMs && startMs < untilMs);
  }

  /** Answers that came in from `fromMs` on. Cheap for a moment that is not long ago. */
  endedSince(fromMs: number): readonly Answer[] {
    const first = this.#answers.findLastIndex(({ endMs }) => endMs < fromMs) + 1;
    return this.#answers.slice(first);
  }
}

/** Sums of some answers. */
export interface LoadSums {
  readonly requests: number;
  readonly failed: number;
  /** Failed although no canary answered: nothing that was planted. */
  readonly failedElsewhere: number;
  readonly newConnections: number;
}

/** Adds up. */
export function sumAnswers(answers: readonly Answer[]): LoadSums {
  const failed = answers.filter(({ isOk }) => !isOk);
  return {
    requests: answers.length,
    failed: failed.length,
    failedElsewhere: failed.filter(({ role }) => role !== 'canary').length,
    newConnections: answers.filter(({ isNewConnection }) => isNewConnection).length,
  };
}

function addSums(a: LoadSums, b: LoadSums): LoadSums {
  return {
    requests: a.requests + b.requests,
    failed: a.failed + b.failed,
    failedElsewhere: a.failedElsewhere + b.failedElsewhere,
    newConnections: a.newConnections + b.newConnections,
  };
}
