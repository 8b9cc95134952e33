// A status that was lost, or written by Flagger or by an older digest: rebuilt from the world, and never the start of a run.
import type { Observation } from './observation.ts';
import { isResting, type Phase } from './phase.ts';
import { isSame } from './same.ts';
import { initialState, type State } from './state.ts';

/** What Flagger's own fields say, where there are any. */
export interface Foreign {
  readonly phase: string | null;
  readonly trackedConfigs: Readonly<Record<string, string>>;
}

/** The state of a Canary without a run record. `seen` was made with an initial state. */
export function rebuildState(seen: Observation, foreign: Foreign): State {
  const fresh = { ...initialState(seen.nowMs), targetFacts: seen.targetFacts };
  const isTakenOver = seen.primary !== null && seen.services.apex === 'primary';
  if (!isTakenOver) return fresh;
  const targetRevision = seen.target?.revision ?? null;
  const base: State = {
    ...fresh,
    isTakenOver: true,
    seenRevision: targetRevision,
    trackedConfigs: seen.trackedConfigs,
    primaryReplicas: seen.primary?.replicas ?? 0,
    // Nobody remembers how far the numbers had come. Under one that was used before, something new passes for a repetition in
    // every sink, and a fence for one that stands already.
    nextSeq: seen.nowMs,
    record: seen.nowMs,
    because: { signal: 'rebuilt', message: 'The status was rebuilt from the cluster', atMs: seen.nowMs },
  };
  const mayCarryTraffic = (seen.route.askedPercent ?? 0) > 0 || (seen.target?.replicas ?? 0) > 0;
  if (mayCarryTraffic) return undone(base, seen);
  const isFailed =
    foreign.phase === 'Failed' || (seen.primary?.revision != null && seen.primary.revision !== targetRevision);
  const phase: Phase = isFailed ? 'Failed' : foreign.phase === 'Succeeded' ? 'Succeeded' : 'Initialized';
  return {
    ...base,
    phase,
    failure: isFailed ? 'rolledBack' : null,
    promotedRevision: isFailed ? (seen.primary?.revision ?? null) : (seen.primary?.revision ?? targetRevision),
  };
}

/** Something was under way that nobody remembers: all traffic goes to the primary and the canary goes, then it rests. */
function undone(base: State, seen: Observation): State {
  return {
    ...base,
    phase: 'RollingBack',
    deadlineMs: seen.nowMs + seen.policy.progressDeadlineMs,
    promotedRevision: seen.primary?.revision ?? null,
    fence: `rebuilt/${seen.nowMs}`,
  };
}

/**
 * What was stored is rebased onto the digest of now, and no run begins: when the algorithm changed, and when the digest
 * changed at rest although the target's generation and its configs did not (a newer API server shows more defaults).
 * Null when there is nothing to rebase.
 */
export function rebased(state: State, seen: Observation): State | null {
  const current = seen.target?.revision ?? null;
  if (current === null || state.seenRevision === null || current === state.seenRevision) return null;
  const algorithm = (revision: string): string => revision.split('-')[0] ?? '';
  const isSameContent =
    isResting(state.phase) &&
    state.targetFacts !== null &&
    state.targetFacts.generation === seen.targetFacts?.generation &&
    isSame(state.trackedConfigs, seen.trackedConfigs);
  if (algorithm(state.seenRevision) === algorithm(current) && !isSameContent) return null;
  const isPromoted = state.promotedRevision === state.seenRevision;
  return { ...state, seenRevision: current, promotedRevision: isPromoted ? current : state.promotedRevision };
}
