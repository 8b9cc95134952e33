// The one sentence for people: what a Canary waits for, until when, and what happens then.
import type { Observation } from '../core/observation.ts';
import { isResting } from '../core/phase.ts';
import { whatIsMissing } from '../core/reasons.ts';
import { stepsOf } from '../core/signals.ts';
import type { State } from '../core/state.ts';
import { analysisAt, maxWeightOf } from '../core/steps.ts';

/** The one sentence of status.message. `clock` renders a time. */
export function waitingFor(state: State, seen: Observation, clock: (ms: number) => string): string {
  const missing = whatIsMissing(state, seen);
  const until = state.deadlineMs === null ? '' : ` until ${clock(state.deadlineMs)}`;
  const isTurning = state.phase === 'RollingBack' || state.phase === 'Returning';
  if (seen.policy.suspend && !isResting(state.phase) && !isTurning)
    return 'Suspended: nothing is done until spec.suspend is taken back';
  if (state.isPaused)
    return `Paused at ${state.weightPercent} %: waits${until} for serin resume; after that it is rolled back`;
  switch (state.phase) {
    case 'Initializing':
      return `Initializing: waits${until} because ${missing || 'traffic moves to the primary'}; after that it fails and leaves the target as it is`;
    case 'Initialized':
    case 'Succeeded':
      return state.isDrainPending
        ? 'The canary still receives traffic: its pods are kept until it does not'
        : 'Waits for a new revision';
    case 'Failed':
      return `Failed: ${state.run?.ending?.message ?? state.because.message}; waits for a new revision`;
    case 'Waiting':
      return `Waits for gate confirm-rollout${until}; after that the revision is given up`;
    case 'Progressing':
    case 'WaitingPromotion': {
      if (missing !== '') return `Waits${until} because ${missing}; after that it is rolled back`;
      const steps = stepsOf(seen);
      const isJudged = state.run !== null && analysisAt(steps, state.run.step)?.judgesMetrics === true;
      const next = state.run === null ? '' : `, next check ${clock(state.run.nextCheckAtMs)}`;
      return `${isJudged ? 'Judging' : 'Preparing'} at ${state.weightPercent} % of at most ${maxWeightOf(steps)} %, ${state.run?.failedChecks ?? 0} of ${seen.policy.threshold} failed checks spent${next}`;
    }
    case 'Promoting':
      return `Promoting: waits${until} because ${missing || 'traffic is handed back to the primary'}; after that the canary keeps all traffic`;
    case 'Finalising':
      return `Finalising: waits${until} because ${missing || 'the canary drains'}`;
    case 'RollingBack':
      return `Rolling back (${state.run?.ending?.message ?? ''}): waits because ${missing || 'the canary drains'}`;
    case 'Returning':
      return `Returning to the primary's revision: waits because ${missing || 'the canary drains'}`;
    case 'KeepingCanary':
      return `The primary did not become ready: all traffic goes to the canary`;
    case 'Terminating':
      return `Terminating: hands traffic back to the target${until}; after that the primary is left in place`;
  }
}
