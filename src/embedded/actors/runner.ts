// The port through which the node actor runs pods: in nothing but time, or as real servers.
import type { KubeObject } from '../../kube/contract.ts';
import type { ImageFaults } from './image-faults.ts';

/** A pod that serves. */
export interface StartedPod {
  readonly ip: string;
  /** Written onto the pod: the ports by which it is really reached. Empty when they are those of the spec. */
  readonly annotations: Readonly<Record<string, string>>;
}

/** The annotation with the port at which a pod is really reached, whatever its spec says. */
export const PORT_ANNOTATION = 'serin.embedded/port';

/** Runs pods. */
export interface PodRunner {
  /** Starts a pod; resolves when it serves. */
  start(pod: KubeObject, faults: ImageFaults): Promise<StartedPod>;
  /** Ends a pod: requests under way are finished. Resolves when nothing of it runs any more; also when it never ran. */
  stop(pod: KubeObject): Promise<void>;
}
