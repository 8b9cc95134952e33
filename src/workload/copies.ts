// Copies of tracked configs: immutable ones named by digest, and the mutable `<name>-primary` of group flagger.app.
import type { Canary } from '../api/types.ts';
import { ConflictError, RefusedError } from '../errors.ts';
import type { CallOptions, Kube, KubeObject, PatchOperation, ResourceKind } from '../kube/contract.ts';
import { CONFIG_MAP, SECRET, apiVersionOf, describeRef, refOf } from '../kube/kinds.ts';
import type { Json } from '../util/json.ts';
import type { SecretMemory } from './configs.ts';
import { hasContent } from './configs.ts';
import type { PinnedRevision, WorkloadFound } from './contract.ts';
import { fieldOf, textOf } from './fields.ts';
import { CANARY_UID_LABEL, DIGEST_ANNOTATION, isOwnedBy, ownerOf, withPrimary } from './names.ts';
import type { ConfigKind } from './references.ts';
import { parseConfigKey } from './references.ts';
import { digestOf } from './revision.ts';
import {
  annotationOperations,
  createObject,
  objectIn,
  ownerOperations,
  patchFound,
  patchObject,
  removeObject,
} from './writes.ts';

/** What a copy takes over from its source; everything else of it is our own. */
const CONTENT_MEMBERS = ['data', 'binaryData', 'type'] as const;

export const resourceOf = (kind: ConfigKind): ResourceKind => (kind === 'secret' ? SECRET : CONFIG_MAP);

/** Reads a copy: ConfigMaps from the cache, Secrets live, because they are never watched. */
export function readCopy(
  kube: Kube,
  namespace: string,
  kind: ConfigKind,
  name: string,
  options?: CallOptions,
): Promise<KubeObject | null> {
  const ref = refOf(resourceOf(kind), namespace, name);
  return kind === 'secret' ? kube.client.get(ref, options) : kube.cache.read(ref, options);
}

/** True when all copies of these configs exist. A Secret copy that was seen is not asked for again until Secrets are read anew. */
export async function hasCopies(
  kube: Kube,
  namespace: string,
  configs: PinnedRevision['configs'],
  memory: SecretMemory,
  options?: CallOptions,
): Promise<boolean> {
  for (const [key, { digest, copyName }] of Object.entries(configs)) {
    const { kind } = parseConfigKey(key);
    if (kind === 'secret' && memory.copies.has(copyName)) continue;
    const copy = await readCopy(kube, namespace, kind, copyName, options);
    if (copy === null || textOf(copy, 'metadata', 'annotations', DIGEST_ANNOTATION) !== digest) return false;
    if (kind === 'secret') memory.copies.add(copyName);
  }
  return true;
}

/**
 * Makes the versioned copies of what a look found. Content that is no longer what the look saw is a ConflictError: the
 * loop looks again. A copy that another Canary made of the same content is shared: it gets a second owner.
 */
export async function makeCopies(
  kube: Kube,
  canary: Canary,
  found: WorkloadFound,
  content: PinnedRevision,
  options?: CallOptions,
): Promise<void> {
  const { namespace } = canary.identity;
  for (const [key, { digest, copyName }] of Object.entries(content.configs)) {
    const { kind, name } = parseConfigKey(key);
    const existing = await readCopy(kube, namespace, kind, copyName, options);
    if (existing !== null) {
      await shareCopy(kube, canary, kind, existing, digest, options);
      continue;
    }
    const source = await contentOf(kube, namespace, kind, name, digest, found, options);
    await createObject(kube, resourceOf(kind), versionedCopy(canary, kind, source, copyName, digest), options);
  }
}

async function shareCopy(
  kube: Kube,
  canary: Canary,
  kind: ConfigKind,
  copy: KubeObject,
  digest: string,
  options?: CallOptions,
): Promise<void> {
  const resource = resourceOf(kind);
  if (
    textOf(copy, 'metadata', 'annotations', DIGEST_ANNOTATION) !== digest ||
    copy.metadata.labels?.[CANARY_UID_LABEL] === undefined
  ) {
    const ref = refOf(resource, canary.identity.namespace, copy.metadata.name);
    throw new RefusedError(
      409,
      `Cannot copy a tracked config: ${describeRef(ref)} exists and is not a copy of ours; delete or rename it`,
    );
  }
  if (isOwnedBy(copy, canary)) return;
  const owners = [...(copy.metadata.ownerReferences ?? []), ownerOf(canary, false)];
  await patchObject(kube, resource, copy, ownerOperations(copy, owners), options);
}

async function contentOf(
  kube: Kube,
  namespace: string,
  kind: ConfigKind,
  name: string,
  digest: string,
  found: WorkloadFound,
  options?: CallOptions,
): Promise<KubeObject> {
  const resource = resourceOf(kind);
  const seen = found.configs.objects.find((object) => object.kind === resource.kind && object.metadata.name === name);
  const ref = refOf(resource, namespace, name);
  const source = seen !== undefined && hasContent(seen) ? seen : await kube.client.get(ref, options);
  if (source === null || digestOf(source) !== digest)
    throw new ConflictError(`Cannot copy ${describeRef(ref)}: it changed since it was looked at`);
  return source;
}

function versionedCopy(
  canary: Canary,
  kind: ConfigKind,
  source: KubeObject,
  copyName: string,
  digest: string,
): KubeObject {
  return {
    apiVersion: apiVersionOf(resourceOf(kind)),
    kind: resourceOf(kind).kind,
    metadata: {
      name: copyName,
      namespace: canary.identity.namespace,
      labels: { [CANARY_UID_LABEL]: canary.identity.uid },
      annotations: { [DIGEST_ANNOTATION]: digest },
      // No controller: a second Canary with the same content becomes an owner too.
      ownerReferences: [ownerOf(canary, false)],
    },
    ...contentMembers(source),
    immutable: true,
  };
}

function contentMembers(source: KubeObject): Record<string, unknown> {
  return Object.fromEntries(
    CONTENT_MEMBERS.filter((member) => source[member] !== undefined).map((member) => [member, source[member]]),
  );
}

/** Gives up a versioned copy: deleted when nobody else owns it. */
export async function dropCopy(
  kube: Kube,
  canary: Canary,
  kind: ConfigKind,
  copyName: string,
  options?: CallOptions,
): Promise<void> {
  const copy = await readCopy(kube, canary.identity.namespace, kind, copyName, options);
  if (copy === null || !isOwnedBy(copy, canary)) return;
  const others = (copy.metadata.ownerReferences ?? []).filter((owner) => owner.uid !== canary.identity.uid);
  if (others.length === 0) await removeObject(kube, resourceOf(kind), copy, options);
  else await patchObject(kube, resourceOf(kind), copy, ownerOperations(copy, others), options);
}

/**
 * The `<name>-primary` config that the primary of a flagger.app Canary may mount: true when the name is free or the
 * object is this Canary's alone. One that is shared or foreign is left alone, and one that this look did not read
 * cannot be written with a fence; then the primary mounts the versioned copy, whose content is the same.
 */
export function canFillPrimaryCopy(canary: Canary, found: WorkloadFound, key: string): boolean {
  const { kind, name } = parseConfigKey(key);
  const existing = found.objects.get(`${resourceOf(kind).kind}/${withPrimary(name)}`);
  if (existing === undefined) return false;
  if (existing === null) return true;
  return (
    isOwnedBy(existing, canary) &&
    (existing.metadata.ownerReferences ?? []).every((owner) => owner.uid === canary.identity.uid)
  );
}

/** Fills `<name>-primary` from the pinned copy. The fence is written even when the content is the same. */
export async function fillPrimaryCopy(
  kube: Kube,
  canary: Canary,
  found: WorkloadFound,
  key: string,
  pinned: { readonly digest: string; readonly copyName: string },
  fence: { readonly key: string; readonly value: string | null },
  labels: Readonly<Record<string, string>>,
  options?: CallOptions,
): Promise<void> {
  const { kind, name } = parseConfigKey(key);
  const resource = resourceOf(kind);
  const ref = refOf(resource, canary.identity.namespace, pinned.copyName);
  const source = await kube.client.get(ref, options);
  if (source === null) throw new ConflictError(`Cannot fill the primary's config: ${describeRef(ref)} is lost`);
  const annotations: Record<string, string> = {
    [DIGEST_ANNOTATION]: pinned.digest,
    ...(fence.value === null ? {} : { [fence.key]: fence.value }),
  };
  const existing = objectIn(found, resource, withPrimary(name));
  if (existing === null) {
    const metadata = {
      name: withPrimary(name),
      namespace: canary.identity.namespace,
      labels: { ...labels },
      annotations,
      ownerReferences: [ownerOf(canary, true)],
    };
    const object = { apiVersion: apiVersionOf(resource), kind: resource.kind, metadata, ...contentMembers(source) };
    (found.objects as Map<string, KubeObject | null>).set(
      `${resource.kind}/${withPrimary(name)}`,
      await createObject(kube, resource, object, options),
    );
    return;
  }
  const operations = [...annotationOperations(existing, annotations)];
  if (digestOf(existing) !== pinned.digest) operations.push(...contentOperations(source));
  await patchFound(kube, found, resource, withPrimary(name), operations, options);
}

/** Replaces data and binaryData. `add` of an empty map is a removal that does not depend on whether the member is there. */
function contentOperations(source: KubeObject): PatchOperation[] {
  const members = source.kind === 'Secret' ? (['data'] as const) : (['data', 'binaryData'] as const);
  return members.map((member) => ({ op: 'add', path: `/${member}`, value: (fieldOf(source, member) ?? {}) as Json }));
}
