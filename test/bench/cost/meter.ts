// Measures one phase: requests from the audit log, processor time and memory from the kernel, lag from the controller.
import { durationsOf, mebibytes, round, type Durations } from '../figures.ts';
import type { BenchController } from '../controller.ts';
import { readProc } from '../proc.ts';
import { sleep, systemClock } from '../../../src/util/clock.ts';
import type { Audited } from './audit-tail.ts';
import type { CostCluster, WeightSeen } from './cluster.ts';
import type { PhaseFigures } from './figures.ts';
import type { CostPrometheus } from './prometheus.ts';

export interface CostWorld {
  readonly cluster: CostCluster;
  readonly prometheus: CostPrometheus;
  readonly canaries: number;
}

/** Milliseconds since the epoch with fractions, comparable between processes. */
export const epochMs = (): number => performance.timeOrigin + performance.now();

const WRITES = ['create', 'update', 'patch', 'delete', 'deletecollection'];
const isEvent = ({ resource }: Audited): boolean => resource.startsWith('events');
const isWrite = (one: Audited): boolean => WRITES.includes(one.verb) && !isEvent(one);
const isPlain = (one: Audited): boolean => one.verb !== 'watch' && !isEvent(one);

/** A phase that is being measured, from `startMs` on. */
export interface Meter {
  readonly startMs: number;
  /** Its figures up to now. */
  end(): Promise<PhaseFigures>;
}

/** Begins a phase. */
export async function startMeter(world: CostWorld, controller: BenchController, isFromStart = false): Promise<Meter> {
  const { cluster, prometheus } = world;
  const apiPid = cluster.plane.processes.apiServer.pid;
  if (!isFromStart) await controller.usage();
  // A controller that has just been started has used nothing before.
  const before = {
    controller: isFromStart ? 0 : readProc(controller.pid).cpuSeconds,
    apiServer: readProc(apiPid).cpuSeconds,
    queries: (await prometheus.report()).queries,
  };
  const startMs = epochMs() - (isFromStart ? controller.startSeconds * 1_000 : 0);
  return {
    startMs,
    async end() {
      const seconds = (epochMs() - startMs) / 1_000;
      const own = readProc(controller.pid);
      const apiServer = readProc(apiPid);
      const { loopLagMs } = await controller.usage();
      const { queries } = await prometheus.report();
      return {
        seconds: round(seconds, 1),
        ...sumUp(cluster.audit.since(startMs), world.canaries),
        queriesPerCanary: round((queries - before.queries) / world.canaries, 2),
        controllerCores: round((own.cpuSeconds - before.controller) / seconds, 3),
        apiServerCores: round((apiServer.cpuSeconds - before.apiServer) / seconds, 3),
        residentMebibytes: mebibytes(own.residentBytes),
        loopLagP99Ms: round(loopLagMs, 1),
      };
    },
  };
}

type Sums = Pick<
  PhaseFigures,
  'requestsPerCanary' | 'requestsPerSecondMax' | 'writesPerCanary' | 'eventsPerCanary' | 'conflictsPerCanary' | 'byKind'
>;

function sumUp(asked: readonly Audited[], canaries: number): Sums {
  const perCanary = (count: number): number => round(count / canaries, 2);
  const plain = asked.filter(isPlain);
  const seconds = new Map<number, number>();
  const kinds = new Map<string, number>();
  for (const { atMs } of plain) {
    const second = Math.floor(atMs / 1_000);
    seconds.set(second, (seconds.get(second) ?? 0) + 1);
  }
  for (const { verb, resource } of asked) kinds.set(`${verb} ${resource}`, (kinds.get(`${verb} ${resource}`) ?? 0) + 1);
  return {
    requestsPerCanary: perCanary(plain.length),
    requestsPerSecondMax: Math.max(0, ...seconds.values()),
    writesPerCanary: perCanary(plain.filter(isWrite).length),
    eventsPerCanary: perCanary(asked.filter((one) => isEvent(one) && one.verb !== 'watch').length),
    conflictsPerCanary: perCanary(plain.filter(({ status }) => status === 409).length),
    byKind: Object.fromEntries(
      [...kinds].toSorted(([a], [b]) => a.localeCompare(b)).map(([kind, count]) => [kind, perCanary(count)]),
    ),
  };
}

/** Writes for each Canary between one weight and the next, mean and most. */
export function writesOfSteps(
  world: CostWorld,
  names: readonly string[],
  fromMs: number,
): { writesPerStep: number; writesPerStepMax: number } {
  const byCanary = new Map<string, Audited[]>();
  for (const one of world.cluster.audit.since(fromMs)) {
    if (!isWrite(one)) continue;
    const name = /^[a-z]+-\d+/.exec(one.name)?.[0] ?? '';
    byCanary.set(name, [...(byCanary.get(name) ?? []), one]);
  }
  const counts = names.flatMap((name) => {
    const rising = weightsOf(world, name, fromMs).filter(({ percent }) => percent > 0);
    const writes = byCanary.get(name) ?? [];
    return rising.slice(1).map(({ atMs }, index) => {
      const before = rising[index]?.atMs ?? 0;
      return writes.filter((one) => one.atMs > before && one.atMs <= atMs).length;
    });
  });
  const sum = counts.reduce((total, count) => total + count, 0);
  return { writesPerStep: round(sum / Math.max(1, counts.length), 2), writesPerStepMax: Math.max(0, ...counts) };
}

const weightsOf = ({ cluster }: CostWorld, name: string, fromMs: number): readonly WeightSeen[] =>
  (cluster.weights.get(name) ?? []).filter(({ atMs }) => atMs >= fromMs);

/** From the breach at `visibleMs`, and from the last answer that showed it, to the moment when the write of 100/0 was seen. */
export async function rollbackTimes(
  world: CostWorld,
  names: readonly string[],
  visibleMs: number,
): Promise<{ visibleToCommitMs: Durations; answerToCommitMs: Durations }> {
  const { breaches } = await world.prometheus.report();
  const times = names.map((name) => {
    const backMs = weightsOf(world, name, visibleMs).find(({ percent }) => percent === 0)?.atMs;
    const answerMs = (breaches[name] ?? []).findLast((atMs) => backMs !== undefined && atMs <= backMs);
    if (backMs === undefined || answerMs === undefined)
      throw new Error(`Cannot measure the rollback of ${name}: it was not rolled back because of the breach`);
    return { visible: backMs - visibleMs, answer: backMs - answerMs };
  });
  return {
    visibleToCommitMs: durationsOf(times.map(({ visible }) => visible)),
    answerToCommitMs: durationsOf(times.map(({ answer }) => answer)),
  };
}

const CALM_LIMIT_ROUNDS = 600;

/** Waits until the controller has asked nothing for `calmMs`. */
export async function untilCalm({ cluster }: CostWorld, calmMs: number): Promise<void> {
  const startMs = epochMs();
  for (let round = 0; round < CALM_LIMIT_ROUNDS; round += 1) {
    if (epochMs() - Math.max(startMs, cluster.audit.lastMs()) >= calmMs) return;
    await sleep(systemClock, 500);
  }
}
