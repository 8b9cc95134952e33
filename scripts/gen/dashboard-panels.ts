// What the Grafana dashboard shows: one line a panel, in rows. The file for Grafana is made from it.

/** How a panel draws its queries. */
export interface Panel {
  readonly title: string;
  /** What is looked for in it. */
  readonly about: string;
  readonly kind: 'timeseries' | 'stat' | 'table';
  /** A unit of Grafana. */
  readonly unit: string;
  /** PromQL by the template of its legend. */
  readonly queries: Readonly<Record<string, string>>;
  /** Of 24 columns. */
  readonly width: number;
  /** From this value on it is drawn in red. */
  readonly redFrom?: number;
  /** Below this value it is drawn in red. */
  readonly redBelow?: number;
  readonly isStacked?: boolean;
}

/** Which Canaries, by the variables of the dashboard. */
const WHICH = 'namespace=~"$namespace", name=~"$name"';
/** Which installation. */
const JOB = 'job=~"$job"';

const quantile = (share: number, histogram: string, by = ''): string =>
  `histogram_quantile(${share}, sum by (le${by === '' ? '' : `, ${by}`}) (rate(${histogram}_bucket{${JOB}}[$__rate_interval])))`;
const rateBy = (by: string, counter: string, which = JOB): string =>
  `sum by (${by}) (rate(${counter}{${which}}[$__rate_interval]))`;

const CANARIES: readonly Panel[] = [
  {
    title: 'Canaries by phase',
    about: 'How many Canaries are in each phase.',
    kind: 'timeseries',
    unit: 'short',
    width: 8,
    isStacked: true,
    queries: { '{{phase}}': `count by (phase) (max by (namespace, name, phase) (serin_canary_phase{${WHICH}}) == 1)` },
  },
  {
    title: 'Failed now',
    about: 'Canaries that rest after a rollback or a failed promotion.',
    kind: 'stat',
    unit: 'short',
    width: 4,
    redFrom: 1,
    queries: { failed: `sum(max by (namespace, name) (serin_canary_phase{phase="Failed", ${WHICH}})) or vector(0)` },
  },
  {
    title: 'Where each Canary is',
    about: 'Phase of each Canary, with what it releases.',
    kind: 'table',
    unit: 'short',
    width: 12,
    queries: {
      '': `max by (namespace, name, phase) (serin_canary_phase{${WHICH}}) == 1`,
    },
  },
  {
    title: 'Traffic of canaries',
    about: 'Weight in percent that was asked for each target; the primary has the rest.',
    kind: 'timeseries',
    unit: 'percent',
    width: 12,
    queries: {
      '{{namespace}}/{{workload}}':
        'max by (namespace, workload) (flagger_canary_weight{namespace=~"$namespace", workload!~".+-primary"})',
    },
  },
  {
    title: 'Values of checks',
    about: 'The last value that each check judged.',
    kind: 'timeseries',
    unit: 'short',
    width: 12,
    queries: { '{{namespace}}/{{name}} {{check}}': `max by (namespace, name, check) (serin_check_value{${WHICH}})` },
  },
  {
    title: 'Verdicts',
    about: 'Verdicts of due checks. Insufficient and Error hold a run and spend no failure budget.',
    kind: 'timeseries',
    unit: 'cps',
    width: 8,
    isStacked: true,
    queries: { '{{verdict}}': rateBy('verdict', 'serin_check_verdict_total', WHICH) },
  },
  {
    title: 'Ends of runs',
    about: 'Runs that ended within the range shown.',
    kind: 'stat',
    unit: 'short',
    width: 8,
    queries: {
      promoted: 'sum(increase(flagger_canary_successes_total{namespace=~"$namespace"}[$__range]))',
      failed: 'sum(increase(flagger_canary_failures_total{namespace=~"$namespace"}[$__range]))',
    },
  },
  {
    title: 'Duration of runs',
    about: 'Of the runs that ended within a day.',
    kind: 'timeseries',
    unit: 's',
    width: 8,
    queries: {
      p50: 'histogram_quantile(0.5, sum by (le) (increase(flagger_canary_duration_seconds_bucket{namespace=~"$namespace"}[1d])))',
      p95: 'histogram_quantile(0.95, sum by (le) (increase(flagger_canary_duration_seconds_bucket{namespace=~"$namespace"}[1d])))',
    },
  },
];

const CONTROLLER: readonly Panel[] = [
  {
    title: 'Checks that are late',
    about: 'Canaries whose check is due and not made. More than 0 for minutes: runs stand still.',
    kind: 'stat',
    unit: 'short',
    width: 6,
    redFrom: 1,
    queries: { late: `max(serin_overdue_checks{${JOB}})` },
  },
  {
    title: 'Queue',
    about:
      'Whether the store of the queue can be reached, per replica. Without it everything goes on at a higher cost.',
    kind: 'stat',
    unit: 'bool_yes_no',
    width: 6,
    redBelow: 1,
    queries: { '{{instance}}': `min by (instance) (serin_queue_up{${JOB}})` },
  },
  {
    title: 'Silent watches',
    about: 'Watches of the API server without a word for too long.',
    kind: 'stat',
    unit: 'short',
    width: 6,
    redFrom: 1,
    queries: { '{{instance}}': `max by (instance) (serin_stale_watches{${JOB}})` },
  },
  {
    title: 'Versions',
    about: 'Replicas by version.',
    kind: 'stat',
    unit: 'short',
    width: 6,
    queries: { '{{version}}': `count by (version) (flagger_info{${JOB}})` },
  },
  {
    title: 'Looks',
    about:
      'Looks at Canaries by outcome: done; now is a conflict, which is usual; backoff failed and is tried again; halt is a mistake of serin.',
    kind: 'timeseries',
    unit: 'ops',
    width: 8,
    isStacked: true,
    queries: { '{{outcome}}': rateBy('outcome', 'serin_looks_total') },
  },
  {
    title: 'Duration of looks',
    about: 'How long a look takes, the requests of it included.',
    kind: 'timeseries',
    unit: 's',
    width: 8,
    queries: {
      p50: quantile(0.5, 'serin_look_duration_seconds'),
      p99: quantile(0.99, 'serin_look_duration_seconds'),
    },
  },
  {
    title: 'Decisions',
    about: 'Decisions that changed something, by the signal that decided.',
    kind: 'timeseries',
    unit: 'ops',
    width: 8,
    queries: { '{{signal}}': rateBy('signal', 'serin_decisions_total') },
  },
  {
    title: 'Requests to the API server',
    about: 'By verb and answer. 409 is a conflict, 429 throttling, 403 a right that is missing.',
    kind: 'timeseries',
    unit: 'reqps',
    width: 8,
    queries: { '{{verb}} {{code}}': rateBy('verb, code', 'serin_kube_requests_total') },
  },
  {
    title: 'Duration of requests, p99',
    about: 'By lane: rollbacks go first.',
    kind: 'timeseries',
    unit: 's',
    width: 8,
    queries: { '{{lane}}': quantile(0.99, 'serin_kube_request_duration_seconds', 'lane') },
  },
  {
    title: 'Duration of metric queries, p95',
    about: 'By source.',
    kind: 'timeseries',
    unit: 's',
    width: 8,
    queries: { '{{source}}': quantile(0.95, 'serin_metric_query_duration_seconds', 'source') },
  },
  {
    title: 'Notifications',
    about: 'Deliveries by sink and outcome. What failed is sent again, what is dropped is lost.',
    kind: 'timeseries',
    unit: 'ops',
    width: 8,
    queries: { '{{sink}} {{outcome}}': rateBy('sink, outcome', 'serin_notification_deliveries_total') },
  },
  {
    title: 'Hooks',
    about: 'Calls of hooks by type and outcome.',
    kind: 'timeseries',
    unit: 'ops',
    width: 8,
    queries: { '{{type}} {{outcome}}': rateBy('type, outcome', 'serin_hook_requests_total') },
  },
  {
    title: 'Queue workers rebuilt',
    about: 'Workers that had died without a word.',
    kind: 'timeseries',
    unit: 'short',
    width: 8,
    queries: { '{{instance}}': `sum by (instance) (increase(serin_queue_rebuilds_total{${JOB}}[1h]))` },
  },
  {
    title: 'Processor',
    about: 'Cores in use.',
    kind: 'timeseries',
    unit: 'short',
    width: 8,
    queries: {
      '{{instance}}': `sum by (instance) (rate(process_cpu_seconds_total{${JOB}}[$__rate_interval]) and on (instance) serin_queue_up)`,
    },
  },
  {
    title: 'Memory',
    about: 'Resident, and the heap that is in use.',
    kind: 'timeseries',
    unit: 'bytes',
    width: 8,
    queries: {
      '{{instance}} resident': `process_resident_memory_bytes{${JOB}} and on (instance) serin_queue_up`,
      '{{instance}} heap': `nodejs_heap_size_used_bytes{${JOB}} and on (instance) serin_queue_up`,
    },
  },
  {
    title: 'Event loop, p99',
    about: 'How late the event loop is. More than 50 ms: too little processor time.',
    kind: 'timeseries',
    unit: 's',
    width: 8,
    redFrom: 0.5,
    queries: { '{{instance}}': `max by (instance) (serin_event_loop_lag_seconds{${JOB}})` },
  },
];

/** The rows of the dashboard. */
export const ROWS: Readonly<Record<string, readonly Panel[]>> = { Canaries: CANARIES, Controller: CONTROLLER };
