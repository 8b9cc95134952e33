// A work loop by key on the injected clock: many changes become one look, and a look that fails is tried again.
import type { CancelTimer, Clock } from '../../util/clock.ts';
import { StatusFailure } from '../apiserver/status.ts';

/** Looks at keys some time after they were put in. */
export interface WorkLoop {
  /** Asks for a look at `key` after `afterMs`; an earlier look that is already due stands. */
  enqueue(key: string, afterMs?: number): void;
  /** Looks no more. */
  stop(): void;
}

export interface WorkLoopOptions {
  readonly clock: Clock;
  /** How long an actor takes to see a change. */
  readonly delayMs: number;
  /** Looks at one key. The server's refusals (StatusFailure) lead to another look; anything else is thrown on. */
  readonly look: (key: string) => void;
}

const RETRY_MS = 500;

interface Due {
  readonly atMs: number;
  readonly cancel: CancelTimer;
}

/** Starts a loop. Looks never happen within the change that asked for them. */
export function startLoop(options: WorkLoopOptions): WorkLoop {
  const { clock } = options;
  const due = new Map<string, Due>();
  let isStopped = false;

  function look(key: string): void {
    due.delete(key);
    try {
      options.look(key);
    } catch (error) {
      if (!(error instanceof StatusFailure)) throw error;
      enqueue(key, RETRY_MS);
    }
  }

  function enqueue(key: string, afterMs = options.delayMs): void {
    if (isStopped) return;
    const atMs = clock.monotonicMs() + afterMs;
    const held = due.get(key);
    if (held !== undefined && held.atMs <= atMs) return;
    held?.cancel();
    due.set(key, { atMs, cancel: clock.setTimer(afterMs, () => look(key)) });
  }

  return {
    enqueue,
    stop() {
      isStopped = true;
      for (const { cancel } of due.values()) cancel();
      due.clear();
    },
  };
}
