// Flagger's metrics, name by name and label by label, so that dashboards and alerts made for Flagger go on.
// Format: Flagger 1.44 `pkg/metrics/recorder.go` as described by its documentation of `/metrics`. `name` is the target's.
import type { Maker } from './meter.ts';

/** How a Canary shows itself in metrics. */
export interface CanaryView {
  readonly namespace: string;
  /** Name of the Canary. */
  readonly name: string;
  /** Name of the target: Flagger's `name` and `workload` labels. */
  readonly target: string;
  /** The phase that status.phase reports. */
  readonly phase: string;
  /** Weight of the canary in percent; the primary has the rest. */
  readonly canaryWeight: number;
}

/** Who a metric of a run or check is about. */
export interface CanaryNames {
  readonly namespace: string;
  readonly name: string;
  readonly target: string;
}

/** How a run ended. */
export interface RunEnd extends CanaryNames {
  readonly hasSucceeded: boolean;
  readonly strategy: 'canary' | 'blue-green' | 'ab-testing';
  readonly analysis: 'completed' | 'skipped';
  readonly durationSeconds: number;
}

/** From seconds to a day: Flagger's own end at ten seconds, and a run takes minutes to hours. */
const RUN_SECONDS = [1, 5, 15, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600, 7_200, 14_400, 28_800, 86_400];

/** Flagger's numbers of a status: in progress 0, failed 2, everything else 1. */
function statusNumber(phase: string): number {
  if (phase === 'Progressing') return 0;
  return phase === 'Failed' ? 2 : 1;
}

export interface FlaggerMeters {
  show(canary: CanaryView): void;
  /** Takes every series of a Canary away; what is left of its namespace is counted by `setTotal`. */
  forget(canary: CanaryNames): void;
  setTotal(namespace: string, count: number): void;
  showCheck(canary: CanaryNames, metric: string, value: number): void;
  countEnd(end: RunEnd): void;
}

/** `shards` share the histogram that has a series a Canary. */
export function createFlaggerMeters(
  make: Maker,
  shards: readonly Maker[],
  process: { readonly version: string; readonly meshProvider: string },
): FlaggerMeters {
  const total = make.gauge('flagger_canary_total', 'Total number of canary object', ['namespace']);
  const status = make.gauge('flagger_canary_status', 'Last canary analysis result', ['name', 'namespace']);
  const weight = make.gauge('flagger_canary_weight', 'The virtual service destination weight current value', [
    'workload',
    'namespace',
  ]);
  const info = make.gauge('flagger_info', 'Flagger version and mesh provider information', [
    'version',
    'mesh_provider',
  ]);
  info.set({ version: process.version, mesh_provider: process.meshProvider }, 1);
  const checks = createCheckMeter(make);
  const runs = createRunMeters(make, shards);
  return {
    show({ namespace, target, phase, canaryWeight }) {
      status.set({ name: target, namespace }, statusNumber(phase));
      weight.set({ workload: `${target}-primary`, namespace }, 100 - canaryWeight);
      weight.set({ workload: target, namespace }, canaryWeight);
    },
    forget(canary) {
      const { namespace, target } = canary;
      status.remove({ name: target, namespace });
      weight.remove({ workload: `${target}-primary`, namespace });
      weight.remove({ workload: target, namespace });
      checks.forget(canary);
      runs.forget(canary);
    },
    setTotal(namespace, count) {
      // An empty namespace is forgotten: previews come and go, each under a new name.
      if (count === 0) total.remove({ namespace });
      else total.set({ namespace }, count);
    },
    showCheck: (canary, metric, value) => checks.show(canary, metric, value),
    countEnd: (end) => runs.countEnd(end),
  };
}

const idOf = ({ namespace, target }: CanaryNames): string => `${namespace}/${target}`;

function createCheckMeter(make: Maker) {
  const values = make.gauge('flagger_canary_metric_analysis', 'Last canary analysis result per metric', [
    'name',
    'namespace',
    'metric',
  ]);
  const seen = new Map<string, Set<string>>();
  return {
    show(canary: CanaryNames, metric: string, value: number): void {
      seen.set(idOf(canary), (seen.get(idOf(canary)) ?? new Set()).add(metric));
      values.set({ name: canary.target, namespace: canary.namespace, metric }, value);
    },
    forget(canary: CanaryNames): void {
      const { namespace, target: name } = canary;
      for (const metric of seen.get(idOf(canary)) ?? []) values.remove({ name, namespace, metric });
      seen.delete(idOf(canary));
    },
  };
}

function createRunMeters(make: Maker, shards: readonly Maker[]) {
  const ends = ['name', 'namespace', 'deployment_strategy', 'analysis_status'] as const;
  const successes = make.counter('flagger_canary_successes_total', 'Total number of canary successes', ends);
  const failures = make.counter('flagger_canary_failures_total', 'Total number of canary failures', ends);
  const labels = ['name', 'namespace'] as const;
  const durations = shards.map((shard) =>
    shard.histogram(
      'flagger_canary_duration_seconds',
      'Seconds spent performing canary analysis.',
      labels,
      RUN_SECONDS,
    ),
  );
  const durationOf = (canary: CanaryNames) => durations[hashOf(idOf(canary)) % durations.length];
  const seen = new Map<string, Map<string, Record<(typeof ends)[number], string>>>();
  return {
    countEnd(end: RunEnd): void {
      const { namespace, target: name, strategy, analysis } = end;
      const own = { name, namespace, deployment_strategy: strategy, analysis_status: analysis };
      seen.set(idOf(end), (seen.get(idOf(end)) ?? new Map()).set(`${strategy}/${analysis}`, own));
      (end.hasSucceeded ? successes : failures).inc(own);
      if (end.durationSeconds >= 0) durationOf(end)?.observe({ name, namespace }, end.durationSeconds);
    },
    forget(canary: CanaryNames): void {
      for (const own of seen.get(idOf(canary))?.values() ?? []) {
        successes.remove(own);
        failures.remove(own);
      }
      seen.delete(idOf(canary));
      durationOf(canary)?.remove({ name: canary.target, namespace: canary.namespace });
    },
  };
}

/** FNV-1a: spreads names evenly over the shards. */
function hashOf(text: string): number {
  let hash = 2_166_136_261;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 16_777_619);
  return hash >>> 0;
}
