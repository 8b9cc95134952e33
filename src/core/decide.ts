// From state and observation to a decision: the next state, the effects, and the signal that decided. Cannot fail.
import { deadlineAfter } from './deadlines.ts';
import { planEffects, type Effect } from './effects.ts';
import { MACHINE, type Row } from './machine.ts';
import type { Observation } from './observation.ts';
import { isResting, isRunning } from './phase.ts';
import { sentenceOf } from './reasons.ts';
import { isSame } from './same.ts';
import { holds, stepsOf, type SignalName } from './signals.ts';
import type { State } from './state.ts';
import { placeIn, maxWeightOf } from './steps.ts';
import { stepsKeyOf, UPDATES } from './updates.ts';

/** What one look decided. */
export interface Decision {
  readonly next: State;
  readonly effects: readonly Effect[];
  readonly because: SignalName;
  /** The next state differs from the one before: it must be recorded before anything is done. */
  readonly isChanged: boolean;
  /** When to look again whatever happens, in milliseconds since the epoch; null when only an event can matter. */
  readonly wakeAtMs: number | null;
}

/** Decides. */
export function decide(before: State, seen: Observation): Decision {
  const state = takeNote(before, seen);
  const [because, to, update] = firstRow(state, seen);
  const changed = withFacts({ ...state, ...UPDATES[update]({ state, seen, because }), phase: to }, seen);
  const timed = withDeadline(before, changed, seen, update === 'extend');
  const told = acknowledged(before, timed, seen);
  const isChanged = isDifferent(before, told);
  const next = isChanged
    ? { ...told, record: before.record + 1, because: reasonFor(before, told, because, seen) }
    : before;
  return {
    next,
    effects: [...planEffects(next, seen), ...planPrune(before, next)],
    because,
    isChanged,
    wakeAtMs: wakeAt(next, seen),
  };
}

/** What only past runs needed is removed when a run has come to rest. */
function planPrune(before: State, next: State): readonly Effect[] {
  if (isResting(before.phase) || !isResting(next.phase) || next.failure === 'neverInitialized') return [];
  const keep = [next.promotedRevision, next.seenRevision, next.run?.base ?? null].filter(
    (revision) => revision !== null,
  );
  return [{ kind: 'prune', keep }];
}

function firstRow(state: State, seen: Observation): Row {
  const rows: readonly Row[] = MACHINE[state.phase];
  return rows.find(([when]) => holds(when, state, seen)) ?? ['always', state.phase, 'keep'];
}

/** What is remembered of a look whatever the machine decides: capacity, requests, steps changed under a run. */
function takeNote(before: State, seen: Observation): State {
  const isIdle = isResting(before.phase) && seen.primary !== null && seen.primary.replicas > 0;
  const request = seen.request;
  const flips = request !== null && request.refusal === null && isRunning(before.phase);
  return {
    ...before,
    run: noteRun(before, seen),
    weightPercent:
      isRunning(before.phase) && before.phase === 'Progressing' ? clampWeight(before, seen) : before.weightPercent,
    primaryReplicas: isIdle ? (seen.primary?.replicas ?? before.primaryReplicas) : before.primaryReplicas,
    isPaused: flips && request.verb === 'pause' ? true : flips && request.verb === 'resume' ? false : before.isPaused,
  };
}

/** Facts and configs of the target are remembered with the revision that they belong to: of one that is not taken up (suspended, say) nothing is. */
function withFacts(state: State, seen: Observation): State {
  if (seen.target?.revision == null || seen.target.revision !== state.seenRevision) return state;
  return { ...state, targetFacts: seen.targetFacts ?? state.targetFacts, trackedConfigs: seen.trackedConfigs };
}

function noteRun(before: State, seen: Observation): State['run'] {
  const { run } = before;
  if (run === null || !isRunning(before.phase)) return run;
  const key = stepsKeyOf(seen);
  const isMoved = run.stepsKey !== key && ['Progressing', 'WaitingPromotion'].includes(before.phase);
  const placed = isMoved
    ? { ...run, stepsKey: key, step: placeIn(stepsOf(seen), before.weightPercent), passes: 0 }
    : run;
  return placed.wasPinned || !seen.isRunPinned ? placed : { ...placed, wasPinned: true };
}

/** A spec that was edited to a lower maximum in the middle of a run takes effect at once. */
function clampWeight(before: State, seen: Observation): number {
  const max = maxWeightOf(stepsOf(seen));
  return seen.policy.plan.strategy === 'skip' ? before.weightPercent : Math.min(before.weightPercent, max);
}

function withDeadline(before: State, after: State, seen: Observation, isExtended: boolean): State {
  const isNewPhase = before.phase !== after.phase;
  const isNewStay =
    before.run?.id !== after.run?.id ||
    before.run?.step !== after.run?.step ||
    before.run?.passes !== after.run?.passes ||
    before.weightPercent !== after.weightPercent ||
    before.isPaused !== after.isPaused ||
    before.run?.closedGate !== after.run?.closedGate ||
    before.keepsPrimary !== after.keepsPrimary ||
    (after.phase === 'Initializing' && before.seenRevision !== after.seenRevision);
  const sinceMs = isNewPhase ? seen.nowMs : after.sinceMs;
  if (!isNewPhase && !isNewStay && !isExtended && after.deadlineMs !== null) return after;
  if (!isNewPhase && isResting(after.phase) && after.deadlineMs === null) return after;
  return { ...after, sinceMs, deadlineMs: deadlineAfter(after, seen) };
}

/** Requests are acknowledged by id, whatever came of them. */
function acknowledged(before: State, after: State, seen: Observation): State {
  const { request } = seen;
  if (request === null || request.id === before.lastRequest?.id) return after;
  const isIdle = !isRunning(before.phase) && before.phase !== 'Initializing';
  const outcome = request.refusal ?? (isIdle ? 'Refused: no run is under way' : 'done');
  return { ...after, lastRequest: { id: request.id, verb: request.verb, outcome, atMs: seen.nowMs } };
}

/**
 * Two facts ride on the next record instead of asking for one: the target's generation, which rises with our own
 * scaling too, and that the pinned content has been seen.
 */
function isDifferent(before: State, after: State): boolean {
  const essence = ({ targetFacts, run, ...state }: State): unknown => [
    state,
    run === null ? null : { ...run, wasPinned: true },
    targetFacts === null ? null : { ...targetFacts, generation: 0 },
  ];
  return !isSame(essence(before), essence(after));
}

function reasonFor(before: State, after: State, because: SignalName, seen: Observation): State['because'] {
  if (because === 'always' && before.phase === after.phase) return before.because;
  return { signal: because, message: sentenceOf(because, { ...after, phase: before.phase }, seen), atMs: seen.nowMs };
}

/** The earliest moment at which time alone changes something. */
function wakeAt(state: State, seen: Observation): number | null {
  const moments: number[] = [];
  if (state.deadlineMs !== null) moments.push(state.deadlineMs);
  if (seen.quietSinceMs !== null && !isResting(state.phase)) moments.push(seen.quietSinceMs + seen.policy.drainMs);
  if (seen.quietSinceMs !== null && state.isDrainPending) moments.push(seen.quietSinceMs + seen.policy.drainMs);
  // What no event tells is asked again, except at rest.
  const { pollMs } = seen.route;
  if (pollMs !== undefined && (!isResting(state.phase) || state.isDrainPending)) moments.push(seen.nowMs + pollMs);
  const isTicking = ['Waiting', 'Progressing', 'WaitingPromotion', 'Promoting'].includes(state.phase);
  if (isTicking && state.run !== null && !state.isPaused && !seen.policy.suspend) moments.push(state.run.nextCheckAtMs);
  const future = moments.filter((moment) => moment > seen.nowMs);
  return future.length === 0 ? null : Math.min(...future);
}
