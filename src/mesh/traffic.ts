// Metrics that several providers share: what an instrumented application serves by itself.
import type { LabelMatch, TrafficMetrics } from './contract.ts';

/** Pods of the target: `<target>-<hash>` or `<target>-<hash>-<id>`. */
export const POD_PATTERN = '{{ target }}-[0-9a-zA-Z]+(-[0-9a-zA-Z]+)?';

/** gRPC codes by number that say nothing against the server: OK and the caller's own mistakes. Anything else, an absent code included, is a failure. */
export const GRPC_PASSING_NUMBERS = '0|1|3|5|6|7|9|10|11|16';
/** The same codes by the names that go-grpc-prometheus writes. */
const GRPC_PASSING_NAMES =
  'OK|Canceled|InvalidArgument|NotFound|AlreadyExists|PermissionDenied|FailedPrecondition|Aborted|OutOfRange|Unauthenticated';

const PODS: readonly LabelMatch[] = [
  { label: 'kubernetes_namespace', op: '=', value: '{{ namespace }}', isIdentity: true },
  { label: 'kubernetes_pod_name', op: '=~', value: POD_PATTERN, isIdentity: true },
];

const SCRAPE = { port: 8080, path: '/metrics' } as const;

/** `http_request_duration_seconds`, as Flagger reads it for meshes that have no metrics of their own. */
const APPLICATION_HTTP: TrafficMetrics = {
  requests: {
    metric: 'http_request_duration_seconds_count',
    labels: PODS,
    failure: { label: 'status', op: '=~', value: '5.*' },
  },
  latency: { metric: 'http_request_duration_seconds', labels: PODS, unit: 's' },
  scrape: SCRAPE,
};

/** The server metrics of the gRPC interceptors of go-grpc-prometheus and of what follows its names in other languages. */
const APPLICATION_GRPC: TrafficMetrics = {
  requests: {
    metric: 'grpc_server_handled_total',
    labels: PODS,
    failure: { label: 'grpc_code', op: '!~', value: GRPC_PASSING_NAMES },
  },
  latency: { metric: 'grpc_server_handling_seconds', labels: PODS, unit: 's' },
  scrape: SCRAPE,
};

/** What the application itself serves for this protocol; null for TCP. */
export function applicationMetrics(protocol: 'http' | 'grpc' | 'tcp'): TrafficMetrics | null {
  if (protocol === 'tcp') return null;
  return protocol === 'grpc' ? APPLICATION_GRPC : APPLICATION_HTTP;
}
