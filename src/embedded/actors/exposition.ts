// The numbers that a pod and its mesh proxy serve at /metrics, in Prometheus' text format, written by hand.

/** Whose names the numbers carry. The application's own are always there besides. */
export type MetricsAs = 'app' | 'istio' | 'appmesh' | 'osm';

/** What the labels say of a pod. */
export interface PodFacts {
  readonly namespace: string;
  readonly pod: string;
  /** The Deployment. */
  readonly workload: string;
  readonly version: string;
  readonly protocol: 'http' | 'grpc';
}

/** One request that was answered. */
export interface AnsweredRequest {
  readonly status: number;
  /** The gRPC status; null for plain HTTP. */
  readonly grpcStatus: number | null;
  readonly durationMs: number;
}

/** Counts requests and renders them. */
export interface TrafficCounters {
  note(request: AnsweredRequest): void;
  render(): string;
}

/** Bounds in milliseconds: those of Istio's and Envoy's histograms. */
const MESH_BOUNDS_MS = [0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000];
/** Bounds in seconds: the defaults of Prometheus' client libraries. */
const APP_BOUNDS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const GRPC_SERVICE = 'proto.DataService';
const GRPC_NAMES: Readonly<Record<number, string>> = {
  0: 'OK',
  2: 'Unknown',
  4: 'DeadlineExceeded',
  13: 'Internal',
  14: 'Unavailable',
};

type Labels = readonly (readonly [string, string])[];

interface Series {
  readonly status: number;
  readonly grpcStatus: number | null;
  count: number;
  sumMs: number;
  readonly durationsMs: number[];
}

/** What one family of metrics is called and labelled. */
interface Family {
  readonly counter: string;
  readonly histogram: string;
  readonly unit: 'ms' | 's';
  labels(series: Series): Labels;
  /** Labels of the histogram; the counter's when left out. */
  histogramLabels?(series: Series): Labels;
}

/** Counters for one pod. */
export function createTrafficCounters(facts: PodFacts, metricsAs: MetricsAs): TrafficCounters {
  const families = [applicationFamily(facts), ...meshFamilies(facts, metricsAs)];
  const series = new Map<string, Series>();
  return {
    note({ status, grpcStatus, durationMs }) {
      const key = `${status}/${grpcStatus ?? ''}`;
      const held = series.get(key) ?? {
        status,
        grpcStatus,
        count: 0,
        sumMs: 0,
        durationsMs: ALL_BOUNDS_MS.map(() => 0),
      };
      series.set(key, held);
      held.count += 1;
      held.sumMs += durationMs;
      bump(held, durationMs);
    },
    render: () => families.map((family) => renderFamily(family, [...series.values()])).join(''),
  };
}

/** All bounds that any family shows, in milliseconds. */
const ALL_BOUNDS_MS = [...new Set([...MESH_BOUNDS_MS, ...APP_BOUNDS_S.map((bound) => bound * 1_000)])].sort(
  (a, b) => a - b,
);

function bump(series: Series, durationMs: number): void {
  for (const [index, boundMs] of ALL_BOUNDS_MS.entries()) {
    if (durationMs <= boundMs) series.durationsMs[index] = (series.durationsMs[index] ?? 0) + 1;
  }
}

function applicationFamily(facts: PodFacts): Family {
  if (facts.protocol === 'grpc') {
    const base: Labels = [
      ['grpc_type', 'unary'],
      ['grpc_service', GRPC_SERVICE],
      ['grpc_method', 'Get'],
    ];
    return {
      counter: 'grpc_server_handled_total',
      histogram: 'grpc_server_handling_seconds',
      unit: 's',
      labels: ({ grpcStatus }) => [...base, ['grpc_code', GRPC_NAMES[grpcStatus ?? 0] ?? 'Unknown']],
      histogramLabels: () => base,
    };
  }
  return {
    // The histogram's own _count is what its readers count requests by.
    counter: '',
    histogram: 'http_request_duration_seconds',
    unit: 's',
    labels: ({ status }) => [
      ['method', 'GET'],
      ['path', '/'],
      ['status', String(status)],
    ],
  };
}

function meshFamilies(facts: PodFacts, metricsAs: MetricsAs): readonly Family[] {
  switch (metricsAs) {
    case 'app':
      return [];
    case 'istio':
      return [istioFamily(facts)];
    case 'appmesh':
      return [appMeshFamily(facts)];
    case 'osm':
      return [osmFamily(facts)];
  }
}

function istioFamily({ namespace, workload, version, protocol }: PodFacts): Family {
  return {
    counter: 'istio_requests_total',
    histogram: 'istio_request_duration_milliseconds',
    unit: 'ms',
    labels: ({ status, grpcStatus }) => [
      ['reporter', 'destination'],
      ['source_workload', 'load'],
      ['source_workload_namespace', namespace],
      ['destination_workload', workload],
      ['destination_workload_namespace', namespace],
      ['destination_app', workload],
      ['destination_version', version],
      ['request_protocol', protocol],
      ['response_code', String(status)],
      ['grpc_response_status', grpcStatus === null ? '' : String(grpcStatus)],
      ['response_flags', '-'],
      ['connection_security_policy', 'none'],
    ],
  };
}

function appMeshFamily({ namespace, workload, protocol }: PodFacts): Family {
  const cluster = ['envoy_cluster_name', `cds_ingress_mesh_${workload}-${namespace}_${protocol}_8080`] as const;
  return {
    counter: 'envoy_cluster_upstream_rq',
    histogram: 'envoy_cluster_upstream_rq_time',
    unit: 'ms',
    labels: ({ status }) => [cluster, ['envoy_response_code', String(status)]],
    histogramLabels: () => [cluster],
  };
}

function osmFamily({ namespace, workload, pod }: PodFacts): Family {
  const destination: Labels = [
    ['source_kind', 'Deployment'],
    ['source_name', 'load'],
    ['source_namespace', namespace],
    ['destination_kind', 'Deployment'],
    ['destination_name', workload],
    ['destination_namespace', namespace],
    ['destination_pod', pod],
  ];
  return {
    counter: 'osm_request_total',
    histogram: 'osm_request_duration_ms',
    unit: 'ms',
    labels: ({ status }) => [...destination, ['response_code', String(status)]],
    histogramLabels: () => destination,
  };
}

function renderFamily(family: Family, series: readonly Series[]): string {
  const lines: string[] = [];
  if (family.counter !== '') {
    lines.push(`# TYPE ${family.counter} counter`);
    for (const [labels, merged] of merge(series, (one) => family.labels(one))) {
      lines.push(`${family.counter}${renderLabels(labels)} ${merged.count}`);
    }
  }
  lines.push(`# TYPE ${family.histogram} histogram`);
  for (const [labels, merged] of merge(series, (one) => family.histogramLabels?.(one) ?? family.labels(one))) {
    lines.push(...renderHistogram(family, labels, merged));
  }
  return `${lines.join('\n')}\n`;
}

/** Series that a family does not tell apart are one. */
function merge(series: readonly Series[], labelsOf: (one: Series) => Labels): readonly (readonly [Labels, Series])[] {
  const byLabels = new Map<string, [Labels, Series]>();
  for (const one of series) {
    const labels = labelsOf(one);
    const key = renderLabels(labels);
    const held = byLabels.get(key)?.[1];
    const merged: Series =
      held === undefined
        ? one
        : {
            ...held,
            count: held.count + one.count,
            sumMs: held.sumMs + one.sumMs,
            durationsMs: ALL_BOUNDS_MS.map(
              (_, index) => (held.durationsMs[index] ?? 0) + (one.durationsMs[index] ?? 0),
            ),
          };
    byLabels.set(key, [labels, merged]);
  }
  return [...byLabels.values()];
}

function renderHistogram({ histogram, unit }: Family, labels: Labels, series: Series): string[] {
  const scale = unit === 's' ? 1_000 : 1;
  const bounds = unit === 's' ? APP_BOUNDS_S : MESH_BOUNDS_MS;
  const bucket = (le: string, count: number): string =>
    `${histogram}_bucket${renderLabels([...labels, ['le', le]])} ${count}`;
  return [
    ...bounds.map((bound) => bucket(String(bound), series.durationsMs[ALL_BOUNDS_MS.indexOf(bound * scale)] ?? 0)),
    bucket('+Inf', series.count),
    `${histogram}_sum${renderLabels(labels)} ${series.sumMs / scale}`,
    `${histogram}_count${renderLabels(labels)} ${series.count}`,
  ];
}

function renderLabels(labels: Labels): string {
  const escape = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
  return `{${labels.map(([name, value]) => `${name}="${escape(value)}"`).join(',')}}`;
}
