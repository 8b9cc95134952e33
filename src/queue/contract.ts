// The queue port: carries keys and nothing else. Any job may be lost, doubled or forged; only timing changes.

/** `group/namespace/name` of a Canary. */
export type CanaryKey = string;

/** How soon a key should be looked at. */
export interface Hint {
  /** Milliseconds from now; 0 is at once. An earlier time replaces a later one. */
  readonly delayMs: number;
  /** Rollbacks overtake everything else. */
  readonly urgent?: boolean;
}

/** Looks at one key. What it throws is logged by the queue and changes nothing else: the handler schedules its own next look. */
export type QueueHandler = (key: CanaryKey, signal: AbortSignal) => Promise<void>;

/**
 * Promises: one worker a key at a time in normal operation (a paused worker may double; writes are fenced); no lost
 * wake-up: a hint given while its key is being worked runs afterwards; a delay is kept; a restart loses nothing that
 * was due; after a flush or an outage it goes on with what is added again.
 */
export interface Queue {
  /** Asks for a look. Rejects with TransientError IO_QUEUE at once when the store is away; never waits for it. */
  add(key: CanaryKey, hint: Hint): Promise<void>;
  /** Starts to work keys, `concurrency` at a time. */
  run(handler: QueueHandler, concurrency: number): Promise<void>;
  /** How the store is. `isUp` false: callers fall back to working what is due themselves. */
  health(): QueueHealth;
  /** Stops taking jobs, waits for those running at most `graceMs`, closes connections. */
  close(graceMs: number): Promise<void>;
}

export interface QueueHealth {
  readonly isUp: boolean;
  /** Why it is not up, or what is wrong with the store (such as an eviction policy that loses jobs); null when all is well. */
  readonly problem: string | null;
  /** Workers rebuilt since the start because they had died silently. */
  readonly rebuilds: number;
  readonly store: 'redis' | 'postgres' | 'embedded';
}
