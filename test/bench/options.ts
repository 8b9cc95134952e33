// The flags of the bench: which scenarios, on which queue stores, and how large.
import { parseArgs } from 'node:util';

export const SCENARIOS = ['core', 'queue', 'idle', 'run', 'memory', 'sim', 'cost'] as const;
export type Scenario = (typeof SCENARIOS)[number];

export const STORE_NAMES = ['embedded', 'redis', 'postgres'] as const;
export type StoreName = (typeof STORE_NAMES)[number];

/** What was asked for. */
export interface BenchOptions {
  readonly scenarios: readonly Scenario[];
  /** Stores to measure; those whose server is not installed are left out. */
  readonly stores: readonly StoreName[];
  /** Ends stdout with one JSON line of all figures. */
  readonly isJson: boolean;
  /** Time for which each kind of decision is repeated, in milliseconds. */
  readonly coreMs: number;
  /** Jobs for the throughput of a store; a tenth of them for its latency. */
  readonly jobs: number;
  /** Canaries that idle. */
  readonly idleCanaries: number;
  readonly idleSeconds: number;
  /** Canaries of one namespace; the pods of a namespace are watched together. */
  readonly perNamespace: number;
  /** Canaries that are promoted. */
  readonly runs: number;
  /** Canaries that are rolled back. */
  readonly rollbacks: number;
  /** Steps of 10 % of a run. */
  readonly steps: number;
  /** `analysis.interval` of the Canaries, in whole seconds. */
  readonly intervalSeconds: number;
  /** How long nothing may happen before something is measured that has to be at rest. */
  readonly calmMs: number;
  /** Numbers of Canaries for which memory is measured, ascending. */
  readonly sizes: readonly number[];
  /** Numbers of Canaries for which the cost is measured on a real API server. */
  readonly costSizes: readonly number[];
  /** `analysis.interval` there. */
  readonly costIntervalSeconds: number;
  /** Where the curves of cost are drawn, with the figures that they are drawn from; null draws none. */
  readonly curvesFolder: string | null;
  /** Plans of each kind for the simulation. */
  readonly plans: number;
  /** The program of the controller; null runs the sources. */
  readonly program: string | null;
  /** Writes a CPU profile of each controller into this folder; null writes none. */
  readonly profileFolder: string | null;
  /** Tells each API request of the first canary's run beside the decisions of the controller. */
  readonly isTracing: boolean;
}

/** The text of --help. */
export const HELP = `Measures serin on this machine. Figures of a shared machine are noisy: compare ratios, not absolutes.

Usage: npm run bench -- [${SCENARIOS.join('|')}|all]... [flags]

  core     decisions per second of CPU        queue   jobs per second and latency of each queue store
  idle     what idle Canaries cost            run     requests of a run, and how soon a rollback is committed
  memory   resident memory of the controller  sim     plans of the simulation per second
  cost     requests, CPU and memory of whole lives on a real kube-apiserver, and how soon breaches end (not in all)

  --json                ends with one line of JSON that holds all figures
  --stores <names>      some of ${STORE_NAMES.join(', ')}, by commas (default all that are installed)
  --core-ms <n>         time for each kind of decision (default 2000)
  --jobs <n>            jobs for each store (default 5000)
  --canaries <n>        idle Canaries (default 100)
  --idle-seconds <n>    how long they idle (default 60)
  --per-namespace <n>   Canaries of one namespace (default 10)
  --runs <n>            Canaries that are promoted (default 5)
  --rollbacks <n>       Canaries that are rolled back (default 40)
  --steps <n>           steps of 10 % of a run (default 5)
  --interval <seconds>  interval of the analysis (default 1)
  --calm-ms <n>         calm that is waited for before a measurement at rest (default 3000)
  --sizes <list>        numbers of Canaries for memory (default 0,100,1000)
  --cost-sizes <list>   numbers of Canaries for cost (default 100; the embedded store up to 100)
  --cost-interval <s>   interval of the analysis for cost (default 10)
  --curves <folder>     cost: keeps the figures there and draws the curves of all that it keeps
  --plans <n>           crash plans and random seeds of the simulation (default 100 of each)
  --program <file>      the controller as it was built (default: the sources; dist/serin.mjs after npm run build)
  --profile <folder>    writes CPU profiles of the controllers there
  --trace               run: lists each API request of one run beside the decision that led to it
  --help                shows this
`;

const FLAGS = {
  json: { type: 'boolean', default: false },
  stores: { type: 'string', default: STORE_NAMES.join() },
  'core-ms': { type: 'string', default: '2000' },
  jobs: { type: 'string', default: '5000' },
  canaries: { type: 'string', default: '100' },
  'idle-seconds': { type: 'string', default: '60' },
  'per-namespace': { type: 'string', default: '10' },
  runs: { type: 'string', default: '5' },
  rollbacks: { type: 'string', default: '40' },
  steps: { type: 'string', default: '5' },
  interval: { type: 'string', default: '1' },
  'calm-ms': { type: 'string', default: '3000' },
  sizes: { type: 'string', default: '0,100,1000' },
  'cost-sizes': { type: 'string', default: '100' },
  'cost-interval': { type: 'string', default: '10' },
  curves: { type: 'string' },
  plans: { type: 'string', default: '100' },
  program: { type: 'string' },
  profile: { type: 'string' },
  trace: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

/** Reads the arguments; null when help was asked for. Throws RangeError or TypeError for what cannot be used. */
export function readOptions(args: readonly string[]): BenchOptions | null {
  const { values, positionals } = parseArgs({ args: [...args], options: FLAGS, allowPositionals: true });
  if (values.help) return null;
  // The cost takes real parts and many minutes, so it has to be asked for.
  const all = SCENARIOS.filter((name) => name !== 'cost');
  const named = positionals.length === 0 ? all : positionals.flatMap((name) => (name === 'all' ? all : [name]));
  return {
    scenarios: SCENARIOS.filter((name) => named.map((given) => oneOf('scenario', given, SCENARIOS)).includes(name)),
    stores: values.stores.split(',').map((name) => oneOf('--stores', name, STORE_NAMES)),
    isJson: values.json,
    coreMs: whole('--core-ms', values['core-ms'], 1),
    jobs: whole('--jobs', values.jobs, 10),
    idleCanaries: whole('--canaries', values.canaries, 0),
    idleSeconds: whole('--idle-seconds', values['idle-seconds'], 1),
    perNamespace: whole('--per-namespace', values['per-namespace'], 1),
    runs: whole('--runs', values.runs, 1),
    rollbacks: whole('--rollbacks', values.rollbacks, 0),
    steps: whole('--steps', values.steps, 1),
    intervalSeconds: whole('--interval', values.interval, 1),
    calmMs: whole('--calm-ms', values['calm-ms'], 1),
    sizes: values.sizes.split(',').map((size) => whole('--sizes', size, 0)),
    costSizes: values['cost-sizes'].split(',').map((size) => whole('--cost-sizes', size, 1)),
    costIntervalSeconds: whole('--cost-interval', values['cost-interval'], 1),
    curvesFolder: values.curves ?? null,
    plans: whole('--plans', values.plans, 1),
    program: values.program ?? null,
    profileFolder: values.profile ?? null,
    isTracing: values.trace,
  };
}

function whole(flag: string, text: string, least: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least)
    throw new RangeError(`Cannot use ${flag} ${text}: must be a whole number of at least ${least}`);
  return value;
}

function oneOf<const T extends string>(what: string, value: string, known: readonly T[]): T {
  const found = known.find((name) => name === value);
  if (found === undefined) throw new RangeError(`Cannot use ${what} ${value}: must be one of ${known.join(', ')}`);
  return found;
}
