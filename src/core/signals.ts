// The signals: named questions about one look, true or false. The machine's tables speak in these names.
import type { Observation } from './observation.ts';
import { isRunning } from './phase.ts';
import { hasHook } from './policy.ts';
import type { State } from './state.ts';
import { compileSteps, walkOn, type Step, type Walk } from './steps.ts';
import { isDrained, isRouteAt, isServed, isTargetCurrent, needsFence } from './world.ts';

type Signal = (state: State, seen: Observation) => boolean;

/** The steps of the policy in force. */
export function stepsOf(seen: Observation): readonly Step[] {
  return compileSteps(seen.policy.plan);
}

/** Where the walk stands after this look's tick. Only for a tick that passed. */
export function walkAfter(state: State, seen: Observation): Walk {
  const from = { index: state.run?.step ?? 0, weightPercent: state.weightPercent, passes: state.run?.passes ?? 0 };
  return walkOn(
    stepsOf(seen),
    from,
    (gate) => seen.tick?.gates[gate]?.verdict === 'pass' || !hasHook(seen.policy, gate),
  );
}

/** All that the last act asked for is so, and the canary is ready to be judged: only then a tick may be taken. */
function isSettled(state: State, seen: Observation): boolean {
  return (
    state.run !== null &&
    seen.isRunPinned &&
    !seen.hasActedLate &&
    seen.target?.isReady === true &&
    isTargetCurrent(state, seen) &&
    seen.primary?.isReady === true &&
    seen.services.apex === 'primary' &&
    !seen.services.isDrifted &&
    seen.route.state === 'ready' &&
    isRouteAt(seen, state.weightPercent) &&
    !needsFence(state, seen) &&
    seen.scaler?.isBelowFloor !== true
  );
}

/** A tick is due: checks, hooks, steps and failedChecks move only then (a look is not a tick). */
export function isTickDue(state: State, seen: Observation): boolean {
  if (state.run === null || seen.policy.suspend || state.isPaused || seen.nowMs < state.run.nextCheckAtMs) return false;
  if (state.phase === 'Waiting') return true;
  if (state.phase === 'Progressing' || state.phase === 'WaitingPromotion') return isSettled(state, seen);
  return state.phase === 'Promoting' && isPrimaryOnRun(state, seen);
}

function isPrimaryOnRun(state: State, seen: Observation): boolean {
  return seen.primary !== null && seen.primary.isReady && seen.primary.revision === state.run?.revision;
}

function isLate(state: State, seen: Observation): boolean {
  return state.deadlineMs !== null && seen.nowMs >= state.deadlineMs;
}

function canBegin(seen: Observation): boolean {
  return !seen.policy.suspend && seen.invalid === null;
}

/** A revision that is neither the one last seen nor the primary's. While suspended or invalid nothing new begins. */
function isChanged(state: State, seen: Observation): boolean {
  const revision = seen.target?.revision ?? null;
  if (revision === null || !canBegin(seen)) return false;
  return revision !== state.seenRevision && revision !== state.promotedRevision;
}

function isHandingBack(state: State, seen: Observation): boolean {
  return seen.policy.stepWeightPromotionPercent > 0 && state.weightPercent > 0 && isPrimaryOnRun(state, seen);
}

/** After a run that ends at the primary's revision, the primary runs that again; one whose content is lost stays as it is. */
function isPrimaryRestored(state: State, seen: Observation): boolean {
  if (state.promotedRevision === null || !seen.isPromotedPinned || seen.primary === null) return true;
  return seen.primary.revision === null || (seen.primary.revision === state.promotedRevision && seen.primary.isReady);
}

function tickIs(seen: Observation, verdict: string): boolean {
  return seen.tick !== null && seen.tick.verdict === verdict;
}

function reaches(count: number, limit: number): boolean {
  return limit > 0 && count >= limit;
}

export const SIGNALS = {
  always: () => true,

  // What people and the world ask.
  deleted: (_, seen) => seen.isDeleting,
  abortAsked: (_, seen) => seen.request?.verb === 'abort' && seen.request.refusal === null,
  specBroken: (_, seen) => seen.invalid !== null,
  suspended: (_, seen) => seen.policy.suspend,
  paused: (state) => state.isPaused,
  deadlinePassed: isLate,

  // The target.
  targetGone: (_, seen) => seen.target === null,
  revisionChanged: isChanged,
  changedGated: (state, seen) => isChanged(state, seen) && hasHook(seen.policy, 'confirm-rollout'),
  changedUninitialized: (state, seen) => isChanged(state, seen) && state.failure === 'neverInitialized',
  changedBroken: (state, seen) =>
    state.failure === 'primaryBroken' &&
    seen.target?.revision != null &&
    seen.target.revision !== state.run?.revision &&
    canBegin(seen),
  returned: (state, seen) =>
    seen.target?.revision != null &&
    seen.target.revision === state.promotedRevision &&
    seen.target.revision !== (isRunning(state.phase) ? state.run?.revision : state.seenRevision),
  contentLost: (state, seen) => state.run?.wasPinned === true && !seen.isRunPinned,
  canaryDead: (state, seen) => seen.target?.trouble != null && isTargetCurrent(state, seen),

  // Initialization.
  primaryServes: (state, seen) => isServed(state, seen) && isDrained(state, seen) && seen.target?.replicas === 0,
  servedLate: (state, seen) => isLate(state, seen) && isServed(state, seen),

  // A tick's answers.
  approved: (_, seen) => seen.tick?.gates['confirm-rollout']?.verdict === 'pass',
  ticked: (_, seen) => seen.tick !== null,
  rollbackAsked: (_, seen) => seen.tick?.rollback != null,
  unsettled: (state, seen) => !isSettled(state, seen),
  budgetSpent: (state, seen) => tickIs(seen, 'Fail') && (state.run?.failedChecks ?? 0) + 1 >= seen.policy.threshold,
  checkFailed: (_, seen) => tickIs(seen, 'Fail'),
  noDataTooLong: (state, seen) =>
    tickIs(seen, 'Insufficient') && reaches((state.run?.insufficientInRow ?? 0) + 1, seen.policy.insufficientMax),
  sourceDownTooLong: (state, seen) =>
    tickIs(seen, 'Error') && reaches((state.run?.errorsInRow ?? 0) + 1, seen.policy.errorsMax),
  inconclusive: (_, seen) => tickIs(seen, 'Insufficient') || tickIs(seen, 'Error'),
  stepsDone: (state, seen) => {
    const steps = stepsOf(seen);
    return steps.length === 0 || (tickIs(seen, 'Pass') && walkAfter(state, seen).index >= steps.length);
  },
  promotionGateClosed: (state, seen) => {
    const step = tickIs(seen, 'Pass') ? stepsOf(seen)[walkAfter(state, seen).index] : undefined;
    return step?.kind === 'gate' && step.gate === 'confirm-promotion';
  },
  tickPassed: (_, seen) => tickIs(seen, 'Pass'),

  // Promotion.
  primaryReady: isPrimaryOnRun,
  handBackDue: (state, seen) => isHandingBack(state, seen) && isTickDue(state, seen),
  handingBack: isHandingBack,
  primaryLost: (state, seen) => isLate(state, seen) && seen.primary?.isReady !== true && !isRouteAt(seen, 0),

  // The ways back.
  canaryGone: (state, seen) =>
    isDrained(state, seen) && (seen.target === null || seen.target.replicas === 0) && isPrimaryRestored(state, seen),
  undrainedLate: (state, seen) => isLate(state, seen) && isRouteAt(seen, 0) && !needsFence(state, seen),
  canaryServesAll: (state, seen) => isRouteAt(seen, 100) && !needsFence(state, seen),
  drainedAtLast: (state, seen) => state.isDrainPending && isDrained(state, seen) && seen.target?.replicas === 0,

  // Deletion.
  releaseLate: (state, seen) => isLate(state, seen) && !state.keepsPrimary,
} as const satisfies Record<string, Signal>;

export type SignalName = keyof typeof SIGNALS;

/** Asks one signal. */
export function holds(name: SignalName, state: State, seen: Observation): boolean {
  const signal: Signal = SIGNALS[name];
  return signal(state, seen);
}
