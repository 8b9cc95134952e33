// The statuses that a kubelet writes, as far as a delivery controller reads them.
import type { KubeObject } from '../../kube/contract.ts';
import type { Condition } from './shapes.ts';
import { asPod, timeText } from './shapes.ts';

/** What the node knows of a pod. */
export interface PodState {
  readonly isReady: boolean;
  readonly ip: string | null;
  readonly restarts: number;
  /** Why the container does not run; null when it does. */
  readonly waiting: { readonly reason: string; readonly message: string } | null;
}

/** The status of a pod in this state. Conditions that did not change keep their times. */
export function podStatus(pod: KubeObject, state: PodState, nowMs: number): Readonly<Record<string, unknown>> {
  const now = timeText(nowMs);
  const held = asPod(pod).status;
  const condition = (type: string, isTrue: boolean): Condition => {
    const status = isTrue ? 'True' : 'False';
    const before = held?.conditions?.find((item) => item.type === type);
    if (before?.status === status) return before;
    const why = isTrue ? {} : { reason: 'ContainersNotReady', message: 'containers with unready status' };
    return { type, status, ...why, lastTransitionTime: now };
  };
  const hasRun = state.waiting === null || state.restarts > 0;
  return {
    phase: hasRun ? 'Running' : 'Pending',
    qosClass: 'BestEffort',
    hostIP: '127.0.0.1',
    startTime: (held as { startTime?: string } | undefined)?.startTime ?? now,
    ...(state.ip === null ? {} : { podIP: state.ip, podIPs: [{ ip: state.ip }] }),
    conditions: [
      condition('PodScheduled', true),
      condition('Initialized', true),
      condition('ContainersReady', state.isReady),
      condition('Ready', state.isReady),
    ],
    containerStatuses: asPod(pod).spec.containers.map(({ name, image }) => ({
      name,
      image,
      imageID: '',
      ready: state.isReady,
      started: state.waiting === null,
      restartCount: state.restarts,
      state: state.waiting === null ? { running: { startedAt: now } } : { waiting: state.waiting },
      ...(state.restarts > 0
        ? { lastState: { terminated: { exitCode: 1, reason: 'Error', startedAt: now, finishedAt: now } } }
        : {}),
    })),
  };
}
