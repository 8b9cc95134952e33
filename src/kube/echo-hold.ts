// Holds changes of an object back while a write of ours to it is on its way, so that its echo is known as such.
import type { CancelTimer, Clock } from '../util/clock.ts';
import type { ResourceKind } from './contract.ts';
import type { StoreChange } from './object-store.ts';

/** Longest that a change is held back, in milliseconds; after that it is told, even if it may be an echo. */
const HOLD_LIMIT_MS = 1_000;

interface Held {
  writes: number;
  readonly changes: { readonly kind: ResourceKind; readonly change: StoreChange }[];
  cancel: CancelTimer | null;
}

/** Keeps the order of the changes of one object. */
export class EchoHold {
  readonly #clock: Clock;
  readonly #tell: (kind: ResourceKind, change: StoreChange) => void;
  readonly #held = new Map<string, Held>();

  constructor(clock: Clock, tell: (kind: ResourceKind, change: StoreChange) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  /** A write to the object begins; the function returned ends it. */
  begin(key: string): () => void {
    const held: Held = this.#held.get(key) ?? { writes: 0, changes: [], cancel: null };
    held.writes += 1;
    this.#held.set(key, held);
    return () => {
      held.writes -= 1;
      if (held.writes > 0) return;
      if (this.#held.get(key) === held) this.#held.delete(key);
      this.#flush(held);
    };
  }

  /** Takes a change if one must be held back; false when it may be told at once. */
  take(key: string, kind: ResourceKind, change: StoreChange): boolean {
    const held = this.#held.get(key);
    if (held === undefined) return false;
    held.changes.push({ kind, change });
    held.cancel ??= this.#clock.setTimer(HOLD_LIMIT_MS, () => this.#flush(held));
    return true;
  }

  close(): void {
    for (const held of this.#held.values()) held.cancel?.();
    this.#held.clear();
  }

  #flush(held: Held): void {
    held.cancel?.();
    held.cancel = null;
    for (const { kind, change } of held.changes.splice(0)) this.#tell(kind, change);
  }
}
