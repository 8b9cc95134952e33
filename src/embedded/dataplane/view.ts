// What the data plane knows: routes and endpoints as they were a short while ago, as proxies learn of changes late.
import type { KubeObject, ResourceKind } from '../../kube/contract.ts';
import { POD, SERVICE } from '../../kube/kinds.ts';
import type { CancelTimer, Clock } from '../../util/clock.ts';
import { ENDPOINT_SLICE, SERVICE_NAME } from '../actors/endpoints.ts';
import type { SliceEndpoint, SlicePort } from '../actors/endpoints.ts';
import { isSelected } from '../actors/shapes.ts';
import type { StoreAccess } from '../apiserver/access.ts';
import { numberAt, objectsAt, textAt } from './read.ts';
import type { Backend, Rule, ServiceName } from './table.ts';
import { serviceKey } from './table.ts';

/** Reads one family of routing APIs. */
export interface RouteReader {
  readonly kinds: readonly ResourceKind[];
  /** The rules as the objects ask for them now. */
  read(store: StoreAccess): readonly Rule[];
  /** Writes what the mesh's own controller would write into statuses; writes nothing when nothing is new. */
  settle?(store: StoreAccess, nowMs: number): void;
}

/** A place where a pod listens. */
export interface Endpoint {
  readonly ip: string;
  readonly port: number;
  readonly pod: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** What is known at one moment. */
export interface Snapshot {
  readonly rules: readonly Rule[];
  /** True when the Service exists. */
  hasService(name: ServiceName): boolean;
  /** Ready endpoints of a backend; empty when there are none. */
  endpointsOf(backend: Pick<Backend, 'service' | 'port' | 'labels'>): readonly Endpoint[];
  /** Every endpoint that may get new requests, as `ip:port`. */
  readonly addresses: ReadonlySet<string>;
}

/** The running view. */
export interface View {
  snapshot(): Snapshot;
  /** Calls `listener` after each change of the snapshot. Returns the way to stop. */
  onChange(listener: (snapshot: Snapshot) => void): () => void;
  stop(): void;
}

export interface ViewOptions {
  readonly store: StoreAccess;
  readonly clock: Clock;
  readonly readers: readonly RouteReader[];
  /** From a write to the moment when requests follow it. */
  readonly lagMs: number;
}

/** Starts the view. */
export function startView(options: ViewOptions): View {
  const { store, clock, readers, lagMs } = options;
  const listeners = new Set<(snapshot: Snapshot) => void>();
  let current = takeSnapshot(store, readers);
  let cancel: CancelTimer | null = null;

  function refresh(): void {
    cancel = null;
    for (const reader of readers) reader.settle?.(store, clock.nowMs());
    current = takeSnapshot(store, readers);
    for (const listener of listeners) listener(current);
  }
  const schedule = (): void => {
    cancel ??= clock.setTimer(lagMs, refresh);
  };
  const kinds = [SERVICE, ENDPOINT_SLICE, ...readers.flatMap((reader) => reader.kinds)];
  const stops = kinds.map((kind) => store.watch(kind, schedule));
  schedule();
  return {
    snapshot: () => current,
    onChange(listener) {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
    stop() {
      cancel?.();
      for (const stop of stops) stop();
    },
  };
}

interface ServicePortFacts {
  readonly name: string;
  readonly port: number;
  readonly targetPort: number | null;
}

interface ServiceFacts {
  readonly ports: readonly ServicePortFacts[];
  /** By port name. */
  readonly endpoints: Map<string, Endpoint[]>;
}

function takeSnapshot(store: StoreAccess, readers: readonly RouteReader[]): Snapshot {
  const services = new Map<string, ServiceFacts>();
  for (const service of store.list(SERVICE, null)) services.set(keyOf(service), factsOf(service));
  const addresses = new Set<string>();
  for (const slice of store.list(ENDPOINT_SLICE, null)) readSlice(store, services, slice, addresses);
  return {
    rules: readers.flatMap((reader) => reader.read(store)),
    addresses,
    hasService: (name) => services.has(serviceKey(name)),
    endpointsOf({ service, port, labels }) {
      const facts = service === null ? undefined : services.get(serviceKey(service));
      if (facts === undefined) return [];
      const all = facts.endpoints.get(portOf(facts, port)?.name ?? '') ?? [];
      return labels === null ? all : all.filter((endpoint) => isSelected(labels, endpoint.labels));
    },
  };
}

const keyOf = (object: KubeObject): string => `${object.metadata.namespace ?? ''}/${object.metadata.name}`;

function factsOf(service: KubeObject): ServiceFacts {
  const ports = objectsAt(service, 'spec', 'ports').map((port) => ({
    name: textAt(port, 'name') ?? '',
    port: numberAt(port, 'port') ?? 0,
    targetPort: numberAt(port, 'targetPort'),
  }));
  return { ports, endpoints: new Map() };
}

/** The port of the Service with this number; else the one with this target port (a node behind no virtual address); else the first. */
function portOf({ ports }: ServiceFacts, port: number | null): ServicePortFacts | undefined {
  return ports.find((item) => item.port === port) ?? ports.find((item) => item.targetPort === port) ?? ports[0];
}

function readSlice(
  store: StoreAccess,
  services: ReadonlyMap<string, ServiceFacts>,
  slice: KubeObject,
  addresses: Set<string>,
): void {
  const namespace = slice.metadata.namespace ?? '';
  const facts = services.get(`${namespace}/${slice.metadata.labels?.[SERVICE_NAME] ?? ''}`);
  if (facts === undefined) return;
  for (const endpoint of (slice['endpoints'] ?? []) as readonly SliceEndpoint[]) {
    if (!endpoint.conditions.ready) continue;
    const pod = endpoint.targetRef.name;
    const labels = store.get(POD, namespace, pod)?.metadata.labels ?? {};
    for (const { name, port } of (slice['ports'] ?? []) as readonly SlicePort[]) {
      const ip = endpoint.addresses[0] ?? '';
      const held = facts.endpoints.get(name) ?? [];
      facts.endpoints.set(name, [...held, { ip, port, pod, labels }]);
      addresses.add(`${ip}:${port}`);
    }
  }
}
