// What the Canary's status says, read as any client would read it, with the times at which it said so.
import type { KubeObject } from '../../kube/contract.ts';
import { canaryKind } from '../../kube/kinds.ts';
import type { Clock } from '../../util/clock.ts';
import { isObject } from '../../util/json.ts';
import type { ApiServer } from '../apiserver/server.ts';

/** One check as it was last judged. */
export interface CheckView {
  readonly name: string;
  readonly verdict: string;
  readonly value: number | null;
  readonly min: number | null;
  readonly max: number | null;
  readonly detail: string;
}

/** A run that is over. */
export interface EndedRun {
  readonly id: string;
  readonly images: readonly string[];
  readonly outcome: string;
  readonly reason: string;
  readonly message: string;
}

/** A Canary at one moment. */
export interface CanaryView {
  readonly phase: string;
  readonly message: string;
  readonly weightPercent: number;
  /** Changes with every round of checks. */
  readonly tick: string;
  readonly checks: readonly CheckView[];
  /** The last runs, in no promised order. */
  readonly ended: readonly EndedRun[];
}

/** Follows one Canary. */
export class CanaryLog {
  readonly #phases: { readonly phase: string; readonly atMs: number }[] = [];
  readonly #stop: () => void;
  #view: CanaryView;

  constructor(api: ApiServer, clock: Clock, namespace: string, name: string, onChange: (view: CanaryView) => void) {
    const kind = canaryKind('serin.dev');
    this.#view = viewOf(api.store.get(kind, namespace, name));
    this.#stop = api.store.watch(kind, (_, after) => {
      if (after?.metadata.name !== name || after.metadata.namespace !== namespace) return;
      this.#view = viewOf(after);
      if (this.#phases.at(-1)?.phase !== this.#view.phase)
        this.#phases.push({ phase: this.#view.phase, atMs: clock.monotonicMs() });
      onChange(this.#view);
    });
  }

  now(): CanaryView {
    return this.#view;
  }

  /** When it last entered `phase`, at or after `fromMs`; null when it did not. Monotonic milliseconds. */
  enteredMs(phase: string, fromMs: number): number | null {
    return this.#phases.findLast((entry) => entry.phase === phase && entry.atMs >= fromMs)?.atMs ?? null;
  }

  stop(): void {
    this.#stop();
  }
}

/** Reads the status; what is missing is empty. */
export function viewOf(canary: KubeObject | null): CanaryView {
  const status = isObject(canary?.['status']) ? canary['status'] : {};
  const state = isObject(status['run']) ? status['run'] : {};
  const run = isObject(state['run']) ? state['run'] : {};
  return {
    phase: textOf(status['phase']),
    message: textOf(status['message']),
    weightPercent: Number(status['canaryWeight'] ?? 0),
    tick: `${textOf(run['id'])}/${Number(run['tick'] ?? 0)}`,
    checks: Array.isArray(run['checks']) ? (run['checks'] as CheckView[]) : [],
    ended: Array.isArray(status['history']) ? (status['history'] as EndedRun[]) : [],
  };
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
