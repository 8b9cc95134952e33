// A real Prometheus that scrapes the proxies and the pods, with Envoy's numbers renamed to those that Istio's own filter writes.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { KubeApi } from '../kube-api.ts';
import { startProcess, type RealProcess } from '../process.ts';
import { waitFor } from '../waiting.ts';
import { followPods } from './pod-targets.ts';

export interface PrometheusOptions {
  readonly program: string;
  readonly folder: string;
  /** By which its pods are found. */
  readonly api: KubeApi;
  /** `host:port` of the gateway's Envoy that stands for Istio's proxies. */
  readonly istioEnvoy: string;
  /** Seconds between scrapes. */
  readonly everySeconds: number;
}

/** A running Prometheus. */
export interface Prometheus {
  readonly url: string;
  readonly process: RealProcess;
  /** Starts it again, with what it remembered. */
  start(): Promise<void>;
  /** The value of an instant query; null without one. */
  value(query: string): Promise<number | null>;
  stop(): Promise<void>;
}

const PORT = 15_090;
const TARGETS = 'pods.json';
const READY_MAX_MS = 60_000;

/** Starts it. */
export async function startPrometheus(options: PrometheusOptions): Promise<Prometheus> {
  mkdirSync(options.folder, { recursive: true });
  writeFileSync(join(options.folder, 'prometheus.yml'), stringify(configOf(options)));
  const url = `http://127.0.0.1:${PORT}`;
  const following = new AbortController();
  const followed = followPods(options.api, join(options.folder, TARGETS), following.signal);
  let process: RealProcess | null = null;
  const prometheus: Prometheus = {
    url,
    get process() {
      if (process === null) throw new TypeError('Cannot use Prometheus: it was not started');
      return process;
    },
    async start() {
      const flags = {
        'config.file': join(options.folder, 'prometheus.yml'),
        'storage.tsdb.path': join(options.folder, 'data'),
        'web.listen-address': `127.0.0.1:${PORT}`,
        'storage.tsdb.retention.time': '1h',
      };
      const args = Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`);
      process = startProcess({ name: 'prometheus', program: options.program, args, folder: options.folder });
      const started = process;
      const isReady = async (): Promise<boolean> => {
        if (!started.isRunning) throw new Error(`it ended: ${started.tail()}`);
        return (await fetch(`${url}/-/ready`)).ok;
      };
      await waitFor('a ready Prometheus', isReady, READY_MAX_MS);
    },
    async value(query) {
      const answer = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(query)}`);
      const body = (await answer.json()) as { data: { result: readonly { value: readonly [number, string] }[] } };
      const [first] = body.data.result;
      return first === undefined ? null : Number(first.value[1]);
    },
    async stop() {
      following.abort();
      await process?.stop();
      await followed;
    },
  };
  await prometheus.start();
  return prometheus;
}

function configOf({ istioEnvoy, everySeconds }: PrometheusOptions): unknown {
  const every = `${everySeconds}s`;
  return {
    global: { scrape_interval: every, scrape_timeout: every },
    scrape_configs: [
      {
        job_name: 'istio-envoy',
        metrics_path: '/stats/prometheus',
        static_configs: [{ targets: [istioEnvoy] }],
        metric_relabel_configs: ISTIO_RENAMES,
      },
      {
        job_name: 'pods',
        file_sd_configs: [{ files: [TARGETS], refresh_interval: '5s' }],
        // The sample app can stand in for a proxy and write Istio's names itself: here the proxy is real.
        metric_relabel_configs: [{ source_labels: ['__name__'], regex: 'istio_.*', action: 'drop' }],
      },
    ],
  };
}

const CLUSTER = String.raw`outbound\|\d+\|\|(.+?)(?:-canary)?\.([^.]+)\.svc\.cluster\.local`;
/** The port of the gRPC apps. */
const GRPC_CLUSTER = String.raw`outbound\|50051\|\|.*`;

const COUNTED = 'envoy_cluster_(?:upstream_rq|upstream_rq_time.*|grpc_\\d+)';
const byNameAndCluster = { source_labels: ['__name__', 'envoy_cluster_name'], separator: ';' } as const;

const fromCluster = (target: string, replacement: string): unknown => ({
  source_labels: ['envoy_cluster_name'],
  regex: CLUSTER,
  target_label: target,
  replacement,
});
const toLabel = (source: string, regex: string, target: string, replacement: string): unknown => ({
  source_labels: [source],
  regex,
  target_label: target,
  replacement,
});

/**
 * Envoy counts by cluster what Istio's filter counts by workload: `web-canary` is the workload `web`, `web-primary` is one of that name. The
 * numbers are the same, the labels are ours: this proves the arithmetic of the queries, not Istio's labels.
 */
const ISTIO_RENAMES: readonly unknown[] = [
  { ...byNameAndCluster, regex: `${COUNTED};${CLUSTER}`, action: 'keep' },
  // Calls of gRPC are counted by their own status, not by that of HTTP.
  { ...byNameAndCluster, regex: `envoy_cluster_upstream_rq;${GRPC_CLUSTER}`, action: 'drop' },
  toLabel('envoy_cluster_name', GRPC_CLUSTER, 'request_protocol', 'grpc'),
  fromCluster('destination_workload', '$1'),
  fromCluster('destination_workload_namespace', '$2'),
  { target_label: 'reporter', replacement: 'destination' },
  toLabel('envoy_response_code', '(.+)', 'response_code', '$1'),
  // A status of gRPC is part of the counter's name.
  toLabel('__name__', 'envoy_cluster_grpc_(.+)', 'grpc_response_status', '$1'),
  toLabel('__name__', String.raw`envoy_cluster_(?:upstream_rq|grpc_\d+)`, '__name__', 'istio_requests_total'),
  toLabel('__name__', 'envoy_cluster_upstream_rq_time(.*)', '__name__', 'istio_request_duration_milliseconds$1'),
];
