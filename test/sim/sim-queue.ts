// A queue in virtual time that keeps the contract, and on demand is worse than any real one: it loses, doubles, delays, forges.
import { BugError, TransientError } from '../../src/errors.ts';
import type { CanaryKey, Hint, Queue, QueueHandler, QueueHealth } from '../../src/queue/contract.ts';
import { sleep, type Clock } from '../../src/util/clock.ts';
import type { Random } from '../../src/util/random.ts';
import type { ProcessLife } from './process-life.ts';

export interface QueueFaults {
  readonly lost: number;
  readonly doubled: number;
  readonly delayed: number;
  readonly forged: number;
}

export const FAITHFUL: QueueFaults = { lost: 0, doubled: 0, delayed: 0, forged: 0 };

/** A worker that stopped without a word gives its key back after this long, as a lock runs out. */
const STALLED_AFTER_MS = 15_000;
const DELAY_MAX_MS = 600_000;

/** One process that works keys. */
export interface SimWorker {
  readonly handler: QueueHandler;
  readonly concurrency: number;
  readonly life: ProcessLife;
  readonly running: Map<CanaryKey, { readonly done: Promise<void>; readonly abort: AbortController }>;
  isOpen: boolean;
}

interface Wish {
  isUrgent: boolean;
}

interface Timer extends Wish {
  readonly dueAtMs: number;
  readonly cancel: () => void;
}

/** The store that all replicas share. */
export class SimStore {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #timers = new Map<CanaryKey, Timer>();
  readonly #waiting = new Map<CanaryKey, Wish>();
  readonly #active = new Map<CanaryKey, { again: Wish | null }>();
  readonly workers: SimWorker[] = [];
  faults: QueueFaults = FAITHFUL;
  isUp = true;
  forgedKeys: readonly CanaryKey[] = [];

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  add(key: CanaryKey, hint: Hint): void {
    const { lost, doubled, delayed, forged } = this.faults;
    if (this.#random.next() < lost) return;
    const late = this.#random.next() < delayed ? this.#random.next() * DELAY_MAX_MS : 0;
    this.#place(key, hint.delayMs + late, hint.urgent === true);
    if (this.#random.next() < doubled) this.#clock.setTimer(this.#random.next() * 1_000, () => this.#double(key));
    const forgery = this.forgedKeys[Math.floor(this.#random.next() * this.forgedKeys.length)];
    if (forgery !== undefined && this.#random.next() < forged) this.#place(forgery, 0, false);
  }

  /** Everything that waits is gone; what runs goes on. */
  flush(): void {
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
    this.#waiting.clear();
  }

  /** A process has gone: the keys that it had in hand run out like locks. */
  leave(life: ProcessLife): void {
    this.workers.splice(0, this.workers.length, ...this.workers.filter((worker) => worker.life !== life));
  }

  /** An earlier time replaces a later one, never the other way round; urgency is kept. */
  #place(key: CanaryKey, delayMs: number, isUrgent: boolean): void {
    if (delayMs <= 0) return this.#ready(key, isUrgent);
    const dueAtMs = this.#clock.nowMs() + delayMs;
    const existing = this.#timers.get(key);
    if (existing !== undefined && existing.dueAtMs <= dueAtMs) {
      existing.isUrgent ||= isUrgent;
      return undefined;
    }
    existing?.cancel();
    const cancel = this.#clock.setTimer(delayMs, () => {
      const fired = this.#timers.get(key);
      this.#timers.delete(key);
      this.#ready(key, fired?.isUrgent ?? false);
    });
    this.#timers.set(key, { dueAtMs, cancel, isUrgent: isUrgent || (existing?.isUrgent ?? false) });
    return undefined;
  }

  #ready(key: CanaryKey, isUrgent: boolean): void {
    const active = this.#active.get(key);
    if (active !== undefined) {
      active.again = { isUrgent: isUrgent || (active.again?.isUrgent ?? false) };
      return;
    }
    const waiting = this.#waiting.get(key);
    if (waiting === undefined) this.#waiting.set(key, { isUrgent });
    else waiting.isUrgent ||= isUrgent;
    this.#clock.setTimer(0, () => this.pump());
  }

  /** Gives what waits to whoever is free, the urgent first. */
  pump(): void {
    if (!this.isUp) {
      if (this.#waiting.size > 0) this.#clock.setTimer(1_000, () => this.pump());
      return;
    }
    const ordered = [...this.#waiting].sort(([, a], [, b]) => Number(b.isUrgent) - Number(a.isUrgent));
    for (const [key] of ordered) {
      const free = this.workers.filter(
        ({ isOpen, life, running, concurrency }) => isOpen && life.isRunning && running.size < concurrency,
      );
      const worker = free[Math.floor(this.#random.next() * free.length)];
      if (worker === undefined) {
        this.#clock.setTimer(1_000, () => this.pump());
        return;
      }
      this.#waiting.delete(key);
      void this.#work(key, worker);
    }
  }

  async #work(key: CanaryKey, worker: SimWorker): Promise<void> {
    const active: { again: Wish | null } = { again: null };
    this.#active.set(key, active);
    const abort = new AbortController();
    const done = worker.handler(key, abort.signal).catch(() => undefined);
    worker.running.set(key, { done, abort });
    await Promise.race([done, this.#stalled(worker.life), whenAborted(abort.signal)]);
    worker.running.delete(key);
    if (this.#active.get(key) === active) this.#active.delete(key);
    // A look that was broken off by a close is another worker's at once.
    if (abort.signal.aborted) this.#ready(key, active.again?.isUrgent ?? false);
    else if (active.again !== null) this.#ready(key, active.again.isUrgent);
    this.#clock.setTimer(0, () => this.pump());
  }

  /** A second worker on a key that is worked already: what a lock that ran out does. */
  #double(key: CanaryKey): void {
    const worker = this.workers.find(({ isOpen, life }) => isOpen && life.isRunning);
    worker?.handler(key, new AbortController().signal).catch(() => undefined);
  }

  /** Resolves when a worker has been silent for so long that its key is given to another. */
  #stalled(life: ProcessLife): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        this.#clock.setTimer(STALLED_AFTER_MS, () => (life.isRunning ? look() : resolve()));
      };
      look();
    });
  }

  get clock(): Clock {
    return this.#clock;
  }
}

function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

/** One process's door to the store. */
export function openSimQueue(store: SimStore, life: ProcessLife): Queue {
  let worker: SimWorker | null = null;
  let isClosed = false;
  return {
    add(key, hint) {
      if (!Number.isFinite(hint.delayMs) || !/^[^/]+\/[^/]+\/[^/]+$/.test(key)) {
        return Promise.reject(new BugError(`Cannot add ${JSON.stringify(key)}: it is no key, or its delay is none`));
      }
      if (!store.isUp || isClosed)
        return Promise.reject(new TransientError('IO_QUEUE', 'Cannot reach the queue store'));
      store.add(key, hint);
      return Promise.resolve();
    },
    run(handler, concurrency) {
      worker = { handler, concurrency, life, running: new Map(), isOpen: true };
      store.workers.push(worker);
      store.pump();
      return Promise.resolve();
    },
    health: (): QueueHealth => ({
      isUp: store.isUp && !isClosed,
      problem: store.isUp && !isClosed ? null : 'the simulated store is away',
      rebuilds: 0,
      store: 'redis',
    }),
    async close(graceMs) {
      if (worker !== null) {
        worker.isOpen = false;
        const running = [...worker.running.values()];
        await Promise.race([Promise.all(running.map(({ done }) => done)), sleep(store.clock, graceMs)]);
        for (const { abort } of worker.running.values()) abort.abort();
        store.workers.splice(store.workers.indexOf(worker), 1);
      }
      isClosed = true;
    },
  };
}
