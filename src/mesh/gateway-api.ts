// Kubernetes Gateway API: one HTTPRoute or GRPCRoute v1, on Gateways or, for a mesh (GAMMA), on Services.
import type { JsonObject } from '../util/json.ts';
import type { Kube } from '../kube/contract.ts';
import { refOf } from '../kube/kinds.ts';
import type { BackendDialect } from './backends.ts';
import type { MeshCapabilities, MeshDriver, MeshOutside, MeshProvider, RouteRequest } from './contract.ts';
import { GatewayLive } from './gateway-live.ts';
import { judgeRule, ruleOf, withGatewayDefaults } from './gateway-rules.ts';
import { reportedByParents } from './gateway-status.ts';
import { judgeMatches } from './http-match.ts';
import type { MatchAbility } from './http-match.ts';
import { needKind } from './kind-lookup.ts';
import type { KindLookup } from './kind-lookup.ts';
import { objectsAt, textAt } from './members.ts';
import type { Role } from './names.ts';
import { HANDS_OFF } from './owned.ts';
import type { Planned } from './owned.ts';
import { createRouteDriver } from './route-driver.ts';
import type { RouteDialect } from './route-driver.ts';
import { judgeFields, judgeGrpc, servicePath } from './service-fields.ts';
import type { Flaw } from './service-fields.ts';
import type { OurMembers } from './spec-compare.ts';
import { applicationMetrics } from './traffic.ts';

const NAME = 'gateway-api';
const GROUP = 'gateway.networking.k8s.io';

const CAPABILITIES: MeshCapabilities = {
  hasWeights: true,
  protocols: ['http', 'grpc'],
  reportsLive: true,
  serviceFields: [
    'timeout',
    'backendTimeout',
    'gatewayRefs',
    'hosts',
    'match',
    'rewrite',
    'headers',
    'corsPolicy',
    'grpc',
  ],
};

const HTTP: MatchAbility = {
  path: ['exact', 'prefix', 'regex'],
  method: ['exact'],
  headers: ['exact', 'regex'],
  query: ['exact', 'regex'],
  matchesMax: 64,
};
const GRPC: MatchAbility = {
  path: ['exact', 'prefix'],
  method: [],
  headers: ['exact', 'regex'],
  query: [],
  matchesMax: 64,
};

const OURS: OurMembers = {
  parentRefs: 'exact',
  hostnames: 'exact',
  matches: 'exact',
  filters: 'exact',
  timeouts: 'exact',
  backendRefs: 'loose',
};

function backendsOf(request: RouteRequest): BackendDialect {
  const { names, owner } = request;
  const roleOf = (backend: JsonObject): Role | null => {
    const isService = (textAt(backend, 'group') ?? '') === '' && (textAt(backend, 'kind') ?? 'Service') === 'Service';
    if (!isService || (textAt(backend, 'namespace') ?? owner.namespace) !== owner.namespace) return null;
    return (['apex', 'primary', 'canary'] as const).find((role) => names[role] === backend['name']) ?? null;
  };
  return {
    lists: (spec) =>
      objectsAt(spec, 'rules').flatMap((rule, index) =>
        Array.isArray(rule['backendRefs']) ? [['rules', index, 'backendRefs']] : [],
      ),
    roleOf,
    retarget: (backend, to) => ({ ...backend, name: names[to] }),
    flawOf: () => null,
    weightAbsent: 1,
    isWeightRequired: true,
  };
}

function planRoute(request: RouteRequest, kinds: KindLookup): Planned {
  const { service, names, owner, protocol } = request;
  return {
    ref: refOf(needKind(kinds, protocol === 'grpc' ? 'GRPCRoute' : 'HTTPRoute'), owner.namespace, names.apex),
    spec: { parentRefs: service.gatewayRefs, hostnames: service.hosts, rules: [ruleOf(request)] },
    labels: service.apex.labels,
    annotations: { ...service.apex.annotations, ...HANDS_OFF },
    ours: OURS,
    atRelease: 'keep',
    normalize: withGatewayDefaults,
  };
}

function validate(request: RouteRequest): readonly Flaw[] {
  const lacksParent = request.service.gatewayRefs.length === 0;
  const parent: Flaw = {
    path: servicePath('gatewayRefs'),
    message: 'is empty, must name a Gateway, or a Service for a mesh',
  };
  return [
    ...judgeFields(request, NAME, CAPABILITIES),
    ...(lacksParent ? [parent] : []),
    ...judgeGrpc(request),
    ...judgeMatches(request, request.protocol === 'grpc' ? GRPC : HTTP, NAME),
    ...judgeRule(request),
  ];
}

const DIALECT: RouteDialect = {
  provider: NAME,
  kinds: [
    { group: GROUP, kind: 'HTTPRoute', versions: ['v1'] },
    { group: GROUP, kind: 'GRPCRoute', versions: ['v1'], isOptional: true },
  ],
  validate,
  reads: (request, kinds) => [planRoute(request, kinds).ref],
  plan: (request, kinds) => {
    const route = planRoute(request, kinds);
    return { objects: [route], route, backends: backendsOf(request) };
  },
  reported: reportedByParents,
};

function createDriver(kube: Kube, outside?: MeshOutside): MeshDriver {
  const driver = createRouteDriver(kube, DIALECT);
  if (outside === undefined) return driver;
  const live = new GatewayLive(kube, outside.clock);
  return { ...driver, live: (request, found, shouldAsk) => live.see(request, found, shouldAsk) };
}

/** Gateway API, whoever implements it. Flagger's names for v1beta1 are accepted: a cluster that knew v1beta1 serves the same objects as v1. */
export const meshProvider: MeshProvider = {
  name: NAME,
  aliases: ['gatewayapi:v1*', 'gatewayapi:v1beta1*'],
  capabilities: CAPABILITIES,
  metrics: applicationMetrics,
  create: createDriver,
};
