// Effects and cuts: every write and outgoing call of a process is counted, and may be cut in four ways.

/**
 * before: the process dies before it sends. lost: applied, the answer is lost, the process lives. dies: applied, then the
 * process dies. pause: the process stops before it sends, others go on, later it continues with its old memory.
 */
export const CUTS = ['before', 'lost', 'dies', 'pause'] as const;
export type Cut = (typeof CUTS)[number];

/** One effect as it was about to happen. */
export interface EffectSeen {
  readonly index: number;
  readonly what: string;
}

/** Counts effects and says which is cut, and how. */
export class Effects {
  #count = 0;
  readonly seen: EffectSeen[] = [];
  readonly #choose: (effect: EffectSeen) => Cut | null;

  constructor(choose: (effect: EffectSeen) => Cut | null) {
    this.#choose = choose;
  }

  next(what: string): Cut | null {
    const effect = { index: this.#count, what };
    this.#count += 1;
    this.seen.push(effect);
    return this.#choose(effect);
  }
}
