// What a run costs at the API server, and how soon after the answer that spends the budget the route is back at 100/0.
import { sleep, systemClock } from '../../src/util/clock.ts';
import { namesOf } from './cluster.ts';
import type { BenchController } from './controller.ts';
import { durationsOf, round, type Durations } from './figures.ts';
import type { BenchOptions, StoreName } from './options.ts';
import { sumUp, type Asked, type RequestSums } from './requests.ts';
import { followRoutes, type WeightCommit } from './route-commits.ts';
import { untilStill, withStage, type Stage } from './stage.ts';
import type { RunningStore } from './stores.ts';
import { traceRun } from './trace.ts';

/** Means over the runs that were promoted, one after the other. */
export interface PromotionFigures {
  readonly runs: number;
  readonly weights: readonly number[];
  /** From the change of the image until nothing is asked any more; Events are not among the requests. */
  readonly requestsPerRun: number;
  readonly writesPerRun: number;
  readonly eventsPerRun: number;
  readonly conflictsPerRun: number;
  /** From the commit of one weight to that of the next. */
  readonly requestsPerStep: number;
  readonly writesPerStep: number;
  readonly writesPerStepMax: number;
  /** `verb resource` → requests a run. */
  readonly byKind: Readonly<Record<string, number>>;
  readonly metricQueriesPerRun: number;
}

/** Of runs that are rolled back, one begun every tenth of a second. */
export interface RollbackFigures {
  readonly runs: number;
  /** From the metric answer that spends the budget, as it leaves Prometheus, to the commit of 100/0. */
  readonly answerToCommitMs: Durations;
  readonly loopLagP99Ms: number;
}

export interface RunFigures {
  readonly store: StoreName;
  readonly promotion: PromotionFigures;
  readonly rollback: RollbackFigures;
}

const THRESHOLD = 2;
const LIMIT_MS = 300_000;
const STAGGER_MS = 100;

/** Measures on one store. */
export async function measureRun(store: RunningStore, options: BenchOptions): Promise<RunFigures> {
  return withStage(options, (stage) =>
    stage.withController(store, async (controller) => {
      const good = namesOf(0, options.runs, 'good');
      const bad = namesOf(0, options.rollbacks, 'bad');
      const plan = { ...options, threshold: THRESHOLD, metricsServer: stage.prometheus.url };
      const commits = followRoutes(stage.cluster.api);
      stage.cluster.add([...good, ...bad], plan);
      await stage.cluster.untilPhase([...good, ...bad], 'Initialized', LIMIT_MS);
      await untilStill(stage, controller, options.calmMs);
      const runs: OneRun[] = [];
      for (const name of good) runs.push(await promote(name, stage, commits, options.calmMs));
      if (options.isTracing && runs[0] !== undefined) traceRun(runs[0].asked, controller.lines, runs[0].startMs);
      const rollback = await rollBack(bad, stage, controller, commits, options.calmMs);
      return { store: store.name, promotion: promotionOf(runs), rollback };
    }),
  );
}

type Commits = ReturnType<typeof followRoutes>;

interface OneRun {
  readonly startMs: number;
  readonly asked: readonly Asked[];
  readonly weights: readonly WeightCommit[];
  readonly queries: number;
}

async function promote(name: string, stage: Stage, commits: Commits, calmMs: number): Promise<OneRun> {
  const { cluster, requests, prometheus } = stage;
  const startMs = performance.now();
  const queries = prometheus.queries();
  cluster.setImage(name, 'app:2');
  await cluster.untilPhase([name], 'Succeeded', LIMIT_MS);
  await requests.untilCalm(calmMs, LIMIT_MS);
  return {
    startMs,
    asked: requests.since(startMs),
    weights: (commits.get(name) ?? []).filter(({ atMs }) => atMs >= startMs),
    queries: prometheus.queries() - queries,
  };
}

function promotionOf(runs: readonly OneRun[]): PromotionFigures {
  const whole = runs.map(({ asked }) => sumUp(asked));
  const steps = runs.flatMap(stepsOf);
  const mean = (sums: readonly RequestSums[], read: (sum: RequestSums) => number): number =>
    round(sums.reduce((total, sum) => total + read(sum), 0) / Math.max(1, sums.length), 2);
  const kinds = [...new Set(whole.flatMap(({ byKind }) => Object.keys(byKind)))].sort();
  return {
    runs: runs.length,
    weights: runs[0]?.weights.map(({ percent }) => percent) ?? [],
    requestsPerRun: mean(whole, ({ requests }) => requests),
    writesPerRun: mean(whole, ({ writes }) => writes),
    eventsPerRun: mean(whole, ({ events }) => events),
    conflictsPerRun: mean(whole, ({ conflicts }) => conflicts),
    requestsPerStep: mean(steps, ({ requests }) => requests),
    writesPerStep: mean(steps, ({ writes }) => writes),
    writesPerStepMax: Math.max(0, ...steps.map(({ writes }) => writes)),
    byKind: Object.fromEntries(kinds.map((kind) => [kind, mean(whole, ({ byKind }) => byKind[kind] ?? 0)])),
    metricQueriesPerRun: round(runs.reduce((sum, { queries }) => sum + queries, 0) / Math.max(1, runs.length), 2),
  };
}

/** Sums between the commits of rising weights. */
function stepsOf({ asked, weights }: OneRun): readonly RequestSums[] {
  const rising = weights.filter(({ percent }) => percent > 0);
  return rising.slice(1).map(({ atMs }, index) => {
    const fromMs = rising[index]?.atMs ?? 0;
    // A request is logged after its commit, so the write of a weight belongs to the step that it begins.
    return sumUp(asked.filter((one) => one.atMs > fromMs && one.atMs <= atMs));
  });
}

async function rollBack(
  names: readonly string[],
  { cluster, requests, prometheus }: Stage,
  controller: BenchController,
  commits: Commits,
  calmMs: number,
): Promise<RollbackFigures> {
  await controller.usage();
  for (const name of names) prometheus.fail(name);
  for (const name of names) {
    cluster.setImage(name, 'app:2');
    await sleep(systemClock, STAGGER_MS);
  }
  await cluster.untilPhase(names, 'Failed', LIMIT_MS);
  const { loopLagMs } = await controller.usage();
  await requests.untilCalm(calmMs, LIMIT_MS);
  const samples = names.map((name) => {
    const weights = commits.get(name) ?? [];
    const raised = weights.findIndex(({ percent }) => percent > 0);
    const back = weights.slice(raised).find(({ percent }) => percent === 0)?.atMs;
    const answered = prometheus.breachesOf(name).findLast((atMs) => back !== undefined && atMs <= back);
    if (raised < 0 || back === undefined || answered === undefined)
      throw new Error(
        `Cannot measure the rollback of ${name}: its weights were ${weights.map(({ percent }) => percent).join()}`,
      );
    return back - answered;
  });
  return { runs: names.length, answerToCommitMs: durationsOf(samples), loopLagP99Ms: round(loopLagMs, 1) };
}
