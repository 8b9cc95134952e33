// Builds the controller: the only place where drivers meet. The simulation calls it too, with its own outside world.
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { parseAlertProvider } from './api/alert-provider-schema.ts';
import { isGranted } from './api/grants.ts';
import { parseMetricTemplate } from './api/metric-template-schema.ts';
import { parseCanary } from './api/parse-canary.ts';
import { describeProblems, errorOf } from './api/problems.ts';
import type { Canary } from './api/types.ts';
import { describeSettings } from './config/read-settings.ts';
import type { Settings } from './config/options.ts';
import { Announcer } from './controller/announce.ts';
import type { Drivers, LoopMeters, Mesh, Parsed } from './controller/drivers.ts';
import { Loop } from './controller/loop.ts';
import { createMemory } from './controller/memory.ts';
import { InvalidSpecError } from './errors.ts';
import { computeHookChecksum } from './gates/checksum.ts';
import { createHookCaller } from './gates/webhooks.ts';
import { createHttpClient, type ClosableHttpClient } from './http/client.ts';
import type { HttpClient } from './http/contract.ts';
import { systemResolve } from './http/lookup.ts';
import { connectKube, type ConnectedKube } from './kube/connect.ts';
import type { Kube, KubeObject } from './kube/contract.ts';
import type { MeshOutside } from './mesh/contract.ts';
import { findMeshProvider } from './mesh/registry.ts';
import { createScraper, openPrometheus, readMetricCredentials, renderMetricQuery } from './metrics/open.ts';
import { openEventNotifier } from './notify/event.ts';
import { renderMessage } from './notify/messages.ts';
import { openNotifiers } from './notify/open.ts';
import type { Queue } from './queue/contract.ts';
import { openQueue, type QueueConfig } from './queue/open.ts';
import { startServer, type Problem } from './server/http.ts';
import { createLog } from './telemetry/log.ts';
import type { Log } from './telemetry/contract.ts';
import { createMeters, type Meters } from './telemetry/metrics.ts';
import { systemClock, type Clock } from './util/clock.ts';
import { systemRandom, type Random } from './util/random.ts';
import { nameByDigest } from './workload/names.ts';
import { projections } from './workload/projections.ts';
import { findWorkloadProvider } from './workload/registry.ts';
import type { WorkloadDriver } from './workload/contract.ts';
import { loopMeters } from './loop-meters.ts';
import { VERSION } from './version.ts';

/** The world outside the loop: real in production, simulated in the simulation. */
export interface Outside {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly kube: Kube;
  readonly http: HttpClient;
  readonly queue: Queue;
  readonly meters: LoopMeters;
  /** Names this process among the replicas. */
  readonly replica: string;
  /** All addresses of a host name; without it names are left to the HTTP client. */
  readonly resolve?: (hostname: string) => Promise<readonly string[]>;
}

/** How often Canaries that are due are worked directly while the queue's store is away. */
const FALLBACK_INTERVAL_MS = 2_000;
/** How often a tracked Secret is read while nothing happens. */
const SECRET_POLL_MS = 300_000;

/** Puts the loop together. Nothing runs before `start`. */
export function composeLoop(settings: Settings, outside: Outside): Loop {
  const { clock, random, log, kube, http, queue, meters, replica } = outside;
  const hooks = createHookCaller({ http, clock, random, log });
  const notifiers = openNotifiers({
    http,
    hooks,
    kube: kube.client,
    clock,
    settings: settings.notify,
    reportingInstance: replica,
  });
  for (const problem of notifiers.problems) log.warn('Notifications are not as configured', { reason: problem });
  const drivers: Drivers = {
    kube,
    clock,
    random,
    log,
    queue,
    hooks,
    meters,
    scraper: createScraper({ http, clock }),
    events: openEventNotifier(kube.client, { reportingInstance: replica }),
    settings: {
      replica,
      groups: settings.cluster.apiGroups,
      namespace: settings.cluster.namespace,
      metricsServer: settings.canaries.metricsServer,
      clusterName: settings.cluster.clusterName,
      concurrency: settings.queue.concurrency,
      resyncIntervalMs: settings.queue.resyncIntervalMs,
      fallbackIntervalMs: FALLBACK_INTERVAL_MS,
      secretPollMs: SECRET_POLL_MS,
    },
    parse: (object) => parsed(object, settings),
    parseTemplate(object) {
      const result = parseMetricTemplate(object);
      if (result.kind === 'invalid') throw errorOf(result.problems);
      return result.template;
    },
    parseAlertProvider(object) {
      const result = parseAlertProvider(object);
      if (result.kind === 'invalid') throw errorOf(result.problems);
      return result.provider;
    },
    isGranted,
    meshFor: meshFinder(settings, kube, meshOutside(settings, outside)),
    workloadFor: workloadFinder(settings, kube),
    prometheus: (endpoint) => openPrometheus({ http, clock }, endpoint),
    metricCredentials: readMetricCredentials,
    renderQuery: renderMetricQuery,
    checksum: computeHookChecksum,
    notifiersFor: (canary, alerts) => notifiers.forCanary(canary, alerts),
    render: (announced, canary) => renderMessage(announced.type, canary, announced.facts),
    pinName: nameByDigest,
  };
  let loop: Loop | null = null;
  const announcer = new Announcer({
    clock,
    log,
    replica,
    hasPeers: settings.queue.replicaCount > 1,
    wake: (key) => loop?.attend(key),
    delivered: (sink, outcome) => meters.delivered(sink, outcome),
  });
  loop = new Loop(
    drivers,
    createMemory((kind) => projections[kind.kind], announcer),
  );
  return loop;
}

/** A Canary, or one line with everything that is wrong with it. */
function parsed(object: KubeObject, settings: Settings): Parsed {
  const result = parseCanary(object, { defaultProvider: settings.canaries.meshProvider });
  if (result.kind === 'invalid') return { kind: 'invalid', message: describeProblems(result.problems) };
  const notes = result.notes.flatMap(({ message, toldAs = ['SpecAdjusted'] }) =>
    toldAs.map((type) => ({ type, detail: message })),
  );
  const suspended = result.canary.policy.suspend ? [{ type: 'Suspended', detail: '' }] : [];
  return { ...result, notes: [...notes, ...suspended] };
}

function meshOutside(settings: Settings, { http, clock, log, resolve }: Outside): MeshOutside {
  const { istiodDebugUrl, istiodDebugTokenFile } = settings.canaries;
  return {
    http,
    clock,
    log,
    istiodUrls: istiodDebugUrl,
    resolve: resolve ?? ((hostname) => Promise.resolve([hostname])),
    readIstiodToken: () => (istiodDebugTokenFile === null ? null : readFileSync(istiodDebugTokenFile, 'utf8').trim()),
  };
}

/** One driver a provider, made when the first Canary needs it. */
function meshFinder(settings: Settings, kube: Kube, outside: MeshOutside): (canary: Canary) => Mesh {
  const opened = new Map<string, Mesh>();
  return (canary) => {
    const name = canary.provider ?? settings.canaries.meshProvider;
    if (name === null) {
      throw new InvalidSpecError(
        'SPEC_PROVIDER',
        'spec.provider',
        'is not set, and the controller has no --mesh-provider: name the provider',
      );
    }
    const provider = findMeshProvider(name);
    const mesh = opened.get(provider.name) ?? { provider, driver: provider.create(kube, outside) };
    opened.set(provider.name, mesh);
    return mesh;
  };
}

function workloadFinder(settings: Settings, kube: Kube): (canary: Canary) => WorkloadDriver {
  const opened = new Map<string, WorkloadDriver>();
  const { selectorLabels, includeLabelPrefix, enableConfigTracking } = settings.canaries;
  return (canary) => {
    const provider = findWorkloadProvider(canary.targetRef);
    const known = opened.get(provider.kind);
    if (known !== undefined) return known;
    const driver = provider.create(kube, {
      selectorLabels,
      includeLabelPrefixes: includeLabelPrefix,
      isConfigTrackingOn: enableConfigTracking,
    });
    opened.set(provider.kind, driver);
    return driver;
  };
}

/** A controller that runs. */
export interface RunningController {
  /** Port of health and metrics. */
  readonly port: number;
  readonly log: Log;
  /** Stops within `graceMs`: no new looks, acts under way end, connections close. */
  stop(graceMs: number): Promise<void>;
}

/** How long the loop may show no sign of life before the process should be restarted, in milliseconds. */
const DEAD_AFTER_MS = 120_000;

/** What stays open as long as the process: ports, connections, meters. */
interface Process {
  readonly log: Log;
  readonly replica: string;
  readonly meters: Meters;
  readonly kube: ConnectedKube;
  readonly http: ClosableHttpClient;
}

async function openProcess(settings: Settings): Promise<Process> {
  const log = createLog({ level: settings.log.logLevel });
  const replica = settings.queue.replicaName ?? hostname();
  log.info('Starting', { version: VERSION, replica, settings: describeSettings(settings) });
  const meshProvider = settings.canaries.meshProvider ?? '';
  const meters = createMeters({ version: VERSION, meshProvider, hasProcessMetrics: true });
  const kube = await connectKube({
    kubeconfigPath: settings.cluster.kubeconfig ?? undefined,
    clock: systemClock,
    random: systemRandom,
    log,
    requestsPerSecond: settings.cluster.requestsPerSecond,
    onRequest: ({ verb, kind, lane, status, durationMs }) =>
      meters.countKubeRequest({ verb, resource: kind, lane, code: status, durationSeconds: durationMs / 1_000 }),
  });
  const http = createHttpClient({
    clock: systemClock,
    log,
    allowLoopback: settings.outgoing.allowLoopback,
    allowedHosts: settings.outgoing.allowHosts,
    deniedHosts: [new URL(kube.server).host],
  });
  return { log, replica, meters, kube, http };
}

/** Opens everything that is real and starts the controller. Throws InvalidSpecError for settings that cannot work. */
export async function openController(settings: Settings): Promise<RunningController> {
  const ports = { clock: systemClock, random: systemRandom };
  const { log, replica, meters, kube, http } = await openProcess(settings);
  const opened: { queue?: Queue; loop?: Loop; isReady: boolean } = { isReady: false };
  const server = await startServer({
    probes: {
      live: () => liveness(opened.loop),
      ready: () => readiness(opened.isReady, kube, opened.queue),
    },
    metrics: () => metricsPage(meters, kube, opened),
    host: settings.server.bindAddress,
    port: settings.server.port,
    log,
  });
  const queue = await openQueue(queueConfig(settings), { ...ports, log });
  opened.queue = queue;
  const resolve = async (hostname: string): Promise<readonly string[]> =>
    (await systemResolve(hostname)).map(({ address }) => address);
  const outside = { ...ports, log, kube, http, queue, meters: loopMeters(meters), replica, resolve };
  const loop = composeLoop(settings, outside);
  opened.loop = loop;
  await loop.start();
  opened.isReady = true;
  log.info('Started', { port: server.port });
  return {
    port: server.port,
    log,
    async stop(graceMs) {
      log.info('Stopping', { graceMs });
      await loop.stop(graceMs);
      await server.close();
      await kube.close();
      http.close();
      meters.stop();
      log.info('Stopped');
    },
  };
}

function queueConfig(settings: Settings): QueueConfig {
  const { redisUrl, postgresUrl, queueName, queueCaFile, queueDirectory } = settings.queue;
  const common = { queueName, ...(queueCaFile === null ? {} : { caPem: readFileSync(queueCaFile, 'utf8') }) };
  if (redisUrl !== null) return { ...common, redisUrl };
  if (postgresUrl !== null) return { ...common, postgresUrl };
  return { ...common, embedded: queueDirectory === null ? true : { dataDir: queueDirectory } };
}

function liveness(loop: Loop | undefined): readonly Problem[] {
  return loop?.isDead(DEAD_AFTER_MS) === true ? [{ part: 'loop', message: 'no look has ended for too long' }] : [];
}

/** A store that is away is no reason to be unready, because due Canaries are worked without it; one that loses jobs is. */
function readiness(hasSynced: boolean, kube: Kube, queue: Queue | undefined): readonly Problem[] {
  if (!hasSynced) return [{ part: 'caches', message: 'the first lists are not in' }];
  const health = queue?.health();
  const lossy = health?.isUp === true && health.problem !== null ? [{ part: 'queue', message: health.problem }] : [];
  const silent = kube.cache.stale().map(({ kind, ageMs }) => ({
    part: 'watch',
    message: `${kind.plural} silent for ${Math.round(ageMs / 1_000)} s`,
  }));
  return [...lossy, ...silent];
}

async function metricsPage(
  meters: Meters,
  kube: Kube,
  { queue, loop }: { readonly queue?: Queue; readonly loop?: Loop },
): Promise<{ contentType: string; body: string }> {
  meters.setStaleWatches(kube.cache.stale().length);
  const ages = kube.cache.ages();
  meters.setWatchAges(ages.map(({ kind, ageMs }) => ({ resource: kind.plural, ageSeconds: ageMs / 1_000 })));
  meters.setOutboxPending(loop?.pendingAnnouncements() ?? 0);
  if (queue !== undefined) meters.setQueue(queue.health());
  return meters.render();
}
