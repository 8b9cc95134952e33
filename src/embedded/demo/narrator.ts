// Watches the cluster and tells its changes one by one: phases, weights, checks, Events.
import type { KubeObject } from '../../kube/contract.ts';
import { EVENT } from '../../kube/kinds.ts';
import type { ApiServer } from '../apiserver/server.ts';
import type { CanaryView, CheckView } from './canary-log.ts';
import { boundText, valueText, type Teller } from './teller.ts';

/** Tells changes of one Canary. */
export interface Narrator {
  /** Called with each new status. */
  look(view: CanaryView): void;
  /** Values of each check in the run under way. */
  readonly trends: ReadonlyMap<string, readonly number[]>;
  stop(): void;
}

/** Starts to tell. */
export function startNarrator(api: ApiServer, teller: Teller): Narrator {
  const trends = new Map<string, number[]>();
  let last: CanaryView | null = null;
  const stop = api.store.watch(EVENT, (before, after) => {
    if (before === null && after !== null) teller.event(eventText(after));
  });
  return {
    trends,
    look(view) {
      if (view.phase !== (last?.phase ?? '')) teller.event(`phase ${view.phase}`);
      if (view.weightPercent !== (last?.weightPercent ?? 0)) teller.event(`weight ${view.weightPercent} %`);
      if (runOf(view) !== (last === null ? '' : runOf(last))) trends.clear();
      if (view.tick !== last?.tick) for (const check of view.checks) tellCheck(check, trends, teller);
      last = view;
    },
    stop,
  };
}

const runOf = (view: CanaryView): string => view.tick.slice(0, view.tick.indexOf('/'));

function tellCheck(check: CheckView, trends: Map<string, number[]>, teller: Teller): void {
  const { name, verdict, value, detail } = check;
  if (value !== null) trends.set(name, [...(trends.get(name) ?? []), value]);
  teller.event(`check ${name}: ${verdict}, ${value === null ? detail : `${valueText(value)}, ${boundText(check)}`}`);
}

function eventText(event: KubeObject): string {
  const { type, note } = event as KubeObject & { type?: string; note?: string };
  return `event ${type ?? ''}: ${note ?? ''}`;
}
