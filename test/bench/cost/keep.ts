// Keeps the figures of all sittings in one file, and draws the curves of performance.md from them.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { drawChart, type Chart, type Curve } from './curves.ts';
import type { CostFigures } from './figures.ts';

const FILE = 'cost.json';

/** Adds the figures to those in the folder, in place of older ones of the same store, number and interval, and draws all. */
export function keepFigures(folder: string, fresh: readonly CostFigures[]): void {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, FILE);
  const held = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as CostFigures[]) : [];
  const isReplaced = (old: CostFigures): boolean =>
    fresh.some(
      ({ store, canaries, intervalSeconds }) =>
        store === old.store && canaries === old.canaries && intervalSeconds === old.intervalSeconds,
    );
  const all = [...held.filter((old) => !isReplaced(old)), ...fresh].sort(
    (a, b) => a.store.localeCompare(b.store) || a.canaries - b.canaries || a.intervalSeconds - b.intervalSeconds,
  );
  writeFileSync(path, `${JSON.stringify(all, null, 2)}\n`);
  for (const [name, chart] of Object.entries(chartsOf(all.filter(({ store }) => store === 'redis'))))
    writeFileSync(join(folder, `${name}.svg`), drawChart(chart));
}

type Read = (figures: CostFigures) => number;

/** The charts of performance.md, by the name of their file. */
function chartsOf(all: readonly CostFigures[]): Readonly<Record<string, Chart>> {
  const curve = (name: string, read: Read): Curve => ({ name, points: all.map((one) => [one.canaries, read(one)]) });
  return {
    time: {
      title: 'Time',
      unit: 's',
      curves: [
        curve('start → all Initialized', ({ initialize }) => initialize.seconds),
        curve('run of all at once', ({ run }) => run.seconds),
        curve('breach → 100/0, max', ({ breach }) => breach.visibleToCommitMs.max / 1_000),
        curve('restart → ready', ({ restart }) => restart.startSeconds),
      ],
    },
    requests: {
      title: 'Requests a canary at the API server, Events apart',
      unit: '',
      curves: [
        curve('until Initialized', ({ initialize }) => initialize.requestsPerCanary),
        curve('idle minute', ({ idle }) => idle.requestsPerCanary),
        curve('whole run', ({ run }) => run.requestsPerCanary),
        curve('run rolled back', ({ breach }) => breach.requestsPerCanary),
      ],
    },
    cpu: {
      title: 'Processor time',
      unit: 'cores',
      curves: [
        curve('controller, idle', ({ idle }) => idle.controllerCores),
        curve('controller, active', ({ run }) => run.controllerCores),
        curve('API server, idle', ({ idle }) => idle.apiServerCores),
        curve('API server, active', ({ run }) => run.apiServerCores),
      ],
    },
    memory: {
      title: 'Resident memory of the controller',
      unit: 'MiB',
      curves: [
        curve('idle', ({ idle }) => idle.residentMebibytes),
        curve('active', ({ run }) => run.residentMebibytes),
        curve('restarted, idle', ({ restart }) => restart.residentMebibytes),
        curve('without Canaries', ({ emptyMebibytes }) => emptyMebibytes),
      ],
    },
  };
}
