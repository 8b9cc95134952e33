// AWS App Mesh by appmesh.k8s.aws/v1beta1: a VirtualService that holds its router and routes, and a VirtualNode for each Service.
import type { JsonObject } from '../util/json.ts';
import type { ObjectRef } from '../kube/contract.ts';
import { refOf } from '../kube/kinds.ts';
import {
  APP_MESH_GROUP,
  apexNode,
  appMeshMetrics,
  dnsHost,
  gatewayAnnotations,
  grpcMatchOf,
  httpMatchOf,
  judgeAppMesh,
  judgeNode,
  namedMatches,
  nodeRefs,
  protocolOf,
  retryOf,
  targetsDialect,
} from './app-mesh.ts';
import type { NodeDialect } from './app-mesh.ts';
import type { MeshCapabilities, MeshProvider, RouteRequest } from './contract.ts';
import type { MatchAbility } from './http-match.ts';
import { needKind } from './kind-lookup.ts';
import type { KindLookup } from './kind-lookup.ts';
import { compact, textAt } from './members.ts';
import type { Planned } from './owned.ts';
import { keyOf } from './owned.ts';
import { createRouteDriver } from './route-driver.ts';
import type { Objects, RouteDialect, RoutePlan } from './route-driver.ts';
import { servicePath } from './service-fields.ts';
import type { Flaw } from './service-fields.ts';
import type { OurMembers } from './spec-compare.ts';

const NAME = 'appmesh-v1beta1';

const CAPABILITIES: MeshCapabilities = {
  hasWeights: true,
  protocols: ['http', 'grpc', 'tcp'],
  // The status has conditions but no observedGeneration: a stale one cannot be told from a fresh one.
  reportsLive: false,
  serviceFields: ['timeout', 'hosts', 'match', 'retries', 'meshName', 'backends', 'grpc'],
};

const MATCHES: MatchAbility = {
  path: ['prefix'],
  method: ['exact'],
  headers: ['exact', 'prefix', 'regex'],
  query: [],
  matchesMax: 1,
};

const NODES: NodeDialect = {
  routeMembers: ['http', 'http2', 'grpc', 'tcp'],
  // A name with a dot carries its namespace: `shop.web` (legacy controller, names of App Mesh resources).
  nodeOf: (target, namespace) => {
    const [name, where = namespace, ...more] = (textAt(target, 'virtualNodeName') ?? '').split('.');
    return name === '' || where !== namespace || more.length > 0 ? null : name!;
  },
  withNode: (target, node) => {
    const [, where] = (textAt(target, 'virtualNodeName') ?? '').split('.');
    return { ...target, virtualNodeName: where === undefined ? node : `${node}.${where}` };
  },
  hostOf: (node) => dnsHost(node, 'hostName'),
};

const OURS: OurMembers = {
  meshName: 'exact',
  virtualRouter: 'loose',
  routes: 'loose',
  http: 'loose',
  http2: 'loose',
  grpc: 'loose',
  tcp: 'loose',
  match: 'exact',
  action: 'exact',
  retryPolicy: 'exact',
  priority: 'exact',
  backends: 'exact',
  dns: 'loose',
  cloudMap: 'exact',
};

/** Names under which a VirtualService for the apex may exist; ours has the first. */
function serviceNames(request: RouteRequest): readonly string[] {
  const { apex } = request.names;
  const full = `${apex}.${request.owner.namespace}`;
  return [full, `${full}.svc.cluster.local`, apex];
}

/** The VirtualService of the apex: one that exists under any of its names, else the one that we make. */
function apexService(request: RouteRequest, kinds: KindLookup, seen: Objects): ObjectRef {
  const refs = serviceNames(request).map((name) =>
    refOf(needKind(kinds, 'VirtualService'), request.owner.namespace, name),
  );
  return refs.find((ref) => (seen.get(keyOf(ref)) ?? null) !== null) ?? refs[0]!;
}

function planNode(request: RouteRequest, kinds: KindLookup, name: string, isKept: boolean): Planned {
  const { service, owner } = request;
  return {
    ref: refOf(needKind(kinds, 'VirtualNode'), owner.namespace, name),
    spec: {
      meshName: service.meshName ?? '',
      listeners: [{ portMapping: { port: service.port, protocol: protocolOf(request) } }],
      serviceDiscovery: { dns: { hostName: `${name}.${owner.namespace}` } },
      backends: service.backends.map((backend) => ({ virtualService: { virtualServiceName: backend } })),
    },
    ours: OURS,
    // The proxies of the pods that serve on after a release belong to these nodes.
    atRelease: isKept ? 'keep' : 'collect',
    judgeForeign: (found) => judgeNode(found, name, request, NODES),
  };
}

/** One route; a `priority`, which belongs to the member of the protocol, is left out as there is nothing to rank. */
function routeSpec(request: RouteRequest, router: string, targets: readonly JsonObject[]): JsonObject {
  const { service } = request;
  const protocol = protocolOf(request);
  const retry = retryOf(request);
  const match = httpMatchOf(request);
  const http = compact({
    prefix: match.path?.value ?? '/',
    method: match.method?.value,
    headers: match.headers.length === 0 ? undefined : namedMatches(match.headers),
  });
  const route = compact({
    match: { http, http2: http, grpc: grpcMatchOf(request), tcp: undefined }[protocol],
    action: { weightedTargets: targets },
    retryPolicy:
      retry === null
        ? undefined
        : { perRetryTimeoutMillis: retry.perTryMs, maxRetries: retry.maxRetries, ...retry.events },
  });
  return {
    meshName: service.meshName ?? '',
    virtualRouter: { name: router, listeners: [{ portMapping: { port: service.port, protocol } }] },
    routes: [{ name: router, [protocol]: route }],
  };
}

function plan(request: RouteRequest, kinds: KindLookup, seen: Objects): RoutePlan {
  const { names, service, owner } = request;
  const ref = apexService(request, kinds, seen);
  const apex = apexNode(request, seen.get(keyOf(ref)), seen, NODES);
  const nodes = [names.primary, names.canary].map((name) => planNode(request, kinds, name, true));
  const apexes = apex === names.apex ? [planNode(request, kinds, apex, true)] : [];
  const route: Planned = {
    ref,
    spec: routeSpec(request, names.apex, [
      { virtualNodeName: names.primary, weight: 100 },
      { virtualNodeName: names.canary, weight: 0 },
    ]),
    labels: service.apex.labels,
    annotations: { ...service.apex.annotations, ...gatewayAnnotations(request) },
    ours: OURS,
    atRelease: 'keep',
  };
  // The canary under a name of its own, for load tests and smoke tests.
  const direct: Planned = {
    ref: refOf(needKind(kinds, 'VirtualService'), owner.namespace, `${names.canary}.${owner.namespace}`),
    spec: routeSpec(request, names.canary, [{ virtualNodeName: names.canary, weight: 100 }]),
    ours: OURS,
    atRelease: 'collect',
  };
  return { objects: [...apexes, ...nodes, route, direct], route, backends: targetsDialect(request, apex, NODES) };
}

function validate(request: RouteRequest): readonly Flaw[] {
  const { meshName, timeout, hosts } = request.service;
  const flaws = [...judgeAppMesh(request, NAME, CAPABILITIES, MATCHES)];
  if (meshName === null) flaws.push({ path: servicePath('meshName'), message: 'is unset, must name the mesh' });
  if (timeout !== null && hosts.length === 0) {
    flaws.push({
      path: servicePath('timeout'),
      message: 'routes of v1beta1 have no time-out (only the gateway, which needs hosts, has one), must be unset',
    });
  }
  return flaws;
}

const DIALECT: RouteDialect = {
  provider: NAME,
  kinds: [
    { group: APP_MESH_GROUP, kind: 'VirtualService', versions: ['v1beta1'] },
    { group: APP_MESH_GROUP, kind: 'VirtualNode', versions: ['v1beta1'] },
  ],
  validate,
  reads: (request, kinds, seen) => {
    const services = serviceNames(request).map((name) =>
      refOf(needKind(kinds, 'VirtualService'), request.owner.namespace, name),
    );
    const route = seen.get(keyOf(apexService(request, kinds, seen)));
    const planned = plan(request, kinds, seen).objects.map(({ ref }) => ref);
    return [...services, ...planned, ...nodeRefs(request, needKind(kinds, 'VirtualNode'), route, NODES)];
  },
  plan,
};

/** AWS App Mesh, controller 0.x. Flagger's plain `appmesh` means this version. */
export const meshProvider: MeshProvider = {
  name: NAME,
  aliases: ['appmesh', 'appmesh:v1beta1'],
  capabilities: CAPABILITIES,
  metrics: appMeshMetrics,
  create: (kube) => createRouteDriver(kube, DIALECT),
};
