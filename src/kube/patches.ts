// Small pure helpers that build fenced JSON patches (RFC 6902) and owner references.
import { BugError } from '../errors.ts';
import { sameJson } from '../util/json.ts';
import type { Json } from '../util/json.ts';
import type { KubeObject, OwnerReference, PatchOperation } from './contract.ts';

/** The path that fences a patch: a stale value is answered with 409, where a failed `test` would be a 422. */
export const FENCE_PATH = '/metadata/resourceVersion';

/** Joins keys into a JSON pointer (RFC 6901): `~` and `/` are escaped. */
export function pointer(...keys: readonly (string | number)[]): string {
  return keys.map((key) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/** The operations behind the fence on the version of `object` that was observed. Throws BugError when it has none. */
export function fencedPatch(object: KubeObject, operations: readonly PatchOperation[]): PatchOperation[] {
  const version = object.metadata.resourceVersion;
  if (version === undefined || version === '') {
    throw new BugError(
      `Cannot fence a patch of ${object.kind} "${object.metadata.name}": it carries no resourceVersion`,
    );
  }
  return [{ op: 'replace', path: FENCE_PATH, value: version }, ...operations];
}

/** Sets an annotation, or with null removes it; no operation when nothing would change. Creates the map when it is absent. */
export function setAnnotationOps(object: KubeObject, key: string, value: string | null): PatchOperation[] {
  return setEntryOps(object.metadata.annotations, '/metadata/annotations', key, value);
}

function setEntryOps(
  map: Readonly<Record<string, string>> | null | undefined,
  path: string,
  key: string,
  value: string | null,
): PatchOperation[] {
  const current = map !== null && map !== undefined && Object.hasOwn(map, key) ? map[key] : undefined;
  if (value === null) return current === undefined ? [] : [{ op: 'remove', path: path + pointer(key) }];
  if (current === value) return [];
  // `add` into a map that is not there fails, so the map comes with its first entry. Adding a whole map is safe: the
  // fence makes sure that nobody has created one since.
  if (map === null || map === undefined) return [{ op: 'add', path, value: { [key]: value } }];
  return [{ op: 'add', path: path + pointer(key), value }];
}

/** Sets the member at `keys`, creating the objects on the way there. `add` replaces a member that exists. No operation when it has that value. */
export function setMemberOps(object: KubeObject, keys: readonly string[], value: Json): PatchOperation[] {
  let here: unknown = object;
  for (const [depth, key] of keys.entries()) {
    const isThere = typeof here === 'object' && here !== null && Object.hasOwn(here, key);
    const next: unknown = isThere ? (here as Record<string, unknown>)[key] : undefined;
    const isLast = depth === keys.length - 1;
    if (isLast && next !== undefined && sameJson(next, value)) return [];
    if (isLast || next === undefined || next === null) {
      const path = pointer(...keys.slice(0, depth + 1));
      return [{ op: 'add', path, value: nest(keys.slice(depth + 1), value) }];
    }
    here = next;
  }
  return [];
}

function nest(keys: readonly string[], value: Json): Json {
  return keys.reduceRight<Json>((inner, key) => ({ [key]: inner }), value);
}

/** Adds a finalizer exactly once; no operation when it is there. */
export function addFinalizerOps(object: KubeObject, finalizer: string): PatchOperation[] {
  const finalizers = object.metadata.finalizers;
  if (finalizers?.includes(finalizer)) return [];
  if (finalizers === undefined || finalizers === null) {
    return [{ op: 'add', path: '/metadata/finalizers', value: [finalizer] }];
  }
  return [{ op: 'add', path: '/metadata/finalizers/-', value: finalizer }];
}

/** Removes every occurrence of the finalizers named. */
export function removeFinalizerOps(object: KubeObject, ...names: readonly string[]): PatchOperation[] {
  return removeItemOps(object.metadata.finalizers, '/metadata/finalizers', (item) => names.includes(item));
}

/** Removes the owner references to the object with this uid. */
export function removeOwnerOps(object: KubeObject, ownerUid: string): PatchOperation[] {
  return removeItemOps(object.metadata.ownerReferences, '/metadata/ownerReferences', (item) => item.uid === ownerUid);
}

function removeItemOps<T>(
  items: readonly T[] | null | undefined,
  path: string,
  isGone: (item: T) => boolean,
): PatchOperation[] {
  const operations: PatchOperation[] = [];
  // From the end, so that an index still means the item it was computed for.
  for (let index = (items?.length ?? 0) - 1; index >= 0; index -= 1) {
    if (isGone(items![index]!)) operations.push({ op: 'remove', path: path + pointer(index) });
  }
  return operations;
}

/** The reference with which `owner` controls an object. Throws BugError when the owner has no uid. */
export function ownerReferenceOf(owner: KubeObject): OwnerReference {
  const { uid, name } = owner.metadata;
  if (uid === undefined || uid === '') {
    throw new BugError(`Cannot refer to ${owner.kind} "${name}" as owner: it carries no uid`);
  }
  return { apiVersion: owner.apiVersion, kind: owner.kind, name, uid, controller: true, blockOwnerDeletion: true };
}

/** True when `owner` controls `object`: by uid, since another object may have taken the name. */
export function isOwnedBy(object: KubeObject, ownerUid: string): boolean {
  return (object.metadata.ownerReferences ?? []).some((reference) => reference.uid === ownerUid);
}
