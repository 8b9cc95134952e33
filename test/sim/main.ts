// `npm run sim`: the controller in a simulated world. `--seed N` replays one seed; `--json` ends with one line of figures.
import { parseArgs } from 'node:util';
import { runMutants } from './mutate.ts';
import { crashPlans, referencePlan, runPlan, seedPlan, type Report } from './run.ts';
import { PROMOTE, ROLL_BACK } from './scenarios.ts';
import { loadSource, ROOT } from './source.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string', default: '200' },
    first: { type: 'string', default: '1' },
    plans: { type: 'string', default: 'all' },
    only: { type: 'string' },
    src: { type: 'string', default: ROOT },
    'first-violation': { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    mutants: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
  },
});

const startedMs = performance.now();
const failures: Report[] = [];
let plans = 0;
let seeds = 0;

function take(report: Report): boolean {
  if (values.verbose)
    console.log(
      `${report.name}: ${report.outcome.phase} in ${Math.round(report.outcome.elapsedMs / 1_000)} s, ${report.outcome.effects.length} effects`,
    );
  if (report.violations.length === 0) return false;
  failures.push(report);
  console.error(`VIOLATION in ${report.name}`);
  for (const violation of report.violations) console.error(`  ${violation}`);
  return values['first-violation'];
}

async function runAll(): Promise<void> {
  const source = await loadSource(values.src);
  if (values.seed !== undefined) {
    seeds += 1;
    take(await runPlan(source, `seed ${values.seed}`, seedPlan(Number(values.seed))));
    return;
  }
  for (const scenario of [PROMOTE, ROLL_BACK]) {
    if (values.plans === 'none') break;
    if (take(await runPlan(source, `${scenario.name}/reference`, referencePlan(scenario)))) return;
    if (values.plans === 'reference') continue;
    for await (const { name, plan } of crashPlans(source, scenario)) {
      if (values.only !== undefined && !name.includes(values.only)) continue;
      plans += 1;
      if (take(await runPlan(source, name, plan))) return;
    }
  }
  for (let i = 0; i < Number(values.seeds); i += 1) {
    const seed = Number(values.first) + i;
    seeds += 1;
    if (take(await runPlan(source, `seed ${seed}`, seedPlan(seed)))) return;
  }
}

let killed: { killed: number; planted: number } | null = null;
if (values.mutants) {
  const verdicts = await runMutants(values.only ?? '', ({ name, isKilled, how, seconds }) => {
    console.log(`${isKilled ? 'killed  ' : 'SURVIVED'} ${name} (${seconds.toFixed(1)} s): ${how}`);
  });
  killed = { killed: verdicts.filter(({ isKilled }) => isKilled).length, planted: verdicts.length };
} else await runAll();
const seconds = (performance.now() - startedMs) / 1_000;
console.log(`${plans} crash plans, ${seeds} seeds, ${failures.length} with violations, ${seconds.toFixed(1)} s`);
if (values.json) {
  console.log(
    JSON.stringify({
      plans,
      seeds,
      violations: failures.length,
      seconds: Number(seconds.toFixed(1)),
      plansPerSecond: Number(((plans + seeds) / seconds).toFixed(1)),
    }),
  );
}
process.exit(failures.length > 0 || (killed !== null && killed.killed < killed.planted) ? 1 : 0);
