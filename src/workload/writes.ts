// Fenced writes of one act: every patch carries the version that was observed, or that of our own previous answer.
import { BugError, ConflictError } from '../errors.ts';
import type {
  CallOptions,
  Kube,
  KubeObject,
  ObjectRef,
  OwnerReference,
  PatchOperation,
  ResourceKind,
} from '../kube/contract.ts';
import { describeRef, refTo } from '../kube/kinds.ts';
import type { Json } from '../util/json.ts';
import { sameJson } from '../util/json.ts';
import type { WorkloadFound } from './contract.ts';
import { objectKey } from './names.ts';

/** The object as found, or as our last write left it; null when there is none. */
export function objectIn(found: WorkloadFound, kind: ResourceKind, name: string): KubeObject | null {
  return found.objects.get(objectKey(kind.kind, name)) ?? null;
}

/** Creates an object and remembers the answer, so that a later write of the same act is fenced by it. */
export async function createFound(
  kube: Kube,
  found: WorkloadFound,
  kind: ResourceKind,
  object: KubeObject,
  options?: CallOptions,
): Promise<void> {
  remember(found, await createObject(kube, kind, object, options));
}

/** Patches an object that was found and remembers the answer. No operations, or no object: nothing is sent. */
export async function patchFound(
  kube: Kube,
  found: WorkloadFound,
  kind: ResourceKind,
  name: string,
  operations: readonly PatchOperation[],
  options?: CallOptions,
): Promise<void> {
  const object = objectIn(found, kind, name);
  if (object === null || operations.length === 0) return;
  remember(found, await patchObject(kube, kind, object, operations, options));
}

/** Creates an object and tells the cache. */
export async function createObject(
  kube: Kube,
  kind: ResourceKind,
  object: KubeObject,
  options?: CallOptions,
): Promise<KubeObject> {
  const answer = await kube.client.create(object, kind, options);
  kube.cache.noteWrite(kind, answer);
  return answer;
}

/**
 * Patches `object`, fenced by its resourceVersion, and tells the cache. JSON Patch is used on our own objects too: a
 * server-side apply after a POST cannot remove what the POST set (that stays with the manager's Update entry), so a
 * promoted template would keep what the new revision dropped.
 */
export async function patchObject(
  kube: Kube,
  kind: ResourceKind,
  object: KubeObject,
  operations: readonly PatchOperation[],
  options?: CallOptions,
): Promise<KubeObject> {
  const ref = refTo(kind, object);
  const fence: PatchOperation = { op: 'replace', path: '/metadata/resourceVersion', value: versionOf(ref, object) };
  const answer = await kube.client.patch(ref, [fence, ...operations], options);
  kube.cache.noteWrite(kind, answer);
  return answer;
}

/** Deletes exactly this object. */
export async function removeObject(
  kube: Kube,
  kind: ResourceKind,
  object: KubeObject,
  options?: CallOptions,
): Promise<void> {
  const ref = refTo(kind, object);
  const { uid } = object.metadata;
  if (uid === undefined) throw new BugError(`Cannot delete ${describeRef(ref)}: its uid is not known`);
  await kube.client.remove(ref, uid, versionOf(ref, object), options);
}

/** Sets annotations (null removes one) where they differ. `object` must hold annotations exactly when the server's object does. */
export function annotationOperations(
  object: KubeObject,
  changes: Readonly<Record<string, string | null>>,
): PatchOperation[] {
  return mapOperations('annotations', object.metadata.annotations, changes);
}

/** Sets labels (null removes one) where they differ. */
export function labelOperations(
  object: KubeObject,
  changes: Readonly<Record<string, string | null>>,
): PatchOperation[] {
  return mapOperations('labels', object.metadata.labels, changes);
}

function mapOperations(
  member: 'annotations' | 'labels',
  have: Readonly<Record<string, string>> | undefined,
  changes: Readonly<Record<string, string | null>>,
): PatchOperation[] {
  const operations: PatchOperation[] = [];
  for (const [key, value] of Object.entries(changes)) {
    const path = `/metadata/${member}/${escapePointer(key)}`;
    if (value === null) {
      if (have?.[key] !== undefined) operations.push({ op: 'remove', path });
    } else if (have?.[key] !== value) {
      operations.push({ op: 'add', path, value });
    }
  }
  // A member can only be added to a map that is there.
  if (have === undefined && operations.length > 0)
    operations.unshift({ op: 'add', path: `/metadata/${member}`, value: {} });
  return operations;
}

/** Sets a member of the object at `path` where it differs from `have`. */
export function setOperation(path: string, have: unknown, want: unknown): PatchOperation[] {
  return sameJson(have, want) ? [] : [{ op: 'add', path, value: want as Json }];
}

/** Replaces the owners where they differ. */
export function ownerOperations(object: KubeObject, owners: readonly OwnerReference[]): PatchOperation[] {
  const have = object.metadata.ownerReferences ?? [];
  if (sameJson(have, owners)) return [];
  if (owners.length === 0) return [{ op: 'remove', path: '/metadata/ownerReferences' }];
  return [{ op: 'add', path: '/metadata/ownerReferences', value: owners as unknown as Json }];
}

/** A key as a segment of a JSON pointer (RFC 6901). */
function escapePointer(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}

function versionOf(ref: ObjectRef, object: KubeObject): string {
  const { resourceVersion } = object.metadata;
  if (resourceVersion === undefined)
    throw new ConflictError(`Cannot write ${describeRef(ref)}: the version that was seen is not known`);
  return resourceVersion;
}

function remember(found: WorkloadFound, answer: KubeObject): void {
  // The map is read-only to everybody but the act that writes.
  (found.objects as Map<string, KubeObject | null>).set(objectKey(answer.kind, answer.metadata.name), answer);
}
