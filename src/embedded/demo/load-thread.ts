// The load as seen from the demo: it runs on a thread of its own, so that clients and servers do not wait for each other.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Clock } from '../../util/clock.ts';
import { sameJson } from '../../util/json.ts';
import type { Answer } from './load.ts';
import type { Protocol } from './options.ts';

/** What the thread is started with. */
export interface LoadTask {
  readonly protocol: Protocol;
  /** URL of the entrance for HTTP, `ip:port` for gRPC. */
  readonly address: string;
  readonly requestsPerSecond: number;
  readonly hosts: readonly string[];
  /** `process.hrtime` at the demo's monotonic zero: threads have clocks of their own, and this one is common to all. */
  readonly zeroNs: bigint;
}

/** What the thread is told. */
export type LoadOrder = { readonly kind: 'hosts'; readonly hosts: readonly string[] } | { readonly kind: 'stop' };

/** What the thread tells, many times a second. Times are monotonic milliseconds of the demo. */
export interface LoadReport {
  readonly answers: readonly Answer[];
  readonly atMs: number;
  /** When the oldest request that has no answer was sent; null when there is none. */
  readonly oldestPendingMs: number | null;
}

export interface LoadThreadOptions extends Omit<LoadTask, 'zeroNs' | 'hosts'> {
  readonly clock: Clock;
  /** Whom to call now; asked many times a second. */
  readonly hosts: () => readonly string[];
  readonly onAnswer: (answer: Answer) => void;
}

/** A load that goes on. */
export interface LoadThread {
  /** True when every request that was sent before `untilMs` has been reported. */
  isAnsweredUntil(untilMs: number): boolean;
  /** Sends no more. Resolves when all answers are in. */
  stop(): Promise<void>;
}

const HOSTS_EVERY_MS = 20;

/** Starts the load. */
export function startLoadThread(options: LoadThreadOptions): LoadThread {
  const { clock, protocol, address, requestsPerSecond } = options;
  const zeroNs = process.hrtime.bigint() - BigInt(Math.round(clock.monotonicMs() * 1e6));
  let hosts = options.hosts();
  const workerData: LoadTask = { protocol, address, requestsPerSecond, hosts, zeroNs };
  const worker = new Worker(new URL('load-worker.ts', import.meta.url), { workerData });
  let last: LoadReport = { answers: [], atMs: 0, oldestPendingMs: null };
  worker.on('message', (report: LoadReport) => {
    last = report;
    for (const answer of report.answers) options.onAnswer(answer);
  });
  const tell = (order: LoadOrder): void => worker.postMessage(order, []);

  let cancel = clock.setTimer(HOSTS_EVERY_MS, followHosts);
  function followHosts(): void {
    cancel = clock.setTimer(HOSTS_EVERY_MS, followHosts);
    const now = options.hosts();
    if (sameJson(now, hosts)) return;
    hosts = now;
    tell({ kind: 'hosts', hosts });
  }

  return {
    isAnsweredUntil: (untilMs) => last.atMs >= untilMs && (last.oldestPendingMs ?? untilMs) >= untilMs,
    async stop() {
      cancel();
      const ended = once(worker, 'exit');
      tell({ kind: 'stop' });
      await ended;
    },
  };
}
