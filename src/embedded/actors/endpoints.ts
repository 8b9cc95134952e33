// The EndpointSlice controller: who is behind a Service now, and at which port.
import type { KubeObject, ResourceKind } from '../../kube/contract.ts';
import { POD, SERVICE } from '../../kube/kinds.ts';
import { canonicalJson, sameJson } from '../../util/json.ts';
import type { Actor, ActorOptions } from './actor.ts';
import { startLoop } from './loop.ts';
import { PORT_ANNOTATION } from './runner.ts';
import { asPod, controlledBy, hashOf, isSelected, keyOf, readySince, splitKey } from './shapes.ts';

export const ENDPOINT_SLICE: ResourceKind = {
  group: 'discovery.k8s.io',
  version: 'v1',
  kind: 'EndpointSlice',
  plural: 'endpointslices',
  namespaced: true,
};

/** The label by which a slice names its Service. */
export const SERVICE_NAME = 'kubernetes.io/service-name';
const MANAGED_BY = 'endpointslice.kubernetes.io/managed-by';
const MANAGER = 'endpointslice-controller.k8s.io';
const WRITE = { user: 'endpointslice-controller' } as const;

/** A port of a Service. */
interface ServicePort {
  readonly name?: string;
  readonly port: number;
  readonly targetPort?: number | string;
  readonly protocol?: string;
  readonly appProtocol?: string;
}

/** A port as a slice has it. */
export interface SlicePort {
  readonly name: string;
  readonly port: number;
  readonly protocol: string;
  readonly appProtocol?: string;
}

/** An endpoint as a slice has it. */
export interface SliceEndpoint {
  readonly addresses: readonly string[];
  readonly conditions: { readonly ready: boolean; readonly serving: boolean; readonly terminating: boolean };
  readonly nodeName?: string;
  readonly targetRef: { readonly kind: 'Pod'; readonly name: string; readonly namespace: string; readonly uid: string };
}

interface SliceContent {
  readonly ports: readonly SlicePort[];
  readonly endpoints: SliceEndpoint[];
}

/** Starts the EndpointSlice controller. */
export function startEndpoints(options: ActorOptions): Actor {
  const { store, clock, delayMs } = options;
  const loop = startLoop({ clock, delayMs, look: (key) => lookAt(options, key) });
  const enqueueFor = (pod: KubeObject | null): void => {
    if (pod === null) return;
    for (const service of store.list(SERVICE, pod.metadata.namespace ?? '')) {
      if (isSelected(selectorOf(service), pod.metadata.labels ?? {})) loop.enqueue(keyOf(service));
    }
  };
  const stops = [
    store.watch(SERVICE, (before, after) => {
      if (after !== null && !sameJson(before?.['spec'], after['spec'])) loop.enqueue(keyOf(after));
    }),
    store.watch(POD, (before, after) => {
      if (!isEndpointChanged(before, after)) return;
      enqueueFor(before);
      enqueueFor(after);
    }),
  ];
  for (const service of store.list(SERVICE, null)) loop.enqueue(keyOf(service));
  return {
    stop() {
      loop.stop();
      for (const stop of stops) stop();
    },
  };
}

const selectorOf = (service: KubeObject): Record<string, string> =>
  (service['spec'] as { selector?: Record<string, string> } | undefined)?.selector ?? {};

/** Of a pod only its labels, address, readiness and end concern a slice. */
function isEndpointChanged(before: KubeObject | null, after: KubeObject | null): boolean {
  const factsOf = (pod: KubeObject | null): unknown =>
    pod === null
      ? null
      : [pod.metadata.labels, asPod(pod).status?.podIP, readySince(pod) !== null, pod.metadata.deletionTimestamp];
  return !sameJson(factsOf(before), factsOf(after));
}

function lookAt({ store }: ActorOptions, key: string): void {
  const [namespace, name] = splitKey(key);
  const service = store.get(SERVICE, namespace, name);
  // Slices of a Service that is gone, or lost its selector, go with it: by their owner, or by the people who wrote them.
  if (service === null || Object.keys(selectorOf(service)).length === 0) return;
  const wanted = contentOf(service, store.list(POD, namespace));
  const held = store.list(ENDPOINT_SLICE, namespace, `${SERVICE_NAME}=${name},${MANAGED_BY}=${MANAGER}`);
  const names = new Set<string>();
  for (const content of wanted) {
    const slice = sliceOf(service, content);
    names.add(slice.metadata.name);
    const before = held.find((other) => other.metadata.name === slice.metadata.name);
    if (before === undefined) store.create(slice, WRITE);
    else if (!sameJson([before['endpoints'], before['ports']], [slice['endpoints'], slice['ports']])) {
      store.update({ ...slice, metadata: { ...before.metadata, labels: slice.metadata.labels ?? {} } }, WRITE);
    }
  }
  for (const slice of held) {
    if (!names.has(slice.metadata.name)) store.remove(ENDPOINT_SLICE, namespace, slice.metadata.name, WRITE);
  }
}

/** One slice for each set of ports: pods of one Service differ in them where targetPort is a name, or where they say so. */
function contentOf(service: KubeObject, pods: readonly KubeObject[]): readonly SliceContent[] {
  const bySignature = new Map<string, SliceContent>();
  for (const pod of pods) {
    if (!isSelected(selectorOf(service), pod.metadata.labels ?? {})) continue;
    const endpoint = endpointOf(pod);
    if (endpoint === null) continue;
    const ports = portsOf(service, pod);
    const signature = canonicalJson(ports);
    const content = bySignature.get(signature) ?? { ports, endpoints: [] };
    content.endpoints.push(endpoint);
    bySignature.set(signature, content);
  }
  if (bySignature.size === 0) return [{ ports: portsOf(service, null), endpoints: [] }];
  return [...bySignature.values()];
}

function endpointOf(pod: KubeObject): SliceEndpoint | null {
  const { podIP, phase } = asPod(pod).status ?? {};
  if (podIP === undefined || phase === 'Succeeded' || phase === 'Failed') return null;
  const isServing = readySince(pod) !== null;
  const isTerminating = pod.metadata.deletionTimestamp !== undefined;
  const { nodeName } = asPod(pod).spec;
  const { name, namespace = '', uid = '' } = pod.metadata;
  return {
    addresses: [podIP],
    conditions: { ready: isServing && !isTerminating, serving: isServing, terminating: isTerminating },
    ...(nodeName === undefined ? {} : { nodeName }),
    targetRef: { kind: 'Pod', name, namespace, uid },
  };
}

function portsOf(service: KubeObject, pod: KubeObject | null): SlicePort[] {
  const { ports = [] } = (service['spec'] ?? {}) as { ports?: ServicePort[] };
  const real = Number(pod?.metadata.annotations?.[PORT_ANNOTATION] ?? Number.NaN);
  return ports.flatMap((port) => {
    const number = Number.isInteger(real) ? real : targetPortOf(port, pod);
    if (number === null) return [];
    return {
      name: port.name ?? '',
      port: number,
      protocol: port.protocol ?? 'TCP',
      ...(port.appProtocol === undefined ? {} : { appProtocol: port.appProtocol }),
    };
  });
}

/** The number of a port; null when a named one is not on the pod. */
function targetPortOf(port: ServicePort, pod: KubeObject | null): number | null {
  const { targetPort = port.port } = port;
  if (typeof targetPort === 'number') return targetPort;
  const containers = pod === null ? [] : asPod(pod).spec.containers;
  const named = containers.flatMap(({ ports = [] }) => ports).find(({ name }) => name === targetPort);
  return named?.containerPort ?? null;
}

function sliceOf(service: KubeObject, content: SliceContent): KubeObject {
  const { name, namespace = '' } = service.metadata;
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `${name}-${hashOf(canonicalJson(content.ports), 5)}`,
      namespace,
      labels: { [SERVICE_NAME]: name, [MANAGED_BY]: MANAGER },
      ownerReferences: [controlledBy(service)],
    },
    addressType: 'IPv4',
    endpoints: content.endpoints,
    ports: content.ports,
  };
}
