// The status of a Deployment, computed from its ReplicaSets: counts, Available, Progressing with its deadline.
import { rollingLimits } from './deployment-plan.ts';
import type { Condition, DeploymentView, ReplicaSetView } from './shapes.ts';
import { timeOf, timeText, withoutZeros } from './shapes.ts';

/** The status, and when it has to be looked at again because a deadline will pass. */
export interface DeploymentStatusResult {
  readonly status: Readonly<Record<string, unknown>>;
  readonly againInMs: number | null;
}

const NO_DEADLINE = 2 ** 31 - 1;

interface Counts {
  readonly replicas: number;
  readonly updatedReplicas: number;
  readonly readyReplicas: number;
  readonly availableReplicas: number;
  readonly unavailableReplicas: number;
}

/** Computes the status. `isNewSet`: the current ReplicaSet was made just now. */
export function deploymentStatus(
  deployment: DeploymentView,
  current: ReplicaSetView | null,
  old: readonly ReplicaSetView[],
  nowMs: number,
  isNewSet: boolean,
): DeploymentStatusResult {
  const counts = countPods(current, old);
  const available = availableCondition(deployment, counts, nowMs);
  const progressing = progressingCondition(deployment, current, counts, nowMs, isNewSet);
  const kept = (deployment.status?.conditions ?? []).filter(
    ({ type }) => type !== 'Available' && type !== 'Progressing',
  );
  return {
    status: {
      ...withoutZeros({ observedGeneration: deployment.metadata.generation ?? 0, ...counts }),
      conditions: [...kept, available, ...(progressing === null ? [] : [progressing])],
    },
    againInMs: deadlineIn(deployment, progressing, nowMs),
  };
}

function countPods(current: ReplicaSetView | null, old: readonly ReplicaSetView[]): Counts {
  const all = current === null ? old : [...old, current];
  const sum = (count: (set: ReplicaSetView) => number | undefined): number =>
    all.reduce((total, set) => total + (count(set) ?? 0), 0);
  const availableReplicas = sum((set) => set.status?.availableReplicas);
  return {
    replicas: sum((set) => set.status?.replicas),
    updatedReplicas: current?.status?.replicas ?? 0,
    readyReplicas: sum((set) => set.status?.readyReplicas),
    availableReplicas,
    unavailableReplicas: Math.max(sum((set) => set.spec.replicas) - availableReplicas, 0),
  };
}

function availableCondition(deployment: DeploymentView, counts: Counts, nowMs: number): Condition {
  const desired = deployment.spec.replicas ?? 1;
  const isAvailable = counts.availableReplicas >= desired - rollingLimits(deployment).maxUnavailable;
  return settle(
    deployment,
    {
      type: 'Available',
      status: isAvailable ? 'True' : 'False',
      reason: isAvailable ? 'MinimumReplicasAvailable' : 'MinimumReplicasUnavailable',
      message: isAvailable ? 'Deployment has minimum availability.' : 'Deployment does not have minimum availability.',
    },
    nowMs,
    false,
  );
}

/** Null when the Deployment asks for no deadline. */
function progressingCondition(
  deployment: DeploymentView,
  current: ReplicaSetView | null,
  counts: Counts,
  nowMs: number,
  isNewSet: boolean,
): Condition | null {
  if ((deployment.spec.progressDeadlineSeconds ?? 600) >= NO_DEADLINE) return null;
  const held = conditionOf(deployment, 'Progressing');
  const name = `ReplicaSet "${current?.metadata.name ?? ''}"`;
  const of = (status: Condition['status'], reason: string, message: string, isFresh: boolean): Condition =>
    settle(deployment, { type: 'Progressing', status, reason, message }, nowMs, isFresh);

  if (isNewSet)
    return of('True', 'NewReplicaSetCreated', `Created new replica set "${current?.metadata.name ?? ''}"`, true);
  // As the real controller has it: a set that was complete once has no deadline while it is only scaled.
  if (held?.reason === 'NewReplicaSetAvailable' && counts.replicas === counts.updatedReplicas) return held;
  if (isComplete(deployment, counts)) {
    return of('True', 'NewReplicaSetAvailable', `${name} has successfully progressed.`, false);
  }
  if (held === null || hasMoved(deployment, counts)) {
    return of('True', 'ReplicaSetUpdated', `${name} is progressing.`, true);
  }
  if (deadlineIn(deployment, held, nowMs) === 0) {
    return of('False', 'ProgressDeadlineExceeded', `${name} has timed out progressing.`, false);
  }
  return held;
}

function isComplete(deployment: DeploymentView, counts: Counts): boolean {
  const desired = deployment.spec.replicas ?? 1;
  return counts.updatedReplicas === desired && counts.replicas === desired && counts.availableReplicas === desired;
}

function hasMoved(deployment: DeploymentView, counts: Counts): boolean {
  const before = deployment.status ?? {};
  const oldBefore = (before.replicas ?? 0) - (before.updatedReplicas ?? 0);
  return (
    counts.updatedReplicas > (before.updatedReplicas ?? 0) ||
    counts.replicas - counts.updatedReplicas < oldBefore ||
    counts.readyReplicas > (before.readyReplicas ?? 0) ||
    counts.availableReplicas > (before.availableReplicas ?? 0)
  );
}

/** Milliseconds until the deadline passes; 0 when it has, null when none runs. */
function deadlineIn(deployment: DeploymentView, progressing: Condition | null, nowMs: number): number | null {
  if (progressing === null || progressing.status !== 'True' || progressing.reason === 'NewReplicaSetAvailable')
    return null;
  const deadlineMs = timeOf(progressing.lastUpdateTime) + (deployment.spec.progressDeadlineSeconds ?? 600) * 1000;
  return Math.max(deadlineMs - nowMs, 0);
}

const conditionOf = (deployment: DeploymentView, type: string): Condition | null =>
  deployment.status?.conditions?.find((condition) => condition.type === type) ?? null;

/** The condition with its times: unchanged ones keep theirs, so that a look without news writes nothing. */
function settle(deployment: DeploymentView, next: Condition, nowMs: number, isFresh: boolean): Condition {
  const held = conditionOf(deployment, next.type);
  const now = timeText(nowMs);
  if (held !== null && held.status === next.status && held.reason === next.reason && !isFresh) return held;
  const lastTransitionTime = held !== null && held.status === next.status ? (held.lastTransitionTime ?? now) : now;
  return { ...next, lastUpdateTime: now, lastTransitionTime };
}
