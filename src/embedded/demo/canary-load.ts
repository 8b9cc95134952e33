// Where no mesh splits traffic, the canary has to be called by itself: whether it takes requests now, and what counts.
import { DEPLOYMENT } from '../../kube/kinds.ts';
import type { Clock } from '../../util/clock.ts';
import { asDeployment } from '../actors/shapes.ts';
import type { DemoCluster } from './cluster.ts';
import type { Answer } from './load.ts';
import type { Scene } from './scene.ts';

/** Follows the canary's pods for the load on its Service. */
export class CanaryLoad {
  readonly #cluster: DemoCluster;
  readonly #scene: Scene;
  readonly #stop: () => void;
  #isWanted = false;
  /** When its pods were told to end; monotonic milliseconds. Infinite while they are wanted. */
  #endMs = Number.POSITIVE_INFINITY;

  constructor(cluster: DemoCluster, scene: Scene, clock: Clock) {
    this.#cluster = cluster;
    this.#scene = scene;
    const { namespace, name } = scene;
    this.#stop = cluster.api.store.watch(DEPLOYMENT, (_, after) => {
      if (after?.metadata.name !== name || after.metadata.namespace !== namespace) return;
      const isWanted = (asDeployment(after).spec.replicas ?? 1) > 0;
      if (this.#isWanted && !isWanted) this.#endMs = clock.monotonicMs();
      if (isWanted) this.#endMs = Number.POSITIVE_INFINITY;
      this.#isWanted = isWanted;
    });
  }

  /** Whom clients call now. */
  hosts(): readonly string[] {
    const { host, canaryHost } = this.#scene;
    return canaryHost !== null && this.#isServing() ? [host, canaryHost] : [host];
  }

  /**
   * False for a request to the canary's Service that no pod answered because its pods had been told to end meanwhile: clients hear of that
   * a moment later than the data plane.
   */
  isCounted({ host, role, endMs }: Answer): boolean {
    return host !== this.#scene.canaryHost || role !== null || endMs < this.#endMs;
  }

  stop(): void {
    this.#stop();
  }

  /** Requests to the Service of the canary find pods, and none of these has been told to end. */
  #isServing(): boolean {
    const service = { namespace: this.#scene.namespace, name: `${this.#scene.name}-canary` };
    const { view } = this.#cluster.dataPlane;
    return this.#isWanted && view.snapshot().endpointsOf({ service, port: null, labels: null }).length > 0;
  }
}
