// A queue in virtual time that keeps the contract, and on demand is worse than any real one: it loses, doubles, delays, forges.
import { TransientError } from '../../src/errors.ts';
import type { CanaryKey, Hint, Queue, QueueHandler, QueueHealth } from '../../src/queue/contract.ts';
import type { Clock } from '../../src/util/clock.ts';
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

interface Worker {
  readonly handler: QueueHandler;
  readonly life: ProcessLife;
}

interface Job {
  dueAtMs: number;
  cancel: () => void;
}

/** The store that all replicas share. */
export class SimStore {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #jobs = new Map<CanaryKey, Job>();
  readonly #active = new Map<CanaryKey, { again: boolean }>();
  readonly workers: Worker[] = [];
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
    const delayMs = hint.delayMs + (this.#random.next() < delayed ? this.#random.next() * 600_000 : 0);
    this.#schedule(key, delayMs);
    if (this.#random.next() < doubled) this.#clock.setTimer(this.#random.next() * 1_000, () => void this.#work(key));
    const forgery = this.forgedKeys[Math.floor(this.#random.next() * this.forgedKeys.length)];
    if (forgery !== undefined && this.#random.next() < forged) this.#schedule(forgery, 0);
  }

  flush(): void {
    for (const job of this.#jobs.values()) job.cancel();
    this.#jobs.clear();
  }

  /** One job a key: an earlier time replaces a later one, and never the other way round. */
  #schedule(key: CanaryKey, delayMs: number): void {
    const dueAtMs = this.#clock.nowMs() + delayMs;
    const active = this.#active.get(key);
    if (active !== undefined && delayMs === 0) active.again = true;
    const existing = this.#jobs.get(key);
    if (existing !== undefined && existing.dueAtMs <= dueAtMs) return;
    existing?.cancel();
    this.#jobs.set(key, { dueAtMs, cancel: this.#clock.setTimer(delayMs, () => this.#due(key)) });
  }

  #due(key: CanaryKey): void {
    this.#jobs.delete(key);
    const active = this.#active.get(key);
    if (active !== undefined) active.again = true;
    else void this.#work(key);
  }

  async #work(key: CanaryKey): Promise<void> {
    const alive = this.workers.filter(({ life }) => life.isRunning);
    const worker = alive[Math.floor(this.#random.next() * alive.length)];
    if (worker === undefined || !this.isUp) {
      this.#clock.setTimer(1_000, () => this.#due(key));
      return;
    }
    const active = { again: false };
    this.#active.set(key, active);
    const done = worker.handler(key, new AbortController().signal).catch(() => undefined);
    await Promise.race([done, this.#stalled(worker.life)]);
    if (this.#active.get(key) === active) this.#active.delete(key);
    if (active.again) this.#schedule(key, 0);
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

  health(): QueueHealth {
    return { isUp: this.isUp, problem: this.isUp ? null : 'simulated outage', rebuilds: 0, store: 'redis' };
  }
}

/** One process's door to the store. */
export function openSimQueue(store: SimStore, life: ProcessLife): Queue {
  return {
    add(key, hint) {
      if (!store.isUp) return Promise.reject(new TransientError('IO_QUEUE', 'Cannot reach the queue store'));
      store.add(key, hint);
      return Promise.resolve();
    },
    run(handler) {
      store.workers.push({ handler, life });
      return Promise.resolve();
    },
    health: () => store.health(),
    close: () => Promise.resolve(),
  };
}
