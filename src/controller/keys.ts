// Keys of Canaries: what travels through the queue.
import { canaryKind, refOf } from '../kube/kinds.ts';
import type { KubeObject, ObjectRef } from '../kube/contract.ts';
import type { CanaryKey } from '../queue/contract.ts';

/** `group/namespace/name`. */
export function keyOf(object: KubeObject): CanaryKey {
  return `${object.apiVersion.split('/')[0] ?? ''}/${object.metadata.namespace ?? ''}/${object.metadata.name}`;
}

/** The object a key names; null for anything that is not a key, because the queue is no authority. */
export function refOfKey(key: CanaryKey, groups: readonly string[]): ObjectRef | null {
  const [group, namespace, name, rest] = key.split('/');
  if (group === undefined || namespace === undefined || name === undefined || rest !== undefined) return null;
  if (!groups.includes(group) || namespace === '' || name === '') return null;
  return refOf(canaryKind(group), namespace, name);
}

/** `Kind namespace/name` of an object, for the index from changes to keys. */
export function indexKey(kind: string, group: string, namespace: string | null, name: string): string {
  return `${kind}.${group}/${namespace ?? ''}/${name}`;
}
