// Which share the route asked for, and when the data plane followed; and whether what clients saw fits that share.
import type { KubeObject } from '../../kube/contract.ts';
import type { Clock } from '../../util/clock.ts';
import { isObject } from '../../util/json.ts';
import type { ApiServer } from '../apiserver/server.ts';
import type { DataPlane } from '../dataplane/start.ts';
import { binomialPValue } from './binomial.ts';
import type { Answer } from './load.ts';
import { round } from './round.ts';

/** A weight of the canary, from the commit that asked for it to the next one. Times are monotonic milliseconds. */
export interface RouteStep {
  readonly weightPercent: number;
  readonly committedMs: number;
  /** When requests began to follow it; null while none did. */
  readonly followedMs: number | null;
}

/** The share that clients saw during one step. */
export interface StepShare {
  readonly weightPercent: number;
  readonly requests: number;
  readonly canary: number;
  readonly sharePercent: number;
  /** Two-sided, of the binomial distribution. */
  readonly pValue: number;
}

/** Groups whose objects can be routes. */
const ROUTE_GROUPS = ['networking.istio.io', 'gateway.networking.k8s.io', 'appmesh.k8s.aws', 'split.smi-spec.io'];
/** A request that was sent just before a step ends may be routed by the next. */
const GUARD_MS = 200;

/** Follows the route of one app at the API server, and the data plane behind it. */
export class RouteLog {
  readonly #steps: RouteStep[] = [];
  readonly #stops: (() => void)[];

  constructor(api: ApiServer, dataPlane: DataPlane, clock: Clock, name: string) {
    this.#stops = [
      api.onCommit(({ kind, after }) => {
        const weightPercent = ROUTE_GROUPS.includes(kind.group) ? canaryWeightOf(after, name) : null;
        if (weightPercent === null || weightPercent === this.#steps.at(-1)?.weightPercent) return;
        this.#steps.push({ weightPercent, committedMs: clock.monotonicMs(), followedMs: null });
      }),
      dataPlane.view.onChange(() => {
        const last = this.#steps.at(-1);
        if (last?.followedMs === null)
          this.#steps[this.#steps.length - 1] = { ...last, followedMs: clock.monotonicMs() };
      }),
    ];
  }

  /** Steps that were in force at some time from `fromMs` on. */
  since(fromMs: number): readonly RouteStep[] {
    const first = this.#steps.findLastIndex(({ committedMs }) => committedMs <= fromMs);
    return this.#steps.slice(Math.max(first, 0));
  }

  stop(): void {
    for (const stop of this.#stops) stop();
  }
}

/**
 * The weight of `<name>-canary` in a route of the app, whatever its kind: every mesh writes it beside the name of the
 * canary's Service or node. Null for objects that are no route of the app.
 */
export function canaryWeightOf(object: KubeObject | null, name: string): number | null {
  if (object === null || !isAbout(object.metadata.name, name)) return null;
  return findWeight(object['spec'], new RegExp(`"${name}-canary[".]`));
}

const isAbout = (objectName: string, name: string): boolean => objectName === name || objectName.startsWith(`${name}.`);

function findWeight(value: unknown, canary: RegExp): number | null {
  if (Array.isArray(value)) {
    for (const item of value) {
      const weight = findWeight(item, canary);
      if (weight !== null) return weight;
    }
    return null;
  }
  if (!isObject(value)) return null;
  if (typeof value['weight'] === 'number' && canary.test(JSON.stringify(value))) return value['weight'];
  return findWeight(Object.values(value), canary);
}

/** Holds each step against what clients saw in it, without the moments in which the data plane was between two weights. */
export function judgeShares(
  steps: readonly RouteStep[],
  answers: readonly Answer[],
  untilMs: number,
): readonly StepShare[] {
  return steps.flatMap((step, index) => {
    if (step.followedMs === null) return [];
    const seen = answersIn(answers, step, step.followedMs, steps[index + 1]?.committedMs ?? untilMs);
    if (seen.length === 0) return [];
    const canary = seen.filter(({ role }) => role === 'canary').length;
    return [
      {
        weightPercent: step.weightPercent,
        requests: seen.length,
        canary,
        sharePercent: round((100 * canary) / seen.length),
        pValue: Number(binomialPValue(canary, seen.length, step.weightPercent / 100).toPrecision(4)),
      },
    ];
  });
}

/**
 * By the time of sending, for slow answers belong to their step as well as quick ones. At weight 0 a single request at
 * the canary is one too many, so there only those count that were over before the next step began.
 */
function answersIn(
  answers: readonly Answer[],
  { weightPercent }: RouteStep,
  fromMs: number,
  untilMs: number,
): readonly Answer[] {
  if (weightPercent === 0) return answers.filter(({ startMs, endMs }) => startMs >= fromMs && endMs <= untilMs);
  return answers.filter(({ startMs }) => startMs >= fromMs && startMs < untilMs - GUARD_MS);
}
