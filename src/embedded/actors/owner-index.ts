// Objects by the uid of their controlling owner, so that an actor need not list a namespace to find its own.
import type { KubeObject, ResourceKind } from '../../kube/contract.ts';
import type { StoreAccess } from '../apiserver/access.ts';

/** The objects of one kind by owner. */
export interface OwnerIndex {
  /** In the order in which they came to be. */
  of(ownerUid: string): readonly KubeObject[];
  stop(): void;
}

/** The uid of the controlling owner; null when there is none. */
function controllerUidOf(object: KubeObject | null): string | null {
  return object?.metadata.ownerReferences?.find((owner) => owner.controller === true)?.uid ?? null;
}

/** Starts an index. It is up to date within the change itself, before listeners that were added later. */
export function indexByOwner(store: StoreAccess, kind: ResourceKind): OwnerIndex {
  const byOwner = new Map<string, Map<string, KubeObject>>();

  function note(before: KubeObject | null, after: KubeObject | null): void {
    const [from, to] = [controllerUidOf(before), controllerUidOf(after)];
    if (from !== null && from !== to) drop(from, before);
    if (to === null || after === null) return;
    const held = byOwner.get(to) ?? new Map<string, KubeObject>();
    byOwner.set(to, held.set(after.metadata.uid ?? '', after));
  }

  function drop(owner: string, object: KubeObject | null): void {
    const held = byOwner.get(owner);
    held?.delete(object?.metadata.uid ?? '');
    if (held?.size === 0) byOwner.delete(owner);
  }

  const stop = store.watch(kind, note);
  for (const object of store.list(kind, null)) note(null, object);
  return { of: (ownerUid) => [...(byOwner.get(ownerUid)?.values() ?? [])], stop };
}
