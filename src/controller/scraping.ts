// Tells the scraper whose pods to scrape: those of the own target and primary, while a run is active and asks for it.
// Every replica scrapes every such Canary, because any of them may take the look that judges.
import type { Canary } from '../api/types.ts';
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
import { hasRun } from './due.ts';
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
  follow(key, found, isRunning(next.phase), use);
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
  if (!hasRun(object)) return;
  const parsed = use.parse(object);
  const stored = readState(object);
  if (parsed.kind === 'invalid' || stored.kind !== 'state') return;
  const { canary } = parsed;
  if (metricsServerOf(canary, use) !== 'scrape' || !isRunning(stored.state.phase)) return;
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
