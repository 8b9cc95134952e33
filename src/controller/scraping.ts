// Tells the scraper whose pods to scrape: those of the own target and primary, while a run is active and asks for it.
// Every replica scrapes every such Canary, because any of them may take the look that judges.
import type { Canary } from '../api/types.ts';
import type { RouteSeen } from '../core/observation.ts';
import { isRunning } from '../core/phase.ts';
import type { State } from '../core/state.ts';
import { messageOf } from '../errors.ts';
import type { KubeObject } from '../kube/contract.ts';
import type { LabelMatch, TrafficMetrics } from '../mesh/contract.ts';
import type { MetricSubject } from '../metrics/contract.ts';
import type { CanaryKey } from '../queue/contract.ts';
import type { Drivers } from './drivers.ts';
import type { Found } from './found.ts';
import { protocolOf } from './protocol.ts';
import { hasRun, isDraining } from './due.ts';
import { metricsServerOf, subjectOf } from './questions.ts';
import type { WorkloadContext } from '../workload/contract.ts';
import type { Memory } from './memory.ts';
import { readState } from './status.ts';

/** Longest pause between two scrapes of a pod. */
const EVERY_MAX_MS = 5_000;
/** Shortest pause: below it scraping costs more than it tells. */
const EVERY_MIN_MS = 250;

/** Called at each look: starts, changes or ends the scraping of one Canary. */
export function followScrape(key: CanaryKey, found: Found, next: State, use: Drivers): void {
  follow(key, found, isWatched(next), use);
}

/** Its pods are judged, or kept because traffic still reaches them. */
const isWatched = ({ phase, isDrainPending }: State): boolean => isRunning(phase) || isDrainPending;

/** Requests that were under way when the weight was taken away are counted when they end. */
const UNDER_WAY_MS = 2_000;
/** What the share is taken of, and the shortest time for it. */
const SHARE_WINDOW_MS = 10_000;
const SHARE_WINDOW_MIN_MS = 2_000;
/** So many requests of the primary and none of the canary: with 1 % live that would happen once in a million (0.99^1374). */
const REQUESTS_MIN = 1_374;

/**
 * The live weight by the requests that both sides serve, where the mesh does not tell and the Canary's pods are scraped.
 * Only for a route that asks for nothing, since `quietSinceMs`: then one request of the canary says that proxies lag, and
 * many of the primary alone say that none does.
 */
export function observedLive(
  key: CanaryKey,
  canary: Canary,
  route: RouteSeen,
  quietSinceMs: number | null,
  use: Drivers,
): RouteSeen {
  const isTold = route.livePercent !== 'unknown' || route.askedPercent !== 0;
  if (isTold || quietSinceMs === null || metricsServerOf(canary, use) !== 'scrape') return route;
  const windowMs = Math.min(SHARE_WINDOW_MS, use.clock.nowMs() - quietSinceMs - UNDER_WAY_MS);
  const served = windowMs < SHARE_WINDOW_MIN_MS ? null : use.scraper.served(key, windowMs);
  if (served === null) return route;
  const { primary, canary: ours } = served;
  if (ours === 0) return primary >= REQUESTS_MIN ? { ...route, livePercent: 0 } : route;
  // Some meshes label the primary's requests so that they are not counted here.
  const livePercent = primary === 0 ? 'pending' : (100 * ours) / (primary + ours);
  return { ...route, livePercent, pollMs: SHARE_WINDOW_MIN_MS };
}

/** What scraping needs to know of a Canary. */
type Scraped = Pick<Found, 'canary' | 'mesh' | 'workload' | 'workloadFound'>;

function follow(
  key: CanaryKey,
  { canary, mesh, workload, workloadFound }: Scraped,
  isActive: boolean,
  use: Drivers,
): void {
  const traffic = mesh.provider.metrics(protocolOf(canary, mesh.provider.name));
  if (traffic === null || metricsServerOf(canary, use) !== 'scrape') return;
  const windowMs = Math.min(canary.policy.intervalMs, ...canary.policy.checks.map((check) => check.windowMs));
  const everyMs = Math.max(EVERY_MIN_MS, Math.min(EVERY_MAX_MS, Math.floor(windowMs / 4)));
  const targets = isActive ? workload.scrapeTargets(canary, workloadFound, traffic.scrape) : [];
  use.scraper.track(key, targets, filled(traffic, subjectOf(key, canary)), everyMs);
}

/** The traffic of this Canary: labels that name its workload carry its names, because a pod also counts what it calls. */
function filled(traffic: TrafficMetrics, subject: MetricSubject): TrafficMetrics {
  const names: Readonly<Record<string, string>> = {
    namespace: subject.namespace,
    target: subject.target,
    service: subject.service,
  };
  const fill = (match: LabelMatch): LabelMatch => ({
    ...match,
    value: match.value.replace(/\{\{\s*(\w+)\s*\}\}/g, (whole, name: string) => names[name] ?? whole),
  });
  const { requests, latency } = traffic;
  return {
    ...traffic,
    requests: { ...requests, labels: requests.labels.map(fill), failure: fill(requests.failure) },
    latency: { ...latency, labels: latency.labels.map(fill) },
  };
}

/**
 * Called when a Canary or one of its pods changed, whoever looked at it: reads from the cache only. What cannot be read
 * is left to the next look.
 */
export async function watchScrape(key: CanaryKey, object: KubeObject, use: Drivers, memory: Memory): Promise<void> {
  // Most changes are of Canaries at rest: they are not worth parsing.
  if (!hasRun(object) && !isDraining(object)) return;
  const parsed = use.parse(object);
  const stored = readState(object);
  if (parsed.kind === 'invalid' || stored.kind !== 'state') return;
  const { canary } = parsed;
  if (metricsServerOf(canary, use) !== 'scrape' || !isWatched(stored.state)) return;
  try {
    const [mesh, workload] = [use.meshFor(canary), use.workloadFor(canary)];
    await memory.watches.ensure(key, canary, mesh, workload, true, use);
    const workloadFound = await workload.read(canary, contextOf(canary, stored.state));
    memory.watches.index(key, workload.refs(canary, workloadFound), 'more');
    follow(key, { canary, mesh, workload, workloadFound }, true, use);
  } catch (error) {
    use.log.debug('Scraping could not be followed', { canary: key, err: messageOf(error) });
  }
}

function contextOf(canary: Canary, state: State): WorkloadContext {
  return {
    runRevision: state.run?.revision ?? null,
    promotedRevision: state.promotedRevision,
    isActive: true,
    shouldReadSecrets: false,
    knownDigests: state.trackedConfigs,
    primaryFloor: state.run?.primaryFloor ?? null,
    fenceKey: `fence.serin.dev/${canary.identity.uid}`,
  };
}
