// Limits of what the queue asks of its store: how long one command may take, and how many run at a time.
import { TransientError } from '../errors.ts';
import type { Clock } from '../util/clock.ts';

/** How late a timer may be before the event loop counts as having been held up. */
const LATE_MS = 100;

/**
 * Settles as `work` does, or rejects with TransientError IO_QUEUE after `limitMs`; what comes later is dropped. When our own
 * event loop was held up, the answer may have come and not been read: it gets a little longer, once.
 */
export async function withDeadline<T>(clock: Clock, limitMs: number, work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const endMs = clock.monotonicMs() + limitMs;
  const expire = (): void => late.reject(new TransientError('IO_QUEUE', `no answer in ${limitMs} ms`));
  let cancel = clock.setTimer(limitMs, () => {
    if (clock.monotonicMs() - endMs > LATE_MS) cancel = clock.setTimer(LATE_MS, expire);
    else expire();
  });
  work.catch(() => undefined);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    cancel();
  }
}

/**
 * Lets at most `max` tasks run at a time; the others wait in order, urgent ones before plain ones. So that a burst of our
 * own is not taken for a slow store, and a rollback does not wait behind a resync of thousands.
 */
export class Turnstile {
  private readonly urgent: (() => void)[] = [];
  private readonly plain: (() => void)[] = [];
  private readonly max: number;
  private running = 0;

  constructor(max: number) {
    this.max = max;
  }

  async pass<T>(isUrgent: boolean, task: () => Promise<T>): Promise<T> {
    const line = isUrgent ? this.urgent : this.plain;
    if (this.running >= this.max) await new Promise<void>((resolve) => line.push(resolve));
    else this.running += 1;
    try {
      return await task();
    } finally {
      const next = this.urgent.shift() ?? this.plain.shift();
      // The place is handed on, not given back, so that a newcomer cannot slip in between.
      if (next === undefined) this.running -= 1;
      else next();
    }
  }
}

/** Runs tasks of one key one after the other, those of different keys side by side. */
export class KeyGuard {
  private readonly last = new Map<string, Promise<void>>();

  async run(key: string, task: () => Promise<void>): Promise<void> {
    const before = this.last.get(key);
    const mine = (before ?? Promise.resolve()).then(task, task);
    this.last.set(key, mine);
    try {
      await mine;
    } finally {
      if (this.last.get(key) === mine) this.last.delete(key);
    }
  }
}
