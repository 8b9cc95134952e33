// Plans of the simulation per second: how much crash testing a minute of a machine buys.
import { PROMOTE, ROLL_BACK } from '../sim/scenarios.ts';
import { crashPlans, runPlan, seedPlan } from '../sim/run.ts';
import { loadSource } from '../sim/source.ts';
import { cpuSeconds, round } from './figures.ts';
import type { BenchOptions } from './options.ts';

export interface SimFigures {
  readonly plans: number;
  readonly plansPerSecond: number;
  readonly plansPerCpuSecond: number;
  /** Simulated time over real time. */
  readonly timesFaster: number;
  readonly violations: number;
}

/** Runs some crash plans of both scenarios and as many random seeds. */
export async function measureSim({ plans }: BenchOptions): Promise<SimFigures> {
  const source = await loadSource();
  const startMs = performance.now();
  const startCpu = cpuSeconds();
  const sum = { plans: 0, simulatedMs: 0, violations: 0 };
  const run = async (name: string, plan: Parameters<typeof runPlan>[2]): Promise<void> => {
    const { violations, outcome } = await runPlan(source, name, plan);
    sum.plans += 1;
    sum.simulatedMs += outcome.elapsedMs;
    sum.violations += violations.length;
  };
  for (const scenario of [PROMOTE, ROLL_BACK]) {
    let left = Math.ceil(plans / 2);
    for await (const { name, plan } of crashPlans(source, scenario)) {
      if (left === 0) break;
      left -= 1;
      await run(name, plan);
    }
  }
  for (let seed = 1; seed <= plans; seed += 1) await run(`seed ${seed}`, seedPlan(seed));
  const elapsedMs = performance.now() - startMs;
  return {
    plans: sum.plans,
    plansPerSecond: round((sum.plans * 1_000) / elapsedMs, 1),
    plansPerCpuSecond: round(sum.plans / (cpuSeconds() - startCpu), 1),
    timesFaster: round(sum.simulatedMs / elapsedMs, 0),
    violations: sum.violations,
  };
}
