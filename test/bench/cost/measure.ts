// The cost bench: whole lives of many Canaries on a real API server, counted, timed and weighed phase by phase.
import { cpus, loadavg } from 'node:os';
import { sleep, systemClock } from '../../../src/util/clock.ts';
import { namesOf } from '../cluster.ts';
import { startController, type BenchController } from '../controller.ts';
import { round } from '../figures.ts';
import type { BenchOptions, StoreName } from '../options.ts';
import { readProc } from '../proc.ts';
import { withStore, type RunningStore } from '../stores.ts';
import { until } from '../until.ts';
import { startCostCluster } from './cluster.ts';
import type { CostFigures } from './figures.ts';
import { epochMs, rollbackTimes, startMeter, untilCalm, writesOfSteps, type CostWorld } from './meter.ts';
import { startCostPrometheus } from './prometheus.ts';

const THRESHOLD = 5;
const LIMIT_MS = 3_600_000;
const SETTLE_MS = 5_000;

/** Measures one store at one number of Canaries. */
export async function measureCost(name: StoreName, canaries: number, options: BenchOptions): Promise<CostFigures> {
  return withStore(name, async (store) => {
    const prometheus = await startCostPrometheus();
    try {
      const cluster = await startCostCluster();
      try {
        return await measure({ cluster, prometheus, canaries }, store, options);
      } finally {
        await cluster.stop();
      }
    } finally {
      await prometheus.stop();
    }
  });
}

async function measure(world: CostWorld, store: RunningStore, options: BenchOptions): Promise<CostFigures> {
  const { cluster, prometheus, canaries } = world;
  const { costIntervalSeconds: intervalSeconds, steps } = options;
  const names = namesOf(0, canaries);
  const withController = async <T>(use: (controller: BenchController) => Promise<T>): Promise<T> => {
    const controller = await startController(cluster.kubeconfigPath, store, options);
    try {
      return await use(controller);
    } finally {
      await controller.stop();
    }
  };
  const emptyBytes = await withController(async ({ pid }) => {
    await sleep(systemClock, SETTLE_MS);
    return readProc(pid).residentBytes;
  });
  await cluster.add(names, { intervalSeconds, steps, threshold: THRESHOLD, metricsServer: prometheus.url });
  const life = await withController((controller) => measureLife(world, names, controller, options));
  const restart = await withController(async (controller) => {
    const meter = await startMeter(world, controller, true);
    await untilCalm(world, SETTLE_MS);
    return { ...(await meter.end()), startSeconds: round(controller.startSeconds, 1) };
  });
  const perCanary = (mebibytes: number): number => round((mebibytes * 1_024 - emptyBytes / 1_024) / canaries, 1);
  return {
    store: store.name,
    canaries,
    intervalSeconds,
    machine: cpus()[0]?.model ?? 'unknown',
    loadAverage: round(loadavg()[1] ?? 0, 1),
    emptyMebibytes: round(emptyBytes / 1_048_576, 0),
    ...life,
    restart,
    kibibytesPerCanary: {
      worked: perCanary(life.breach.residentMebibytes),
      restarted: perCanary(restart.residentMebibytes),
    },
  };
}

type Life = Pick<CostFigures, 'initialize' | 'idle' | 'run' | 'breach'>;

async function measureLife(
  world: CostWorld,
  names: readonly string[],
  controller: BenchController,
  options: BenchOptions,
): Promise<Life> {
  const { cluster, prometheus } = world;
  const started = await startMeter(world, controller, true);
  await cluster.untilPhase(names, 'Initialized', LIMIT_MS);
  const initialize = await started.end();
  await untilCalm(world, options.calmMs);

  const idling = await startMeter(world, controller);
  await sleep(systemClock, options.idleSeconds * 1_000);
  const idle = await idling.end();

  const running = await startMeter(world, controller);
  await cluster.setImages(names, 'app:2');
  await cluster.untilPhase(names, 'Succeeded', LIMIT_MS);
  await untilCalm(world, options.calmMs);
  const run = { ...(await running.end()), ...writesOfSteps(world, names, running.startMs) };

  const breaching = await startMeter(world, controller);
  await cluster.setImages(names, 'app:3');
  await until(
    () => names.every((name) => isRising(world, name, breaching.startMs)),
    LIMIT_MS,
    () => 'all canaries to have a weight',
  );
  prometheus.setFailing(true);
  const visibleMs = epochMs();
  await cluster.untilPhase(names, 'Failed', LIMIT_MS);
  await untilCalm(world, options.calmMs);
  const breach = { ...(await breaching.end()), ...(await rollbackTimes(world, names, visibleMs)) };
  prometheus.setFailing(false);
  return { initialize, idle, run, breach };
}

function isRising({ cluster }: CostWorld, name: string, fromMs: number): boolean {
  const last = cluster.weights.get(name)?.at(-1);
  return last !== undefined && last.atMs >= fromMs && last.percent > 0;
}
