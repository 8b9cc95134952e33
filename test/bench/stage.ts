// A cluster, a Prometheus and a folder for their files, put up for one scenario and taken down after it.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sleep, systemClock } from '../../src/util/clock.ts';
import { startCluster, type BenchCluster } from './cluster.ts';
import { startController, type BenchController } from './controller.ts';
import type { BenchOptions } from './options.ts';
import { startPrometheus, type FakePrometheus } from './prometheus.ts';
import { RequestLog } from './requests.ts';
import type { RunningStore } from './stores.ts';

/** What the scenarios with a cluster work on. */
export interface Stage {
  readonly cluster: BenchCluster;
  readonly prometheus: FakePrometheus;
  readonly requests: RequestLog;
  /** Runs `work` with a controller on the store, and stops it afterwards. */
  withController<T>(store: RunningStore, work: (controller: BenchController) => Promise<T>): Promise<T>;
}

/** Share of a core below which a controller that looks at nothing is still, besides what it takes to ask it. */
const STILL_CORES = 0.1;
const ASKED_SECONDS = 0.1;
const ROUNDS_MAX = 30;
const LIMIT_MS = 600_000;

/** Waits until the controller asks nothing, looks at nothing and has worked off what it had queued. */
export async function untilStill(
  { requests }: Pick<Stage, 'requests'>,
  controller: BenchController,
  calmMs: number,
): Promise<void> {
  await requests.untilCalm(calmMs, LIMIT_MS);
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const before = await controller.usage();
    await sleep(systemClock, calmMs);
    const after = await controller.usage();
    const allowedSeconds = STILL_CORES * (calmMs / 1_000) + ASKED_SECONDS;
    if (after.looks === before.looks && after.cpuSeconds - before.cpuSeconds < allowedSeconds) return;
  }
}

/** Runs `work` on a stage of its own. */
export async function withStage<T>(options: BenchOptions, work: (stage: Stage) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'serin-bench-'));
  const cluster = await startCluster(folder);
  const prometheus = await startPrometheus();
  const requests = new RequestLog(cluster.api);
  try {
    return await work({
      cluster,
      prometheus,
      requests,
      async withController(store, use) {
        const controller = await startController(cluster.kubeconfigPath, store, options);
        try {
          return await use(controller);
        } finally {
          await controller.stop();
        }
      },
    });
  } finally {
    requests.stop();
    await prometheus.close();
    await cluster.stop();
    await rm(folder, { recursive: true, force: true });
  }
}
