// Whether a Deployment is ready, what it lacks, and what trouble its pods show before any deadline has passed.
import type { Trouble } from '../core/observation.ts';
import type { KubeObject } from '../kube/contract.ts';
import { listOf, numberOf, textOf } from './fields.ts';

/** Readiness of one workload; `notReady` says for people what is missing, and is empty when ready. */
export interface Readiness {
  readonly isReady: boolean;
  readonly notReady: string;
}

/** What the EndpointSlices of a workload's own Service hold. */
export interface EndpointsSeen {
  readonly service: string;
  readonly ready: number;
}

/** The fields by which a Deployment tells how far it is. */
interface Progress {
  readonly replicas: number;
  readonly total: number;
  readonly updated: number;
  readonly available: number;
}

/**
 * Flagger's rule: the controller has seen this generation, all pods are of it, and at least ⌊updated × threshold⌋ of
 * them are available. Beyond it, one pod at least must be available, and a workload at 0 replicas is not ready. As many
 * must be endpoints of its Service (null: not known), for only those get requests.
 */
export function judgeReadiness(
  deployment: KubeObject,
  thresholdPercent: number,
  endpoints: EndpointsSeen | null = null,
): Readiness {
  const notReady = lackOf(deployment, thresholdPercent, endpoints);
  return { isReady: notReady === '', notReady };
}

function lackOf(deployment: KubeObject, thresholdPercent: number, endpoints: EndpointsSeen | null): string {
  const { replicas, total, updated, available } = progressOf(deployment);
  if (!isObserved(deployment)) return 'waiting for the rollout to begin: the newest generation has not been observed';
  if (replicas === 0) return 'scaled to 0';
  if (updated < replicas) return `${updated} of ${replicas} pods are of the new template`;
  if (total > updated) return `${total - updated} old pods are pending termination`;
  const needed = Math.max(1, Math.floor((updated * thresholdPercent) / 100));
  if (available < needed) return `${available} of ${updated} pods are available, ${needed} must be`;
  if (endpoints !== null && endpoints.ready < needed)
    return `${endpoints.ready} of ${updated} pods are endpoints of Service ${endpoints.service}, ${needed} must be`;
  return '';
}

/** True when the Deployment controller has seen the newest generation. */
export function isObserved(deployment: KubeObject): boolean {
  return (numberOf(deployment, 'status', 'observedGeneration') ?? 0) >= (deployment.metadata.generation ?? 0);
}

/** True when all pods that there are belong to the newest template. */
export function isAllUpdated(deployment: KubeObject): boolean {
  const { total, updated } = progressOf(deployment);
  return isObserved(deployment) && total === updated;
}

function progressOf(deployment: KubeObject): Progress {
  const status = (member: string): number => numberOf(deployment, 'status', member) ?? 0;
  return {
    replicas: replicasOf(deployment),
    total: status('replicas'),
    updated: status('updatedReplicas'),
    available: status('availableReplicas'),
  };
}

/** Pods asked for; the API server's default where unset. */
export function replicasOf(deployment: KubeObject): number {
  return numberOf(deployment, 'spec', 'replicas') ?? 1;
}

/** Restarts after which a container that ended in an error counts as crash-looping though the kubelet does not call it so yet. */
const RESTARTS_OF_A_LOOP = 3;

const REASONS: Readonly<Record<string, Trouble['reason']>> = {
  CrashLoopBackOff: 'CrashLoopBackOff',
  ImagePullBackOff: 'ImagePullBackOff',
  ErrImagePull: 'ImagePullBackOff',
  ErrImageNeverPull: 'ImagePullBackOff',
  InvalidImageName: 'ImagePullBackOff',
  ImageInspectError: 'ImagePullBackOff',
  RegistryUnavailable: 'ImagePullBackOff',
  SignatureValidationFailed: 'ImagePullBackOff',
  CreateContainerConfigError: 'CreateContainerError',
  CreateContainerError: 'CreateContainerError',
  RunContainerError: 'CreateContainerError',
};

/** The first trouble at the Deployment's conditions or at `pods`, which must be those of its newest template. */
export function findTrouble(deployment: KubeObject, pods: readonly KubeObject[]): Trouble | null {
  if (!isObserved(deployment)) return null;
  return troubleOfConditions(deployment) ?? troubleOfPods(pods);
}

function troubleOfConditions(deployment: KubeObject): Trouble | null {
  for (const condition of listOf(deployment, 'status', 'conditions')) {
    const [type, status, reason] = [
      textOf(condition, 'type'),
      textOf(condition, 'status'),
      textOf(condition, 'reason'),
    ];
    const message = clip(textOf(condition, 'message'));
    if (type === 'Progressing' && status === 'False' && reason === 'ProgressDeadlineExceeded')
      return { reason: 'ProgressDeadlineExceeded', message };
    // A pod could not be created at all: quota, admission, an invalid template.
    if (type === 'ReplicaFailure' && status === 'True') return { reason: 'FailedCreate', message };
    if (type === 'Progressing' && status === 'False' && reason === 'FailedCreate')
      return { reason: 'FailedCreate', message };
  }
  return null;
}

function troubleOfPods(pods: readonly KubeObject[]): Trouble | null {
  for (const pod of pods) {
    if (pod.metadata.deletionTimestamp !== undefined) continue;
    const containers = [
      ...listOf(pod, 'status', 'initContainerStatuses'),
      ...listOf(pod, 'status', 'containerStatuses'),
    ];
    for (const container of containers) {
      const trouble = troubleOfContainer(pod.metadata.name, container);
      if (trouble !== null) return trouble;
    }
  }
  return null;
}

function troubleOfContainer(podName: string, container: Record<string, unknown>): Trouble | null {
  const where = `container "${textOf(container, 'name')}" of pod ${podName}`;
  const waiting = textOf(container, 'state', 'waiting', 'reason');
  if (Object.hasOwn(REASONS, waiting)) {
    const detail = textOf(container, 'state', 'waiting', 'message');
    return { reason: REASONS[waiting]!, message: clip(`${where}: ${waiting}${detail === '' ? '' : `: ${detail}`}`) };
  }
  const exitCode = numberOf(container, 'state', 'terminated', 'exitCode') ?? 0;
  const restarts = numberOf(container, 'restartCount') ?? 0;
  if (exitCode !== 0 && restarts >= RESTARTS_OF_A_LOOP) {
    return {
      reason: 'CrashLoopBackOff',
      message: clip(`${where}: ended with exit code ${exitCode} after ${restarts} restarts`),
    };
  }
  return null;
}

function clip(text: string): string {
  return text.replace(/\s+/g, ' ').slice(0, 250);
}
