// `npm run bench`: measures speed, cost and size of serin on this machine; `--json` ends with one line of figures.
import { availableParallelism, totalmem } from 'node:os';
import { measureCore, type CoreFigures } from './core.ts';
import { describeMissing } from '../real/parts.ts';
import { COST_PARTS } from './cost/cluster.ts';
import type { CostFigures } from './cost/figures.ts';
import { keepFigures } from './cost/keep.ts';
import { measureCost } from './cost/measure.ts';
import { costText } from './cost/report.ts';
import { durationText, round } from './figures.ts';
import { measureIdle, type IdleFigures } from './idle.ts';
import { measureMemory, type MemoryFigures } from './memory.ts';
import { HELP, readOptions, type BenchOptions, type StoreName } from './options.ts';
import { measureQueue, type QueueFigures } from './queue.ts';
import { measureRun, type RunFigures } from './run.ts';
import { measureSim, type SimFigures } from './sim.ts';
import { storesOf, withStore, type RunningStore } from './stores.ts';

const EMBEDDED_CANARIES_MAX = 100;

type ByStore<T> = Partial<Record<StoreName, T>>;

/** Everything that was measured; a scenario that was not asked for is absent. */
interface Figures {
  readonly machine: { readonly node: string; readonly cores: number; readonly memoryGibibytes: number };
  core?: CoreFigures;
  queue?: ByStore<QueueFigures>;
  idle?: ByStore<IdleFigures>;
  run?: RunFigures;
  memory?: readonly MemoryFigures[];
  sim?: SimFigures;
  cost?: readonly CostFigures[];
}

const tell = (text: string): void => console.log(text);

async function eachStore<T>(
  options: BenchOptions,
  measure: (store: RunningStore, options: BenchOptions) => Promise<T>,
  say: (name: StoreName, figures: T) => string,
): Promise<ByStore<T>> {
  const all: ByStore<T> = {};
  for (const name of storesOf(options)) {
    const figures = await withStore(name, (store) => measure(store, options));
    all[name] = figures;
    tell(say(name, figures));
  }
  return all;
}

/** Runs happen on the store of production where there is one. */
function storeOfRuns(options: BenchOptions): StoreName {
  const there = storesOf(options);
  return (['redis', 'postgres', 'embedded'] as const).find((name) => there.includes(name)) ?? 'embedded';
}

const SCENES: Readonly<
  Record<BenchOptions['scenarios'][number], (options: BenchOptions, figures: Figures) => Promise<void>>
> = {
  core(options, figures) {
    const core = measureCore(options);
    figures.core = core;
    for (const [look, count] of Object.entries(core)) tell(`core    ${look}: ${count} decisions per CPU second`);
    return Promise.resolve();
  },
  async queue(options, figures) {
    figures.queue = await eachStore(options, measureQueue, (name, queue) =>
      [
        `queue   ${name}: ${queue.jobsPerSecond} jobs/s, ${queue.cpuMsPerJob} ms CPU a job, open after ${queue.openSeconds} s`,
        `        add → look ${durationText(queue.latencyMs)}`,
        `        due → look ${durationText(queue.lateMs)}`,
      ].join('\n'),
    );
  },
  async idle(options, figures) {
    figures.idle = await eachStore(
      options,
      measureIdle,
      (name, idle) =>
        `idle    ${name}: ${idle.canaries} canaries, a minute: ${idle.requestsPerMinute} requests, ${idle.queriesPerMinute} queries, ` +
        `${idle.cpuSecondsPerMinute} s CPU; initialized in ${idle.initializeSeconds} s with ${idle.initializeCpuSeconds} s CPU, ${idle.looksPerInitialization} looks and ${idle.requestsPerInitialization} requests (${idle.conflictsPerInitialization} conflicts) each; ${idle.residentMebibytes} MiB, ${idle.watchesOpened} watches opened in ${idle.seconds} s`,
    );
  },
  async run(options, figures) {
    const run = await withStore(storeOfRuns(options), (store) => measureRun(store, options));
    figures.run = run;
    tell(runText(run));
  },
  async memory(options, figures) {
    figures.memory = await measureMemory(options);
    for (const one of figures.memory)
      tell(
        `memory  ${one.store}, ${one.canaries} canaries: ${one.residentMebibytes} MiB resident, ${one.heapMebibytes} MiB heap, ready after ${one.startSeconds} s`,
      );
  },
  async sim(options, figures) {
    const sim = await measureSim(options);
    figures.sim = sim;
    tell(
      `sim     ${sim.plans} plans, ${sim.plansPerSecond} plans/s, ${sim.plansPerCpuSecond} per CPU second, ${sim.timesFaster} times real time, ${sim.violations} violations`,
    );
  },
  async cost(options, figures) {
    figures.cost = await measureCosts(options);
  },
};

/** The production store at every size; the embedded one, which is for trials, up to a size of trials. */
async function measureCosts(options: BenchOptions): Promise<readonly CostFigures[]> {
  const missing = describeMissing(COST_PARTS);
  if (missing !== null) throw new Error(missing);
  const all: CostFigures[] = [];
  for (const store of storesOf(options).filter((name) => name !== 'postgres'))
    for (const size of options.costSizes) {
      if (store === 'embedded' && size > EMBEDDED_CANARIES_MAX) continue;
      const figures = await measureCost(store, size, options);
      tell(costText(figures));
      all.push(figures);
      if (options.curvesFolder !== null) keepFigures(options.curvesFolder, [figures]);
    }
  return all;
}

function runText({ store, promotion, rollback }: RunFigures): string {
  const kinds = Object.entries(promotion.byKind).map(
    ([kind, count]) => `        ${String(count).padStart(6)}  ${kind}`,
  );
  return [
    `run     ${store}: weights ${promotion.weights.join()}: ${promotion.requestsPerRun} requests (${promotion.writesPerRun} writes, ${promotion.conflictsPerRun} conflicts), ` +
      `${promotion.eventsPerRun} Events, ${promotion.metricQueriesPerRun} metric queries a run (n = ${promotion.runs})`,
    `        a step: ${promotion.requestsPerStep} requests, ${promotion.writesPerStep} writes (most: ${promotion.writesPerStepMax})`,
    ...kinds,
    `        rollback: budget spent → 100/0 ${durationText(rollback.answerToCommitMs)}`,
  ].join('\n');
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (options === null) return tell(HELP);
  const machine = {
    node: process.versions.node,
    cores: availableParallelism(),
    memoryGibibytes: round(totalmem() / 2 ** 30, 0),
  };
  const figures: Figures = { machine };
  tell(`Node ${machine.node}, ${machine.cores} cores, ${machine.memoryGibibytes} GiB`);
  for (const scenario of options.scenarios) await SCENES[scenario](options, figures);
  if (options.isJson) tell(JSON.stringify(figures));
}

// The clock's timers need not keep a process alive.
const hold = setInterval(() => undefined, 2 ** 30);
try {
  await main();
  clearInterval(hold);
  process.exit(0);
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}
