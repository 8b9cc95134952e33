// The clock port: the only way to time and timers outside the entry points, so that the whole controller runs on a virtual clock.

/** Ends a timer. Calling it twice, or after the timer fired, does nothing. */
export type CancelTimer = () => void;

/** Time and timers. Durations are milliseconds; a timer's delay must be finite and is clamped to [0, 2^31-1]. */
export interface Clock {
  /** Wall time in milliseconds since the epoch. May jump. */
  nowMs(): number;
  /** Time that never goes back, in milliseconds from an arbitrary start. */
  monotonicMs(): number;
  /** Calls `fire` once after `delayMs`. Throws RangeError when `delayMs` is not finite. */
  setTimer(delayMs: number, fire: () => void): CancelTimer;
}

/** Longest delay that Node's setTimeout keeps; a longer one fires at once. */
const TIMER_DELAY_MAX_MS = 2 ** 31 - 1;

/** Brings a delay into what a timer keeps. Throws RangeError for NaN and infinities, which setTimeout would fire at once. */
export function clampDelayMs(delayMs: number): number {
  if (!Number.isFinite(delayMs)) throw new RangeError(`Cannot set a timer: the delay ${delayMs} ms is not finite`);
  return Math.min(Math.max(delayMs, 0), TIMER_DELAY_MAX_MS);
}

/** Resolves after `delayMs`, or as soon as `signal` aborts (without an error; look at the signal). */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      cancel();
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const cancel = clock.setTimer(delayMs, done);
    signal?.addEventListener('abort', done, { once: true });
  });
}

/** The process's own clock. Timers keep the process alive until they fire, so whoever ends one says so. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer(delayMs, fire) {
    const timer = setTimeout(fire, clampDelayMs(delayMs));
    return () => clearTimeout(timer);
  },
};
