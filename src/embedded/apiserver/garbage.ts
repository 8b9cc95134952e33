// The garbage collector: what is owned goes with its owners, after a delay on the clock.
import type { KubeObject, OwnerReference } from '../../kube/contract.ts';
import { messageOf } from '../../errors.ts';
import { deleteObject, FOREGROUND, ORPHAN } from './delete.ts';
import type { Engine, WriteContext } from './engine.ts';
import { withMeta } from './metadata.ts';
import { keyOf } from './store.ts';
import { StatusFailure } from './status.ts';
import type { Commit, ServedKind } from './types.ts';
import { updateObject } from './write.ts';

const USER = 'system:serviceaccount:kube-system:generic-garbage-collector';

/** Where an object lies. */
interface Place {
  readonly storageId: string;
  readonly key: string;
}

/** What the collector knows: which uids are there, and who is owned by which. */
interface Graph {
  readonly engine: Engine;
  readonly places: Map<string, Place>;
  readonly dependents: Map<string, Set<string>>;
  /** Uids that are to be looked at; one timer serves all that come in the same delay. */
  readonly waiting: Set<string>;
  readonly schedule: (work: () => void) => void;
}

/** Follows all commits and collects. `schedule` calls back after the collector's delay. */
export function collectGarbage(engine: Engine, schedule: (work: () => void) => void): (commit: Commit) => void {
  const graph: Graph = { engine, places: new Map(), dependents: new Map(), waiting: new Set(), schedule };
  return (commit) => follow(graph, commit);
}

function follow(graph: Graph, commit: Commit): void {
  const { before, after, kind, ref } = commit;
  const uid = (after ?? before)?.metadata.uid ?? '';
  const owners = ownersOf(after);
  if (before === null) graph.places.set(uid, { storageId: kind.storageId, key: keyOf(ref.namespace, ref.name) });
  if (before?.metadata.ownerReferences !== after?.metadata.ownerReferences) {
    for (const owner of ownersOf(before)) graph.dependents.get(owner.uid)?.delete(uid);
    for (const owner of owners) addDependent(graph, owner.uid, uid);
    if (owners.some((owner) => !graph.places.has(owner.uid))) look(graph, uid);
  }
  if (after === null) {
    graph.places.delete(uid);
    for (const dependent of graph.dependents.get(uid) ?? []) look(graph, dependent);
    for (const owner of ownersOf(before)) if (isCollecting(objectOf(graph, owner.uid))) look(graph, owner.uid);
    return;
  }
  if (isCollecting(after)) look(graph, uid);
}

function ownersOf(object: KubeObject | null | undefined): readonly OwnerReference[] {
  return object?.metadata.ownerReferences ?? [];
}

function addDependent(graph: Graph, owner: string, dependent: string): void {
  const held = graph.dependents.get(owner);
  if (held === undefined) graph.dependents.set(owner, new Set([dependent]));
  else held.add(dependent);
}

function isCollecting(object: KubeObject | null): boolean {
  const meta = object?.metadata;
  if (meta?.deletionTimestamp === undefined) return false;
  return (meta.finalizers ?? []).some((finalizer) => finalizer === FOREGROUND || finalizer === ORPHAN);
}

function look(graph: Graph, uid: string): void {
  const isFirst = graph.waiting.size === 0;
  graph.waiting.add(uid);
  if (!isFirst) return;
  graph.schedule(() => {
    const uids = [...graph.waiting];
    graph.waiting.clear();
    for (const each of uids) visit(graph, each);
  });
}

function objectOf(graph: Graph, uid: string): KubeObject | null {
  const place = graph.places.get(uid);
  if (place === undefined) return null;
  return graph.engine.store.storage(place.storageId).objects.get(place.key) ?? null;
}

function visit(graph: Graph, uid: string): void {
  const object = objectOf(graph, uid);
  const place = graph.places.get(uid);
  if (object === null || place === undefined) return;
  const kind = graph.engine.registry.byStorage(place.storageId)[0];
  if (kind === undefined) return;
  try {
    if (isCollecting(object)) finishOwner(graph, kind, object);
    else collectDependent(graph, kind, object);
  } catch (error) {
    // Somebody else was quicker, or a finalizer is in the way: the commit that follows brings us here again.
    if (!(error instanceof StatusFailure))
      throw new TypeError(`Cannot collect ${uid}: ${messageOf(error)}`, { cause: error });
  }
}

function finishOwner(graph: Graph, kind: ServedKind, owner: KubeObject): void {
  const uid = owner.metadata.uid ?? '';
  const dependents = [...(graph.dependents.get(uid) ?? [])];
  if ((owner.metadata.finalizers ?? []).includes(ORPHAN)) {
    for (const dependent of dependents) removeOwners(graph, dependent, new Set([uid]));
    removeFinalizer(graph, kind, owner, ORPHAN);
    return;
  }
  const blocking = dependents.filter((dependent) => {
    const reference = ownersOf(objectOf(graph, dependent)).find((each) => each.uid === uid);
    return reference?.blockOwnerDeletion === true;
  });
  for (const dependent of dependents) visitUnlessCollecting(graph, dependent);
  if (blocking.every((dependent) => objectOf(graph, dependent) === null))
    removeFinalizer(graph, kind, owner, FOREGROUND);
}

function visitUnlessCollecting(graph: Graph, uid: string): void {
  const object = objectOf(graph, uid);
  if (object !== null && object.metadata.deletionTimestamp === undefined) visit(graph, uid);
}

/** Deletes an object whose owners are all gone or going; frees it from those that are gone otherwise. */
function collectDependent(graph: Graph, kind: ServedKind, object: KubeObject): void {
  const owners = ownersOf(object);
  if (owners.length === 0) return;
  const gone = new Set(owners.map((owner) => owner.uid).filter((uid) => !graph.places.has(uid)));
  const going = owners.filter((owner) => !gone.has(owner.uid) && isForeground(objectOf(graph, owner.uid)));
  if (gone.size === 0 && going.length === 0) return;
  if (gone.size + going.length < owners.length) {
    removeOwners(graph, object.metadata.uid ?? '', gone);
    return;
  }
  const hasDependents = (graph.dependents.get(object.metadata.uid ?? '')?.size ?? 0) > 0;
  const propagation = going.length > 0 && hasDependents ? 'Foreground' : 'Background';
  const { uid } = object.metadata;
  const context = contextOf(kind, object, 'delete');
  deleteObject(graph.engine, context, { propagation, graceSeconds: null, ...(uid === undefined ? {} : { uid }) });
}

function isForeground(object: KubeObject | null): boolean {
  return isCollecting(object) && (object?.metadata.finalizers ?? []).includes(FOREGROUND);
}

function removeOwners(graph: Graph, uid: string, gone: ReadonlySet<string>): void {
  const object = objectOf(graph, uid);
  const place = graph.places.get(uid);
  const kind = place === undefined ? undefined : graph.engine.registry.byStorage(place.storageId)[0];
  if (object === null || kind === undefined || gone.size === 0) return;
  updateObject(graph.engine, contextOf(kind, object, 'patch'), (current) => {
    const left = ownersOf(current).filter((owner) => !gone.has(owner.uid));
    const { ownerReferences: _old, ...meta } = current.metadata;
    return withMeta(current, left.length === 0 ? meta : { ...meta, ownerReferences: left });
  });
}

function removeFinalizer(graph: Graph, kind: ServedKind, object: KubeObject, name: string): void {
  updateObject(graph.engine, contextOf(kind, object, 'patch'), (current) => {
    const finalizers = (current.metadata.finalizers ?? []).filter((finalizer) => finalizer !== name);
    return withMeta(current, { ...current.metadata, finalizers });
  });
}

function contextOf(kind: ServedKind, object: KubeObject, verb: Commit['verb']): WriteContext {
  return {
    kind,
    namespace: object.metadata.namespace ?? null,
    name: object.metadata.name,
    subresource: '',
    user: USER,
    verb,
    isDryRun: false,
    manager: 'kube-controller-manager',
    operation: 'Update',
    fieldValidation: 'Ignore',
    warnings: [],
    body: undefined,
    isStrategic: false,
    bodyBytes: 0,
  };
}
