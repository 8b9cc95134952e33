// One look at a Deployment target: everything that the machine judges by, read from the watch cache where it can be.
import type { Canary } from '../api/types.ts';
import type { WorkloadSeen } from '../core/observation.ts';
import { SerinError } from '../errors.ts';
import type { CallOptions, Kube, KubeObject, ResourceKind } from '../kube/contract.ts';
import { DEPLOYMENT, HPA, SERVICE, refOf } from '../kube/kinds.ts';
import type { JsonObject } from '../util/json.ts';
import { findScalerProblem, scalerNamesOf, seeScaler } from './autoscaler.ts';
import type { SecretMemory } from './configs.ts';
import { NO_CONFIGS, trackConfigs } from './configs.ts';
import type { PinnedRevision, TrackedConfigs, WorkloadContext, WorkloadFound, WorkloadSettings } from './contract.ts';
import { readCopy, resourceOf } from './copies.ts';
import { readyEndpointsOf } from './endpoints.ts';
import { listOf, numberOf, objectOf, textOf, textsOf } from './fields.ts';
import { REVISION_ANNOTATION, isOwnedBy, objectKey, primaryNameOf, serviceNamesOf, withPrimary } from './names.ts';
import { configKeysOf, contentOf, peekSpec, pinRefOf, rememberedReplicas } from './pinning.ts';
import { podsOf } from './pods.ts';
import { portsOf } from './ports.ts';
import { runsTemplate } from './primary.ts';
import { projectConfigMap } from './projections.ts';
import { findTrouble, judgeReadiness, replicasOf, type EndpointsSeen } from './readiness.ts';
import type { ConfigKind } from './references.ts';
import { parseConfigKey } from './references.ts';
import { digestOf } from './revision.ts';
import type { PodLabel } from './selector.ts';
import { findProblem, podLabelOf, podLabelOfPrimary } from './selector.ts';
import type { ServiceObjects, ServicesPlan } from './services.ts';
import { findServiceProblem, seeServices } from './services.ts';

/** What the driver keeps with a look for its own writes. */
export interface DeploymentFound extends WorkloadFound {
  /** The label and ports of the Services; null while neither Deployment tells them. */
  readonly plan: ServicesPlan | null;
  readonly primaryFloor: number | null;
  /** Keys of the configs whose `<name>-primary` copies a primary of group flagger.app may mount. */
  readonly primaryCopies: readonly string[];
}

type Objects = Map<string, KubeObject | null>;

/** Reads and judges. Errors: those of the cache and the client, except for configs, which are reported as missing. */
export async function lookAtDeployment(
  kube: Kube,
  settings: WorkloadSettings,
  canary: Canary,
  context: WorkloadContext,
  memory: SecretMemory,
  options?: CallOptions,
): Promise<DeploymentFound> {
  const objects = await readObjects(kube, canary, options);
  const target = objects.get(objectKey('Deployment', canary.targetRef.name)) ?? null;
  const foundPrimary = objects.get(objectKey('Deployment', primaryNameOf(canary))) ?? null;
  const primary = foundPrimary !== null && isOwnedBy(foundPrimary, canary) ? foundPrimary : null;
  const template = target === null ? null : (objectOf(target, 'spec', 'template') as JsonObject);
  const configs =
    template === null ? NO_CONFIGS : await trackConfigs(kube, settings, canary, template, context, memory, options);
  const content =
    template === null || configs.missing !== null ? null : contentOf(template, configs, peekSpec(kube, canary));
  const primaryCopies = await readPrimaryCopies(kube, canary, configs, context, { memory, objects }, options);
  const plan = planOf(canary, target, primary, settings);
  const scalers = scalersIn(canary, objects);
  const services = servicesIn(canary, objects);
  const neighbours = context.promotedRevision === null ? kube.cache.all(DEPLOYMENT, canary.identity.namespace) : [];
  const problem =
    findProblem(canary, target, foundPrimary, neighbours, settings.selectorLabels) ??
    (plan === null ? null : findServiceProblem(canary, services, plan)) ??
    findScalerProblem(canary, scalers.target, scalers.copy);
  const revisions = {
    target: content?.revision ?? null,
    primary: revisionOfPrimary(canary, primary, content, plan, settings, objects),
  };
  const { policy } = canary;
  return {
    target: seeWorkload(kube, target, revisions.target, policy.canaryReadyThresholdPercent, services.canary, context),
    primary: seeWorkload(
      kube,
      primary,
      revisions.primary,
      policy.primaryReadyThresholdPercent,
      services.primary,
      context,
    ),
    scaler: seeScaler(canary, scalers.target, scalers.copy, context.primaryFloor, context.fenceKey),
    services: seeServices(canary, services, plan),
    capacity: capacityOf(kube, canary, target, primary, scalers.target, context),
    content,
    configs,
    targetFacts: target === null ? null : factsOf(target),
    route: plan === null ? null : { workloads: workloadNames(canary, plan.label), ports: plan.ports },
    problem,
    objects,
    plan,
    primaryFloor: context.primaryFloor,
    primaryCopies,
  };
}

async function readObjects(kube: Kube, canary: Canary, options?: CallOptions): Promise<Objects> {
  const services = serviceNamesOf(canary);
  const scalers = scalerNamesOf(canary);
  const wanted: (readonly [ResourceKind, string])[] = [
    [DEPLOYMENT, canary.targetRef.name],
    [DEPLOYMENT, primaryNameOf(canary)],
    [SERVICE, services.apex],
    [SERVICE, services.primary],
    [SERVICE, services.canary],
  ];
  if (scalers !== null) wanted.push([HPA, scalers.target], [HPA, scalers.primary]);
  const read = await Promise.all(
    wanted.map(async ([kind, name]) => {
      return [
        objectKey(kind.kind, name),
        await kube.cache.read(refOf(kind, canary.identity.namespace, name), options),
      ] as const;
    }),
  );
  return new Map(read);
}

/**
 * In group flagger.app: puts the `<name>-primary` copies among the objects, so that they can be filled and fenced. What is
 * remembered of a Secret serves too: an old version makes a write fail, never succeed.
 */
async function readPrimaryCopies(
  kube: Kube,
  canary: Canary,
  configs: TrackedConfigs,
  context: WorkloadContext,
  { memory, objects }: { readonly memory: SecretMemory; readonly objects: Objects },
  options?: CallOptions,
): Promise<readonly string[]> {
  if (canary.identity.group !== 'flagger.app') return [];
  const pins = [context.runRevision, context.promotedRevision].map((revision) =>
    revision === null ? undefined : kube.cache.peek(pinRefOf(canary, revision)),
  );
  const keys = [
    ...new Set([
      ...Object.keys(configs.digests),
      ...pins.flatMap((pin) => (pin === null || pin === undefined ? [] : configKeysOf(pin))),
    ]),
  ];
  await Promise.all(
    keys.map(async (key) => {
      const { kind, name } = parseConfigKey(key);
      const copy = await primaryCopyOf(kube, canary, kind, withPrimary(name), memory, options);
      if (copy !== undefined) objects.set(objectKey(resourceOf(kind).kind, withPrimary(name)), copy);
    }),
  );
  return keys;
}

/** Undefined when it cannot be read: a look does not end because of it. */
async function primaryCopyOf(
  kube: Kube,
  canary: Canary,
  kind: ConfigKind,
  name: string,
  memory: SecretMemory,
  options?: CallOptions,
): Promise<KubeObject | null | undefined> {
  const known = kind === 'secret' ? memory.primaryCopies.get(name) : undefined;
  if (known !== undefined) return known;
  try {
    const copy = await readCopy(kube, canary.identity.namespace, kind, name, options);
    const kept = copy === null ? null : projectConfigMap(copy);
    if (kind === 'secret') memory.primaryCopies.set(name, kept);
    return kept;
  } catch (error) {
    if (options?.signal?.aborted === true || !(error instanceof SerinError)) throw error;
    return undefined;
  }
}

function planOf(
  canary: Canary,
  target: KubeObject | null,
  primary: KubeObject | null,
  settings: WorkloadSettings,
): ServicesPlan | null {
  // Without a target the primary still tells where traffic goes, so that its route can be kept.
  const label =
    target !== null
      ? podLabelOf(target, settings.selectorLabels)
      : primary === null
        ? null
        : podLabelOfPrimary(primary);
  if (label === null) return null;
  const template = objectOf(target ?? primary, 'spec', 'template');
  const podLabels = { ...textsOf(template, 'metadata', 'labels'), [label.label]: label.targetValue };
  return { label, ports: portsOf(canary.service, template), podLabels };
}

function workloadNames(canary: Canary, label: PodLabel): NonNullable<WorkloadFound['route']>['workloads'] {
  return {
    target: canary.targetRef.name,
    primary: primaryNameOf(canary),
    selectorLabel: label.label,
    targetValue: label.targetValue,
    primaryValue: label.primaryValue,
  };
}

function servicesIn(canary: Canary, objects: Objects): ServiceObjects {
  const names = serviceNamesOf(canary);
  const service = (name: string): KubeObject | null => objects.get(objectKey('Service', name)) ?? null;
  return { apex: service(names.apex), primary: service(names.primary), canary: service(names.canary) };
}

function scalersIn(
  canary: Canary,
  objects: Objects,
): { readonly target: KubeObject | null; readonly copy: KubeObject | null } {
  const names = scalerNamesOf(canary);
  if (names === null) return { target: null, copy: null };
  return {
    target: objects.get(objectKey(HPA.kind, names.target)) ?? null,
    copy: objects.get(objectKey(HPA.kind, names.primary)) ?? null,
  };
}

/**
 * The revision that the primary's annotation names. A primary that Flagger made has none; when its template and configs
 * are exactly what the target asks for, it runs that revision, and taking it over restarts no pod.
 */
function revisionOfPrimary(
  canary: Canary,
  primary: KubeObject | null,
  content: PinnedRevision | null,
  plan: ServicesPlan | null,
  settings: WorkloadSettings,
  objects: Objects,
): string | null {
  if (primary === null) return null;
  const named = textOf(primary, 'metadata', 'annotations', REVISION_ANNOTATION);
  if (named !== '') return named;
  if (content === null || plan === null || canary.identity.group !== 'flagger.app') return null;
  const configNames: Record<string, string> = {};
  for (const [key, { digest }] of Object.entries(content.configs)) {
    const { kind, name } = parseConfigKey(key);
    const copy = objects.get(objectKey(resourceOf(kind).kind, withPrimary(name))) ?? null;
    if (copy === null || digestOf(copy) !== digest) return null;
    configNames[key] = withPrimary(name);
  }
  const { selectorLabels, includeLabelPrefixes } = settings;
  return runsTemplate(primary, content, {
    canary,
    label: plan.label,
    selectorLabels,
    includeLabelPrefixes,
    configNames,
  })
    ? content.revision
    : null;
}

function seeWorkload(
  kube: Kube,
  deployment: KubeObject | null,
  revision: string | null,
  thresholdPercent: number,
  service: KubeObject | null,
  context: WorkloadContext,
): WorkloadSeen | null {
  if (deployment === null) return null;
  const pods = context.isActive ? podsOf(kube.cache, deployment).newest : [];
  return {
    uid: deployment.metadata.uid ?? '',
    revision,
    replicas: replicasOf(deployment),
    readyReplicas: numberOf(deployment, 'status', 'readyReplicas') ?? 0,
    ...judgeReadiness(deployment, thresholdPercent, context.isActive ? endpointsOf(kube, service) : null),
    trouble: findTrouble(deployment, pods),
    fence: deployment.metadata.annotations?.[context.fenceKey] ?? null,
  };
}

function endpointsOf({ cache }: Kube, service: KubeObject | null): EndpointsSeen | null {
  if (service === null) return null;
  const { name, namespace = null } = service.metadata;
  const ready = readyEndpointsOf(cache, namespace, name);
  return ready === null ? null : { service: name, ready };
}

/**
 * Pods that each needs when it has none. The target: what it has, else its autoscaler's minimum above 1, else as many as
 * the primary, else 1. The primary: what it has, else what the run must not fall below, else the target's, else what the
 * pin of its revision remembers, else 1.
 */
function capacityOf(
  kube: Kube,
  canary: Canary,
  target: KubeObject | null,
  primary: KubeObject | null,
  scaler: KubeObject | null,
  context: WorkloadContext,
): WorkloadFound['capacity'] {
  const [targetReplicas, primaryReplicas] = [target, primary].map((deployment) =>
    deployment === null ? 0 : replicasOf(deployment),
  );
  const scalerMin = numberOf(scaler, 'spec', 'minReplicas') ?? 0;
  const remembered = rememberedReplicas(kube, canary, context.promotedRevision);
  const primaryNeeds = firstPositive(primaryReplicas, context.primaryFloor, targetReplicas, remembered);
  return {
    target: firstPositive(
      targetReplicas,
      scalerMin > 1 ? scalerMin : 0,
      primaryReplicas,
      primary === null ? remembered : 0,
    ),
    primary: primaryNeeds,
  };
}

function firstPositive(...candidates: readonly (number | null | undefined)[]): number {
  return candidates.find((candidate) => candidate !== null && candidate !== undefined && candidate > 0) ?? 1;
}

const VERSION_LABEL = 'app.kubernetes.io/version';

function factsOf(target: KubeObject): NonNullable<WorkloadFound['targetFacts']> {
  const images = listOf(target, 'spec', 'template', 'spec', 'containers').map((container) =>
    textOf(container, 'image'),
  );
  const label =
    textOf(target, 'spec', 'template', 'metadata', 'labels', VERSION_LABEL) ||
    textOf(target, 'metadata', 'labels', VERSION_LABEL);
  return {
    generation: target.metadata.generation ?? 0,
    version: label === '' ? tagOf(images[0] ?? '') : label,
    images,
  };
}

/** The tag of an image reference: not its digest, and not the port of its registry. */
function tagOf(image: string): string {
  return /:([\w][\w.-]{0,127})$/.exec(image.replace(/@.*$/, ''))?.[1] ?? '';
}
