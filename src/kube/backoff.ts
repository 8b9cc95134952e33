// The pauses of a loop that never ends: exponential as client-go's for watches, but with a shorter longest one.
import type { Clock } from '../util/clock.ts';
import type { Random } from '../util/random.ts';

const FIRST_MS = 800;
/**
 * After an outage the caches are blind until the next try: client-go's 30 s would let a breach go on for a minute. A replica keeps some
 * ten kinds, so that even at this pace a server that comes back is asked little.
 */
const LONGEST_MS = 5_000;
const FACTOR = 2;
/** A loop that needed no pause for so long, in milliseconds, starts with the first pause again. */
const RESET_AFTER_MS = 120_000;

/** Pauses of 0.8 s, 1.6 s … 5 s, each spread to up to twice its length (as client-go's, tools/cache/reflector.go). */
export class Backoff {
  readonly #clock: Clock;
  readonly #random: Random;
  #nextMs = FIRST_MS;
  #lastMs = -Infinity;

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  /** How long to pause now, in milliseconds. */
  pauseMs(): number {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#lastMs > RESET_AFTER_MS) this.#nextMs = FIRST_MS;
    const pauseMs = this.#nextMs * (1 + this.#random.next());
    this.#nextMs = Math.min(this.#nextMs * FACTOR, LONGEST_MS);
    this.#lastMs = nowMs + pauseMs;
    return Math.round(pauseMs);
  }
}
