// The three Services as they should be and as they are: pure; service-writes.ts sends the difference.
import type { Canary, Metadata } from '../api/types.ts';
import type { ServicesSeen } from '../core/observation.ts';
import type { KubeObject } from '../kube/contract.ts';
import type { JsonObject } from '../util/json.ts';
import { canonicalJson, sameJson } from '../util/json.ts';
import { listOf, numberOf, objectOf, textOf, textsOf } from './fields.ts';
import {
  FENCE_PREFIX,
  ORIGINAL_SERVICE_ANNOTATION,
  TOOLKIT_ANNOTATIONS,
  isOwnedBy,
  ownerOf,
  serviceNamesOf,
} from './names.ts';
import type { ServicePort } from './ports.ts';
import type { PodLabel, Problem } from './selector.ts';

export type ServiceRole = 'apex' | 'primary' | 'canary';

/** What the Services depend on besides the Canary. */
export interface ServicesPlan {
  readonly label: PodLabel;
  readonly ports: readonly ServicePort[];
  /** Labels of the target's pods, by which a selector that a user wrote is understood. */
  readonly podLabels: Readonly<Record<string, string>>;
}

/** The Services as found; null for one that does not exist. */
export type ServiceObjects = Readonly<Record<ServiceRole, KubeObject | null>>;

/** The pods that a Service sends to: by one label, as Flagger has it. */
export function selectorFor(label: PodLabel, to: 'target' | 'primary'): Record<string, string> {
  return { [label.label]: to === 'target' ? label.targetValue : label.primaryValue };
}

/** Labels and annotations of a Service of ours: the user's, the selector label with the Service's name, and Flux's hold. */
function serviceMetadata(canary: Canary, role: ServiceRole, label: PodLabel): Metadata {
  const wanted = canary.service[role];
  return {
    labels: { ...wanted.labels, [label.label]: serviceNamesOf(canary)[role] },
    annotations: { ...wanted.annotations, ...TOOLKIT_ANNOTATIONS },
  };
}

/** A Service for its creation. Type, clusterIP and headless count only here: the API server lets nobody change them. */
export function buildService(
  canary: Canary,
  role: ServiceRole,
  to: 'target' | 'primary',
  plan: ServicesPlan,
): KubeObject {
  const { labels, annotations } = serviceMetadata(canary, role, plan.label);
  const { headless, trafficDistribution } = canary.service;
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: serviceNamesOf(canary)[role],
      namespace: canary.identity.namespace,
      labels: { ...labels },
      annotations: { ...annotations },
      ownerReferences: [ownerOf(canary, true)],
    },
    spec: {
      type: 'ClusterIP',
      ...(headless ? { clusterIP: 'None' } : {}),
      ...(trafficDistribution === null ? {} : { trafficDistribution }),
      selector: selectorFor(plan.label, to),
      ports: portEntries(plan.ports, null),
    },
  };
}

/** The port list to write. Node ports of an existing Service stay with their port, by name or else by number. */
export function portEntries(ports: readonly ServicePort[], existing: KubeObject | null): JsonObject[] {
  const have = listOf(existing, 'spec', 'ports');
  return ports.map(({ name, port, targetPort, appProtocol }) => {
    const before = have.find((entry) => entry['name'] === name) ?? have.find((entry) => entry['port'] === port);
    const nodePort = numberOf(before, 'nodePort');
    return {
      name,
      protocol: 'TCP',
      port,
      targetPort,
      ...(appProtocol === null ? {} : { appProtocol }),
      ...(nodePort === null || nodePort === 0 ? {} : { nodePort }),
    };
  });
}

/** The port list for a Service that a user owns: ours over what they say of the same ports, and those of theirs that are not in the way. */
export function mergedPorts(ports: readonly ServicePort[], existing: KubeObject): JsonObject[] {
  const have = listOf(existing, 'spec', 'ports') as readonly JsonObject[];
  const isSame = (mine: JsonObject, theirs: JsonObject): boolean => mine['port'] === theirs['port'] && isTcp(theirs);
  const ours = portEntries(ports, existing).map((mine) => ({
    ...have.find((theirs) => isSame(mine, theirs)),
    ...mine,
  }));
  const others = have.filter((theirs) => !ours.some((mine) => mine['name'] === theirs['name'] || isSame(mine, theirs)));
  return [...ours, ...others];
}

/** True when both lists ask for the same, whatever their order. */
export function samePorts(have: readonly Record<string, unknown>[], want: readonly JsonObject[]): boolean {
  const sorted = (list: readonly Record<string, unknown>[]): readonly string[] =>
    list.map((entry) => canonicalJson({ protocol: 'TCP', targetPort: entry['port'], ...entry })).sort();
  return sameJson(sorted(have), sorted(want));
}

const isTcp = (entry: Record<string, unknown>): boolean => (textOf(entry, 'protocol') || 'TCP') === 'TCP';

/** The labels and annotations that a Service of ours should have now: keys that others manage, and fences, stay as found. */
export function keptMetadata(
  canary: Canary,
  role: ServiceRole,
  existing: KubeObject,
  label: PodLabel,
): { labels: Record<string, string>; annotations: Record<string, string> } {
  const wanted = serviceMetadata(canary, role, label);
  const { unmanagedMetadata } = canary.service;
  const keep = (have: Readonly<Record<string, string>> | undefined, keys: readonly string[]): Record<string, string> =>
    Object.fromEntries(
      Object.entries(have ?? {}).filter(([key]) => keys.includes(key) || key.startsWith(FENCE_PREFIX)),
    );
  return {
    labels: { ...wanted.labels, ...keep(existing.metadata.labels, unmanagedMetadata.labels) },
    annotations: { ...wanted.annotations, ...keep(existing.metadata.annotations, unmanagedMetadata.annotations) },
  };
}

/** What the Services show. */
export function seeServices(canary: Canary, services: ServiceObjects, plan: ServicesPlan | null): ServicesSeen {
  if (plan === null) return { apex: services.apex === null ? 'absent' : 'elsewhere', isDrifted: false };
  const isDrifted =
    isServiceDrifted(canary, 'primary', services.primary, plan) ||
    isServiceDrifted(canary, 'canary', services.canary, plan) ||
    // A missing apex is `absent`, and its selector is not a drift: it moves from the target to the primary.
    (services.apex !== null && isServiceDrifted(canary, 'apex', services.apex, plan));
  return { apex: seeApex(services.apex, plan), isDrifted };
}

function isServiceDrifted(canary: Canary, role: ServiceRole, service: KubeObject | null, plan: ServicesPlan): boolean {
  if (service === null) return true;
  const isOurs = isOwnedBy(service, canary);
  const ports = isOurs ? portEntries(plan.ports, service) : mergedPorts(plan.ports, service);
  if (!samePorts(listOf(service, 'spec', 'ports'), ports)) return true;
  if (role !== 'apex' && !sameJson(objectOf(service, 'spec', 'selector'), selectorFor(plan.label, roleTo(role))))
    return true;
  if (!isOurs) return false;
  const { labels, annotations } = keptMetadata(canary, role, service, plan.label);
  const { trafficDistribution } = canary.service;
  return (
    !sameJson(service.metadata.labels ?? {}, labels) ||
    !sameJson(service.metadata.annotations ?? {}, annotations) ||
    (trafficDistribution !== null && textOf(service, 'spec', 'trafficDistribution') !== trafficDistribution)
  );
}

export const roleTo = (role: 'primary' | 'canary'): 'target' | 'primary' => (role === 'primary' ? 'primary' : 'target');

function seeApex(apex: KubeObject | null, plan: ServicesPlan): ServicesSeen['apex'] {
  if (apex === null) return 'absent';
  const selector = textsOf(apex, 'spec', 'selector');
  if (selector[plan.label.label] === undefined) return 'elsewhere';
  if (matches(selector, plan.podLabels)) return 'target';
  if (matches(selector, { ...plan.podLabels, ...selectorFor(plan.label, 'primary') })) return 'primary';
  return 'elsewhere';
}

const matches = (selector: Readonly<Record<string, string>>, labels: Readonly<Record<string, string>>): boolean =>
  Object.entries(selector).every(([key, value]) => labels[key] === value);

/**
 * The selector that points the apex at `to`: always by our one label, because any other label that a user's selector
 * names may change with the next revision. Back at the target, a user's Service selects again what its last apply said,
 * as long as that are the target's pods.
 */
export function apexSelector(
  apex: KubeObject | null,
  isOurs: boolean,
  to: 'target' | 'primary',
  plan: ServicesPlan,
): Record<string, string> {
  const applied = apex === null || isOurs || to === 'primary' ? null : appliedSelector(apex);
  return applied !== null && matches(applied, plan.podLabels) ? applied : selectorFor(plan.label, to);
}

/** The selector of kubectl's last client-side apply; null when there is none. */
export function appliedSelector(service: KubeObject): Record<string, string> | null {
  const text = service.metadata.annotations?.['kubectl.kubernetes.io/last-applied-configuration'];
  if (text === undefined) return null;
  try {
    const selector = textsOf(JSON.parse(text), 'spec', 'selector');
    return Object.keys(selector).length > 0 ? selector : null;
  } catch {
    return null;
  }
}

/** Selector and ports of a user's Service before our first change of it; null when there was none, or the note cannot be read. */
export function originalOf(
  service: KubeObject,
): { readonly selector: Readonly<Record<string, string>>; readonly ports: readonly JsonObject[] } | null {
  try {
    const note: unknown = JSON.parse(service.metadata.annotations?.[ORIGINAL_SERVICE_ANNOTATION] ?? 'null');
    const ports = listOf(note, 'ports') as readonly JsonObject[];
    return ports.length === 0 ? null : { selector: textsOf(note, 'selector'), ports };
  } catch {
    return null;
  }
}

/** The ports that a user's Service gets back: those it had, and those that the user added since. */
export function restoredPorts(
  service: KubeObject,
  original: readonly JsonObject[],
  ours: readonly ServicePort[],
): readonly JsonObject[] {
  const have = listOf(service, 'spec', 'ports') as readonly JsonObject[];
  const added = have.filter(
    (entry) =>
      !ours.some(({ port }) => port === entry['port']) &&
      !original.some((before) => before['port'] === entry['port'] || before['name'] === entry['name']),
  );
  return [...original, ...added];
}

/** What keeps the Services from being used; null when nothing does. A Service of another's is never pointed elsewhere. */
export function findServiceProblem(canary: Canary, services: ServiceObjects, plan: ServicesPlan): Problem | null {
  const where = (service: KubeObject): string => `Service ${canary.identity.namespace}/${service.metadata.name}`;
  for (const role of ['primary', 'canary'] as const) {
    const service = services[role];
    if (service === null || isOwnedBy(service, canary)) continue;
    const want = selectorFor(plan.label, roleTo(role));
    if (sameJson(objectOf(service, 'spec', 'selector'), want)) continue;
    return {
      reason: 'ServiceTaken',
      message: `Cannot use ${where(service)}: it is not this Canary's and does not select ${JSON.stringify(want)}; delete or rename it`,
    };
  }
  const { apex } = services;
  if (apex !== null && textOf(apex, 'spec', 'type') === 'ExternalName') {
    return {
      reason: 'ServiceTaken',
      message: `Cannot use ${where(apex)}: its type is ExternalName, must be one that selects pods`,
    };
  }
  return null;
}
