// Pods as real servers, each at a port of 127.0.0.1 or at an address of its own: HTTP, or gRPC where the container's port is named so.
import type { KubeObject } from '../../kube/contract.ts';
import { sleep } from '../../util/clock.ts';
import type { Clock } from '../../util/clock.ts';
import type { Random } from '../../util/random.ts';
import type { MetricsAs, PodFacts } from './exposition.ts';
import { createTrafficCounters } from './exposition.ts';
import type { ImageFaults } from './image-faults.ts';
import { PORT_ANNOTATION } from './runner.ts';
import type { PodRunner, StartedPod } from './runner.ts';
import type { AppOptions, RunningApp } from './sample-app.ts';
import { startGrpcApp, startHttpApp, startMetricsPort } from './sample-app.ts';
import { asPod } from './shapes.ts';

export interface HttpRunnerOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly metricsAs: MetricsAs;
  /**
   * How long an ending pod goes on taking new requests, as a preStop pause does, so that proxies hear of its end
   * before it closes; 500 by default.
   */
  readonly lingerMs?: number;
  /** How long requests under way may take after that; 10,000 by default. */
  readonly finishMs?: number;
  /** The address of a pod where pods have addresses of their own: then it listens at the ports of its spec. */
  readonly addressOf?: (pod: KubeObject) => string;
}

/** A runner whose pods can be counted and all ended. */
export interface HttpRunner extends PodRunner {
  /** Pods that listen. */
  count(): number;
  /** Ends all pods without waiting for anybody. */
  kill(): Promise<void>;
}

interface RunningPod {
  readonly app: RunningApp;
  readonly metrics: { port: number; close(): void } | null;
}

/** Opens the runner. Without `addressOf` it works on every operating system: no addresses besides 127.0.0.1. */
export function openHttpRunner(options: HttpRunnerOptions): HttpRunner {
  const { lingerMs = 500, finishMs = 10_000, clock } = options;
  const pods = new Map<string, Promise<RunningPod>>();
  const uidOf = (pod: KubeObject): string => pod.metadata.uid ?? pod.metadata.name;

  async function start(pod: KubeObject, faults: ImageFaults): Promise<StartedPod> {
    const starting = startPod(options, pod, faults);
    pods.set(uidOf(pod), starting);
    const { app, metrics } = await starting;
    if (options.addressOf !== undefined) return { ip: options.addressOf(pod), annotations: {} };
    return {
      ip: '127.0.0.1',
      annotations: {
        [PORT_ANNOTATION]: String(app.port),
        'prometheus.io/scrape': 'true',
        'prometheus.io/port': String(metrics?.port ?? app.port),
        'prometheus.io/path': '/metrics',
      },
    };
  }

  async function stop(pod: KubeObject): Promise<void> {
    const starting = pods.get(uidOf(pod));
    if (starting === undefined) return;
    const { app, metrics } = await starting;
    app.drain();
    await sleep(clock, lingerMs);
    const limit = new AbortController();
    await Promise.race([app.close(), sleep(clock, finishMs, limit.signal)]);
    limit.abort();
    app.kill();
    metrics?.close();
    pods.delete(uidOf(pod));
  }

  return {
    start,
    stop,
    count: () => pods.size,
    async kill() {
      for (const starting of pods.values()) {
        const { app, metrics } = await starting;
        void app.close();
        app.kill();
        metrics?.close();
      }
      pods.clear();
    },
  };
}

async function startPod(options: HttpRunnerOptions, pod: KubeObject, faults: ImageFaults): Promise<RunningPod> {
  const { clock, random, metricsAs } = options;
  const facts = factsOf(pod, faults.version);
  const counters = createTrafficCounters(facts, metricsAs);
  const role = facts.workload.endsWith('-primary') ? 'primary' : 'canary';
  const identity = { pod: facts.pod, version: facts.version, role } as const;
  const ip = options.addressOf?.(pod);
  const at = (port: number): Pick<AppOptions, 'listenAt'> => (ip === undefined ? {} : { listenAt: { ip, port } });
  const app: AppOptions = { clock, random, identity, faults, counters, ...at(servedPort(pod)) };
  if (facts.protocol === 'http') return { app: await startHttpApp(app), metrics: null };
  return {
    app: await startGrpcApp(app),
    metrics: await startMetricsPort(counters, at(metricsPort(pod)).listenAt),
  };
}

/** The first port of the first container that has one. */
const servedPort = (pod: KubeObject): number =>
  asPod(pod).spec.containers.flatMap((container) => container.ports ?? [])[0]?.containerPort ?? 8080;

/** Where its annotations say that it shows its numbers. */
const metricsPort = (pod: KubeObject): number => Number(pod.metadata.annotations?.['prometheus.io/port'] ?? 9102);

/** What labels say of a pod. The Deployment's name is that of the ReplicaSet without the hash of its template. */
function factsOf(pod: KubeObject, version: string): PodFacts {
  const { name, namespace = '', labels = {}, ownerReferences = [] } = pod.metadata;
  const set = ownerReferences.find(({ controller }) => controller === true)?.name ?? name;
  const hash = labels['pod-template-hash'];
  const workload = hash !== undefined && set.endsWith(`-${hash}`) ? set.slice(0, -hash.length - 1) : set;
  const ports = asPod(pod).spec.containers.flatMap((container) => container.ports ?? []);
  const isGrpc = ports.some((port) => port.name?.startsWith('grpc') === true);
  return { namespace, pod: name, workload, version, protocol: isGrpc ? 'grpc' : 'http' };
}
