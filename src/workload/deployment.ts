// The Deployment target: composes looks, pins, the primary, Services, autoscaler and release into one driver.
import type { Canary } from '../api/types.ts';
import { ConflictError } from '../errors.ts';
import type { CallOptions, Kube, KubeObject, ObjectRef, ResourceKind } from '../kube/contract.ts';
import { CONFIG_MAP, CONTROLLER_REVISION, DEPLOYMENT, HPA, SERVICE, refOf } from '../kube/kinds.ts';
import type { JsonObject } from '../util/json.ts';
import { applyScaler, scalerNamesOf } from './autoscaler.ts';
import type { SecretMemory } from './configs.ts';
import { newSecretMemory } from './configs.ts';
import type { WorkloadDriver, WorkloadFound, WorkloadProvider, WorkloadSettings } from './contract.ts';
import { objectOf } from './fields.ts';
import type { DeploymentFound } from './look.ts';
import { lookAtDeployment } from './look.ts';
import { fenceKeyOf, isOwnedBy, primaryNameOf, serviceNamesOf, withPrimary } from './names.ts';
import { isRevisionPinned, pinContent, pinRefOf, prunePins, readPinned } from './pinning.ts';
import { scrapeTargets } from './pods.ts';
import { applyPrimary, fenceDeployment, fencePrimary } from './promotion.ts';
import { replicasOf } from './readiness.ts';
import { referencesOf } from './references.ts';
import { releaseWorkload } from './release.ts';
import { ensureServices, pointApex } from './service-writes.ts';
import type { ServicesPlan } from './services.ts';
import { annotationOperations, objectIn, patchFound, removeObject, setOperation } from './writes.ts';

export const deploymentProvider: WorkloadProvider = { kind: 'Deployment', apiGroup: 'apps', create: createDriver };

function createDriver(kube: Kube, settings: WorkloadSettings): WorkloadDriver {
  const memories = new Map<string, SecretMemory>();
  const memoryOf = (canary: Canary): SecretMemory => {
    const memory = memories.get(canary.identity.uid) ?? newSecretMemory();
    memories.set(canary.identity.uid, memory);
    return memory;
  };
  return {
    kinds: (canary) => Promise.resolve(kindsOf(canary, settings)),
    refs: (canary, found) => refsOf(canary, found, settings),
    read: (canary, context, options) => lookAtDeployment(kube, settings, canary, context, memoryOf(canary), options),
    scrapeTargets: (canary, found, defaults) =>
      scrapeTargets(kube.cache, found, { target: canary.targetRef.name, primary: primaryNameOf(canary) }, defaults),
    isPinned: (canary, revision, options) => isRevisionPinned(kube, canary, revision, memoryOf(canary), options),
    pinned: (canary, revision, options) => readPinned(kube, canary, revision, options),
    pin: (canary, found, options) => pinContent(kube, canary, found, options),
    ensureServices: (canary, found, options) => ensureServices(kube, canary, found, planIn(canary, found), options),
    pointApex: (canary, found, to, options) => pointApex(kube, canary, found, to, planIn(canary, found), options),
    async applyPrimary(canary, found, revision, fence, options) {
      const memory = memoryOf(canary);
      // What is remembered is older than these writes, whether they succeed or not.
      memory.primaryCopies.clear();
      memory.copies.clear();
      await applyPrimary(kube, settings, canary, own(found), revision, fence, options);
    },
    scaleTarget: (canary, found, replicas, fence, options) =>
      scale(kube, canary, found, canary.targetRef.name, replicas, fence, options),
    scalePrimary: (canary, found, replicas, fence, options) =>
      scale(kube, canary, found, primaryNameOf(canary), replicas, fence, options),
    applyScaler: (canary, found, want, fence, options) =>
      applyScaler(kube, settings, canary, found, want, fence, options),
    fence(canary, found, on, value, options) {
      if (on === 'primary') memoryOf(canary).primaryCopies.clear();
      return fence(kube, canary, own(found), on, value, options);
    },
    async release(canary, found, keepsPrimary, shouldRevert, options) {
      await releaseWorkload(kube, settings, canary, own(found), keepsPrimary, shouldRevert, options);
      memories.delete(canary.identity.uid);
    },
    async prune(canary, keep, options) {
      await prunePins(kube, canary, keep, options);
      await pruneScalers(kube, canary, options);
    },
  };
}

function kindsOf(canary: Canary, settings: WorkloadSettings): readonly ResourceKind[] {
  return [
    DEPLOYMENT,
    SERVICE,
    CONTROLLER_REVISION,
    ...(settings.isConfigTrackingOn ? [CONFIG_MAP] : []),
    ...(canary.autoscalerRef === null ? [] : [HPA]),
  ];
}

/** Secrets are not among them: they are never watched. */
function refsOf(canary: Canary, found: WorkloadFound | null, settings: WorkloadSettings): readonly ObjectRef[] {
  const ref = (kind: ResourceKind, name: string): ObjectRef => refOf(kind, canary.identity.namespace, name);
  const services = serviceNamesOf(canary);
  const scalers = scalerNamesOf(canary);
  const refs = [
    ref(DEPLOYMENT, canary.targetRef.name),
    ref(DEPLOYMENT, primaryNameOf(canary)),
    ...Object.values(services).map((name) => ref(SERVICE, name)),
    ...(scalers === null ? [] : Object.values(scalers).map((name) => ref(HPA, name))),
  ];
  if (found === null) return refs;
  for (const name of configMapsOf(canary, found, settings)) refs.push(ref(CONFIG_MAP, name));
  for (const revision of new Set([found.content?.revision, found.primary?.revision])) {
    if (revision !== undefined && revision !== null) refs.push(pinRefOf(canary, revision));
  }
  return refs;
}

/** ConfigMaps that the target and the primary refer to, and the copies that the current content needs. */
function configMapsOf(canary: Canary, found: WorkloadFound, settings: WorkloadSettings): ReadonlySet<string> {
  const names = new Set<string>();
  if (!settings.isConfigTrackingOn) return names;
  for (const name of [canary.targetRef.name, primaryNameOf(canary)]) {
    const template = objectOf(objectIn(found, DEPLOYMENT, name), 'spec', 'template') as JsonObject;
    for (const reference of referencesOf(template)) if (reference.kind === 'configmap') names.add(reference.name);
  }
  for (const [key, { copyName }] of Object.entries(found.content?.configs ?? {}))
    if (key.startsWith('configmap/')) names.add(copyName);
  return names;
}

/** Sets the replicas of one Deployment, with the fence in the same request. A Deployment that is not there needs nothing. */
async function scale(
  kube: Kube,
  canary: Canary,
  found: WorkloadFound,
  name: string,
  replicas: number,
  fence: string | null,
  options?: CallOptions,
): Promise<void> {
  const deployment = objectIn(found, DEPLOYMENT, name);
  if (deployment === null) return;
  const operations = setOperation('/spec/replicas', replicasOf(deployment), replicas);
  if (fence !== null) operations.push(...annotationOperations(deployment, { [fenceKeyOf(canary)]: fence }));
  await patchFound(kube, found, DEPLOYMENT, name, operations, options);
}

async function fence(
  kube: Kube,
  canary: Canary,
  found: DeploymentFound,
  on: 'target' | 'primary' | 'scaler',
  value: string,
  options?: CallOptions,
): Promise<void> {
  if (on === 'primary') return fencePrimary(kube, canary, found, value, options);
  const change = { [fenceKeyOf(canary)]: value };
  if (on === 'target') return fenceDeployment(kube, found, canary.targetRef.name, change, options);
  const name = scalerNamesOf(canary)?.primary;
  const scaler = name === undefined ? null : objectIn(found, HPA, name);
  if (scaler !== null)
    await patchFound(kube, found, HPA, scaler.metadata.name, annotationOperations(scaler, change), options);
}

/** Removes copies of autoscalers that the Canary no longer names. */
async function pruneScalers(kube: Kube, canary: Canary, options?: CallOptions): Promise<void> {
  const current = canary.autoscalerRef === null ? null : withPrimary(canary.autoscalerRef.name);
  const isLeft = (scaler: KubeObject): boolean => isOwnedBy(scaler, canary) && scaler.metadata.name !== current;
  for (const scaler of kube.cache.all(HPA, canary.identity.namespace).filter(isLeft))
    await removeObject(kube, HPA, scaler, options);
}

/** A look of this driver; one that was put together elsewhere lacks what the writes need. */
function own(found: WorkloadFound): DeploymentFound {
  return { plan: null, primaryFloor: null, primaryCopies: [], ...found };
}

function planIn(canary: Canary, found: WorkloadFound): ServicesPlan {
  const { plan } = own(found);
  if (plan === null)
    throw new ConflictError(
      `Cannot write the Services of ${canary.identity.namespace}/${canary.targetRef.name}: the selector label is not known`,
    );
  return plan;
}
