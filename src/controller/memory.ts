// What one process remembers between looks: only what may be lost at any moment without harm.
import type { State } from '../core/state.ts';
import type { ResourceKind, WatchScope } from '../kube/contract.ts';
import type { Announcer } from './announce.ts';
import { Asks } from './asks.ts';
import { Flips } from './flips.ts';
import { SecretReads } from './secret-reads.ts';
import { Watches } from './watches.ts';

/** An act that failed: shown as condition RouteWritten=False by the next look. */
export interface ActFailure {
  readonly reason: string;
  readonly message: string;
  readonly atMs: number;
  /** In a row; decides how long to back off. */
  readonly count: number;
}

/** Everything below is rebuilt by itself after a restart. */
export interface Memory {
  readonly watches: Watches;
  readonly asks: Asks;
  readonly flips: Flips;
  readonly secrets: SecretReads;
  readonly quiet: QuietTimes;
  readonly announcer: Announcer;
  readonly failures: Map<string, ActFailure>;
  /** Canaries whose last act ended long after it was recorded: a process that was paused, or an API server that was slow. */
  readonly lateActs: Set<string>;
}

/** A fresh memory. */
export function createMemory(project: (kind: ResourceKind) => WatchScope['project'], announcer: Announcer): Memory {
  return {
    watches: new Watches(project),
    asks: new Asks(),
    flips: new Flips(),
    secrets: new SecretReads(),
    quiet: new QuietTimes(),
    announcer,
    failures: new Map(),
    lateActs: new Set(),
  };
}

/** Forgets a Canary that is gone. */
export function forget(memory: Memory, key: string): void {
  memory.watches.forget(key);
  memory.asks.forget(key);
  memory.flips.forget(key);
  memory.secrets.forget(key);
  memory.quiet.forget(key);
  memory.failures.delete(key);
  memory.lateActs.delete(key);
}

/** Since when this process has seen each canary without traffic. It counts anew with each fence, with each change of the route, and after a restart. */
export class QuietTimes {
  readonly #since = new Map<string, { readonly what: string; readonly atMs: number }>();

  /** `route` tells one state of the route from the next: traffic may have come and gone between two looks of this process. */
  since(key: string, state: State, isQuiet: boolean, route: string, nowMs: number): number | null {
    const what = `${state.phase}/${state.fence}/${route}`;
    const known = this.#since.get(key);
    if (!isQuiet) this.#since.delete(key);
    else if (known?.what !== what) this.#since.set(key, { what, atMs: nowMs });
    return isQuiet ? (this.#since.get(key)?.atMs ?? nowMs) : null;
  }

  forget(key: string): void {
    this.#since.delete(key);
  }
}
