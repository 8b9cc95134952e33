// Makes every Deployment ready as soon as it is written: the user that stands for kube-controller-manager in the cost bench.
import type { KubeObject } from '../../../src/kube/contract.ts';
import type { KubeApi } from '../../real/kube-api.ts';

/** Follows all Deployments until it is told to stop. Resolves its promise when it has. */
export function startDeploymentActor(api: KubeApi, signal: AbortSignal): Promise<void> {
  const pending = new Map<string, KubeObject>();
  const busy = new Set<string>();
  const work = async (key: string): Promise<void> => {
    if (busy.has(key)) return;
    busy.add(key);
    for (let object = pending.get(key); object !== undefined && !signal.aborted; object = pending.get(key)) {
      pending.delete(key);
      await makeReady(api, object).catch(() => undefined);
    }
    busy.delete(key);
  };
  return api.watch('/apis/apps/v1/deployments', signal, ({ type, object }) => {
    if (type === 'DELETED' || isReady(object)) return;
    const key = `${object.metadata.namespace}/${object.metadata.name}`;
    pending.set(key, object);
    void work(key);
  });
}

interface Shape {
  readonly spec: { readonly replicas?: number };
  readonly status?: { readonly observedGeneration?: number; readonly availableReplicas?: number };
}

function isReady(object: KubeObject): boolean {
  const { spec, status } = object as unknown as Shape;
  const isSeen = status?.observedGeneration === object.metadata.generation;
  return isSeen && (status?.availableReplicas ?? 0) === (spec.replicas ?? 1);
}

async function makeReady(api: KubeApi, object: KubeObject): Promise<void> {
  const { name, namespace = 'default', generation = 1 } = object.metadata;
  const replicas = (object as unknown as Shape).spec.replicas ?? 1;
  const now = `${new Date().toISOString().slice(0, 19)}Z`;
  const condition = (type: string, reason: string): unknown => ({
    type,
    status: 'True',
    reason,
    message: '',
    lastTransitionTime: now,
    lastUpdateTime: now,
  });
  const status = {
    observedGeneration: generation,
    replicas,
    updatedReplicas: replicas,
    readyReplicas: replicas,
    availableReplicas: replicas,
    conditions: [
      condition('Available', 'MinimumReplicasAvailable'),
      condition('Progressing', 'NewReplicaSetAvailable'),
    ],
  };
  await api.patch(`/apis/apps/v1/namespaces/${namespace}/deployments/${name}/status`, { status });
}
