// Pins: a revision kept in a ControllerRevision that the Canary owns, with the digests and names of its config copies.
import type { Canary } from '../api/types.ts';
import { ConflictError, RefusedError } from '../errors.ts';
import type { CallOptions, Kube, KubeObject, ObjectRef } from '../kube/contract.ts';
import { CONTROLLER_REVISION, canaryKind, describeRef, refOf } from '../kube/kinds.ts';
import type { JsonObject } from '../util/json.ts';
import type { SecretMemory } from './configs.ts';
import type { PinnedRevision, TrackedConfigs, WorkloadFound } from './contract.ts';
import { dropCopy, hasCopies, makeCopies } from './copies.ts';
import { numberOf, objectOf, textOf } from './fields.ts';
import {
  CANARY_UID_LABEL,
  REPLICAS_ANNOTATION,
  REVISION_ANNOTATION,
  isOwnedBy,
  nameByDigest,
  ownerOf,
} from './names.ts';
import { parseConfigKey } from './references.ts';
import { revisionOf } from './revision.ts';
import { createObject, removeObject } from './writes.ts';

/** Where the pin of a revision lies. */
export function pinRefOf(canary: Canary, revision: string): ObjectRef {
  return refOf(CONTROLLER_REVISION, canary.identity.namespace, nameByDigest(canary.identity.name, revision));
}

/** The content of a look: what would be pinned now. */
export function contentOf(template: JsonObject, configs: TrackedConfigs, canarySpec: JsonObject): PinnedRevision {
  const pinned = Object.entries(configs.digests).map(([key, digest]) => {
    return [key, { digest, copyName: nameByDigest(parseConfigKey(key).name, digest) }] as const;
  });
  return { revision: revisionOf(template, configs.digests), template, configs: Object.fromEntries(pinned), canarySpec };
}

/** True when the pin and all its copies exist. */
export async function isRevisionPinned(
  kube: Kube,
  canary: Canary,
  revision: string,
  memory: SecretMemory,
  options?: CallOptions,
): Promise<boolean> {
  const pin = await kube.cache.read(pinRefOf(canary, revision), options);
  if (pin === null || !isPinOf(pin, canary, revision)) return false;
  return hasCopies(kube, canary.identity.namespace, configsOf(pin), memory, options);
}

/** The pinned content; null when it is lost. The cache keeps only a projection of pins, so the template is read live. */
export async function readPinned(
  kube: Kube,
  canary: Canary,
  revision: string,
  options?: CallOptions,
): Promise<PinnedRevision | null> {
  const ref = pinRefOf(canary, revision);
  const pin = await kube.client.get(ref, options);
  if (pin === null || !isPinOf(pin, canary, revision)) return null;
  const template = objectOf(pin, 'data', 'template') as JsonObject;
  const canarySpec = objectOf(pin, 'data', 'canarySpec') as JsonObject;
  return { revision, template, configs: configsOf(pin), canarySpec };
}

/** How many pods served when a revision was pinned, as far as the cache knows; null when it does not. */
export function rememberedReplicas(kube: Kube, canary: Canary, revision: string | null): number | null {
  const pin = revision === null ? null : kube.cache.peek(pinRefOf(canary, revision));
  const count = Number.parseInt(textOf(pin, 'metadata', 'annotations', REPLICAS_ANNOTATION), 10);
  return Number.isInteger(count) && count > 0 ? count : null;
}

/** Creates the pin, then its copies: in this order a crash leaves nothing whose name is not written down. */
export async function pinContent(
  kube: Kube,
  canary: Canary,
  found: WorkloadFound,
  options?: CallOptions,
): Promise<void> {
  const { content } = found;
  // The world moved on between decision and act; nothing can be pinned of it.
  if (content === null)
    throw new ConflictError(
      `Cannot pin ${canary.identity.namespace}/${canary.targetRef.name}: its content cannot be read`,
    );
  const ref = pinRefOf(canary, content.revision);
  const existing = await kube.cache.read(ref, options);
  if (existing === null) {
    const canarySpec = await specOf(kube, canary, options);
    await createObject(kube, CONTROLLER_REVISION, pinOf(kube, canary, found, { ...content, canarySpec }), options);
  } else if (!isPinOf(existing, canary, content.revision)) {
    throw new RefusedError(
      409,
      `Cannot pin ${content.revision}: ${describeRef(ref)} exists and is not this Canary's; delete it`,
    );
  }
  await makeCopies(kube, canary, found, content, options);
}

/** Removes the pins of all revisions but `keep`, and the copies that only they need. */
export async function prunePins(
  kube: Kube,
  canary: Canary,
  keep: readonly string[],
  options?: CallOptions,
): Promise<void> {
  const pins = kube.cache
    .all(CONTROLLER_REVISION, canary.identity.namespace)
    .filter((pin) => isOwnedBy(pin, canary) && revisionIn(pin) !== '');
  const kept = pins.filter((pin) => keep.includes(revisionIn(pin)));
  const needed = new Set(kept.flatMap(copiesOf));
  for (const pin of pins) {
    if (kept.includes(pin)) continue;
    for (const [key, { copyName }] of Object.entries(configsOf(pin))) {
      const { kind } = parseConfigKey(key);
      if (!needed.has(`${kind}/${copyName}`)) await dropCopy(kube, canary, kind, copyName, options);
    }
    // Last, because it holds the names of the copies.
    await removeObject(kube, CONTROLLER_REVISION, pin, options);
  }
}

/** The pins of a Canary that the cache knows. */
function pinsOf(kube: Kube, canary: Canary): readonly KubeObject[] {
  return kube.cache
    .all(CONTROLLER_REVISION, canary.identity.namespace)
    .filter((pin) => isOwnedBy(pin, canary) && revisionIn(pin) !== '');
}

/** The copies that a pin names, as `<kind>/<name>`. */
function copiesOf(pin: KubeObject): readonly string[] {
  return Object.entries(configsOf(pin)).map(([key, { copyName }]) => `${parseConfigKey(key).kind}/${copyName}`);
}

function pinOf(kube: Kube, canary: Canary, found: WorkloadFound, content: PinnedRevision): KubeObject {
  const { name } = pinRefOf(canary, content.revision);
  const replicas = Math.max(found.target?.replicas ?? 0, found.primary?.replicas ?? 0, found.capacity.primary);
  return {
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
    metadata: {
      name,
      namespace: canary.identity.namespace,
      labels: { [CANARY_UID_LABEL]: canary.identity.uid },
      annotations: { [REVISION_ANNOTATION]: content.revision, [REPLICAS_ANNOTATION]: `${replicas}` },
      ownerReferences: [ownerOf(canary, true)],
    },
    data: { template: content.template, configs: content.configs, canarySpec: content.canarySpec },
    revision: pinsOf(kube, canary).reduce((highest, pin) => Math.max(highest, numberOf(pin, 'revision') ?? 0), 0) + 1,
  };
}

/** The Canary's spec as written, of the generation that the run is begun with. */
async function specOf(kube: Kube, canary: Canary, options?: CallOptions): Promise<JsonObject> {
  const { group, namespace, name, uid, generation } = canary.identity;
  const ref = refOf(canaryKind(group), namespace, name);
  const object = await kube.cache.read(ref, options);
  if (object === null || object.metadata.uid !== uid || (object.metadata.generation ?? generation) !== generation) {
    throw new ConflictError(`Cannot pin the spec of ${describeRef(ref)}: it changed since it was looked at`);
  }
  return objectOf(object, 'spec') as JsonObject;
}

/** The Canary's spec as far as the cache has it, for a look that need not be exact. */
export function peekSpec(kube: Kube, canary: Canary): JsonObject {
  const { group, namespace, name } = canary.identity;
  return objectOf(kube.cache.peek(refOf(canaryKind(group), namespace, name)), 'spec') as JsonObject;
}

function isPinOf(pin: KubeObject, canary: Canary, revision: string): boolean {
  return isOwnedBy(pin, canary) && revisionIn(pin) === revision;
}

const revisionIn = (pin: KubeObject): string => textOf(pin, 'metadata', 'annotations', REVISION_ANNOTATION);

function configsOf(pin: KubeObject): PinnedRevision['configs'] {
  const entries = Object.entries(objectOf(pin, 'data', 'configs'));
  return Object.fromEntries(
    entries.map(([key, value]) => [key, { digest: textOf(value, 'digest'), copyName: textOf(value, 'copyName') }]),
  );
}

/** The keys of the configs that a pin holds, such as `configmap/<name>`. */
export function configKeysOf(pin: KubeObject): readonly string[] {
  return Object.keys(configsOf(pin));
}
