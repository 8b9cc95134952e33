// The station that acts: carries out the effects in order. The first failure stops the list; the next look repairs.
import type { Effect } from '../core/effects.ts';
import { isRunning } from '../core/phase.ts';
import type { State } from '../core/state.ts';
import { BugError } from '../errors.ts';
import type { CallOptions } from '../kube/contract.ts';
import type { Drivers } from './drivers.ts';
import { addFinalizer, removeFinalizer } from './finalize.ts';
import type { Found } from './found.ts';

/** Carries out effects. Each is absolute and fenced by what was observed, or by our own previous answer in this act. */
export async function act(
  effects: readonly Effect[],
  found: Found,
  next: State,
  use: Drivers,
  options: CallOptions,
): Promise<void> {
  for (const effect of effects) await carryOut(effect, found, next, use, options);
}

async function carryOut(effect: Effect, found: Found, next: State, use: Drivers, options: CallOptions): Promise<void> {
  const { canary, workload, workloadFound } = found;
  switch (effect.kind) {
    case 'addFinalizer':
      return addFinalizer(found, use, options);
    case 'removeFinalizer':
      return removeFinalizer(found, use, options);
    case 'pin':
      return workload.pin(canary, workloadFound, options);
    case 'ensureServices':
      return workload.ensureServices(canary, workloadFound, options);
    case 'pointApex':
      return workload.pointApex(canary, workloadFound, effect.to, options);
    case 'applyPrimary':
      return workload.applyPrimary(canary, workloadFound, effect.revision, effect.fence, options);
    case 'scalePrimary':
      return workload.scalePrimary(canary, workloadFound, effect.replicas, effect.fence, options);
    case 'applyScaler':
      return workload.applyScaler(
        canary,
        workloadFound,
        { floor: effect.floor, copiesTarget: effect.copiesTarget },
        effect.fence,
        options,
      );
    case 'scaleTarget':
      return workload.scaleTarget(canary, workloadFound, effect.replicas, effect.fence, options);
    case 'fence':
      return workload.fence(canary, workloadFound, effect.on, effect.fence, options);
    case 'ensureRoute':
    case 'writeRoute':
    case 'releaseRoute':
      return steer(effect, found, options);
    case 'releaseWorkload':
      return workload.release(canary, workloadFound, effect.keepsPrimary, canary.policy.revertOnDeletion, options);
    case 'prune':
      return workload.prune(canary, effect.keep, options);
    default:
      throw new BugError(`Cannot carry out effect ${JSON.stringify(effect satisfies never)} in phase ${next.phase}`);
  }
}

async function steer(
  effect: Extract<Effect, { kind: 'ensureRoute' | 'writeRoute' | 'releaseRoute' }>,
  found: Found,
  options: CallOptions,
): Promise<void> {
  const { mesh, route, routeRequest, canary } = found;
  if (routeRequest === null) return;
  if (effect.kind === 'releaseRoute')
    return mesh.driver.release(routeRequest, route, canary.policy.revertOnDeletion, options);
  const want = { weightPercent: effect.weightPercent, fence: effect.fence };
  if (effect.kind === 'ensureRoute') return mesh.driver.ensure(routeRequest, route, want, options);
  return mesh.driver.write(routeRequest, route, want, options);
}

/** Rollbacks and releases overtake everything else at the API server. */
export function laneOf(state: State): 'rollback' | 'progress' {
  return state.phase === 'RollingBack' ||
    state.phase === 'Returning' ||
    (isRunning(state.phase) && state.run?.ending != null)
    ? 'rollback'
    : 'progress';
}
