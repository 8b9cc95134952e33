// The loop around the look: keys from watches, timers and the queue; one look a key at a time; a resync that heals what was lost.
import { dispositionOf, messageOf, SerinError, TransientError, type Disposition } from '../errors.ts';
import type { KubeObject } from '../kube/contract.ts';
import { canaryKind } from '../kube/kinds.ts';
import type { CanaryKey, Hint } from '../queue/contract.ts';
import { sleep, type CancelTimer } from '../util/clock.ts';
import { jitterMs } from '../util/random.ts';
import type { Drivers } from './drivers.ts';
import { isDue, isUrgent, wasLookedAt } from './due.ts';
import { keyOf, refOfKey } from './keys.ts';
import type { Memory } from './memory.ts';
import { reconcile, type LookAgain } from './reconcile.ts';
import { recordRefusal } from './record.ts';
import { watchCanaries } from './watch.ts';

const BACKOFF_FIRST_MS = 500;
const BACKOFF_MAX_MS = 30_000;
/** At the start looks at Canaries at rest are spread over so long for each, and in all. */
const START_SPREAD_EACH_MS = 5;
const START_SPREAD_MAX_MS = 30_000;
/** How long a look after a conflict waits at most for the cache to show what somebody else wrote. */
const CONFLICT_FIRST_MS = 100;
const CONFLICT_MAX_MS = 5_000;

interface Looking {
  again: boolean;
  onWake: (() => void) | null;
  /** Conflicts in a row. */
  conflicts: number;
}

/** The controller at work. */
export class Loop {
  readonly #use: Drivers;
  readonly #memory: Memory;
  readonly #stop = new AbortController();
  /** Looks under way, and whether another was asked for meanwhile. */
  readonly #looking = new Map<CanaryKey, Looking>();
  /** When each key is due next by its own word; what no job brings, the resync does. */
  readonly #dueAtMs = new Map<CanaryKey, number>();
  /** Hints on their way to the store, and what was asked for meanwhile. */
  readonly #adding = new Map<CanaryKey, Hint | null>();
  readonly #timers: CancelTimer[] = [];
  #lastLookAtMs: number;

  constructor(use: Drivers, memory: Memory) {
    this.#use = use;
    this.#memory = memory;
    this.#lastLookAtMs = use.clock.monotonicMs();
  }

  /** Starts to watch and to work. Resolves when the first lists are in and every Canary has been asked for. */
  async start(): Promise<void> {
    const { queue, settings } = this.#use;
    const stopWatching = await watchCanaries(this.#use, this.#memory, (key) => this.wake(key));
    this.#timers.push(stopWatching);
    this.#wakeAll();
    await queue.run((key, signal) => this.look(key, signal), settings.concurrency);
    this.#repeat(settings.resyncIntervalMs, () => this.#resync());
    this.#repeat(settings.fallbackIntervalMs, () => this.#fallback());
  }

  /** Asks for a look. A hint that the store refuses is not lost: the key is due, and the resync works what is due. */
  wake(key: CanaryKey, hint: Hint = { delayMs: 0 }): void {
    const nowMs = this.#use.clock.nowMs();
    const dueAtMs = nowMs + hint.delayMs;
    this.#dueAtMs.set(key, Math.min(this.#dueAtMs.get(key) ?? dueAtMs, dueAtMs));
    const looking = this.#looking.get(key);
    if (looking !== undefined && hint.delayMs === 0) {
      looking.again = true;
      looking.onWake?.();
    }
    this.#add(key, hint);
  }

  /** Hands hints to the store, one at a time for each key: those that come meanwhile become one. */
  #add(key: CanaryKey, hint: Hint): void {
    if (this.#adding.has(key)) {
      this.#adding.set(key, sooner(this.#adding.get(key) ?? null, hint));
      return;
    }
    this.#adding.set(key, null);
    const done = (): void => {
      const next = this.#adding.get(key) ?? null;
      this.#adding.delete(key);
      if (next !== null && !this.#stop.signal.aborted) this.#add(key, next);
    };
    this.#use.queue.add(key, hint).then(done, (error: unknown) => {
      this.#use.log.debug('Queue refused a hint', { canary: key, err: messageOf(error) });
      done();
    });
  }

  /** Looks here and now, past the queue: for what only this process knows. */
  attend(key: CanaryKey): void {
    if (!this.#stop.signal.aborted) void this.look(key, this.#stop.signal);
  }

  /** Looks at one key now, one look at a time; what arrives meanwhile is looked at afterwards. */
  async look(key: CanaryKey, signal: AbortSignal): Promise<void> {
    const running = this.#looking.get(key);
    if (running !== undefined) {
      running.again = true;
      return;
    }
    const looking: Looking = { again: true, onWake: null, conflicts: 0 };
    this.#looking.set(key, looking);
    try {
      while (looking.again && !signal.aborted && !this.#stop.signal.aborted) {
        looking.again = false;
        const next = await this.#lookOnce(key, AbortSignal.any([signal, this.#stop.signal]));
        if (next === 'now') looking.again = true;
        else if (!looking.again) this.#schedule(key, next);
      }
    } finally {
      this.#looking.delete(key);
    }
  }

  #schedule(key: CanaryKey, next: LookAgain): void {
    this.#dueAtMs.delete(key);
    if (typeof next !== 'number') return;
    this.wake(key, { delayMs: Math.max(0, next - this.#use.clock.nowMs()) });
  }

  async #lookOnce(key: CanaryKey, signal: AbortSignal): Promise<LookAgain> {
    const startedMs = this.#use.clock.monotonicMs();
    this.#lastLookAtMs = startedMs;
    const done = (outcome: string): void => this.#use.meters.looked(outcome, this.#use.clock.monotonicMs() - startedMs);
    try {
      const next = await reconcile(key, this.#use, this.#memory, signal);
      done('done');
      return next;
    } catch (error) {
      if (signal.aborted) return 'never';
      const disposition = dispositionOf(error);
      done(disposition);
      return this.#afterError(key, error, disposition, signal);
    }
  }

  /** The only place where an error becomes a next look. */
  async #afterError(key: CanaryKey, error: unknown, disposition: Disposition, signal: AbortSignal): Promise<LookAgain> {
    const { log, clock } = this.#use;
    const code = error instanceof SerinError ? error.code : 'BUG';
    switch (disposition) {
      case 'now':
        log.debug('Somebody wrote first', { canary: key, err: messageOf(error) });
        await this.#afterConflict(key, signal);
        return 'now';
      case 'backoff': {
        const count = (this.#memory.failures.get(key)?.count ?? 0) + 1;
        this.#memory.failures.set(key, {
          reason: reasonOf(code),
          message: messageOf(error),
          atMs: clock.nowMs(),
          count,
        });
        log.warn('Look failed', { canary: key, reason: code, err: messageOf(error), count });
        const backoffMs = Math.min(BACKOFF_FIRST_MS * 2 ** Math.min(count - 1, 10), BACKOFF_MAX_MS);
        const askedMs = error instanceof TransientError ? (error.retryAfterMs ?? 0) : 0;
        return clock.nowMs() + Math.max(askedMs, jitterMs(this.#use.random, backoffMs, 0.25));
      }
      case 'stop':
        log.warn('Canary cannot be worked', { canary: key, reason: code, err: messageOf(error) });
        return 'never';
      case 'halt':
        await this.#halt(key, error, signal);
        return clock.nowMs() + BACKOFF_MAX_MS;
    }
  }

  /** A conflict goes back to observe, which waits until the cache has moved on; never a fresh GET and another try. */
  async #afterConflict(key: CanaryKey, signal: AbortSignal): Promise<void> {
    const looking = this.#looking.get(key);
    const count = (looking?.conflicts ?? 0) + 1;
    if (looking !== undefined) looking.conflicts = count;
    const waitMs = jitterMs(
      this.#use.random,
      Math.min(CONFLICT_FIRST_MS * 2 ** Math.min(count - 1, 10), CONFLICT_MAX_MS),
      0.5,
    );
    // What somebody wrote arrives as an event and wakes this key; that ends the wait.
    const cancelled = new AbortController();
    if (looking !== undefined) looking.onWake = () => cancelled.abort();
    await sleep(this.#use.clock, waitMs, AbortSignal.any([signal, cancelled.signal]));
    if (looking !== undefined) looking.onWake = null;
  }

  /** Stops this Canary with a condition and leaves traffic where it is; the process goes on. */
  async #halt(key: CanaryKey, error: unknown, signal: AbortSignal): Promise<void> {
    this.#use.log.error('Invariant violated', {
      canary: key,
      err: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
    const ref = refOfKey(key, this.#use.settings.groups);
    const object = ref === null ? null : (this.#use.kube.cache.peek(ref) ?? null);
    if (object === null) return;
    const finding = { type: 'InvariantViolated', status: 'True', reason: 'Bug', message: messageOf(error) } as const;
    try {
      await recordRefusal(object, finding, this.#use, { signal });
    } catch (failure) {
      this.#use.log.error('Condition InvariantViolated could not be written', { canary: key, err: messageOf(failure) });
    }
  }

  /** Looks at everything once after the start: what is due at once, the rest spread out, so that a start is no herd. */
  #wakeAll(): void {
    const canaries = this.#canaries();
    const spreadMs = Math.min(canaries.length * START_SPREAD_EACH_MS, START_SPREAD_MAX_MS);
    const nowMs = this.#use.clock.nowMs();
    for (const canary of canaries) {
      const delayMs = isDue(canary, nowMs) ? 0 : Math.floor(this.#use.random.next() * spreadMs);
      this.wake(keyOf(canary), { delayMs });
    }
  }

  #canaries(): readonly KubeObject[] {
    const { groups, namespace } = this.#use.settings;
    return groups.flatMap((group) => this.#use.kube.cache.all(canaryKind(group), namespace));
  }

  /** Canaries that are due, by their status or by what this process remembers, rollbacks first; none that is being looked at. */
  #due(): readonly KubeObject[] {
    const nowMs = this.#use.clock.nowMs();
    const isDueNow = (canary: KubeObject): boolean => {
      const key = keyOf(canary);
      if (this.#looking.has(key)) return false;
      return (this.#dueAtMs.get(key) ?? Number.POSITIVE_INFINITY) <= nowMs || isDue(canary, nowMs);
    };
    return this.#canaries()
      .filter(isDueNow)
      .sort((a, b) => Number(isUrgent(b)) - Number(isUrgent(a)));
  }

  /** Adds again whatever is due, in case its job was lost, and counts what is overdue. */
  #resync(): void {
    const due = this.#due();
    for (const canary of due) this.wake(keyOf(canary), { delayMs: 0, urgent: isUrgent(canary) });
    this.#use.meters.overdue(due.filter(wasLookedAt).length);
  }

  /** While the store is away the due Canaries are worked here; fenced writes make a doubled worker harmless. */
  #fallback(): void {
    if (this.#use.queue.health().isUp) return;
    for (const canary of this.#due()) void this.look(keyOf(canary), this.#stop.signal);
  }

  #repeat(everyMs: number, work: () => void): void {
    let cancel: CancelTimer = () => undefined;
    const arm = (): void => {
      cancel = this.#use.clock.setTimer(jitterMs(this.#use.random, everyMs, 0.1), () => {
        if (this.#stop.signal.aborted) return;
        work();
        arm();
      });
    };
    arm();
    this.#timers.push(() => cancel());
  }

  /** Announcements that wait for delivery by this process. */
  pendingAnnouncements(): number {
    return this.#memory.announcer.pending();
  }

  /** True when Canaries are due, or a look is under way, and none has ended for so long: for the liveness probe. */
  isDead(limitMs: number): boolean {
    const idleMs = this.#use.clock.monotonicMs() - this.#lastLookAtMs;
    if (idleMs < limitMs) return false;
    const nowMs = this.#use.clock.nowMs();
    return [...this.#dueAtMs.values()].some((dueAtMs) => nowMs - dueAtMs > limitMs);
  }

  /** Stops: no new looks, those under way are broken off between two stations. */
  async stop(graceMs: number): Promise<void> {
    this.#stop.abort();
    for (const cancel of this.#timers) cancel();
    this.#memory.asks.close();
    await Promise.all([this.#use.queue.close(graceMs), this.#memory.announcer.close(Math.min(graceMs, 2_000))]);
  }
}

/** Two hints as one: the earlier time, and urgent when either is. */
function sooner(a: Hint | null, b: Hint): Hint {
  if (a === null) return b;
  return { delayMs: Math.min(a.delayMs, b.delayMs), urgent: a.urgent === true || b.urgent === true };
}

function reasonOf(code: string): string {
  return code
    .toLowerCase()
    .split('_')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
}
