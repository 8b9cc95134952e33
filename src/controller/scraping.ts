// Tells the scraper whose pods to scrape: those of the own target and primary, while a run is active and asks for it.
import { isRunning } from '../core/phase.ts';
import type { State } from '../core/state.ts';
import type { CanaryKey } from '../queue/contract.ts';
import type { Drivers } from './drivers.ts';
import type { Found } from './found.ts';
import { protocolOf } from './protocol.ts';
import { metricsServerOf } from './questions.ts';

/** Longest pause between two scrapes of a pod. */
const EVERY_MAX_MS = 5_000;

/** Called at each look: starts, changes or ends the scraping of one Canary. */
export function followScrape(key: CanaryKey, found: Found, next: State, use: Drivers): void {
  const { canary, mesh, workloadFound } = found;
  const traffic = mesh.provider.metrics(protocolOf(canary));
  if (traffic === null || metricsServerOf(canary, use) !== 'scrape') return;
  const windowMs = Math.min(canary.policy.intervalMs, ...canary.policy.checks.map((check) => check.windowMs));
  const everyMs = Math.max(250, Math.min(EVERY_MAX_MS, Math.floor(windowMs / 4)));
  const targets = isRunning(next.phase) ? found.workload.scrapeTargets(canary, workloadFound, traffic.scrape) : [];
  use.scraper.track(key, targets, traffic, everyMs);
}
