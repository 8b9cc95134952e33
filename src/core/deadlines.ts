// When a phase must be over: every phase but the three resting ones has a deadline.
import type { Observation } from './observation.ts';
import { isResting } from './phase.ts';
import { stepsOf } from './signals.ts';
import type { State } from './state.ts';
import { analysisAt } from './steps.ts';

/** The deadline of a state that was just entered, or whose stay within a phase began anew. */
export function deadlineAfter(state: State, seen: Observation): number | null {
  if (isResting(state.phase)) return null;
  const { policy } = seen;
  const isGate =
    state.phase === 'Waiting' || state.phase === 'WaitingPromotion' || state.run?.closedGate != null || state.isPaused;
  if (isGate) return seen.nowMs + policy.gateDeadlineMs + policy.progressDeadlineMs;
  if (state.phase === 'Progressing')
    return seen.nowMs + policy.progressDeadlineMs + ticksAtMost(state, seen) * policy.intervalMs;
  // Draining comes on top of what the pods may take.
  return seen.nowMs + policy.progressDeadlineMs + policy.drainMs;
}

/** Ticks that a stay can last at most: its passes, and every tick that may fail or lack an answer without ending the run. */
function ticksAtMost(state: State, seen: Observation): number {
  const stay = state.run === null ? null : analysisAt(stepsOf(seen), state.run.step);
  const { policy } = seen;
  return (stay?.ticks ?? 1) + policy.threshold + Math.max(policy.insufficientMax, 10) + Math.max(policy.errorsMax, 10);
}
