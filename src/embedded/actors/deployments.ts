// The Deployment controller: one ReplicaSet per template, rolled over as the strategy says, with a truthful status.
import type { KubeObject } from '../../kube/contract.ts';
import { DEPLOYMENT, REPLICA_SET } from '../../kube/kinds.ts';
import { sameJson } from '../../util/json.ts';
import type { ActorOptions, Actor } from './actor.ts';
import { planReplicas } from './deployment-plan.ts';
import { deploymentStatus } from './deployment-status.ts';
import type { WorkLoop } from './loop.ts';
import { startLoop } from './loop.ts';
import type { OwnerIndex } from './owner-index.ts';
import { indexByOwner } from './owner-index.ts';
import type { DeploymentView, ReplicaSetView } from './shapes.ts';
import { asDeployment, asReplicaSet, controlledBy, keyOf, splitKey, templateHashOf, timeOf } from './shapes.ts';

const REVISION = 'deployment.kubernetes.io/revision';
const HASH_LABEL = 'pod-template-hash';
const HISTORY_DEFAULT = 10;
const WRITE = { user: 'deployment-controller' } as const;

/** Starts the Deployment controller. */
export function startDeployments(options: ActorOptions): Actor {
  const { store, clock, delayMs } = options;
  const sets = indexByOwner(store, REPLICA_SET);
  const loop = startLoop({ clock, delayMs, look: (key) => look(options, sets, key, loop) });
  const stops = [
    store.watch(DEPLOYMENT, (_, after) => {
      if (after !== null) loop.enqueue(keyOf(after));
    }),
    store.watch(REPLICA_SET, (before, after) => {
      const set = after ?? before;
      const owner = set?.metadata.ownerReferences?.find(({ kind, controller }) => kind === 'Deployment' && controller);
      if (set !== null && owner !== undefined) loop.enqueue(`${set.metadata.namespace ?? ''}/${owner.name}`);
    }),
    () => sets.stop(),
  ];
  for (const deployment of store.list(DEPLOYMENT, null)) loop.enqueue(keyOf(deployment));
  return {
    stop() {
      loop.stop();
      for (const stop of stops) stop();
    },
  };
}

function look(options: ActorOptions, index: OwnerIndex, key: string, loop: WorkLoop): void {
  const [namespace, name] = splitKey(key);
  const object = options.store.get(DEPLOYMENT, namespace, name);
  if (object === null || object.metadata.deletionTimestamp !== undefined) return;
  const deployment = asDeployment(object);
  const hash = templateHashOf(deployment.spec.template);
  const all = index
    .of(deployment.metadata.uid ?? '')
    .filter((set) => set.metadata.deletionTimestamp === undefined)
    .map(asReplicaSet)
    .sort(byAge);
  const found = all.find((set) => set.metadata.labels?.[HASH_LABEL] === hash) ?? null;
  const isPaused = deployment.spec.paused === true;
  const current = found ?? (isPaused ? null : createSet(options, deployment, hash));
  const old = all.filter((set) => set !== found);
  let revision: string | null = null;
  if (current !== null) {
    revision = noteRevision(options, deployment, current, old);
    for (const [setName, replicas] of planReplicas(deployment, current, old))
      scale(options, namespace, setName, replicas);
  }
  const { status, againInMs } = deploymentStatus(
    deployment,
    current,
    old,
    options.clock.nowMs(),
    found === null && current !== null,
  );
  writeStatus(options, deployment, status, revision);
  if (current !== null) prune(options, deployment, current, old);
  if (againInMs !== null) loop.enqueue(key, againInMs + 1_000);
}

const revisionOf = (object: KubeObject): number => Number(object.metadata.annotations?.[REVISION] ?? 0);
const byAge = (a: ReplicaSetView, b: ReplicaSetView): number =>
  timeOf(a.metadata.creationTimestamp) - timeOf(b.metadata.creationTimestamp) || revisionOf(a) - revisionOf(b);

function createSet({ store }: ActorOptions, deployment: DeploymentView, hash: string): ReplicaSetView {
  const { template } = deployment.spec;
  const labels = { ...template.metadata?.labels, [HASH_LABEL]: hash };
  const made = store.create(
    {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: {
        name: `${deployment.metadata.name}-${hash}`,
        namespace: deployment.metadata.namespace ?? '',
        labels,
        ownerReferences: [controlledBy(deployment)],
      },
      spec: {
        replicas: 0,
        ...(deployment.spec.minReadySeconds === undefined ? {} : { minReadySeconds: deployment.spec.minReadySeconds }),
        selector: { matchLabels: { ...deployment.spec.selector.matchLabels, [HASH_LABEL]: hash } },
        template: { ...template, metadata: { ...template.metadata, labels } },
      },
    },
    WRITE,
  );
  return asReplicaSet(made);
}

/** The current set has the highest revision, also when an old template came back; gives it. */
function noteRevision(
  { store }: ActorOptions,
  deployment: DeploymentView,
  current: ReplicaSetView,
  old: readonly ReplicaSetView[],
): string {
  const namespace = deployment.metadata.namespace ?? '';
  const highest = Math.max(0, ...old.map(revisionOf));
  const held = revisionOf(current);
  const revision = String(held > highest ? held : highest + 1);
  const isSynced = (current.spec.minReadySeconds ?? 0) === (deployment.spec.minReadySeconds ?? 0);
  if (current.metadata.annotations?.[REVISION] !== revision || !isSynced) {
    store.mutate(
      REPLICA_SET,
      namespace,
      current.metadata.name,
      (draft) => {
        draft.metadata.annotations = { ...draft.metadata.annotations, [REVISION]: revision };
        asReplicaSet(draft).spec.minReadySeconds = deployment.spec.minReadySeconds ?? 0;
      },
      WRITE,
    );
  }
  return revision;
}

function scale({ store }: ActorOptions, namespace: string, name: string, replicas: number): void {
  store.mutate(
    REPLICA_SET,
    namespace,
    name,
    (draft) => {
      asReplicaSet(draft).spec.replicas = replicas;
    },
    WRITE,
  );
}

/** Status and revision in one write of the status, as the real controller has it: annotations written apart would count as a new generation. */
function writeStatus(
  { store }: ActorOptions,
  deployment: DeploymentView,
  status: Readonly<Record<string, unknown>>,
  revision: string | null,
): void {
  const { annotations = {}, namespace = '', name } = deployment.metadata;
  const isShown = revision === null || annotations[REVISION] === revision;
  if (isShown && sameJson(deployment.status ?? {}, status)) return;
  store.mutate(
    DEPLOYMENT,
    namespace,
    name,
    (draft) => {
      draft['status'] = status;
      if (revision !== null) draft.metadata.annotations = { ...draft.metadata.annotations, [REVISION]: revision };
    },
    { ...WRITE, subresource: 'status' },
  );
}

/** Removes old sets without pods beyond the history that the Deployment asks for, once it is complete. */
function prune(
  { store }: ActorOptions,
  deployment: DeploymentView,
  current: ReplicaSetView,
  old: readonly ReplicaSetView[],
): void {
  const desired = deployment.spec.replicas ?? 1;
  if ((current.status?.availableReplicas ?? 0) < desired) return;
  const empty = old.filter((set) => (set.spec.replicas ?? 0) === 0 && (set.status?.replicas ?? 0) === 0);
  const surplus = empty.length - (deployment.spec.revisionHistoryLimit ?? HISTORY_DEFAULT);
  const oldest = [...empty].sort((a, b) => revisionOf(a) - revisionOf(b)).slice(0, Math.max(surplus, 0));
  for (const set of oldest) store.remove(REPLICA_SET, set.metadata.namespace ?? '', set.metadata.name, WRITE);
}
