// AWS App Mesh, both versions of its API: routes of virtual services to weighted virtual nodes.
import type { KubeObject, ResourceKind } from '../../kube/contract.ts';
import type { StoreAccess } from '../apiserver/access.ts';
import { settleAppMesh } from './appmesh-status.ts';
import { at, numberAt, objectsAt, textAt } from './read.ts';
import type { Backend, RequestFacts, Rule, ServiceName } from './table.ts';
import { NO_CHANGES, fullPattern, hostMatcher, parseHost } from './table.ts';
import type { RouteReader } from './view.ts';

const GROUP = 'appmesh.k8s.aws';
const kind = (version: string, name: string, plural: string): ResourceKind => ({
  group: GROUP,
  version,
  kind: name,
  plural,
  namespaced: true,
});
const SERVICE_1 = kind('v1beta1', 'VirtualService', 'virtualservices');
const NODE_1 = kind('v1beta1', 'VirtualNode', 'virtualnodes');
const SERVICE_2 = kind('v1beta2', 'VirtualService', 'virtualservices');
const ROUTER_2 = kind('v1beta2', 'VirtualRouter', 'virtualrouters');
const NODE_2 = kind('v1beta2', 'VirtualNode', 'virtualnodes');

/** A route whose nodes do not exist is refused by App Mesh: what was taken last goes on. */
type Accepted = Map<string, readonly Record<string, unknown>[]>;

/** Reads v1beta1: the routes lie within the VirtualService, whose name is the host. */
export function openAppMeshV1Beta1(): RouteReader {
  const accepted: Accepted = new Map();
  return {
    kinds: [SERVICE_1, NODE_1],
    read: (store) =>
      store.list(SERVICE_1, null).flatMap((service) => {
        const namespace = service.metadata.namespace ?? '';
        const nodeOf = (target: Record<string, unknown>): ServiceNode | null =>
          findNode(store, NODE_1, textAt(target, 'virtualNodeName') ?? '', namespace, 'hostName');
        const routes = objectsAt(service, 'spec', 'routes').map((route) => ({ ...route, ...inlineOf(route) }));
        return rulesOf(service, [service.metadata.name], keepAccepted(accepted, service, routes, nodeOf), nodeOf);
      }),
    settle: (store, nowMs) =>
      settleAppMesh(
        store,
        nowMs,
        [
          [SERVICE_1, ['VirtualServiceActive', 'VirtualRouterActive', 'RoutesActive']],
          [NODE_1, ['VirtualNodeActive']],
        ],
        false,
      ),
  };
}

/** Reads v1beta2: the VirtualService names a router or a node; the routes lie in the VirtualRouter. */
export function openAppMeshV1Beta2(): RouteReader {
  const accepted: Accepted = new Map();
  return {
    kinds: [SERVICE_2, ROUTER_2, NODE_2],
    read: (store) => store.list(SERVICE_2, null).flatMap((service) => readV1Beta2(store, accepted, service)),
    settle: (store, nowMs) =>
      settleAppMesh(
        store,
        nowMs,
        [
          [SERVICE_2, ['VirtualServiceActive']],
          [ROUTER_2, ['VirtualRouterActive']],
          [NODE_2, ['VirtualNodeActive']],
        ],
        true,
      ),
  };
}

function readV1Beta2(store: StoreAccess, accepted: Accepted, service: KubeObject): readonly Rule[] {
  const namespace = service.metadata.namespace ?? '';
  const hosts = [textAt(service, 'spec', 'awsName') ?? `${service.metadata.name}.${namespace}`];
  const nodeIn =
    (space: string) =>
    (target: Record<string, unknown>): ServiceNode | null => {
      const ref = at(target, 'virtualNodeRef');
      return findNode(store, NODE_2, textAt(ref, 'name') ?? '', textAt(ref, 'namespace') ?? space, 'hostname');
    };
  const node = at(service, 'spec', 'provider', 'virtualNode', 'virtualNodeRef');
  if (node !== undefined) {
    const route = { httpRoute: { action: { weightedTargets: [{ virtualNodeRef: node, weight: 1 }] } } };
    return rulesOf(service, hosts, [route], nodeIn(namespace));
  }
  const ref = at(service, 'spec', 'provider', 'virtualRouter', 'virtualRouterRef');
  const space = textAt(ref, 'namespace') ?? namespace;
  const router = store.get(ROUTER_2, space, textAt(ref, 'name') ?? '');
  if (router === null) return [];
  const routes = keepAccepted(accepted, router, objectsAt(router, 'spec', 'routes'), nodeIn(space));
  return rulesOf(service, hosts, routes, nodeIn(space));
}

/** The spec under the names of v1beta2, whatever the protocol is called in v1beta1. */
function inlineOf(route: Record<string, unknown>): Record<string, unknown> {
  return { httpRoute: route['http'], http2Route: route['http2'], grpcRoute: route['grpc'], tcpRoute: route['tcp'] };
}

const PROTOCOLS = ['httpRoute', 'http2Route', 'grpcRoute', 'tcpRoute'] as const;
const PRIORITY_LAST = 1_001;

function specOf(route: Record<string, unknown>): { protocol: (typeof PROTOCOLS)[number]; spec: unknown } | null {
  const protocol = PROTOCOLS.find((name) => route[name] !== undefined);
  return protocol === undefined ? null : { protocol, spec: route[protocol] };
}

const targetsOf = (route: Record<string, unknown>): readonly Record<string, unknown>[] =>
  objectsAt(specOf(route)?.spec, 'action', 'weightedTargets');

function keepAccepted(
  accepted: Accepted,
  owner: KubeObject,
  routes: readonly Record<string, unknown>[],
  nodeOf: (target: Record<string, unknown>) => ServiceNode | null,
): readonly Record<string, unknown>[] {
  const uid = owner.metadata.uid ?? '';
  const isWhole = routes.every((route) => targetsOf(route).every((target) => nodeOf(target) !== null));
  if (isWhole) accepted.set(uid, routes);
  return accepted.get(uid) ?? [];
}

interface ServiceNode {
  readonly service: ServiceName;
  readonly port: number | null;
}

/** A node by name, or `name.namespace`: where its DNS name leads, at the port of its listener. */
function findNode(
  store: StoreAccess,
  nodeKind: ResourceKind,
  name: string,
  namespace: string,
  member: string,
): ServiceNode | null {
  const [plain = '', space] = name.split('.');
  const node = store.get(nodeKind, space ?? namespace, plain);
  const host = textAt(node, 'spec', 'serviceDiscovery', 'dns', member);
  if (node === null || host === null) return null;
  const { service } = parseHost(host, node.metadata.namespace ?? '');
  if (service === null) return null;
  return { service, port: numberAt(objectsAt(node, 'spec', 'listeners')[0], 'portMapping', 'port') };
}

/** Routes with a lower priority number come first; among equals the longer prefix does. */
function rulesOf(
  owner: KubeObject,
  hosts: readonly string[],
  routes: readonly Record<string, unknown>[],
  nodeOf: (target: Record<string, unknown>) => ServiceNode | null,
): readonly Rule[] {
  const namespace = owner.metadata.namespace ?? '';
  const matchers = hosts.map((host) => hostMatcher(host, namespace));
  return [...routes].sort(byPriority).map((route) => ({
    origin: `VirtualService ${namespace}/${owner.metadata.name}`,
    via: ['mesh'],
    isFor: (host) => matchers.some((matches) => matches(host)),
    matches: matcherOf(route),
    backends: targetsOf(route).map((target): Backend => {
      const node = nodeOf(target);
      return {
        service: node?.service ?? null,
        port: numberAt(target, 'port') ?? node?.port ?? null,
        labels: null,
        weight: numberAt(target, 'weight') ?? 0,
        headers: NO_CHANGES,
      };
    }),
    headers: NO_CHANGES,
    timeoutMs: timeoutOf(route),
    rewrite: null,
  }));
}

function byPriority(a: Record<string, unknown>, b: Record<string, unknown>): number {
  const priorityOf = (route: Record<string, unknown>): number =>
    numberAt(route, 'priority') ?? numberAt(specOf(route)?.spec, 'priority') ?? PRIORITY_LAST;
  const lengthOf = (route: Record<string, unknown>): number =>
    textAt(specOf(route)?.spec, 'match', 'prefix')?.length ??
    textAt(specOf(route)?.spec, 'match', 'serviceName')?.length ??
    0;
  return priorityOf(a) - priorityOf(b) || lengthOf(b) - lengthOf(a);
}

function matcherOf(route: Record<string, unknown>): (request: RequestFacts) => boolean {
  const found = specOf(route);
  if (found === null) return () => false;
  const match = at(found.spec, 'match');
  const named = [...objectsAt(match, 'headers'), ...objectsAt(match, 'metadata')].map(namedMatch);
  const isCall = found.protocol === 'grpcRoute' ? grpcMatch(match) : httpMatch(match);
  return (request) => isCall(request) && named.every((holds) => holds(request));
}

function httpMatch(match: unknown): (request: RequestFacts) => boolean {
  const [prefix, method, exact] = [textAt(match, 'prefix'), textAt(match, 'method'), textAt(match, 'path', 'exact')];
  const regex = textAt(match, 'path', 'regex');
  const isPath = regex === null ? (path: string): boolean => exact === null || path === exact : fullPattern(regex);
  return (request) =>
    (prefix === null || request.path.startsWith(prefix)) &&
    (method === null || request.method === method) &&
    isPath(request.path);
}

function grpcMatch(match: unknown): (request: RequestFacts) => boolean {
  const [service, method] = [textAt(match, 'serviceName'), textAt(match, 'methodName')];
  return ({ path }) => {
    const [, asked, call] = path.split('/');
    return (service === null || asked === service) && (method === null || call === method);
  };
}

/** A header or metadata entry: exact, prefix, suffix, regex or range; without any of them it has to be there. */
function namedMatch(item: Record<string, unknown>): (request: RequestFacts) => boolean {
  const name = (textAt(item, 'name') ?? '').toLowerCase();
  const holds = textTest(item['match']);
  const isInverted = item['invert'] === true;
  return ({ headers }) => {
    const value = headers[name];
    return (value !== undefined && holds(value)) !== isInverted;
  };
}

function textTest(match: unknown): (text: string) => boolean {
  const [exact, prefix, suffix, regex] = ['exact', 'prefix', 'suffix', 'regex'].map((how) => textAt(match, how));
  const [start, end] = [numberAt(match, 'range', 'start'), numberAt(match, 'range', 'end')];
  const isRegex = regex === null || regex === undefined ? () => true : fullPattern(regex);
  return (text) =>
    (exact === null || text === exact) &&
    (prefix === null || text.startsWith(prefix ?? '')) &&
    (suffix === null || text.endsWith(suffix ?? '')) &&
    isRegex(text) &&
    (start === null || end === null || (Number(text) >= start && Number(text) < end));
}

/** `timeout.perRequest` of a v1beta2 route; v1beta1 has none. */
function timeoutOf(route: Record<string, unknown>): number | null {
  const timeout = at(specOf(route)?.spec, 'timeout', 'perRequest');
  const value = numberAt(timeout, 'value');
  if (value === null || value === 0) return null;
  return textAt(timeout, 'unit') === 's' ? value * 1_000 : value;
}
