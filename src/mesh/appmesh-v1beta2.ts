// AWS App Mesh by appmesh.k8s.aws/v1beta2: VirtualRouter, VirtualService and VirtualNodes of their own.
import type { Json, JsonObject } from '../util/json.ts';
import { refOf } from '../kube/kinds.ts';
import type { KubeObject } from '../kube/contract.ts';
import {
  APP_MESH_GROUP,
  apexNode,
  appMeshMetrics,
  dnsHost,
  gatewayAnnotations,
  grpcMatchOf,
  httpMatchOf,
  isForeignNode,
  judgeAppMesh,
  judgeNode,
  namedMatches,
  nodeRefs,
  protocolOf,
  retryOf,
  targetsDialect,
} from './app-mesh.ts';
import type { AppMeshProtocol, NodeDialect } from './app-mesh.ts';
import type { MeshCapabilities, MeshProvider, RouteRequest } from './contract.ts';
import { parseDurationMs } from './durations.ts';
import type { HttpMatch, MatchAbility } from './http-match.ts';
import { needKind } from './kind-lookup.ts';
import type { KindLookup } from './kind-lookup.ts';
import { compact, memberAt, numberAt, objectsAt, textAt } from './members.ts';
import { keyOf } from './owned.ts';
import type { Planned } from './owned.ts';
import { createRouteDriver } from './route-driver.ts';
import type { Objects, Reported, RouteDialect, RoutePlan } from './route-driver.ts';
import type { OurMembers } from './spec-compare.ts';

const NAME = 'appmesh-v1beta2';

const CAPABILITIES: MeshCapabilities = {
  hasWeights: true,
  protocols: ['http', 'grpc', 'tcp'],
  reportsLive: true,
  serviceFields: ['timeout', 'hosts', 'match', 'retries', 'backends', 'grpc'],
};

const MATCHES: MatchAbility = {
  path: ['exact', 'prefix', 'regex'],
  method: ['exact'],
  headers: ['exact', 'prefix', 'regex'],
  query: ['exact'],
  matchesMax: 1,
};

const MEMBERS: Readonly<Record<AppMeshProtocol, string>> = {
  http: 'httpRoute',
  http2: 'http2Route',
  grpc: 'grpcRoute',
  tcp: 'tcpRoute',
};

const NODES: NodeDialect = {
  routeMembers: Object.values(MEMBERS),
  nodeOf: (target, namespace) =>
    (textAt(target, 'virtualNodeRef', 'namespace') ?? namespace) === namespace
      ? textAt(target, 'virtualNodeRef', 'name')
      : null,
  withNode: (target, node) => ({
    ...target,
    virtualNodeRef: { ...(target['virtualNodeRef'] as JsonObject), name: node },
  }),
  hostOf: (node) => dnsHost(node, 'hostname'),
};

// awsName and meshRef are set by the webhook of the App Mesh controller and are not ours.
const OURS: OurMembers = {
  routes: 'loose',
  httpRoute: 'loose',
  http2Route: 'loose',
  grpcRoute: 'loose',
  tcpRoute: 'loose',
  match: 'exact',
  action: 'exact',
  retryPolicy: 'exact',
  timeout: 'exact',
  provider: 'exact',
  podSelector: 'exact',
  backends: 'exact',
  dns: 'loose',
  awsCloudMap: 'exact',
};

/** The port of the container, where it is known by number, as Flagger has it. */
function portOf(request: RouteRequest): number {
  const { targetPort, port } = request.service;
  return typeof targetPort === 'number' && targetPort > 0 ? targetPort : port;
}

function timeoutOf(request: RouteRequest): JsonObject | undefined {
  const { timeout } = request.service;
  const valueMs = timeout === null ? null : parseDurationMs(timeout);
  if (valueMs === null) return undefined;
  // TCP has no requests, only idle connections.
  return { [request.protocol === 'tcp' ? 'idle' : 'perRequest']: { unit: 'ms', value: valueMs } };
}

function listenersOf(request: RouteRequest, timeout: JsonObject | undefined): Json {
  const protocol = protocolOf(request);
  const portMapping = { port: portOf(request), protocol };
  return [compact({ portMapping, timeout: timeout === undefined ? undefined : { [protocol]: timeout } })];
}

function planNode(request: RouteRequest, kinds: KindLookup, name: string, selects: string | null): Planned {
  const { service, owner, workloads } = request;
  return {
    ref: refOf(needKind(kinds, 'VirtualNode'), owner.namespace, name),
    spec: compact({
      // A node without a selector has no pods; one with an empty selector would have all.
      podSelector: selects === null ? undefined : { matchLabels: { [workloads.selectorLabel]: selects } },
      listeners: listenersOf(request, timeoutOf(request)),
      serviceDiscovery: { dns: { hostname: `${name}.${owner.namespace}.svc.cluster.local.` } },
      backends: service.backends.map((backend) => ({
        virtualService: backend.startsWith('arn:aws')
          ? { virtualServiceARN: backend }
          : { virtualServiceRef: { name: backend } },
      })),
    }),
    ours: OURS,
    // The proxies of the pods that serve on after a release belong to these nodes.
    atRelease: 'keep',
    judgeForeign: (found) => judgeNode(found, name, request, NODES),
  };
}

function pathOf(match: HttpMatch): JsonObject {
  if (match.path === null || match.path.how === 'prefix') return { prefix: match.path?.value ?? '/' };
  return { path: { [match.path.how]: match.path.value } };
}

function routeOf(request: RouteRequest, targets: readonly JsonObject[]): JsonObject {
  const protocol = protocolOf(request);
  const match = httpMatchOf(request);
  const retry = retryOf(request);
  const http = compact({
    ...pathOf(match),
    method: match.method?.value,
    headers: match.headers.length === 0 ? undefined : namedMatches(match.headers),
    queryParameters: match.query.length === 0 ? undefined : namedMatches(match.query),
  });
  return compact({
    match: { http, http2: http, grpc: grpcMatchOf(request), tcp: undefined }[protocol],
    action: { weightedTargets: targets },
    timeout: timeoutOf(request),
    retryPolicy:
      retry === null
        ? undefined
        : { maxRetries: retry.maxRetries, perRetryTimeout: { unit: 'ms', value: retry.perTryMs }, ...retry.events },
  });
}

function planRouter(request: RouteRequest, kinds: KindLookup, name: string, targets: readonly JsonObject[]): Planned {
  return {
    ref: refOf(needKind(kinds, 'VirtualRouter'), request.owner.namespace, name),
    spec: {
      listeners: listenersOf(request, undefined),
      routes: [{ name, [MEMBERS[protocolOf(request)]]: routeOf(request, targets) }],
    },
    ...(name === request.names.apex
      ? { labels: request.service.apex.labels, annotations: request.service.apex.annotations }
      : {}),
    ours: OURS,
    atRelease: name === request.names.apex ? 'keep' : 'collect',
  };
}

function planService(request: RouteRequest, kinds: KindLookup, name: string): Planned {
  const { names, service, owner } = request;
  const isApex = name === names.apex;
  return {
    ref: refOf(needKind(kinds, 'VirtualService'), owner.namespace, name),
    spec: { provider: { virtualRouter: { virtualRouterRef: { name } } } },
    ...(isApex
      ? { labels: service.apex.labels, annotations: { ...service.apex.annotations, ...gatewayAnnotations(request) } }
      : {}),
    ours: OURS,
    atRelease: isApex ? 'keep' : 'collect',
    judgeForeign: (found) => {
      const router = textAt(found, 'spec', 'provider', 'virtualRouter', 'virtualRouterRef', 'name');
      return router === name
        ? null
        : `its provider is not the virtual router "${name}", must be it, so that the route is followed`;
    },
  };
}

function plan(request: RouteRequest, kinds: KindLookup, seen: Objects): RoutePlan {
  const { names, owner, workloads } = request;
  const target = (node: string, weight: number): JsonObject => ({ virtualNodeRef: { name: node }, weight });
  const route = planRouter(request, kinds, names.apex, [target(names.primary, 100), target(names.canary, 0)]);
  const apex = apexNode(request, seen.get(keyOf(route.ref)), seen, NODES);
  // Two nodes that select the same pods are refused by App Mesh: where the user's own node has the target's pods, it keeps them.
  const apexFound = seen.get(`VirtualNode/${apex}`);
  const isTaken = isForeignNode(apexFound, owner.uid) && memberAt(apexFound, 'spec', 'podSelector') !== undefined;
  const apexes = apex === names.apex ? [{ ...planNode(request, kinds, apex, null), isReleaseOnly: true }] : [];
  const objects = [
    ...apexes,
    planNode(request, kinds, names.primary, workloads.primaryValue),
    planNode(request, kinds, names.canary, isTaken ? null : workloads.targetValue),
    route,
    planService(request, kinds, names.apex),
    // The canary under a name of its own, for load tests and smoke tests.
    planRouter(request, kinds, names.canary, [target(names.canary, 100)]),
    planService(request, kinds, names.canary),
  ];
  return { objects, route, backends: targetsDialect(request, apex, NODES) };
}

/** Whether the App Mesh API has taken this generation of the router. Proxies follow within seconds. */
function reportedBy(route: KubeObject): Reported {
  const observed = numberAt(route, 'status', 'observedGeneration');
  if (observed === null) return 'unknown';
  if (observed < (route.metadata.generation ?? 0)) return 'notYet';
  const conditions = objectsAt(route, 'status', 'conditions');
  return conditions.some(({ type, status }) => type === 'VirtualRouterActive' && status === 'True')
    ? 'taken'
    : 'unknown';
}

const DIALECT: RouteDialect = {
  provider: NAME,
  kinds: [
    { group: APP_MESH_GROUP, kind: 'VirtualRouter', versions: ['v1beta2'] },
    { group: APP_MESH_GROUP, kind: 'VirtualService', versions: ['v1beta2'] },
    { group: APP_MESH_GROUP, kind: 'VirtualNode', versions: ['v1beta2'] },
  ],
  validate: (request) => judgeAppMesh(request, NAME, CAPABILITIES, MATCHES),
  reads: (request, kinds, seen) => {
    const planned = plan(request, kinds, seen);
    const nodes = nodeRefs(request, needKind(kinds, 'VirtualNode'), seen.get(keyOf(planned.route.ref)), NODES);
    return [...planned.objects.map(({ ref }) => ref), ...nodes];
  },
  plan,
  reported: reportedBy,
};

/** AWS App Mesh, controller 1.x. */
export const meshProvider: MeshProvider = {
  name: NAME,
  aliases: ['appmesh:v1beta2*'],
  capabilities: CAPABILITIES,
  metrics: appMeshMetrics,
  create: (kube) => createRouteDriver(kube, DIALECT),
};
