// How late the event loop is: what makes every promise of this process late.
import { monitorEventLoopDelay } from 'node:perf_hooks';

export interface LoopLag {
  /** 99th percentile since the last call, in seconds. */
  takeP99Seconds(): number;
  stop(): void;
}

const RESOLUTION_MS = 10;

/** Watches the event loop of this process. */
export function watchLoopLag(): LoopLag {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  return {
    takeP99Seconds() {
      const nanoseconds = delay.percentile(99);
      delay.reset();
      // The histogram counts the timer's own period as well.
      return Number.isFinite(nanoseconds) ? Math.max(0, nanoseconds / 1e9 - RESOLUTION_MS / 1e3) : 0;
    },
    stop: () => void delay.disable(),
  };
}
