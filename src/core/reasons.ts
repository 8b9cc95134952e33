// Why the machine turned and what is missing, in words for people.
import type { Observation } from './observation.ts';
import type { SignalName } from './signals.ts';
import type { RunOutcome, State } from './state.ts';
import { canTakeMore, isRouteAt, isTargetCurrent, needsFence } from './world.ts';

/** How a run ends that this signal turned. */
export function outcomeOf(signal: SignalName): RunOutcome {
  return signal === 'abortAsked' ? 'aborted' : 'rolledBack';
}

/** Stable reason words for conditions and history, by the signal that decided. */
export function reasonOf(signal: string): string {
  const words: Readonly<Record<string, string>> = {
    abortAsked: 'Aborted',
    specBroken: 'InvalidSpec',
    targetGone: 'TargetMissing',
    canaryDead: 'CanaryCrashed',
    deadlinePassed: 'ProgressDeadlineExceeded',
    rollbackAsked: 'RollbackHook',
    budgetSpent: 'FailedChecks',
    noDataTooLong: 'NoData',
    sourceDownTooLong: 'MetricSourceError',
    returned: 'ReturnedToPrimary',
    deleted: 'Deleted',
    primaryLost: 'PrimaryNotReady',
  };
  return words[signal] ?? signal;
}

/** Why the machine turned, in one sentence. */
export function sentenceOf(signal: SignalName, state: State, seen: Observation): string {
  const failing = seen.tick?.checks.filter((check) => check.verdict !== 'Pass') ?? [];
  const checks = failing.map((check) => `${check.name} ${check.value ?? check.detail}${boundOf(check)}`).join(', ');
  switch (signal) {
    case 'abortAsked':
      return `Aborted by ${seen.request?.by ?? 'a person'}`;
    case 'specBroken':
      return seen.invalid?.message ?? 'The spec became invalid';
    case 'targetGone':
      return 'The target does not exist any more';
    case 'canaryDead':
      return `${seen.target?.trouble?.reason ?? 'Crash'}: ${seen.target?.trouble?.message ?? ''}`;
    case 'deadlinePassed':
      return `The deadline of phase ${state.phase} passed: ${whatIsMissing(state, seen)}`;
    case 'rollbackAsked':
      return `Rollback hook ${seen.tick?.rollback?.hook ?? ''} asked for a rollback`;
    case 'budgetSpent': {
      const hook = seen.tick?.hooks.find((answer) => answer.verdict !== 'pass');
      const last = checks || (hook === undefined ? '' : `hook ${hook.name}: ${hook.detail}`);
      return `${state.run?.failedChecks ?? 0} of ${seen.policy.threshold} checks failed, last: ${last}`;
    }
    case 'noDataTooLong':
      return `No data for ${seen.policy.insufficientMax} checks in a row: ${checks}`;
    case 'sourceDownTooLong':
      return `The metric source failed for ${seen.policy.errorsMax} checks in a row: ${checks}`;
    case 'returned':
      return 'The target returned to the revision of the primary';
    case 'primaryLost':
      return `The primary is not ready: ${seen.primary?.notReady ?? 'it does not exist'}`;
    default:
      return '';
  }
}

function boundOf(check: {
  readonly value: number | null;
  readonly min: number | null;
  readonly max: number | null;
}): string {
  if (check.value === null) return '';
  if (check.min !== null && !(check.value >= check.min)) return ` < ${check.min}`;
  return check.max === null ? '' : ` > ${check.max}`;
}

/** What must still come true before this phase can go on; empty when nothing is missing but time. */
export function whatIsMissing(state: State, seen: Observation): string {
  if (seen.target === null) return 'the target does not exist';
  const usesTarget = ['Progressing', 'WaitingPromotion'].includes(state.phase);
  if (state.run !== null && usesTarget) {
    if (!isTargetCurrent(state, seen)) return 'the target has no readable revision';
    if (!seen.isRunPinned) return 'the revision is being stored';
    if (!seen.target.isReady) return `the canary is not ready: ${seen.target.notReady}`;
  }
  if (seen.primary === null) return 'the primary does not exist';
  if (!seen.primary.isReady && !(state.phase === 'RollingBack' && canTakeMore(state, seen)))
    return `the primary is not ready: ${seen.primary.notReady}`;
  if (seen.route.state === 'absent' && state.phase !== 'Initializing') return 'the route does not exist';
  if (!isRouteAt(seen, state.weightPercent))
    return `the route asks for ${seen.route.askedPercent ?? 'no readable'} % instead of ${state.weightPercent} %`;
  // A weight is judged as soon as it is asked for: a check that fails must not wait for a mesh that stands still.
  if (!usesTarget) {
    const { livePercent } = seen.route;
    if (livePercent === 'pending')
      return `the data plane has not taken the ${state.weightPercent} % for the canary yet`;
    if (livePercent !== 'unknown' && livePercent !== state.weightPercent)
      return `the data plane still shows ${livePercent} % on the canary`;
  }
  if (needsFence(state, seen)) return 'a write of an earlier look is being fenced off';
  return state.run?.closedGate == null ? '' : `gate ${state.run.closedGate} is closed`;
}
