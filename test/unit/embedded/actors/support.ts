// A small cluster in virtual time for the actor tests.
import { createApiServer } from '../../../../src/embedded/apiserver/server.ts';
import type { StoreAccess } from '../../../../src/embedded/apiserver/access.ts';
import { startActors } from '../../../../src/embedded/actors/start.ts';
import type { ClusterActors } from '../../../../src/embedded/actors/start.ts';
import { openVirtualRunner } from '../../../../src/embedded/actors/virtual-runner.ts';
import type { DeploymentView } from '../../../../src/embedded/actors/shapes.ts';
import { asDeployment } from '../../../../src/embedded/actors/shapes.ts';
import type { KubeObject } from '../../../../src/kube/contract.ts';
import { DEPLOYMENT, POD, REPLICA_SET } from '../../../../src/kube/kinds.ts';
import type { Random } from '../../../../src/util/random.ts';
import { VirtualClock } from '../../../support/virtual-clock.ts';

export interface TestCluster {
  readonly store: StoreAccess;
  readonly clock: VirtualClock;
  readonly actors: ClusterActors;
  deployment(name?: string): DeploymentView;
  pods(): KubeObject[];
  sets(): KubeObject[];
  stop(): void;
}

/** Randomness that counts. */
export function countingRandom(): Random {
  let count = 0;
  return {
    next: () => {
      count += 1;
      return (count * 0.618_034) % 1;
    },
    id: () => {
      count += 1;
      return count.toString(16).padStart(16, '0');
    },
  };
}

export function startTestCluster(readyAfterMs = 1_000): TestCluster {
  const clock = new VirtualClock({ turns: 4 });
  const random = countingRandom();
  const server = createApiServer({ clock, random });
  const runner = openVirtualRunner({ clock, readyAfterMs, goneAfterMs: 500 });
  const actors = startActors({ store: server.store, clock, random, delayMs: 5, runner });
  return {
    store: server.store,
    clock,
    actors,
    deployment: (name = 'web') => asDeployment(server.store.get(DEPLOYMENT, 'default', name)!),
    pods: () => server.store.list(POD, 'default'),
    sets: () => server.store.list(REPLICA_SET, 'default'),
    stop() {
      actors.stop();
      server.close();
    },
  };
}

/** A Deployment `web` in `default`. */
export function makeDeployment(image: string, spec: Record<string, unknown> = {}): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'default' },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: { containers: [{ name: 'app', image, ports: [{ name: 'http', containerPort: 8080 }] }] },
      },
      ...spec,
    },
  };
}

/** Sets members of the Deployment's spec. */
export function change(cluster: TestCluster, spec: Record<string, unknown>): void {
  cluster.store.mutate(DEPLOYMENT, 'default', 'web', (draft) => {
    draft['spec'] = { ...(draft['spec'] as object), ...spec };
  });
}

/** Sets the image of the Deployment. */
export function setImage(cluster: TestCluster, image: string): void {
  cluster.store.mutate(DEPLOYMENT, 'default', 'web', (draft) => {
    const view = asDeployment(draft);
    view.spec.template = {
      ...view.spec.template,
      spec: { ...view.spec.template.spec, containers: [{ ...view.spec.template.spec.containers[0]!, image }] },
    };
  });
}
