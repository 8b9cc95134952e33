// Names, marks and ownership of the objects that serin makes for a workload.
import type { Canary } from '../api/types.ts';
import type { KubeObject, OwnerReference } from '../kube/contract.ts';

/** On the primary (Deployment and pod template) and on pins: the revision that it holds. */
export const REVISION_ANNOTATION = 'serin.dev/revision';
/** On pins: how many pods served when it was made, so that a lost primary comes back with as many. */
export const REPLICAS_ANNOTATION = 'serin.dev/replicas';
/** On config copies: the digest of their content. */
export const DIGEST_ANNOTATION = 'serin.dev/digest';
/** On pins and config copies: the Canary that made them. */
export const CANARY_UID_LABEL = 'serin.dev/canary-uid';
/** On the primary's autoscaler while its minimum is held: `<min>/<max>` as they are to be afterwards. */
export const BOUNDS_ANNOTATION = 'serin.dev/held-bounds';
/** Every fence annotation begins so; the rest of the key is the uid of a Canary. */
export const FENCE_PREFIX = 'fence.serin.dev/';
/** On a user's Service: its selector and ports before they were first changed, as JSON, for revertOnDeletion. */
export const ORIGINAL_SERVICE_ANNOTATION = 'serin.dev/original-service';

/** Tell Flux to leave an object alone while we steer it (Flagger's two). */
export const TOOLKIT_ANNOTATIONS: Readonly<Record<string, string>> = {
  'kustomize.toolkit.fluxcd.io/reconcile': 'disabled',
  'helm.toolkit.fluxcd.io/driftDetection': 'disabled',
};

/** Longest name of a Service, and longest label value. */
export const LABEL_MAX = 63;
/** Longest name of most objects. */
const NAME_MAX = 253;

export const fenceKeyOf = (canary: Canary): string => `${FENCE_PREFIX}${canary.identity.uid}`;
export const primaryNameOf = (canary: Canary): string => `${canary.targetRef.name}-primary`;
export const withPrimary = (name: string): string => `${name}-primary`;

/** The three Services. */
export function serviceNamesOf(canary: Canary): {
  readonly apex: string;
  readonly primary: string;
  readonly canary: string;
} {
  const apex = canary.service.apexName;
  return { apex, primary: `${apex}-primary`, canary: `${apex}-canary` };
}

/** `<name>-<first ten hex digits of the digest>`, cut so that it stays a valid name. */
export function nameByDigest(name: string, digest: string): string {
  const hex = digest.replace(/^v\d+-/, '').slice(0, 10);
  return `${name.slice(0, NAME_MAX - hex.length - 1).replace(/[-.]+$/, '')}-${hex}`;
}

/** The key of an object in WorkloadFound.objects. */
export const objectKey = (kind: string, name: string): string => `${kind}/${name}`;

/** An owner reference to the Canary. Only one owner of an object may be its controller; shared objects have none. */
export function ownerOf(canary: Canary, isController: boolean): OwnerReference {
  const { apiVersion, name, uid } = canary.identity;
  const reference = { apiVersion, kind: 'Canary', name, uid };
  return isController ? { ...reference, controller: true, blockOwnerDeletion: true } : reference;
}

/** True when this very Canary (by uid) is among the owners. */
export function isOwnedBy(object: KubeObject, canary: Canary): boolean {
  return (object.metadata.ownerReferences ?? []).some((owner) => owner.uid === canary.identity.uid);
}

/** The owner that controls an object; undefined when nobody does. */
export function controllerOf(object: KubeObject): OwnerReference | undefined {
  return (object.metadata.ownerReferences ?? []).find((owner) => owner.controller === true);
}

/** True for keys that tie an object to Flux, to kubectl, to a controller of Kubernetes or to ourselves: never copied to another object. */
function isBoundKey(key: string): boolean {
  return (
    key.includes('toolkit.fluxcd.io') ||
    key.startsWith('kubectl.kubernetes.io/') ||
    key.startsWith('deployment.kubernetes.io/') ||
    key.startsWith('serin.dev/') ||
    key.startsWith(FENCE_PREFIX)
  );
}

/** The labels or annotations of an object that its copies get: those with one of the prefixes, `*` for all, minus those bound to the object itself. */
export function copiedKeys(
  source: Readonly<Record<string, string>>,
  prefixes: readonly string[],
): Record<string, string> {
  const isIncluded = (key: string): boolean =>
    prefixes.some((prefix) => prefix === '*' || (prefix !== '' && key.startsWith(prefix)));
  return Object.fromEntries(Object.entries(source).filter(([key]) => isIncluded(key) && !isBoundKey(key)));
}
