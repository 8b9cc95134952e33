// The request limit: a token bucket with three lanes, in which a rollback never waits behind anything else.
import type { CancelTimer, Clock } from '../util/clock.ts';
import type { Lane } from './contract.ts';

/** Requests that may be under way at once, this lane and those below it counted together; the rest of the sockets is for the lanes above. */
export const IN_FLIGHT_MAX: Readonly<Record<Lane, number>> = { rollback: Infinity, progress: 48, resync: 32 };
/** After so many grants in a row past a waiting resync, one resync goes: without watches nothing else would be right either. */
const GRANTS_PER_RESYNC = 9;

/** Gives the slot back. Calling it twice does nothing. */
export type ReleaseSlot = () => void;

/** Why a wait for a slot ended without one. */
class LimiterAborted extends Error {
  override readonly name = 'LimiterAborted';
}

interface Waiter {
  readonly grant: () => void;
}

/**
 * Lets requests out in the order rollback, progress, resync, at most `requestsPerSecond` on average with bursts of one
 * second's worth. A rollback borrows from the bucket instead of waiting for it. While the server asks us to back off, only
 * rollbacks go out; while one that was itself refused waits for its next try, nobody else is let out.
 */
export class Limiter {
  readonly #clock: Clock;
  readonly #perMs: number;
  readonly #burst: number;
  readonly #queues: Record<Lane, Waiter[]> = { rollback: [], progress: [], resync: [] };
  readonly #inFlight: Record<Lane, number> = { rollback: 0, progress: 0, resync: 0 };
  #tokens: number;
  #filledMs: number;
  #pausedUntilMs = -Infinity;
  #rollbacksRefused = 0;
  #grantsPastResync = 0;
  #cancelTimer: CancelTimer | null = null;

  constructor(clock: Clock, requestsPerSecond: number) {
    this.#clock = clock;
    this.#perMs = requestsPerSecond / 1000;
    this.#burst = Math.max(1, requestsPerSecond);
    this.#tokens = this.#burst;
    this.#filledMs = clock.monotonicMs();
  }

  /** Waits for a slot. Rejects with LimiterAborted when `signal` aborts first. */
  acquire(lane: Lane, signal: AbortSignal): Promise<ReleaseSlot> {
    if (signal.aborted) return Promise.reject(new LimiterAborted());
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#queues[lane] = this.#queues[lane].filter((other) => other !== waiter);
        reject(new LimiterAborted());
        this.#pump();
      };
      const waiter: Waiter = {
        grant: () => {
          signal.removeEventListener('abort', leave);
          resolve(this.#takeSlot(lane));
        },
      };
      signal.addEventListener('abort', leave, { once: true });
      this.#queues[lane].push(waiter);
      this.#pump();
    });
  }

  /** The server asked us to wait. */
  backOff(waitMs: number): void {
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, this.#clock.monotonicMs() + waitMs);
    this.#pump();
  }

  /** A rollback was refused and will be tried again: until the function returned is called, no other lane is let out. */
  holdForRollback(): () => void {
    this.#rollbacksRefused += 1;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#rollbacksRefused -= 1;
      this.#pump();
    };
  }

  /** Calls that wait for a slot, by lane. */
  waiting(): Readonly<Record<Lane, number>> {
    const { rollback, progress, resync } = this.#queues;
    return { rollback: rollback.length, progress: progress.length, resync: resync.length };
  }

  #takeSlot(lane: Lane): ReleaseSlot {
    this.#inFlight[lane] += 1;
    this.#tokens -= 1;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#inFlight[lane] -= 1;
      this.#pump();
    };
  }

  #pump(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    const nowMs = this.#clock.monotonicMs();
    this.#tokens = Math.min(this.#burst, this.#tokens + Math.max(0, nowMs - this.#filledMs) * this.#perMs);
    this.#filledMs = nowMs;
    for (let waiter = this.#next(nowMs); waiter !== undefined; waiter = this.#next(nowMs)) waiter.grant();
    const wakeInMs = this.#wakeInMs(nowMs);
    if (wakeInMs !== null) {
      this.#cancelTimer = this.#clock.setTimer(wakeInMs, () => {
        this.#cancelTimer = null;
        this.#pump();
      });
    }
  }

  #next(nowMs: number): Waiter | undefined {
    // A rollback may borrow one burst, so that it does not wait for a bucket that others have emptied.
    if (this.#queues.rollback.length > 0) {
      return this.#tokens >= 1 - this.#burst ? this.#queues.rollback.shift() : undefined;
    }
    if (this.#tokens < 1 || nowMs < this.#pausedUntilMs || this.#rollbacksRefused > 0) return undefined;
    const { progress, resync } = this.#queues;
    const canProgress = progress.length > 0 && this.#inFlight.progress + this.#inFlight.resync < IN_FLIGHT_MAX.progress;
    const canResync =
      resync.length > 0 &&
      this.#inFlight.resync < IN_FLIGHT_MAX.resync &&
      this.#inFlight.progress + this.#inFlight.resync < IN_FLIGHT_MAX.progress;
    if (canResync && (!canProgress || this.#grantsPastResync >= GRANTS_PER_RESYNC)) {
      this.#grantsPastResync = 0;
      return resync.shift();
    }
    if (!canProgress) return undefined;
    if (canResync) this.#grantsPastResync += 1;
    return progress.shift();
  }

  #wakeInMs(nowMs: number): number | null {
    const times: number[] = [];
    if (this.#queues.rollback.length > 0) times.push(this.#refillInMs(1 - this.#burst));
    if (this.#queues.progress.length + this.#queues.resync.length > 0 && this.#rollbacksRefused === 0) {
      const waitMs = Math.max(this.#pausedUntilMs - nowMs, this.#refillInMs(1));
      // Nothing to wait for but a slot: the release of one pumps.
      if (waitMs > 0) times.push(waitMs);
    }
    // Whole milliseconds, so that a rounding error does not set the same timer for ever.
    return times.length === 0 ? null : Math.max(1, Math.ceil(Math.min(...times)));
  }

  #refillInMs(tokens: number): number {
    return Math.max(0, (tokens - this.#tokens) / this.#perMs);
  }
}
