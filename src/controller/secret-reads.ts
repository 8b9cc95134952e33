// When tracked Secrets are read: at detection, at each check, at promotion, and every five minutes, jittered, while idle.
import { isResting } from '../core/phase.ts';
import type { State } from '../core/state.ts';
import { jitterMs } from '../util/random.ts';
import type { Drivers } from './drivers.ts';

/** Remembers, for each Canary, when its Secrets were read last and in which phase. */
export class SecretReads {
  readonly #reads = new Map<string, { readonly dueAtMs: number; readonly seen: string }>();

  /** True when this look should read them (`generations` are the Canary's and the target's, each change is a reason); then the next idle read is planned. Without a known digest they are always read. */
  isReadDue(key: string, generations: readonly number[], state: State, use: Drivers): boolean {
    const nowMs = use.clock.nowMs();
    const seen = `${state.phase}/${state.run?.id ?? ''}/${state.run?.tick ?? 0}/${generations.join('/')}`;
    const last = this.#reads.get(key);
    const isUnknown = !Object.keys(state.trackedConfigs).some((name) => name.startsWith('secret/'));
    const isTick = !isResting(state.phase) && state.run !== null && nowMs >= state.run.nextCheckAtMs;
    if (last !== undefined && !isUnknown && !isTick && last.seen === seen && nowMs < last.dueAtMs) return false;
    this.#reads.set(key, { seen, dueAtMs: nowMs + jitterMs(use.random, use.settings.secretPollMs, 0.2) });
    return true;
  }

  /** When the next idle read is due; null when this Canary has no tracked Secret. */
  dueAtMs(key: string, state: State): number | null {
    const hasSecrets = Object.keys(state.trackedConfigs).some((name) => name.startsWith('secret/'));
    return hasSecrets ? (this.#reads.get(key)?.dueAtMs ?? null) : null;
  }

  forget(key: string): void {
    this.#reads.delete(key);
  }
}
