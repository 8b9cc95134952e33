// The metrics of a process: Flagger's and our own, behind functions that name what happened.
import { collectDefaultMetrics, Registry } from 'prom-client';
import type { Gauge } from 'prom-client';
import { createCanaryMeters } from './canary-metrics.ts';
import type { CanaryMeters } from './canary-metrics.ts';
import { watchLoopLag } from './loop-lag.ts';
import { makerOf } from './meter.ts';
import { writePage } from './page.ts';
import type { MetricsPage } from './page.ts';
import type { Maker } from './meter.ts';

export type { MetricsPage } from './page.ts';
export type { ShownCanary } from './canary-metrics.ts';

export interface MetersOptions {
  readonly version: string;
  /** The value of `--mesh-provider`; empty when none is set. */
  readonly meshProvider: string;
  /** Metrics of the process itself (CPU, memory, event loop); once per process. */
  readonly hasProcessMetrics?: boolean;
}

/** What can be counted. Nothing here throws, and no label holds a URL, a secret or an unbounded text. */
export interface Meters extends CanaryMeters {
  countLook(outcome: string, durationSeconds: number): void;
  /** A decision that changed something, by the signal that decided. */
  countDecision(signal: string): void;
  /** Canaries whose due check is late. */
  setOverdueChecks(count: number): void;
  /** Time since the last word of each watch that there is, in seconds; the oldest where a resource has several. */
  setWatchAges(ages: readonly { readonly resource: string; readonly ageSeconds: number }[]): void;
  setStaleWatches(count: number): void;
  countKubeRequest(request: {
    readonly verb: string;
    readonly resource: string;
    readonly lane: string;
    /** HTTP status, or the code of the error. */
    readonly code: number | string;
    readonly durationSeconds: number;
  }): void;
  setQueue(health: { readonly isUp: boolean; readonly rebuilds: number }): void;
  /** Announcements that wait for delivery, over all Canaries. */
  setOutboxPending(count: number): void;
  countDelivery(sink: string, outcome: string): void;
  countMetricQuery(source: string, durationSeconds: number): void;
  countHook(type: string, outcome: string): void;
  /** The text that Prometheus reads. */
  render(): Promise<MetricsPage>;
  /** Ends what watches the process. */
  stop(): void;
}

/** prom-client builds all samples of a histogram in one go: a histogram with a series a Canary is spread over so many. */
const SHARDS = 32;
/** Counters begin at 0: the first of them is an increase only when there was something to increase. */
const LOOK_OUTCOMES = ['done', 'now', 'backoff', 'stop', 'halt'];
const DELIVERY_OUTCOMES = ['delivered', 'failed', 'dropped'];
const FAST_SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const CALL_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Makes the meters of a process in a registry of their own. */
export function createMeters(options: MetersOptions): Meters {
  const registry = new Registry();
  const make = makerOf(registry);
  const shards = Array.from({ length: SHARDS }, () => new Registry());
  const canaries = createCanaryMeters(make, shards.map(makerOf), options);
  const works = createWorkMeters(make);
  const lag = options.hasProcessMetrics === true ? watchProcess(registry, make) : null;
  return {
    ...canaries,
    ...works,
    render: () => writePage([registry, ...shards]),
    stop: () => lag?.stop(),
  };
}

type WorkMeters = Omit<Meters, keyof CanaryMeters | 'render' | 'stop'>;

function createWorkMeters(make: Maker): WorkMeters {
  const lookSeconds = make.histogram('serin_look_duration_seconds', 'Duration of a look at a Canary', [], FAST_SECONDS);
  const looks = make.counter('serin_looks_total', 'Looks at Canaries by outcome', ['outcome']);
  const decisions = make.counter('serin_decisions_total', 'Decisions that changed something, by signal', ['signal']);
  const overdue = make.gauge('serin_overdue_checks', 'Canaries whose due check is late', []);
  const stale = make.gauge('serin_stale_watches', 'Watches without a word for too long', []);
  const age = make.gauge('serin_watch_age_seconds', 'Time since the last word of a watch', ['resource']);
  const kube = ['verb', 'resource', 'lane'] as const;
  const requests = make.counter('serin_kube_requests_total', 'Requests to the API server', [...kube, 'code']);
  const requestSeconds = make.histogram(
    'serin_kube_request_duration_seconds',
    'Duration of requests to the API server',
    kube,
    CALL_SECONDS,
  );
  const queueUp = make.gauge('serin_queue_up', 'Whether the queue works', []);
  const rebuilds = make.counter(
    'serin_queue_rebuilds_total',
    'Queue workers rebuilt because they had died without a word',
    [],
  );
  const outbox = make.gauge('serin_outbox_pending', 'Announcements that wait for delivery', []);
  const deliveries = make.counter('serin_notification_deliveries_total', 'Deliveries of announcements', [
    'sink',
    'outcome',
  ]);
  const querySeconds = make.histogram(
    'serin_metric_query_duration_seconds',
    'Duration of metric queries',
    ['source'],
    CALL_SECONDS,
  );
  const hooks = make.counter('serin_hook_requests_total', 'Calls of hooks', ['type', 'outcome']);
  let rebuildsSeen = 0;
  for (const outcome of LOOK_OUTCOMES) looks.inc({ outcome }, 0);
  return {
    countLook(outcome, durationSeconds) {
      looks.inc({ outcome });
      lookSeconds.observe(durationSeconds);
    },
    countDecision: (signal) => decisions.inc({ signal }),
    setOverdueChecks: (count) => overdue.set(count),
    setStaleWatches: (count) => stale.set(count),
    setWatchAges(ages) {
      age.reset();
      for (const { resource, ageSeconds } of ages.toSorted((a, b) => a.ageSeconds - b.ageSeconds))
        age.set({ resource }, ageSeconds);
    },
    countKubeRequest({ verb, resource, lane, code, durationSeconds }) {
      requests.inc({ verb, resource, lane, code: String(code) });
      requestSeconds.observe({ verb, resource, lane }, durationSeconds);
    },
    setQueue(health) {
      queueUp.set(health.isUp ? 1 : 0);
      rebuilds.inc(Math.max(0, health.rebuilds - rebuildsSeen));
      rebuildsSeen = health.rebuilds;
    },
    setOutboxPending: (count) => outbox.set(count),
    countDelivery(sink, outcome) {
      for (const other of DELIVERY_OUTCOMES) deliveries.inc({ sink, outcome: other }, 0);
      deliveries.inc({ sink, outcome });
    },
    countMetricQuery: (source, durationSeconds) => querySeconds.observe({ source }, durationSeconds),
    countHook: (type, outcome) => hooks.inc({ type, outcome }),
  };
}

/** Metrics of Node and of the event loop. */
function watchProcess(registry: Registry, make: Maker): { stop(): void } {
  collectDefaultMetrics({ register: registry });
  const lag = watchLoopLag();
  const gauge: Gauge = make.gauge(
    'serin_event_loop_lag_seconds',
    'How late the event loop is: 99th percentile since the last scrape',
    [],
    () => gauge.set(lag.takeP99Seconds()),
  );
  return lag;
}
