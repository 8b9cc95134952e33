// What both versions of the App Mesh API share: protocols, retry events, and which virtual node plays which part.
import type { JsonObject } from '../util/json.ts';
import type { ObjectRef, ResourceKind } from '../kube/contract.ts';
import { refOf } from '../kube/kinds.ts';
import { readSaved } from './backends.ts';
import type { BackendDialect } from './backends.ts';
import type { LabelMatch, MeshCapabilities, RouteRequest, TrafficMetrics } from './contract.ts';
import { parseDurationMs } from './durations.ts';
import { judgeMatches, readMatches } from './http-match.ts';
import type { HttpMatch, MatchAbility } from './http-match.ts';
import { compact, objectsAt, textAt } from './members.ts';
import { isHostOf } from './names.ts';
import type { Role } from './names.ts';
import { controllerOf } from './owned.ts';
import type { Objects } from './route-driver.ts';
import { judgeFields, judgeGrpc, servicePath } from './service-fields.ts';
import type { Flaw } from './service-fields.ts';
import { applicationMetrics, POD_PATTERN } from './traffic.ts';

export const APP_MESH_GROUP = 'appmesh.k8s.aws';

/** The protocols of a listener. */
export type AppMeshProtocol = 'http' | 'http2' | 'grpc' | 'tcp';

/** The protocol of the listener: HTTP/2 by the name of the port or its appProtocol. */
export function protocolOf(request: RouteRequest): AppMeshProtocol {
  if (request.protocol !== 'http') return request.protocol;
  const names = [request.service.portName, request.service.appProtocol ?? ''].map((name) => name.toLowerCase());
  return names.some((name) => /(^|[/-])(http2|h2c)($|-)/.test(name)) ? 'http2' : 'http';
}

/** Annotations by which the App Mesh gateway of Flagger's makers exposes a virtual service. */
export function gatewayAnnotations(request: RouteRequest): Readonly<Record<string, string>> {
  const { hosts, timeout, retries } = request.service;
  if (hosts.length === 0) return {};
  const prefix = 'gateway.appmesh.k8s.aws';
  return {
    [`${prefix}/expose`]: 'true',
    [`${prefix}/domain`]: hosts.join(','),
    ...(timeout === null ? {} : { [`${prefix}/timeout`]: timeout }),
    ...(retries === null || retries.attempts < 1 ? {} : { [`${prefix}/retries`]: String(retries.attempts) }),
  };
}

/** When to retry, in App Mesh's three lists. Words of Envoy and Istio that mean the same are understood. */
interface RetryEvents {
  readonly httpRetryEvents?: readonly string[];
  readonly tcpRetryEvents?: readonly string[];
  readonly grpcRetryEvents?: readonly string[];
}

const HTTP_EVENTS: Readonly<Record<string, readonly string[]>> = {
  'server-error': ['server-error'],
  'gateway-error': ['gateway-error'],
  'client-error': ['client-error'],
  'stream-error': ['stream-error'],
  '5xx': ['server-error', 'gateway-error'],
  'retriable-4xx': ['client-error'],
  reset: ['stream-error'],
  'refused-stream': ['stream-error'],
};
const TCP_EVENTS: Readonly<Record<string, readonly string[]>> = {
  'connection-error': ['connection-error'],
  'connect-failure': ['connection-error'],
};
const GRPC_EVENTS: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  ['cancelled', 'deadline-exceeded', 'internal', 'resource-exhausted', 'unavailable'].map((event) => [event, [event]]),
);

function wordsOf(request: RouteRequest): readonly string[] {
  const { retries } = request.service;
  const absent = request.protocol === 'grpc' ? 'unavailable' : 'gateway-error';
  return (retries?.retryOn ?? absent)
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
}

function eventsOf(request: RouteRequest): RetryEvents {
  const pick = (table: Readonly<Record<string, readonly string[]>>): readonly string[] => [
    ...new Set(wordsOf(request).flatMap((word) => table[word] ?? [])),
  ];
  const lists = {
    httpRetryEvents: pick(HTTP_EVENTS),
    tcpRetryEvents: pick(TCP_EVENTS),
    grpcRetryEvents: pick(GRPC_EVENTS),
  };
  return Object.fromEntries(Object.entries(lists).filter(([, list]) => list.length > 0));
}

/** The retry policy but for the spelling of its time-out; null when none is asked for. Flagger's defaults: one retry, 250 ms each. */
export function retryOf(
  request: RouteRequest,
): { readonly maxRetries: number; readonly perTryMs: number; readonly events: RetryEvents } | null {
  const { retries } = request.service;
  if (retries === null || request.protocol === 'tcp') return null;
  const perTryMs = retries.perTryTimeout === null ? null : parseDurationMs(retries.perTryTimeout);
  return { maxRetries: Math.max(retries.attempts, 1), perTryMs: perTryMs ?? 250, events: eventsOf(request) };
}

/** The only match of an HTTP route. */
export function httpMatchOf(request: RouteRequest): HttpMatch {
  return readMatches(request)[0] ?? { path: null, method: null, headers: [], query: [], others: [] };
}

/** App Mesh's form of named text matches. */
export function namedMatches(items: HttpMatch['headers']): readonly JsonObject[] {
  return items.map(({ name, match }) => ({ name, match: { [match.how]: match.value } }));
}

/** The match of a gRPC route: everything when no service is named. */
export function grpcMatchOf(request: RouteRequest): JsonObject {
  const { grpc } = request.service;
  return compact({ serviceName: grpc?.serviceName ?? undefined, methodName: grpc?.methodName ?? undefined });
}

/** What of spec.service App Mesh cannot say. */
export function judgeAppMesh(
  request: RouteRequest,
  provider: string,
  able: MeshCapabilities,
  matches: MatchAbility,
): readonly Flaw[] {
  const { retries, timeout, match } = request.service;
  const flaws: Flaw[] = [
    ...judgeFields(request, provider, able),
    ...judgeGrpc(request),
    ...judgeMatches(request, matches, provider),
  ];
  if (match.length > 0 && request.protocol !== 'http') {
    flaws.push({
      path: servicePath('match'),
      message: `a ${request.protocol} route has no HTTP match, must be unset (use spec.service.grpc)`,
    });
  }
  if (timeout !== null && parseDurationMs(timeout) === null) {
    flaws.push({ path: servicePath('timeout'), message: `"${timeout}" is no duration, must be like "15s"` });
  }
  if (retries !== null) flaws.push(...judgeRetries(request, retries.perTryTimeout));
  return flaws;
}

function judgeRetries(request: RouteRequest, perTryTimeout: string | null): readonly Flaw[] {
  const known = { ...HTTP_EVENTS, ...TCP_EVENTS, ...(request.protocol === 'grpc' ? GRPC_EVENTS : {}) };
  const flaws = wordsOf(request)
    .filter((word) => !Object.hasOwn(known, word))
    .map((word): Flaw => ({
      path: servicePath('retries', 'retryOn'),
      message: `"${word}" is unknown, must be of ${Object.keys(known).join(', ')}`,
    }));
  if (request.protocol === 'tcp')
    flaws.push({ path: servicePath('retries'), message: 'a TCP route has no retries, must be unset' });
  if (perTryTimeout !== null && parseDurationMs(perTryTimeout) === null) {
    flaws.push({
      path: servicePath('retries', 'perTryTimeout'),
      message: `"${perTryTimeout}" is no duration, must be like "250ms"`,
    });
  }
  return flaws;
}

/** How one version of the API names nodes. */
export interface NodeDialect {
  /** Members of a route that hold an action with weighted targets. */
  readonly routeMembers: readonly string[];
  /** The node that a weighted target names, in the namespace of the Canary; null for any other. */
  nodeOf(target: JsonObject, namespace: string): string | null;
  /** The target for another node. */
  withNode(target: JsonObject, node: string): JsonObject;
  /** The DNS name of a node; null when it is not discovered by DNS. */
  hostOf(node: unknown): string | null;
}

/** Names of all nodes that the route sends traffic to, or did before it was adopted. */
function targetNodes(route: unknown, dialect: NodeDialect, namespace: string): readonly string[] {
  const routes = objectsAt(route, 'spec', 'routes');
  const now = routes.flatMap((item) =>
    dialect.routeMembers.flatMap((member) => objectsAt(item, member, 'action', 'weightedTargets')),
  );
  const object = route as { metadata?: unknown } | null | undefined;
  const before =
    object?.metadata === undefined ? [] : readSaved(route as never).flatMap((saved) => objectsAt(saved, 'backends'));
  const nodes = [...now, ...before].map((target) => dialect.nodeOf(target, namespace)).filter((node) => node !== null);
  return [...new Set(nodes)];
}

/** The nodes to look at: our three, and those that the route names. */
export function nodeRefs(
  request: RouteRequest,
  kind: ResourceKind,
  route: unknown,
  dialect: NodeDialect,
): readonly ObjectRef[] {
  const { names, owner } = request;
  const nodes = [names.apex, names.primary, names.canary, ...targetNodes(route, dialect, owner.namespace)];
  return [...new Set(nodes)].map((node) => refOf(kind, owner.namespace, node));
}

/** The node that stands for the apex Service: one that the route names and that leads there by DNS, else the one of its name. */
export function apexNode(request: RouteRequest, route: unknown, seen: Objects, dialect: NodeDialect): string {
  const { names, owner } = request;
  const leadsToApex = (node: string): boolean => {
    const host = dialect.hostOf(seen.get(`VirtualNode/${node}`));
    return host !== null && isHostOf(host, names.apex, owner.namespace);
  };
  const named = targetNodes(route, dialect, owner.namespace).filter(
    (node) => node !== names.primary && node !== names.canary,
  );
  return named.find((node) => node !== names.apex && leadsToApex(node)) ?? names.apex;
}

/** Where the weighted targets of a router's routes are. */
export function targetsDialect(request: RouteRequest, apex: string, dialect: NodeDialect): BackendDialect {
  const { names, owner } = request;
  const nodes: Readonly<Record<Role, string>> = { apex, primary: names.primary, canary: names.canary };
  const roleOf = (target: JsonObject): Role | null => {
    const node = dialect.nodeOf(target, owner.namespace);
    if (node === names.apex) return 'apex';
    return (['apex', 'primary', 'canary'] as const).find((role) => nodes[role] === node) ?? null;
  };
  return {
    lists: (spec) =>
      objectsAt(spec, 'routes').flatMap((item, index) =>
        dialect.routeMembers
          .filter((member) => objectsAt(item, member, 'action', 'weightedTargets').length > 0)
          .map((member) => ['routes', index, member, 'action', 'weightedTargets']),
      ),
    roleOf,
    retarget: (target, to) => dialect.withNode(target, nodes[to]),
    flawOf: () => null,
    weightAbsent: 0,
    isWeightRequired: true,
  };
}

/** A node that is not ours serves when DNS leads from it to the Service of its name. The user's own apex node may be discovered in another way. */
export function judgeNode(found: unknown, service: string, request: RouteRequest, dialect: NodeDialect): string | null {
  const host = dialect.hostOf(found);
  const { namespace } = request.owner;
  if (host === null ? service === request.names.apex : isHostOf(host, service, namespace)) return null;
  return `it leads to ${host === null ? 'no DNS name' : `"${host}"`}, must lead to "${service}.${namespace}" or be deleted`;
}

/** True for a node that somebody else made, other than with this Canary in charge. */
export function isForeignNode(node: unknown, ownerUid: string): boolean {
  return node !== null && node !== undefined && controllerOf(node as never)?.uid !== ownerUid;
}

const INGRESS: readonly LabelMatch[] = [
  { label: 'kubernetes_namespace', op: '=', value: '{{ namespace }}', isIdentity: true },
  { label: 'kubernetes_pod_name', op: '=~', value: POD_PATTERN, isIdentity: true },
  { label: 'envoy_cluster_name', op: '=~', value: 'cds_ingress_.*' },
];

/**
 * Envoy's counters of what the proxy hands to the application. Envoy sees no gRPC failure there (the HTTP status is 200, and App
 * Mesh does not turn on its gRPC statistics), so gRPC is judged by what the application itself serves.
 */
export function appMeshMetrics(protocol: 'http' | 'grpc' | 'tcp'): TrafficMetrics | null {
  if (protocol !== 'http') return applicationMetrics(protocol);
  return {
    requests: {
      metric: 'envoy_cluster_upstream_rq',
      labels: INGRESS,
      failure: { label: 'envoy_response_code', op: '=~', value: '5.*' },
    },
    latency: { metric: 'envoy_cluster_upstream_rq_time', labels: INGRESS, unit: 'ms' },
    scrape: { port: 9901, path: '/stats/prometheus' },
  };
}

/** The text of a DNS member. */
export function dnsHost(node: unknown, member: string): string | null {
  return textAt(node, 'spec', 'serviceDiscovery', 'dns', member);
}
