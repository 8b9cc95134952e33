// Tells the figures of the cost bench as a table: the goal beside what was measured, as the docs show it.
import type { CostFigures, PhaseFigures } from './figures.ts';

/** Rows of one store at one number of Canaries, ready to print. */
export function costText(figures: CostFigures): string {
  const { store, canaries, intervalSeconds, machine, loadAverage, emptyMebibytes, kibibytesPerCanary } = figures;
  const { initialize, idle, run, breach, restart } = figures;
  const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
  const rows: readonly (readonly [string, string])[] = [
    [
      'idle, a minute, per canary',
      `${perMinute(idle)} requests, controller ${idle.controllerCores} core, API server ${idle.apiServerCores} core`,
    ],
    [
      'one whole run, per canary, Events apart',
      `${run.requestsPerCanary} requests, ${run.writesPerCanary} writes (${run.conflictsPerCanary} conflicts), a weight step ${run.writesPerStep} (most ${run.writesPerStepMax}); ${run.eventsPerCanary} Events, ${run.queriesPerCanary} metric queries`,
    ],
    [
      'breach visible → 100/0 written',
      `median ${seconds(breach.visibleToCommitMs.p50)}, p99 ${seconds(breach.visibleToCommitMs.p99)}, max ${seconds(breach.visibleToCommitMs.max)}`,
    ],
    [
      'answer that spends the budget → 100/0',
      `median ${breach.answerToCommitMs.p50} ms, p99 ${breach.answerToCommitMs.p99} ms, max ${breach.answerToCommitMs.max} ms`,
    ],
    [
      'active run',
      `controller ${run.controllerCores} core, API server ${run.apiServerCores} core, ${run.seconds} s for all`,
    ],
    [
      'start → all Initialized',
      `${initialize.seconds} s, ${initialize.requestsPerCanary} requests a canary, at most ${initialize.requestsPerSecondMax} in a second`,
    ],
    ['restart beside them', `ready after ${restart.startSeconds} s, ${restart.requestsPerCanary} requests a canary`],
    [
      'memory',
      `${emptyMebibytes} MiB empty; idle ${idle.residentMebibytes}, run ${run.residentMebibytes}, restarted ${restart.residentMebibytes} MiB; ${kibibytesPerCanary.worked} KiB a canary after all the work, ${kibibytesPerCanary.restarted} restarted`,
    ],
    [
      'event-loop lag p99',
      `first list and start ${initialize.loopLagP99Ms}, idle ${idle.loopLagP99Ms}, run ${run.loopLagP99Ms}, breach ${breach.loopLagP99Ms}, restart ${restart.loopLagP99Ms} ms`,
    ],
  ];
  const width = Math.max(...rows.map(([what]) => what.length));
  const head = `cost    ${store}, ${canaries} canaries, interval ${intervalSeconds} s, ${machine}, load average ${loadAverage}`;
  return [head, ...rows.map(([what, text]) => `        ${what.padEnd(width)}  ${text}`)].join('\n');
}

/** Requests of an idle minute. */
const perMinute = ({ requestsPerCanary, seconds }: PhaseFigures): number =>
  Math.round((requestsPerCanary / seconds) * 60 * 100) / 100;
