// Invariants of traffic (S1 to S6): judged at every commit of the route, the target, the primary and the status.
import type { Commit } from '../../../src/embedded/apiserver/types.ts';
import { countsOf, fenceOf, foreignPart, weightOf, type View } from './view.ts';

export type Violate = (rule: string, message: string) => void;

/** Ready pods when the last record was committed: S2 and S3 are judged on the record's observation. */
export interface ReadyAtRecord {
  readonly target: number;
  readonly primary: number;
}

const STEP = 20;
const MAX = 60;

/** Judges one commit of the VirtualService. */
export function checkRoute(commit: Commit, view: View, recorded: ReadyAtRecord, violate: Violate): void {
  const [before, after] = [weightOf(commit.before), weightOf(commit.after)];
  if (after !== null && (after.sum !== 100 || !after.isWhole)) violate('S1', `weights sum to ${after.sum}`);
  if (commit.before !== null && commit.after !== null && commit.user.startsWith('serin')) {
    if (foreignPart(commit.before) !== foreignPart(commit.after))
      violate('S6', 'a route or field of somebody else was changed');
  }
  if (after === null || !commit.user.startsWith('serin')) return;
  const [was, is] = [before?.canary ?? 0, after.canary];
  const state = view.state();
  const uid = view.canary()?.metadata.uid ?? '';
  const isFenced = fenceOf(commit.before, uid) === state.fence;
  if (is > was) checkRise({ was, is, isFenced }, view, recorded, violate);
  if (is < was && recorded.primary === 0 && countsOf(view.primary()).ready === 0)
    violate('S3', `the primary has no ready pod and was given ${100 - is} %`);
}

function checkRise(
  step: { was: number; is: number; isFenced: boolean },
  view: View,
  recorded: ReadyAtRecord,
  violate: Violate,
): void {
  const { was, is, isFenced } = step;
  const state = view.state();
  const target = countsOf(view.target());
  if (target.ready === 0 && recorded.target === 0)
    violate('S2', `weight rose to ${is} % on a canary without ready pods`);
  if (is === 100 && state.phase === 'KeepingCanary') return;
  if (is - was > STEP) violate('S4', `weight rose from ${was} to ${is}, more than a step`);
  if (is > MAX) violate('S4', `weight ${is} is above the maximum`);
  // An older act may land before the fence of a newer turn, never after it.
  if (isFenced && !['Progressing', 'WaitingPromotion', 'Promoting', 'Finalising'].includes(state.phase ?? '')) {
    violate('S4', `weight rose to ${is} % in phase ${state.phase ?? 'none'} although its fence was written`);
  }
  if (isFenced && state.phase === 'Progressing' && is > (state.weightPercent ?? 0)) {
    violate('S12', `weight ${is} was written although ${state.weightPercent ?? 0} is recorded`);
  }
}

/** Judges one commit of the target: it is never scaled down under traffic. */
export function checkTarget(commit: Commit, view: View, recorded: ReadyAtRecord, violate: Violate): void {
  const [before, after] = [countsOf(commit.before), countsOf(commit.after)];
  if (!commit.user.startsWith('serin') || after.replicas >= before.replicas || commit.after === null) return;
  const weight = weightOf(view.route());
  if (weight !== null && weight.canary > 0)
    violate('S3', `the canary was scaled down while the route gives it ${weight.canary} %`);
  if (recorded.primary === 0 && countsOf(view.primary()).ready === 0)
    violate('S3', 'the target was scaled down while the primary has no ready pod');
}

/** The canary is scaled down only after a drain; `zeroAtMs` is when the route last came to 0. */
export function checkDrain(commit: Commit, zeroAtMs: number, nowMs: number, drainMs: number, violate: Violate): void {
  const isDown = countsOf(commit.after).replicas < countsOf(commit.before).replicas;
  if (isDown && commit.user.startsWith('serin') && nowMs - zeroAtMs < drainMs - 1) {
    violate(
      'S3',
      `the canary was scaled down ${nowMs - zeroAtMs} ms after its last traffic, before the drain time of ${drainMs} ms`,
    );
  }
}

/** Judges one commit of a resting phase: 100/0 was committed before it, and every older write is fenced off. */
export function checkResting(commit: Commit, view: View, violate: Violate): void {
  const [before, after] = [view.state(commit.before), view.state(commit.after)];
  const isRest = ['Initialized', 'Succeeded', 'Failed'].includes(after.phase ?? '');
  if (!isRest || before.phase === after.phase) return;
  const weight = weightOf(view.route());
  const expected = after.failure === 'primaryBroken' ? 100 : 0;
  if (after.failure === 'neverInitialized') return;
  if (weight === null || weight.canary !== expected)
    violate('S5', `phase ${after.phase} while the route gives the canary ${weight?.canary ?? 'nothing readable'} %`);
  const uid = commit.after?.metadata.uid ?? '';
  if (after.fence != null) {
    for (const [name, object] of [
      ['route', view.route()],
      ['primary', view.primary()],
      ['target', view.target()],
    ] as const) {
      if (object !== null && fenceOf(object, uid) !== after.fence)
        violate('S5', `phase ${after.phase} before ${name} carried the fence ${after.fence}`);
    }
  }
}
