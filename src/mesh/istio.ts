// Istio: a VirtualService with the two Services as weighted destinations, and a DestinationRule for each of them.
import type { JsonObject } from '../util/json.ts';
import type { Kube, KubeObject } from '../kube/contract.ts';
import { refOf } from '../kube/kinds.ts';
import { judgeLists } from './backends.ts';
import type { BackendDialect } from './backends.ts';
import type {
  LabelMatch,
  MeshCapabilities,
  MeshDriver,
  MeshOutside,
  MeshProvider,
  RouteRequest,
  TrafficMetrics,
} from './contract.ts';
import { grpcUri } from './http-match.ts';
import { IstioLive } from './istio-live.ts';
import { needKind } from './kind-lookup.ts';
import type { KindLookup } from './kind-lookup.ts';
import { compact, memberAt, objectsAt, textAt } from './members.ts';
import { isHostOf, retargetHost, roleOfHost } from './names.ts';
import { HANDS_OFF, keyOf } from './owned.ts';
import type { Planned } from './owned.ts';
import { createRouteDriver } from './route-driver.ts';
import type { Objects, RouteDialect, RoutePlan } from './route-driver.ts';
import { judgeFields, judgeGrpc, servicePath } from './service-fields.ts';
import type { Flaw } from './service-fields.ts';
import type { OurMembers } from './spec-compare.ts';
import { isAsWanted } from './spec-compare.ts';
import { GRPC_PASSING_NUMBERS } from './traffic.ts';

const NAME = 'istio';
const GROUP = 'networking.istio.io';
const VERSIONS = ['v1', 'v1beta1'];

const CAPABILITIES: MeshCapabilities = {
  hasWeights: true,
  protocols: ['http', 'grpc', 'tcp'],
  // VirtualService.status is written only by an istiod with PILOT_ENABLE_ANALYSIS, which is off by default. What is
  // live is asked of istiod itself, where it is named.
  reportsLive: false,
  serviceFields: [
    'timeout',
    'gateways',
    'hosts',
    'delegation',
    'trafficPolicy',
    'match',
    'rewrite',
    'retries',
    'headers',
    'corsPolicy',
    'grpc',
  ],
};

const OURS: OurMembers = {
  match: 'exact',
  rewrite: 'exact',
  timeout: 'exact',
  retries: 'exact',
  corsPolicy: 'exact',
  headers: 'exact',
  destination: 'exact',
  trafficPolicy: 'exact',
  hosts: 'exact',
  gateways: 'exact',
};

/** The list of a VirtualService in which a protocol is routed; gRPC is HTTP there. */
const sectionOf = ({ protocol }: RouteRequest): 'http' | 'tcp' => (protocol === 'tcp' ? 'tcp' : 'http');

/** Members of an HTTPMatchRequest that an L4MatchAttributes has too. */
const L4_MEMBERS = ['port', 'sourceLabels', 'gateways', 'sourceNamespace'];
/** Members of spec.service that say something of requests, of which a TCP route knows none. */
const REQUEST_FIELDS = ['timeout', 'rewrite', 'retries', 'headers', 'corsPolicy'] as const;

function backendsOf(request: RouteRequest, section = sectionOf(request)): BackendDialect {
  const host = (backend: JsonObject): string => textAt(backend, 'destination', 'host') ?? '';
  return {
    lists: (spec) =>
      objectsAt(spec, section).flatMap((rule, index) =>
        Array.isArray(rule['route']) ? [[section, index, 'route']] : [],
      ),
    roleOf: (backend) => roleOfHost(host(backend), request),
    retarget: (backend, to) => ({
      ...backend,
      destination: { ...(backend['destination'] as JsonObject), host: retargetHost(host(backend), to, request) },
    }),
    flawOf: (backend) => {
      const subset = textAt(backend, 'destination', 'subset');
      return subset === null
        ? null
        : `names the subset "${subset}" of the apex, must name no subset: the primary and the canary have none`;
    },
    weightAbsent: 0,
    isWeightRequired: false,
  };
}

/** The apex host comes last, unless it is listed, or `*` covers it. */
function hostsOf(request: RouteRequest): readonly string[] {
  const { hosts } = request.service;
  const { apex } = request.names;
  return hosts.includes('*') || hosts.includes(apex) ? hosts : [...hosts, apex];
}

/** The two Services as weighted destinations. A gateway, or a delegate that a gateway may lead to, cannot tell which of several ports is meant. */
function destinationsOf({ service, names }: RouteRequest): readonly JsonObject[] {
  const isBehindGateway = service.delegation || (service.gateways[0] ?? 'mesh') !== 'mesh';
  const port = service.portDiscovery && isBehindGateway ? { port: { number: service.port } } : {};
  return [
    { destination: { host: names.primary, ...port }, weight: 100 },
    { destination: { host: names.canary, ...port }, weight: 0 },
  ];
}

function httpOf(request: RouteRequest): JsonObject {
  const { service } = request;
  const uri = grpcUri(service.grpc);
  return compact({
    match: uri === null ? (service.match.length === 0 ? undefined : service.match) : [{ uri }],
    rewrite: service.rewrite ?? undefined,
    timeout: service.timeout ?? undefined,
    retries: service.retries === null ? undefined : compact({ ...service.retries }),
    corsPolicy: service.corsPolicy ?? undefined,
    headers: service.headers ?? undefined,
    route: destinationsOf(request),
  });
}

/** Names of matches label HTTP routes only. */
function tcpOf(request: RouteRequest): JsonObject {
  const match = request.service.match.map(({ name: _name, ...conditions }) => conditions);
  return compact({ match: match.length === 0 ? undefined : match, route: destinationsOf(request) });
}

function planRoute(request: RouteRequest, kinds: KindLookup, seen: Objects): Planned {
  const { service, names, owner } = request;
  const ref = refOf(needKind(kinds, 'VirtualService'), owner.namespace, names.apex);
  const gateways = service.gateways.length === 0 ? ['mesh'] : service.gateways;
  const section = sectionOf(request);
  const rules = section === 'tcp' ? { tcp: [tcpOf(request)] } : { http: [httpOf(request)] };
  // A pair of ours in the other section is left over from another protocol; anything else there is somebody else's.
  const other = section === 'tcp' ? 'http' : 'tcp';
  const isLeftOver = judgeLists(seen.get(keyOf(ref))?.['spec'], backendsOf(request, other)).some(
    ({ kind }) => kind === 'pair',
  );
  return {
    ref,
    spec: service.delegation ? rules : { hosts: hostsOf(request), gateways, ...rules },
    labels: service.apex.labels,
    annotations: { ...service.apex.annotations, ...HANDS_OFF },
    ours: isLeftOver ? { ...OURS, [other]: 'loose' } : OURS,
    atRelease: 'keep',
  };
}

function planRule(request: RouteRequest, kinds: KindLookup, host: string): Planned {
  const { service, owner } = request;
  const policy = service.trafficPolicy;
  return {
    ref: refOf(needKind(kinds, 'DestinationRule'), owner.namespace, host),
    spec: compact({ host, trafficPolicy: policy ?? undefined }),
    ours: OURS,
    atRelease: 'collect',
    judgeForeign: (found) => judgeRule(found, host, policy, owner.namespace),
  };
}

/** A DestinationRule that is not ours is left as it is; it must not stand in the way of a policy that the Canary asks for. */
function judgeRule(found: KubeObject, host: string, policy: JsonObject | null, namespace: string): string | null {
  if (policy === null) return null;
  const isHost = isHostOf(textAt(found, 'spec', 'host') ?? '', host, namespace);
  if (isHost && isAsWanted(policy, memberAt(found, 'spec', 'trafficPolicy'), {})) return null;
  return `it lacks spec.service.trafficPolicy for host "${host}", must hold it or be deleted`;
}

function plan(request: RouteRequest, kinds: KindLookup, seen: Objects): RoutePlan {
  const route = planRoute(request, kinds, seen);
  const rules = [request.names.primary, request.names.canary].map((host) => planRule(request, kinds, host));
  return { objects: [...rules, route], route, backends: backendsOf(request) };
}

function validate(request: RouteRequest): readonly Flaw[] {
  const hasType = textAt(request.service.rewrite, 'type') !== null;
  const type: Flaw = {
    path: servicePath('rewrite', 'type'),
    message: `mesh provider "${NAME}" decides it by the match, must be unset`,
  };
  return [
    ...judgeFields(request, NAME, CAPABILITIES),
    ...judgeGrpc(request),
    ...(hasType ? [type] : []),
    ...judgeDelegate(request),
    ...judgeTcp(request),
  ];
}

/** Istio takes a VirtualService without hosts for a delegate: it has no gateways either, and leads HTTP only. */
function judgeDelegate({ service, protocol }: RouteRequest): readonly Flaw[] {
  if (!service.delegation) return [];
  const flaws = (['hosts', 'gateways'] as const)
    .filter((field) => service[field].length > 0)
    .map((field): Flaw => ({
      path: servicePath(field),
      message:
        'a delegate has none of its own, must be unset with delegation: the VirtualService that leads to it has them',
    }));
  if (protocol !== 'tcp') return flaws;
  return [...flaws, { path: servicePath('delegation'), message: 'Istio delegates no TCP routes, must be false' }];
}

/** A connection has a port and a source, and nothing that only a request has. */
function judgeTcp({ service, protocol }: RouteRequest): readonly Flaw[] {
  if (protocol !== 'tcp') return [];
  const fields = REQUEST_FIELDS.filter((field) => service[field] !== null).map((field): Flaw => ({
    path: servicePath(field),
    message: 'a TCP route has no such field, must be unset',
  }));
  const members = service.match.flatMap((match, index) =>
    Object.keys(match)
      .filter((member) => member !== 'name' && !L4_MEMBERS.includes(member))
      .map((member): Flaw => ({
        path: servicePath('match', index, member),
        message: `a TCP route cannot match by it, must be ${L4_MEMBERS.join(', ')}`,
      })),
  );
  return [...fields, ...members];
}

const DIALECT: RouteDialect = {
  provider: NAME,
  kinds: [
    { group: GROUP, kind: 'VirtualService', versions: VERSIONS },
    { group: GROUP, kind: 'DestinationRule', versions: VERSIONS },
  ],
  validate,
  reads: (request, kinds, seen) => plan(request, kinds, seen).objects.map(({ ref }) => ref),
  plan,
};

const SERVED: readonly LabelMatch[] = [
  { label: 'reporter', op: '=', value: 'destination' },
  { label: 'destination_workload_namespace', op: '=', value: '{{ namespace }}', isIdentity: true },
  { label: 'destination_workload', op: '=', value: '{{ target }}', isIdentity: true },
];

/** Istio's standard metrics. A gRPC failure has HTTP status 200, so gRPC is judged by its own status. */
function metrics(protocol: 'http' | 'grpc' | 'tcp'): TrafficMetrics | null {
  if (protocol === 'tcp') return null;
  const isGrpc = protocol === 'grpc';
  const labels: readonly LabelMatch[] = isGrpc
    ? [...SERVED, { label: 'request_protocol', op: '=', value: 'grpc' }]
    : SERVED;
  return {
    requests: {
      metric: 'istio_requests_total',
      labels,
      failure: isGrpc
        ? { label: 'grpc_response_status', op: '!~', value: GRPC_PASSING_NUMBERS }
        : { label: 'response_code', op: '=~', value: '5.*' },
    },
    latency: { metric: 'istio_request_duration_milliseconds', labels, unit: 'ms' },
    scrape: { port: 15_020, path: '/stats/prometheus' },
  };
}

/** What istiod tells of its proxies is asked where it is named; without it nobody tells. */
function createDriver(kube: Kube, outside?: MeshOutside): MeshDriver {
  const driver = createRouteDriver(kube, DIALECT);
  if (outside === undefined || outside.istiodUrls.length === 0) return driver;
  const live = new IstioLive(outside);
  return {
    ...driver,
    live: (request, found, shouldAsk) => live.see(request, found, shouldAsk),
  };
}

/** Istio's own API. */
export const meshProvider: MeshProvider = {
  name: NAME,
  aliases: [],
  capabilities: CAPABILITIES,
  metrics,
  create: createDriver,
};
