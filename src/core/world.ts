// Small facts about the world as seen, shared by signals and effects.
import type { Observation } from './observation.ts';
import type { State } from './state.ts';

/** The target runs exactly the revision that this run is about. */
export function isTargetCurrent(state: State, seen: Observation): boolean {
  return seen.target?.revision != null && seen.target.revision === (state.run?.revision ?? state.seenRevision);
}

/** The route asks for this weight; a provider that has no weights always asks for 0. */
export function isRouteAt(seen: Observation, weightPercent: number): boolean {
  return seen.route.askedPercent === weightPercent;
}

/** Objects that must carry the fence before anything is scaled down or a phase may rest: those that exist and that we write. */
export function unfenced(state: State, seen: Observation): readonly ('route' | 'primary' | 'target' | 'scaler')[] {
  if (state.fence === null) return [];
  const missing: ('route' | 'primary' | 'target' | 'scaler')[] = [];
  if (seen.route.state !== 'absent' && seen.route.isFenceable && seen.route.fence !== state.fence)
    missing.push('route');
  if (seen.primary !== null && seen.primary.fence !== state.fence) missing.push('primary');
  if (seen.target !== null && seen.target.fence !== state.fence) missing.push('target');
  if (seen.scaler !== null && !seen.scaler.isPrimaryAbsent && seen.scaler.fence !== state.fence) missing.push('scaler');
  return missing;
}

/** Some object lacks the fence. */
export function needsFence(state: State, seen: Observation): boolean {
  return unfenced(state, seen).length > 0;
}

/** Users are served by the primary: it is ready, the apex points at it, the route is in place. */
export function isServed(state: State, seen: Observation): boolean {
  return (
    seen.primary?.isReady === true &&
    seen.primary.revision === state.seenRevision &&
    seen.services.apex === 'primary' &&
    !seen.services.isDrifted &&
    seen.route.state === 'ready' &&
    isRouteAt(seen, 0)
  );
}

/**
 * The primary can take more traffic: at least three quarters of the pods that it had when the run began are ready,
 * which is what Kubernetes itself leaves serving in a rolling update by default.
 */
export function canTakeMore(state: State, seen: Observation): boolean {
  const ready = seen.primary?.readyReplicas ?? 0;
  const floor = Math.max(1, state.run?.primaryFloor ?? 1);
  return ready >= Math.max(1, floor - Math.floor(floor / 4));
}

/** No traffic is asked for the canary, and no older write can bring any; on deletion: the target is in charge again. */
export function isQuiet(state: State, seen: Observation): boolean {
  if (state.phase === 'Terminating') return seen.services.apex === 'target' && seen.target?.isReady === true;
  const hasHandedOver = state.phase !== 'Initializing' || isServed(state, seen);
  return hasHandedOver && isRouteAt(seen, 0) && !needsFence(state, seen);
}

/** Nothing reaches the canary any more, by what the data plane shows or by the drain time. */
export function isDrained(state: State, seen: Observation): boolean {
  // Proxies that have not followed still send where the route led before, whatever the phase.
  if (!isQuiet(state, seen) || seen.route.livePercent === 'pending') return false;
  const isShown =
    seen.route.livePercent !== 'unknown' && state.phase !== 'Terminating' && state.phase !== 'Initializing';
  if (isShown) return seen.route.livePercent === 0;
  return seen.quietSinceMs !== null && seen.nowMs - seen.quietSinceMs >= seen.policy.drainMs;
}
