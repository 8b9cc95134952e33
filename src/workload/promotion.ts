// Makes the primary run a pinned revision: created when absent, otherwise one fenced patch of exactly what follows the target.
import type { Canary } from '../api/types.ts';
import { ConflictError, RefusedError } from '../errors.ts';
import type { CallOptions, Kube, KubeObject, PatchOperation } from '../kube/contract.ts';
import { DEPLOYMENT } from '../kube/kinds.ts';
import { newSecretMemory } from './configs.ts';
import type { PinnedRevision, WorkloadSettings } from './contract.ts';
import { canFillPrimaryCopy, fillPrimaryCopy, hasCopies, readCopy, resourceOf } from './copies.ts';
import { fieldOf } from './fields.ts';
import type { DeploymentFound } from './look.ts';
import { copiedKeys, fenceKeyOf, isOwnedBy, objectKey, primaryNameOf, withPrimary } from './names.ts';
import { readPinned } from './pinning.ts';
import type { PrimaryContext } from './primary.ts';
import { buildPrimary, buildTemplate, followedMembers, primaryMetadata } from './primary.ts';
import { replicasOf } from './readiness.ts';
import { parseConfigKey } from './references.ts';
import {
  annotationOperations,
  createFound,
  labelOperations,
  objectIn,
  patchFound,
  patchObject,
  setOperation,
} from './writes.ts';

/**
 * Applies `revision` to the primary. Configs come first, then the Deployment, so that no pod starts with a template
 * whose configs are not there. Errors: ConflictError when the pin is lost or the world changed.
 */
export async function applyPrimary(
  kube: Kube,
  settings: WorkloadSettings,
  canary: Canary,
  found: DeploymentFound,
  revision: string,
  fence: string | null,
  options?: CallOptions,
): Promise<void> {
  const name = `${canary.identity.namespace}/${primaryNameOf(canary)}`;
  const pinned = await readPinned(kube, canary, revision, options);
  if (pinned === null)
    throw new ConflictError(`Cannot write Deployment ${name}: the pinned content of ${revision} is lost`);
  if (!(await hasCopies(kube, canary.identity.namespace, pinned.configs, newSecretMemory(), options))) {
    throw new ConflictError(`Cannot write Deployment ${name}: a config copy of ${revision} is lost`);
  }
  if (found.plan === null) throw new ConflictError(`Cannot write Deployment ${name}: its selector label is not known`);
  const primary = objectIn(found, DEPLOYMENT, primaryNameOf(canary));
  if (primary !== null && !isOwnedBy(primary, canary))
    throw new RefusedError(409, `Cannot write Deployment ${name}: it is not this Canary's`);
  const context: PrimaryContext = {
    canary,
    label: found.plan.label,
    selectorLabels: settings.selectorLabels,
    includeLabelPrefixes: settings.includeLabelPrefixes,
    configNames: await fillConfigs(kube, settings, canary, found, pinned, fence, options),
  };
  const target = objectIn(found, DEPLOYMENT, canary.targetRef.name);
  if (primary === null) {
    const object = buildPrimary(pinned, target, found.capacity.primary, context);
    if (fence !== null) object.metadata.annotations = { ...object.metadata.annotations, [fenceKeyOf(canary)]: fence };
    await createFound(kube, found, DEPLOYMENT, object, options);
    return;
  }
  const operations = primaryOperations(canary, found, pinned, { primary, target }, fence, context);
  await patchFound(kube, found, DEPLOYMENT, primaryNameOf(canary), operations, options);
}

function primaryOperations(
  canary: Canary,
  found: DeploymentFound,
  pinned: PinnedRevision,
  { primary, target }: { readonly primary: KubeObject; readonly target: KubeObject | null },
  fence: string | null,
  context: PrimaryContext,
): PatchOperation[] {
  const { labels, annotations } = primaryMetadata(target, pinned.revision, context);
  const fences = fence === null ? {} : { [fenceKeyOf(canary)]: fence };
  const operations = [
    ...labelOperations(primary, { ...staleKeys(primary.metadata.labels, labels, context), ...labels }),
    ...annotationOperations(primary, {
      ...staleKeys(primary.metadata.annotations, annotations, context),
      ...annotations,
      ...fences,
    }),
    ...setOperation('/spec/template', fieldOf(primary, 'spec', 'template'), buildTemplate(pinned, context)),
  ];
  for (const [member, value] of Object.entries(followedMembers(target))) {
    operations.push(...setOperation(`/spec/${member}`, fieldOf(primary, 'spec', member), value));
  }
  const replicas = replicasFor(canary, found, pinned.revision, primary, target);
  return [...operations, ...setOperation('/spec/replicas', replicasOf(primary), replicas)];
}

/** On promotion the primary gets the target's replicas where no autoscaler says otherwise, but never less than the run's floor. */
function replicasFor(
  canary: Canary,
  found: DeploymentFound,
  revision: string,
  primary: KubeObject,
  target: KubeObject | null,
): number {
  const have = replicasOf(primary);
  const asked = target === null ? 0 : replicasOf(target);
  if (canary.autoscalerRef !== null || asked === 0 || found.primary?.revision === revision) return have;
  return Math.max(asked, found.primaryFloor ?? 0);
}

/** Keys that an earlier promotion copied and that the target no longer has. */
function staleKeys(
  have: Readonly<Record<string, string>> | undefined,
  want: Readonly<Record<string, string>>,
  context: PrimaryContext,
): Record<string, null> {
  const copied = Object.keys(copiedKeys(have ?? {}, context.includeLabelPrefixes));
  return Object.fromEntries(copied.filter((key) => !Object.hasOwn(want, key)).map((key) => [key, null]));
}

/** Decides what each config is called at the primary, and fills the `<name>-primary` copies of group flagger.app. */
async function fillConfigs(
  kube: Kube,
  settings: WorkloadSettings,
  canary: Canary,
  found: DeploymentFound,
  pinned: PinnedRevision,
  fence: string | null,
  options?: CallOptions,
): Promise<Record<string, string>> {
  const names: Record<string, string> = {};
  for (const [key, copy] of Object.entries(pinned.configs)) {
    names[key] = copy.copyName;
    if (canary.identity.group !== 'flagger.app' || !canFillPrimaryCopy(canary, found, key)) continue;
    const { kind, name } = parseConfigKey(key);
    const source = found.configs.objects.find(
      (object) => object.kind === resourceOf(kind).kind && object.metadata.name === name,
    );
    const labels = copiedKeys(source?.metadata.labels ?? {}, settings.includeLabelPrefixes);
    await fillPrimaryCopy(kube, canary, found, key, copy, { key: fenceKeyOf(canary), value: fence }, labels, options);
    names[key] = withPrimary(name);
  }
  return names;
}

/**
 * Writes the fence on the primary and on the `<name>-primary` copies that it may mount: a worker that was paused before
 * it filled them must not find them unchanged. A copy that this look did not read is read now; an old fence written by
 * a paused worker does no harm, because it only makes the others look again.
 */
export async function fencePrimary(
  kube: Kube,
  canary: Canary,
  found: DeploymentFound,
  value: string,
  options?: CallOptions,
): Promise<void> {
  const change = { [fenceKeyOf(canary)]: value };
  await fenceDeployment(kube, found, primaryNameOf(canary), change, options);
  for (const key of found.primaryCopies) {
    const { kind, name } = parseConfigKey(key);
    const resource = resourceOf(kind);
    const seen = found.objects.get(objectKey(resource.kind, withPrimary(name)));
    const copy = seen === undefined ? await readIfAllowed(kube, canary, key, options) : seen;
    if (copy === null || !isOwnedBy(copy, canary)) continue;
    const operations = annotationOperations(copy, change);
    if (operations.length === 0) continue;
    const answer = await patchObject(kube, resource, copy, operations, options);
    (found.objects as Map<string, KubeObject | null>).set(objectKey(resource.kind, withPrimary(name)), answer);
  }
}

async function readIfAllowed(
  kube: Kube,
  canary: Canary,
  key: string,
  options?: CallOptions,
): Promise<KubeObject | null> {
  const { kind, name } = parseConfigKey(key);
  try {
    return await readCopy(kube, canary.identity.namespace, kind, withPrimary(name), options);
  } catch (error) {
    // Who may not read it cannot have written it either, and a rollback must not wait for a permission.
    if (error instanceof RefusedError) return null;
    throw error;
  }
}

/** Writes annotations on one Deployment; nothing is sent when they are there. */
export async function fenceDeployment(
  kube: Kube,
  found: DeploymentFound,
  name: string,
  change: Readonly<Record<string, string>>,
  options?: CallOptions,
): Promise<void> {
  const object = objectIn(found, DEPLOYMENT, name);
  if (object !== null) await patchFound(kube, found, DEPLOYMENT, name, annotationOperations(object, change), options);
}
