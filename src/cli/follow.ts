// Follows objects by watch: what they are now, and a wait that ends with the next change.
import { TransientError } from '../errors.ts';
import type { Kube, KubeObject, ObjectRef, ResourceKind, WatchScope } from '../kube/contract.ts';
import type { Clock } from '../util/clock.ts';

/** What to follow: a kind in a scope. */
export interface Followed {
  readonly kind: ResourceKind;
  readonly scope: WatchScope;
}

/** Objects that are followed. */
export interface Follow {
  /** The object as last seen; null when it does not exist. */
  look(ref: ObjectRef): KubeObject | null;
  /** Waits until something followed has changed since the last call, at most `limitMs`, or until `signal` aborts. */
  changed(limitMs: number, signal: AbortSignal): Promise<void>;
  /** Age of the newest sign of life, in milliseconds, where it is too old to be trusted; null while all is well. */
  silentMs(): number | null;
  close(): void;
}

/** Begins to follow; resolves when everything has been listed once. Errors: those of KubeCache.want, TransientError IO_ABORTED when `signal` aborts first. */
export async function follow(
  kube: Kube,
  clock: Clock,
  wanted: readonly Followed[],
  signal: AbortSignal,
): Promise<Follow> {
  let isChanged = false;
  let wake: (() => void) | null = null;
  const last = new Map<string, KubeObject | null>();
  const stop = kube.cache.onChange(() => {
    isChanged = true;
    wake?.();
  });
  const releases: (() => void)[] = [];
  const close = (): void => {
    stop();
    for (const release of releases) release();
  };
  try {
    for (const { kind, scope } of wanted) releases.push(await orAborted(kube.cache.want(kind, scope), kind, signal));
  } catch (error) {
    close();
    throw error;
  }
  return {
    look(ref) {
      const key = `${ref.kind.group}/${ref.kind.kind}/${ref.namespace ?? ''}/${ref.name}`;
      const seen = kube.cache.peek(ref);
      if (seen !== undefined) last.set(key, seen);
      return last.get(key) ?? null;
    },
    async changed(limitMs, signal) {
      if (!isChanged && !signal.aborted) await waitForWake(clock, limitMs, signal, (wakeNow) => (wake = wakeNow));
      wake = null;
      isChanged = false;
    },
    silentMs() {
      const ages = kube.cache.stale().map((watch) => watch.ageMs);
      return ages.length === 0 ? null : Math.max(...ages);
    },
    close,
  };
}

function waitForWake(
  clock: Clock,
  limitMs: number,
  signal: AbortSignal,
  setWake: (wake: () => void) => void,
): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      cancel();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const cancel = clock.setTimer(limitMs, end);
    signal.addEventListener('abort', end, { once: true });
    setWake(end);
  });
}

function orAborted<T>(work: Promise<T>, kind: ResourceKind, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void =>
      reject(new TransientError('IO_ABORTED', `Cannot follow ${kind.plural}: the server did not answer in time`));
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
