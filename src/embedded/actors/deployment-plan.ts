// How many pods each ReplicaSet of a Deployment should have now: the rolling update and Recreate, without any I/O.
import type { DeploymentView, ReplicaSetView } from './shapes.ts';
import { intOrPercent } from './shapes.ts';

/** How far a rolling update may go above and below the wanted number. */
export interface RollingLimits {
  readonly maxSurge: number;
  readonly maxUnavailable: number;
}

/** Replicas by name of ReplicaSet; those that need no change are left out. */
export type ReplicaPlan = ReadonlyMap<string, number>;

const replicasOf = (set: ReplicaSetView): number => set.spec.replicas ?? 0;
const availableOf = (set: ReplicaSetView): number => set.status?.availableReplicas ?? 0;
const sum = (sets: readonly ReplicaSetView[], count: (set: ReplicaSetView) => number): number =>
  sets.reduce((total, set) => total + count(set), 0);

/** The limits with the API's defaults of 25 %; when both come out as 0, one pod may be missing, or nothing would move. */
export function rollingLimits(deployment: DeploymentView): RollingLimits {
  const desired = deployment.spec.replicas ?? 1;
  const { maxSurge = '25%', maxUnavailable = '25%' } = deployment.spec.strategy?.rollingUpdate ?? {};
  const surge = intOrPercent(maxSurge, desired, true);
  const unavailable = Math.min(intOrPercent(maxUnavailable, desired, false), desired);
  return { maxSurge: surge, maxUnavailable: surge === 0 && unavailable === 0 ? 1 : unavailable };
}

/** What to change now. `old` are the other ReplicaSets, the oldest first. */
export function planReplicas(
  deployment: DeploymentView,
  current: ReplicaSetView,
  old: readonly ReplicaSetView[],
): ReplicaPlan {
  const desired = deployment.spec.replicas ?? 1;
  if (deployment.spec.paused === true) return planPaused(desired, current, old);
  if (deployment.spec.strategy?.type === 'Recreate') return planRecreate(desired, current, old);
  return planRolling(desired, rollingLimits(deployment), current, old);
}

/** A paused Deployment is still scaled: the newest set that has pods takes the change. */
function planPaused(desired: number, current: ReplicaSetView, old: readonly ReplicaSetView[]): ReplicaPlan {
  const active = [...old, current].filter((set) => replicasOf(set) > 0);
  const only = active.length === 0 ? current : active.at(-1)!;
  return active.length > 1 || replicasOf(only) === desired ? new Map() : new Map([[only.metadata.name, desired]]);
}

function planRecreate(desired: number, current: ReplicaSetView, old: readonly ReplicaSetView[]): ReplicaPlan {
  const running = old.filter((set) => replicasOf(set) > 0);
  if (running.length > 0) return new Map(running.map((set) => [set.metadata.name, 0]));
  const isDown = old.every((set) => (set.status?.replicas ?? 0) === 0);
  return isDown && replicasOf(current) !== desired ? new Map([[current.metadata.name, desired]]) : new Map();
}

function planRolling(
  desired: number,
  limits: RollingLimits,
  current: ReplicaSetView,
  old: readonly ReplicaSetView[],
): ReplicaPlan {
  const all = [...old, current];
  const held = replicasOf(current);
  if (held > desired) return new Map([[current.metadata.name, desired]]);
  const room = desired + limits.maxSurge - sum(all, replicasOf);
  const added = Math.min(room, desired - held);
  // One direction a look: the other follows once its effect is seen, as in the real controller.
  if (added > 0) return new Map([[current.metadata.name, held + added]]);
  return planOld(desired, limits, current, old);
}

function planOld(
  desired: number,
  limits: RollingLimits,
  current: ReplicaSetView,
  old: readonly ReplicaSetView[],
): ReplicaPlan {
  const plan = new Map<string, number>();
  if (sum(old, replicasOf) === 0) return plan;
  const all = [...old, current];
  const minAvailable = desired - limits.maxUnavailable;
  const newUnavailable = replicasOf(current) - availableOf(current);
  let removable = sum(all, replicasOf) - minAvailable - newUnavailable;
  if (removable <= 0) return plan;
  // Old pods that are not available anyway go first: they cost nothing.
  for (const set of old) {
    const removed = Math.min(removable, replicasOf(set) - Math.min(availableOf(set), replicasOf(set)));
    if (removed <= 0) continue;
    plan.set(set.metadata.name, replicasOf(set) - removed);
    removable -= removed;
  }
  let spare = sum(all, availableOf) - minAvailable;
  for (const set of old) {
    const left = plan.get(set.metadata.name) ?? replicasOf(set);
    const removed = Math.min(spare, left);
    if (removed <= 0) continue;
    plan.set(set.metadata.name, left - removed);
    spare -= removed;
  }
  return plan;
}
