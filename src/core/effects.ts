// The difference between what should be and what is seen, as ordered effects: absolute, fenced, safe to repeat.
import { wishedWeight, wishOf } from './desire.ts';
import type { Observation } from './observation.ts';
import { isRunning } from './phase.ts';
import type { State } from './state.ts';
import { canTakeMore, isDrained, isRouteAt, unfenced } from './world.ts';

/** One change to the world. Carrying out an effect twice is carrying it out once. */
export type Effect =
  | { readonly kind: 'addFinalizer' }
  | { readonly kind: 'pin' }
  | { readonly kind: 'ensureServices' }
  | { readonly kind: 'pointApex'; readonly to: 'target' | 'primary' }
  | { readonly kind: 'applyPrimary'; readonly revision: string; readonly fence: string | null }
  | { readonly kind: 'scalePrimary'; readonly replicas: number; readonly fence: string | null }
  | {
      readonly kind: 'applyScaler';
      readonly floor: number | null;
      readonly copiesTarget: boolean;
      readonly fence: string | null;
    }
  | { readonly kind: 'ensureRoute'; readonly weightPercent: number; readonly fence: string | null }
  | { readonly kind: 'writeRoute'; readonly weightPercent: number; readonly fence: string | null }
  | { readonly kind: 'fence'; readonly on: 'primary' | 'target' | 'scaler'; readonly fence: string }
  | { readonly kind: 'scaleTarget'; readonly replicas: number; readonly fence: string | null }
  | { readonly kind: 'releaseRoute' }
  | { readonly kind: 'releaseWorkload'; readonly keepsPrimary: boolean }
  | { readonly kind: 'removeFinalizer' }
  | { readonly kind: 'prune'; readonly keep: readonly string[] };

/** The effects that close the gap. Order matters: traffic first where it falls, capacity first where it rises. */
export function planEffects(state: State, seen: Observation): readonly Effect[] {
  if (seen.isDeleting) return state.phase === 'Terminating' ? planRelease(state, seen) : [];
  if (seen.policy.suspend && !['RollingBack', 'Returning'].includes(state.phase)) return [];
  if (!seen.hasFinalizer) return [{ kind: 'addFinalizer' }];
  if (state.failure === 'neverInitialized') return [];
  const fall = routeFall(state, seen);
  const world = [...planServices(state, seen), ...planPrimary(state, seen)];
  const all = [
    ...fall,
    ...world,
    ...routeRise(state, seen, fall.length > 0),
    ...planFences(state, seen, planTarget(state, seen)),
  ];
  // Somebody else keeps changing the same thing back: we stop, except to bring traffic home.
  return all.filter((effect) => fall.includes(effect) || !seen.contested.includes(effect.kind));
}

/** Takes traffic off the canary: first of all effects, as soon as the primary can take it. */
function routeFall(state: State, seen: Observation): readonly Effect[] {
  const weight = wishedWeight(state);
  const asked = seen.route.askedPercent;
  if (weight === null || seen.route.state === 'absent' || asked === null || weight >= asked) return [];
  return canTakeMore(state, seen) ? [{ kind: 'writeRoute', weightPercent: weight, fence: state.fence }] : [];
}

function planServices(state: State, seen: Observation): readonly Effect[] {
  const effects: Effect[] = [];
  if (seen.target === null && seen.primary === null) return effects;
  if (seen.services.isDrifted || seen.services.apex === 'absent') effects.push({ kind: 'ensureServices' });
  const apex = wishOf(state)[3];
  const isHandOver =
    apex === 'handOver' && seen.primary?.isReady === true && seen.primary.revision === state.seenRevision;
  if ((apex === 'primary' || isHandOver) && seen.services.apex !== 'primary' && seen.primary?.isReady === true) {
    effects.push({ kind: 'pointApex', to: 'primary' });
  }
  return effects;
}

function planPrimary(state: State, seen: Observation): readonly Effect[] {
  const effects: Effect[] = [];
  const revision = {
    base: state.promotedRevision,
    run: state.run?.revision ?? null,
    first: state.seenRevision,
    leave: null,
  }[wishOf(state)[2]];
  const isRevisionPinned =
    revision !== null && (revision === state.promotedRevision ? seen.isPromotedPinned : seen.isRunPinned);
  if (needsPin(state, seen)) effects.push({ kind: 'pin' });
  if (revision !== null && isRevisionPinned && !isPrimaryAt(state, seen, revision)) {
    effects.push({ kind: 'applyPrimary', revision, fence: state.fence });
  }
  const isHeld = isRunning(state.phase) && state.run !== null;
  if (seen.scaler !== null && seen.primary !== null) {
    const copiesTarget = wishOf(state)[2] === 'run' && seen.scaler.isDrifted;
    if (
      seen.scaler.isPrimaryAbsent ||
      copiesTarget ||
      (isHeld && seen.scaler.isBelowFloor) ||
      (!isHeld && seen.scaler.isHeld)
    ) {
      effects.push({
        kind: 'applyScaler',
        floor: isHeld ? (state.run?.primaryFloor ?? null) : null,
        copiesTarget,
        fence: state.fence,
      });
    }
  }
  if (
    isHeld &&
    seen.scaler === null &&
    seen.primary !== null &&
    seen.primary.replicas < (state.run?.primaryFloor ?? 0)
  ) {
    effects.push({ kind: 'scalePrimary', replicas: state.run?.primaryFloor ?? 1, fence: state.fence });
  }
  return effects;
}

/** What a run, or the first primary, is about must be stored before anything is built on it. */
function needsPin(state: State, seen: Observation): boolean {
  if (seen.target?.revision == null) return false;
  if (state.phase === 'Initializing') return seen.target.revision === state.seenRevision && !seen.isTargetPinned;
  if (!isRunning(state.phase) || state.run === null || state.run.wasPinned) return false;
  return seen.target.revision === state.run.revision && !seen.isTargetPinned;
}

/** A primary without our mark (made by Flagger) counts as being at the promoted revision. */
function isPrimaryAt(state: State, seen: Observation, revision: string): boolean {
  if (seen.primary === null) return false;
  return seen.primary.revision === revision || (seen.primary.revision === null && revision === state.promotedRevision);
}

/** Creates or repairs the route, and raises the canary's share: only onto a canary that is ready at exactly the pinned revision. */
function routeRise(state: State, seen: Observation, hasFallen: boolean): readonly Effect[] {
  const weight = wishedWeight(state);
  if (weight === null || hasFallen || seen.target === null) return [];
  const isAbsent = seen.route.state === 'absent';
  if (isAbsent && !(seen.primary?.isReady === true && seen.services.apex === 'primary')) return [];
  // Traffic that is not the primary's yet (an adopted route) is moved by ensure, once the primary can serve it.
  if (seen.route.askedPercent === null && !isAbsent && seen.primary?.isReady !== true) return [];
  const asked = seen.route.askedPercent;
  // A share that falls waits in routeFall for the primary's capacity; repairs and the fence do not.
  const steady = asked !== null && weight < asked ? asked : weight;
  const isCanaryFit =
    seen.target.isReady && (weight === 100 || (seen.isRunPinned && seen.target.revision === state.run?.revision));
  if (steady > (asked ?? 0) && !isCanaryFit) return [];
  if (isAbsent || seen.route.state === 'drifted' || asked === null) {
    return [{ kind: 'ensureRoute', weightPercent: isAbsent ? 0 : steady, fence: state.fence }];
  }
  const lacksFence = unfenced(state, seen).includes('route');
  return lacksFence || !isRouteAt(seen, steady)
    ? [{ kind: 'writeRoute', weightPercent: steady, fence: state.fence }]
    : [];
}

/** The fence where nothing else brings it; scaling the target carries it along. */
function planFences(state: State, seen: Observation, scaling: readonly Effect[] = []): readonly Effect[] {
  if (state.fence === null) return scaling;
  const fence = state.fence;
  const others = unfenced(state, seen).filter((on) => on !== 'target' || scaling.length === 0);
  const apart = others.filter((on) => on !== 'route');
  return [...apart.map((on): Effect => ({ kind: 'fence', on, fence })), ...scaling];
}

function planTarget(state: State, seen: Observation): readonly Effect[] {
  if (seen.target === null) return [];
  const wish = wishOf(state)[1];
  const zero: Effect = { kind: 'scaleTarget', replicas: 0, fence: state.fence };
  if (wish === 'up' && seen.target.replicas === 0)
    return [{ kind: 'scaleTarget', replicas: seen.capacity.target, fence: state.fence }];
  if (seen.target.replicas === 0) return [];
  // Whoever took the primary's pods away: the target is not scaled down on top of it.
  const isPrimaryUp = (seen.primary?.readyReplicas ?? 0) > 0;
  return (wish === 'zero' || wish === 'handOver') && isPrimaryUp && isDrained(state, seen) ? [zero] : [];
}

/** Deletion: capacity and selectors go back to the target; only then is the primary let go. A namespace that goes away is left alone. */
function planRelease(state: State, seen: Observation): readonly Effect[] {
  if (!seen.hasFinalizer) return [];
  const finish: Effect = { kind: 'removeFinalizer' };
  if (seen.isNamespaceTerminating || (seen.target === null && seen.primary === null)) return [finish];
  if (state.keepsPrimary || seen.target === null) return [{ kind: 'releaseWorkload', keepsPrimary: true }, finish];
  const fences = planFences(state, seen);
  const capacity = Math.max(seen.capacity.target, seen.primary?.replicas ?? 0, state.primaryReplicas);
  if (seen.target.replicas < capacity)
    return [...fences, { kind: 'scaleTarget', replicas: capacity, fence: state.fence }];
  if (!seen.target.isReady) return fences;
  if (seen.services.apex !== 'target') return [...fences, { kind: 'pointApex', to: 'target' }];
  if (!isDrained(state, seen)) return isSteered(seen) ? [...fences, { kind: 'releaseRoute' }] : fences;
  return [{ kind: 'releaseRoute' }, { kind: 'releaseWorkload', keepsPrimary: false }, finish];
}

/** The route still leads to primary and canary, or carries a mark of ours. */
function isSteered({ route }: Observation): boolean {
  return route.state !== 'absent' && route.isFenceable && (route.askedPercent !== null || route.fence !== null);
}
