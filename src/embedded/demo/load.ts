// The load: requests at a steady rate, whatever becomes of those before them, half of them on connections of their own.
import type { CancelTimer, Clock } from '../../util/clock.ts';

/** What came of one request. */
export interface Reply {
  /** It was answered, and well. */
  readonly isOk: boolean;
  /** Who answered; null when no pod did. */
  readonly role: 'primary' | 'canary' | null;
  readonly version: string | null;
  /** The request went out on a connection that was opened for it. */
  readonly isNewConnection: boolean;
  /** What was wrong, for people; empty when nothing was. */
  readonly problem: string;
}

/** One request as the client saw it. Times are monotonic milliseconds. */
export interface Answer extends Reply {
  readonly host: string;
  readonly startMs: number;
  readonly endMs: number;
}

/** Sends requests and never tries one twice. */
export interface Sender {
  /** Never rejects. */
  send(host: string, onNewConnection: boolean): Promise<Reply>;
  close(): void;
}

export interface LoadOptions {
  readonly clock: Clock;
  readonly sender: Sender;
  readonly requestsPerSecond: number;
  /** Whom to call now; called in turn. */
  hosts(): readonly string[];
  onAnswer(answer: Answer): void;
}

/** A load that goes on. */
export interface Load {
  /** Starts of requests that have no answer yet; monotonic milliseconds. */
  pending(): Iterable<number>;
  /** Sends no more. Resolves when all answers are in. */
  stop(): Promise<void>;
}

const TICK_MS = 10;
/** Requests sent at once after a pause of this process; what was missed beyond it is not caught up with. */
const BURST_MAX = 30;

/** Starts the load. */
export function startLoad(options: LoadOptions): Load {
  const { clock, requestsPerSecond } = options;
  const pending = new Map<Promise<void>, number>();
  let sent = 0;
  let due = 0;
  let lastMs = clock.monotonicMs();
  let cancel: CancelTimer = clock.setTimer(TICK_MS, tick);

  function tick(): void {
    cancel = clock.setTimer(TICK_MS, tick);
    const nowMs = clock.monotonicMs();
    due = Math.min(due + ((nowMs - lastMs) / 1_000) * requestsPerSecond, BURST_MAX);
    lastMs = nowMs;
    for (; due >= 1; due -= 1) launch();
  }

  function launch(): void {
    const hosts = options.hosts();
    // Connections alternate at every request, hosts at every second one, so that each host gets both.
    const host = hosts[(sent >> 1) % hosts.length] ?? '';
    const startMs = clock.monotonicMs();
    const request = options.sender.send(host, sent % 2 === 0).then((reply) => {
      pending.delete(request);
      options.onAnswer({ ...reply, host, startMs, endMs: clock.monotonicMs() });
    });
    pending.set(request, startMs);
    sent += 1;
  }

  return {
    pending: () => pending.values(),
    async stop() {
      cancel();
      await Promise.all(pending.keys());
      options.sender.close();
    },
  };
}
