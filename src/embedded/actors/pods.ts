// The ReplicaSet controller: keeps as many pods as asked for, and counts the ready and the available ones.
import type { KubeObject } from '../../kube/contract.ts';
import { POD, REPLICA_SET } from '../../kube/kinds.ts';
import { sameJson } from '../../util/json.ts';
import type { Random } from '../../util/random.ts';
import type { Actor, ActorOptions } from './actor.ts';
import type { WorkLoop } from './loop.ts';
import { startLoop } from './loop.ts';
import type { OwnerIndex } from './owner-index.ts';
import { indexByOwner } from './owner-index.ts';
import type { ReplicaSetView } from './shapes.ts';
import {
  asPod,
  asReplicaSet,
  controlledBy,
  hashOf,
  isActivePod,
  keyOf,
  readySince,
  splitKey,
  withoutZeros,
} from './shapes.ts';

const WRITE = { user: 'replicaset-controller' } as const;

/** How pods of a ReplicaSet are made. */
export interface ReplicaSetOptions extends ActorOptions {
  /** The node that takes every pod: pods are made as if a scheduler had bound them already. */
  readonly nodeName: string;
}

/** Starts the ReplicaSet controller. */
export function startReplicaSets(options: ReplicaSetOptions): Actor {
  const { store, clock, delayMs } = options;
  const pods = indexByOwner(store, POD);
  const loop = startLoop({ clock, delayMs, look: (key) => look(options, pods, key, loop) });
  const stops = [
    store.watch(REPLICA_SET, (_, after) => {
      if (after !== null) loop.enqueue(keyOf(after));
    }),
    store.watch(POD, (before, after) => {
      const pod = after ?? before;
      const owner = pod?.metadata.ownerReferences?.find(({ kind, controller }) => kind === 'ReplicaSet' && controller);
      if (pod !== null && owner !== undefined) loop.enqueue(`${pod.metadata.namespace ?? ''}/${owner.name}`);
    }),
    () => pods.stop(),
  ];
  for (const set of store.list(REPLICA_SET, null)) loop.enqueue(keyOf(set));
  return {
    stop() {
      loop.stop();
      for (const stop of stops) stop();
    },
  };
}

function look(options: ReplicaSetOptions, index: OwnerIndex, key: string, loop: WorkLoop): void {
  const [namespace, name] = splitKey(key);
  const object = options.store.get(REPLICA_SET, namespace, name);
  if (object === null || object.metadata.deletionTimestamp !== undefined) return;
  const set = asReplicaSet(object);
  const active = index.of(set.metadata.uid ?? '').filter(isActivePod);
  const wanted = set.spec.replicas ?? 1;
  for (let i = active.length; i < wanted; i += 1) createPod(options, set);
  if (active.length > wanted) {
    const surplus = [...active].sort(byWorth).slice(0, active.length - wanted);
    for (const pod of surplus) options.store.remove(POD, namespace, pod.metadata.name, WRITE);
  }
  const againInMs = writeStatus(options, set, index.of(set.metadata.uid ?? '').filter(isActivePod));
  if (againInMs !== null) loop.enqueue(key, againInMs);
}

function createPod({ store, random, nodeName }: ReplicaSetOptions, set: ReplicaSetView): void {
  const { template } = set.spec;
  store.create(
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: `${set.metadata.name}-${suffix(random)}`,
        generateName: `${set.metadata.name}-`,
        namespace: set.metadata.namespace ?? '',
        ...(template.metadata?.labels === undefined ? {} : { labels: { ...template.metadata.labels } }),
        ...(template.metadata?.annotations === undefined ? {} : { annotations: { ...template.metadata.annotations } }),
        ownerReferences: [controlledBy(set)],
      },
      spec: { ...template.spec, nodeName },
    },
    WRITE,
  );
}

const suffix = (random: Random): string => hashOf(random.id(), 5);

/** Pods that are worth least come first: not ready, then young ones. */
function byWorth(a: KubeObject, b: KubeObject): number {
  const [readyA, readyB] = [readySince(a), readySince(b)];
  if ((readyA === null) !== (readyB === null)) return readyA === null ? -1 : 1;
  const isPending = (pod: KubeObject): number => (asPod(pod).status?.phase === 'Running' ? 1 : 0);
  if (isPending(a) !== isPending(b)) return isPending(a) - isPending(b);
  return (readyB ?? 0) - (readyA ?? 0) || (a.metadata.name < b.metadata.name ? -1 : 1);
}

/** Writes the counts when they changed; gives the milliseconds until a ready pod becomes available, null when none will. */
function writeStatus({ store, clock }: ActorOptions, set: ReplicaSetView, pods: readonly KubeObject[]): number | null {
  const minReadyMs = (set.spec.minReadySeconds ?? 0) * 1000;
  const nowMs = clock.nowMs();
  const ready = pods.map(readySince).filter((sinceMs) => sinceMs !== null);
  const waits = ready.map((sinceMs) => sinceMs + minReadyMs - nowMs).filter((waitMs) => minReadyMs > 0 && waitMs > 0);
  const status = {
    replicas: pods.length,
    ...withoutZeros({
      fullyLabeledReplicas: pods.length,
      readyReplicas: ready.length,
      availableReplicas: ready.length - waits.length,
      observedGeneration: set.metadata.generation ?? 0,
    }),
  };
  if (!sameJson(set.status ?? {}, status)) {
    const [namespace, name] = [set.metadata.namespace ?? '', set.metadata.name];
    const change = (draft: KubeObject): void => {
      draft['status'] = status;
    };
    store.mutate(REPLICA_SET, namespace, name, change, { ...WRITE, subresource: 'status' });
  }
  return waits.length === 0 ? null : Math.min(...waits);
}
