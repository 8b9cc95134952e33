// The JSON Patches of routes: fenced by the version that was read, and no larger than they must be.
import { assert } from '../errors.ts';
import type { KubeObject, PatchOperation } from '../kube/contract.ts';

/** A JSON pointer (RFC 6901) to the member at `keys`. */
export function pointerTo(...keys: readonly (string | number)[]): string {
  return keys.map((key) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/** The operations behind the fence on the version of `object` that was read. Throws BugError when it has none. */
export function fencedBy(object: KubeObject, operations: readonly PatchOperation[]): readonly PatchOperation[] {
  const version = object.metadata.resourceVersion;
  assert(version, `Cannot patch ${object.kind} "${object.metadata.name}": it carries no resourceVersion`);
  return [{ op: 'replace', path: '/metadata/resourceVersion', value: version }, ...operations];
}

/** Operations that set annotations, or remove those that are null. A map that would be left empty goes with its last entry. */
export function annotationOps(
  object: KubeObject,
  changes: Readonly<Record<string, string | null>>,
): readonly PatchOperation[] {
  const before: Readonly<Record<string, string>> = object.metadata.annotations ?? {};
  const after: Record<string, string> = { ...before };
  const operations: PatchOperation[] = [];
  for (const [key, value] of Object.entries(changes)) {
    const path = pointerTo('metadata', 'annotations', key);
    if (value === null && key in before) {
      delete after[key];
      operations.push({ op: 'remove', path });
    } else if (value !== null && before[key] !== value) {
      after[key] = value;
      operations.push({ op: 'add', path, value });
    }
  }
  if (operations.length === 0) return [];
  if (Object.keys(after).length === 0) return [{ op: 'remove', path: '/metadata/annotations' }];
  return Object.keys(before).length === 0 ? [{ op: 'add', path: '/metadata/annotations', value: after }] : operations;
}

/** Operations that take the reference to this owner away; other owners stay. */
export function disownOps(object: KubeObject, ownerUid: string): readonly PatchOperation[] {
  const owners = object.metadata.ownerReferences ?? [];
  const others = owners.filter(({ uid }) => uid !== ownerUid);
  if (others.length === owners.length) return [];
  if (others.length === 0) return [{ op: 'remove', path: '/metadata/ownerReferences' }];
  return owners
    .map(({ uid }, index): PatchOperation | null =>
      uid === ownerUid ? { op: 'remove', path: pointerTo('metadata', 'ownerReferences', index) } : null,
    )
    .filter((operation) => operation !== null)
    .reverse();
}
