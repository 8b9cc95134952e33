// What idle Canaries cost: API requests, metric queries, processor time and memory of the controller.
import { sleep, systemClock } from '../../src/util/clock.ts';
import { namesOf } from './cluster.ts';
import { mebibytes, round } from './figures.ts';
import type { BenchOptions } from './options.ts';
import { sumUp } from './requests.ts';
import { untilStill, withStage } from './stage.ts';
import type { RunningStore } from './stores.ts';

/** Of one queue store. */
export interface IdleFigures {
  readonly canaries: number;
  /** From the creation of all Canaries at once until all are Initialized, and what that took. */
  readonly initializeSeconds: number;
  readonly initializeCpuSeconds: number;
  readonly looksPerInitialization: number;
  /** Events among them, watches left out. */
  readonly requestsPerInitialization: number;
  readonly conflictsPerInitialization: number;
  /** How long was measured after that. */
  readonly seconds: number;
  /** Requests to the API server, Events among them, watches left out. */
  readonly requestsPerMinute: number;
  readonly requestsPerMinuteAndCanary: number;
  /** Watches that were opened anew: a watch ends by itself every 5 to 10 minutes. */
  readonly watchesOpened: number;
  readonly queriesPerMinute: number;
  readonly cpuSecondsPerMinute: number;
  /** After it has initialized all Canaries, which takes more memory than to have found them so. */
  readonly residentMebibytes: number;
  readonly loopLagP99Ms: number;
}

const LIMIT_MS = 600_000;

/** Measures one store. */
export async function measureIdle(store: RunningStore, options: BenchOptions): Promise<IdleFigures> {
  return withStage(options, (stage) =>
    stage.withController(store, async (controller) => {
      const { cluster, prometheus, requests } = stage;
      const names = namesOf(0, options.idleCanaries);
      const atStart = await controller.usage();
      const addedMs = performance.now();
      cluster.add(names, { ...options, threshold: 5, metricsServer: prometheus.url });
      await cluster.untilPhase(names, 'Initialized', LIMIT_MS);
      const initializeSeconds = round((performance.now() - addedMs) / 1_000, 1);
      await untilStill(stage, controller, options.calmMs);
      const first = sumUp(requests.since(addedMs));
      const perCanary = (sum: number): number => round(sum / Math.max(1, names.length), 1);
      const before = await controller.usage();
      const startMs = performance.now();
      const [queries, watches] = [prometheus.queries(), requests.watches.length];
      await sleep(systemClock, options.idleSeconds * 1_000);
      const asked = sumUp(requests.since(startMs));
      const after = await controller.usage();
      const minutes = (performance.now() - startMs) / 60_000;
      const perMinute = (asked.requests + asked.events) / minutes;
      return {
        canaries: names.length,
        initializeSeconds,
        initializeCpuSeconds: round(before.cpuSeconds - atStart.cpuSeconds, 1),
        looksPerInitialization: perCanary(before.looks - atStart.looks),
        requestsPerInitialization: perCanary(first.requests + first.events),
        conflictsPerInitialization: perCanary(first.conflicts),
        seconds: round(minutes * 60, 1),
        requestsPerMinute: round(perMinute, 2),
        requestsPerMinuteAndCanary: round(perMinute / Math.max(1, names.length), 4),
        watchesOpened: requests.watches.length - watches,
        queriesPerMinute: round((prometheus.queries() - queries) / minutes, 2),
        cpuSecondsPerMinute: round((after.cpuSeconds - before.cpuSeconds) / minutes, 2),
        residentMebibytes: mebibytes(after.residentBytes),
        loopLagP99Ms: round(after.loopLagMs, 1),
      };
    }),
  );
}
