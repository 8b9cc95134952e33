// What must hold of every story, whatever the mesh: asserted from outside, by what clients and a witness saw.
import { expect } from 'vitest';
import { sumAnswers } from '../../../src/embedded/demo/ledger.ts';
import { judgeShares, type StepShare } from '../../../src/embedded/demo/route-log.ts';
import type { KubeObject } from '../../../src/kube/contract.ts';
import { systemClock } from '../../../src/util/clock.ts';
import type { Answer } from '../../../src/embedded/demo/load.ts';
import type { StandApp } from '../stand/app.ts';
import type { StandMesh } from '../stand/app-objects.ts';

/** Below this a share is not chance any more. */
const P_VALUE_MIN = 1e-6;
const RATE_MIN = 50;
const NEW_CONNECTIONS_MIN = 0.45;

/** No request failed since a time, at the asked rate, half of them on connections of their own. */
export function expectNoFailures(app: StandApp, sinceMs: number): void {
  expectFailures(app, sinceMs, () => false);
}

/**
 * What a mesh may lose of its own when a route names a backend that no route named before. Contour sends clusters, endpoints and routes to Envoy
 * over streams of their own: for some milliseconds Envoy has the route without the endpoints, and answers 503. It happens when an app is
 * taken over and when it is given back, never while weights move. Istio sends all over one stream, in order.
 */
const SWITCH_FAILURES_MAX: Readonly<Record<StandMesh, number>> = {
  istio: 0,
  'gateway-api-istio': 0,
  'gateway-api-contour': 10,
};

/** As `expectNoFailures`, for stories in which routes change the backends that they name. */
export function expectNoFailuresButSwitch(app: StandApp, sinceMs: number): void {
  const failed = app.answersSince(sinceMs).filter(({ isOk }) => !isOk);
  if (failed.length > SWITCH_FAILURES_MAX[app.spec.mesh]) expectNoFailures(app, sinceMs);
  expectLoad(app, sinceMs);
}

/** Only the canary failed since a time, as it was asked to: nobody else, and nothing on the way to it. */
export function expectOnlyPlantedFailures(app: StandApp, sinceMs: number): void {
  expectFailures(app, sinceMs, ({ role }) => role === 'canary');
}

function expectFailures(app: StandApp, sinceMs: number, isPlanted: (answer: Answer) => boolean): void {
  const answers = app.answersSince(sinceMs);
  const failed = answers.filter((answer) => !answer.isOk && !isPlanted(answer));
  const told = failed.slice(0, 5).map(({ problem, role, version, startMs, endMs }) => ({
    problem,
    by: `${role ?? 'nobody'} ${version ?? ''}`,
    afterMs: Math.round(startMs - sinceMs),
    tookMs: Math.round(endMs - startMs),
    phase: app.canaries.findLast(({ atMs }) => atMs <= endMs)?.phase,
  }));
  expect({ namespace: app.spec.namespace, failed: failed.length, told }).toEqual({
    namespace: app.spec.namespace,
    failed: 0,
    told: [],
  });
  expectLoad(app, sinceMs);
}

/** The load was what the claim is about. */
function expectLoad(app: StandApp, sinceMs: number): void {
  const { requests, newConnections } = sumAnswers(app.answersSince(sinceMs));
  const seconds = (systemClock.monotonicMs() - sinceMs) / 1_000;
  expect(requests / seconds).toBeGreaterThan(RATE_MIN);
  expect(newConnections / requests).toBeGreaterThan(NEW_CONNECTIONS_MIN);
}

/** At every weight since a time, clients saw the share that was asked for. Returns what they saw. */
export function expectShares(app: StandApp, sinceMs: number): readonly StepShare[] {
  const since = app.steps.findLastIndex(({ committedMs }) => committedMs <= sinceMs);
  const steps = app.steps.slice(Math.max(since, 0)).map((step) => ({
    ...step,
    committedMs: Math.max(step.committedMs, sinceMs),
    followedMs: step.followedMs === null ? null : Math.max(step.followedMs, sinceMs),
  }));
  const shares = judgeShares(steps, app.answersSince(sinceMs), systemClock.monotonicMs());
  expect(shares.filter(({ pValue }) => pValue < P_VALUE_MIN)).toEqual([]);
  return shares;
}

/** The weights that the route was given since a time. */
export const weightsSince = (app: StandApp, sinceMs: number): readonly number[] =>
  app.steps.filter(({ committedMs }) => committedMs >= sinceMs).map(({ weightPercent }) => weightPercent);

/**
 * How long after the order to scale down a request may still reach the canary: half of the pause for which its pods go on serving. A mesh says
 * that it has taken a route a moment before its proxies have it, and on a busy machine that moment is longer.
 */
const LATE_MAX_MS = 1_500;

/** Canary pods were not ended while requests still went to them. */
export function expectDrained(app: StandApp, sinceMs: number): void {
  for (const downMs of app.scaledDownMs.filter((atMs) => atMs >= sinceMs)) {
    const next = app.steps.find(({ weightPercent, committedMs }) => weightPercent > 0 && committedMs > downMs);
    const late = app
      .answersSince(downMs + LATE_MAX_MS)
      .filter(({ role, startMs }) => role === 'canary' && startMs < (next?.committedMs ?? Number.POSITIVE_INFINITY));
    expect(late).toEqual([]);
  }
}

/** What of a route is the user's: all but the backends, and the marks that serin puts on it. */
export function userPartOf(route: KubeObject | null): string {
  const { labels, annotations = {} } = route?.metadata ?? { name: '' };
  const kept = Object.entries(annotations).filter(([key]) => !/^(fence\.)?serin\.dev\//.test(key));
  const withoutBackends = JSON.stringify(route?.['spec'], (key, value: unknown) =>
    key === 'route' || key === 'backendRefs' ? undefined : value,
  );
  return JSON.stringify([labels, Object.fromEntries(kept), withoutBackends]);
}
