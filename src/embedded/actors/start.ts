// Starts all actors of an embedded cluster on one store.
import type { ActorOptions } from './actor.ts';
import { startDeployments } from './deployments.ts';
import { startEndpoints } from './endpoints.ts';
import { startHpa } from './hpa.ts';
import { startNode } from './node.ts';
import { startReplicaSets } from './pods.ts';
import type { PodRunner } from './runner.ts';

/** What a cluster's actors are made of. */
export interface ClusterActorOptions extends ActorOptions {
  readonly runner: PodRunner;
  /** EndpointSlices cost a write for each Service and change of a pod; a simulation without a data plane needs none. */
  readonly hasEndpoints?: boolean;
  readonly onProblem?: (message: string) => void;
}

/** Running actors. */
export interface ClusterActors {
  /** Pods that are running or about to. */
  podCount(): number;
  stop(): void;
}

const NODE_NAME = 'embedded';

/** Starts Deployment, ReplicaSet, EndpointSlice and autoscaler controllers and the node. */
export function startActors(options: ClusterActorOptions): ClusterActors {
  const node = startNode(options);
  const actors = [
    startReplicaSets({ ...options, nodeName: NODE_NAME }),
    startDeployments(options),
    startHpa(options),
    ...(options.hasEndpoints === false ? [] : [startEndpoints(options)]),
    node,
  ];
  return {
    podCount: () => node.count(),
    stop() {
      for (const actor of actors) actor.stop();
    },
  };
}
