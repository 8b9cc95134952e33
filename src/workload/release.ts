// The end of a release: takes our ownership, fence and hold off what stays, so that nothing of it goes with the Canary.
import type { Canary } from '../api/types.ts';
import type { CallOptions, Kube, KubeObject, PatchOperation, ResourceKind } from '../kube/contract.ts';
import { DEPLOYMENT, HPA, SERVICE } from '../kube/kinds.ts';
import type { JsonObject } from '../util/json.ts';
import { applyScaler, scalerNamesOf } from './autoscaler.ts';
import type { WorkloadSettings } from './contract.ts';
import { readCopy, resourceOf } from './copies.ts';
import { fieldOf, objectOf } from './fields.ts';
import type { DeploymentFound } from './look.ts';
import {
  ORIGINAL_SERVICE_ANNOTATION,
  TOOLKIT_ANNOTATIONS,
  fenceKeyOf,
  isOwnedBy,
  primaryNameOf,
  serviceNamesOf,
} from './names.ts';
import { referencesOf } from './references.ts';
import { apexSelector, appliedSelector, originalOf, restoredPorts } from './services.ts';
import { annotationOperations, objectIn, ownerOperations, patchFound, patchObject, setOperation } from './writes.ts';

/**
 * Lets go of what stays: always the target and the apex Service; with `keepsPrimary` (the target did not become ready)
 * also the primary, the other Services, its autoscaler and its configs. What is left owned goes with the Canary.
 */
export async function releaseWorkload(
  kube: Kube,
  settings: WorkloadSettings,
  canary: Canary,
  found: DeploymentFound,
  keepsPrimary: boolean,
  shouldRevert: boolean,
  options?: CallOptions,
): Promise<void> {
  const names = serviceNamesOf(canary);
  // The primary first: a crash in between must find it unowned before the apex is given up.
  if (keepsPrimary) {
    await releasePrimary(kube, settings, canary, found, options);
    await releaseService(kube, canary, found, names.primary, [], options);
    await releaseService(kube, canary, found, names.canary, [], options);
  }
  await releaseFound(kube, canary, found, DEPLOYMENT, canary.targetRef.name, options);
  await releaseService(
    kube,
    canary,
    found,
    names.apex,
    keepsPrimary ? [] : apexOperations(canary, found, shouldRevert),
    options,
  );
}

async function releasePrimary(
  kube: Kube,
  settings: WorkloadSettings,
  canary: Canary,
  found: DeploymentFound,
  options?: CallOptions,
): Promise<void> {
  const primary = objectIn(found, DEPLOYMENT, primaryNameOf(canary));
  if (primary === null || !isOwnedBy(primary, canary)) return;
  for (const { kind, name } of referencesOf(objectOf(primary, 'spec', 'template') as JsonObject)) {
    const copy = await readCopy(kube, canary.identity.namespace, kind, name, options);
    if (copy === null || !isOwnedBy(copy, canary)) continue;
    await patchObject(kube, resourceOf(kind), copy, releaseOperations(canary, copy), options);
  }
  const scalers = scalerNamesOf(canary);
  if (scalers !== null && objectIn(found, HPA, scalers.primary) !== null) {
    await applyScaler(kube, settings, canary, found, { floor: null, copiesTarget: false }, null, options);
    await releaseFound(kube, canary, found, HPA, scalers.primary, options);
  }
  await releaseFound(kube, canary, found, DEPLOYMENT, primaryNameOf(canary), options);
}

async function releaseFound(
  kube: Kube,
  canary: Canary,
  found: DeploymentFound,
  kind: ResourceKind,
  name: string,
  options?: CallOptions,
): Promise<void> {
  const object = objectIn(found, kind, name);
  if (object !== null) await patchFound(kube, found, kind, name, releaseOperations(canary, object), options);
}

async function releaseService(
  kube: Kube,
  canary: Canary,
  found: DeploymentFound,
  name: string,
  more: readonly PatchOperation[],
  options?: CallOptions,
): Promise<void> {
  const service = objectIn(found, SERVICE, name);
  if (service === null) return;
  // A user's own Service has Flux's hold from us only in group flagger.app.
  const hasHold = isOwnedBy(service, canary) || canary.identity.group === 'flagger.app';
  const operations = releaseOperations(canary, service, hasHold ? Object.keys(TOOLKIT_ANNOTATIONS) : []);
  await patchFound(kube, found, SERVICE, name, [...operations, ...more], options);
}

function releaseOperations(canary: Canary, object: KubeObject, annotations: readonly string[] = []): PatchOperation[] {
  const owners = (object.metadata.ownerReferences ?? []).filter((owner) => owner.uid !== canary.identity.uid);
  const gone = Object.fromEntries(
    [fenceKeyOf(canary), ORIGINAL_SERVICE_ANNOTATION, ...annotations].map((key) => [key, null]),
  );
  return [...annotationOperations(object, gone), ...ownerOperations(object, owners)];
}

/** The apex selects the target again; with `shouldRevert` a user's Service gets its selector and ports back. */
function apexOperations(canary: Canary, found: DeploymentFound, shouldRevert: boolean): PatchOperation[] {
  const apex = objectIn(found, SERVICE, serviceNamesOf(canary).apex);
  if (apex === null || found.plan === null || found.target === null) return [];
  const isOurs = isOwnedBy(apex, canary);
  const original = shouldRevert && !isOurs ? originalOf(apex) : null;
  const applied = shouldRevert && !isOurs ? appliedSelector(apex) : null;
  const selector = applied ?? original?.selector ?? apexSelector(apex, isOurs, 'target', found.plan);
  const operations = setOperation('/spec/selector', fieldOf(apex, 'spec', 'selector'), selector);
  if (original === null) return operations;
  const ports = restoredPorts(apex, original.ports, found.plan.ports);
  return [...operations, ...setOperation('/spec/ports', fieldOf(apex, 'spec', 'ports'), ports)];
}
