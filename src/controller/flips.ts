// Fights over fields: the third time that somebody undoes the same thing within ten minutes, serin stops repairing it.
import type { Effect } from '../core/effects.ts';
import type { State } from '../core/state.ts';

const WINDOW_MS = 600_000;
const FLIPS_MAX = 3;
const WATCHED: readonly Effect['kind'][] = [
  'writeRoute',
  'ensureRoute',
  'pointApex',
  'ensureServices',
  'applyScaler',
  'scalePrimary',
  'applyPrimary',
];

interface Fight {
  /** What was asked when all was as it should be. */
  settledAt: string | null;
  readonly flips: Map<string, number[]>;
}

/** Remembers, for each Canary, what had to be done again although nothing new was asked. */
export class Flips {
  readonly #fights = new Map<string, Fight>();

  /** Takes note of the effects of a look. An effect that is needed in the same state in which none was needed before is a flip. */
  note(key: string, state: State, effects: readonly Effect[], nowMs: number): void {
    const fight = this.#fights.get(key) ?? { settledAt: null, flips: new Map<string, number[]>() };
    this.#fights.set(key, fight);
    const asked = `${state.phase}/${state.weightPercent}/${state.fence}/${state.promotedRevision}`;
    const kinds = effects.map((effect) => effect.kind).filter((kind) => WATCHED.includes(kind));
    if (kinds.length === 0) {
      fight.settledAt = asked;
      return;
    }
    if (fight.settledAt !== asked) return;
    fight.settledAt = null;
    for (const kind of new Set(kinds)) {
      fight.flips.set(kind, [...(fight.flips.get(kind) ?? []).filter((at) => nowMs - at < WINDOW_MS), nowMs]);
    }
  }

  /** Effects that are not repaired any more for now. */
  contested(key: string, nowMs: number): readonly string[] {
    const flips = this.#fights.get(key)?.flips;
    if (flips === undefined) return [];
    return [...flips]
      .filter(([, times]) => times.filter((at) => nowMs - at < WINDOW_MS).length >= FLIPS_MAX)
      .map(([kind]) => kind);
  }

  /** The sentence for condition Conflict; null when nothing is contested. */
  describe(key: string, nowMs: number): string | null {
    const kinds = this.contested(key, nowMs);
    if (kinds.length === 0) return null;
    return `Somebody else undid the same change three times within ten minutes: repairs stopped for ${kinds.join(', ')}; rollback and release still write`;
  }

  forget(key: string): void {
    this.#fights.delete(key);
  }
}
