// Service Mesh Interface: one TrafficSplit v1alpha2 (Open Service Mesh, linkerd-smi).
import type { JsonObject } from '../util/json.ts';
import type { ResourceKind } from '../kube/contract.ts';
import { refOf } from '../kube/kinds.ts';
import type { BackendDialect } from './backends.ts';
import type { LabelMatch, MeshCapabilities, MeshProvider, RouteRequest, TrafficMetrics } from './contract.ts';
import { needKind } from './kind-lookup.ts';
import { textAt } from './members.ts';
import { retargetHost, roleOfHost } from './names.ts';
import type { Planned } from './owned.ts';
import { createRouteDriver } from './route-driver.ts';
import type { RouteDialect } from './route-driver.ts';
import { judgeFields, servicePath } from './service-fields.ts';
import type { Flaw } from './service-fields.ts';
import { applicationMetrics } from './traffic.ts';

const NAME = 'smi';

const CAPABILITIES: MeshCapabilities = {
  hasWeights: true,
  protocols: ['http', 'grpc', 'tcp'],
  reportsLive: false,
  serviceFields: ['hosts'],
};

// Not marked as identity: a pod's own numbers hold its calls to others too, and only these labels tell them apart.
const WORKLOAD: readonly LabelMatch[] = [
  { label: 'destination_namespace', op: '=', value: '{{ namespace }}' },
  { label: 'destination_kind', op: '=', value: 'Deployment' },
  { label: 'destination_name', op: '=', value: '{{ target }}' },
];

/** Open Service Mesh counts at the caller's proxy and names the destination. */
const OSM: TrafficMetrics = {
  requests: {
    metric: 'osm_request_total',
    labels: WORKLOAD,
    failure: { label: 'response_code', op: '=~', value: '5.*' },
  },
  latency: { metric: 'osm_request_duration_ms', labels: WORKLOAD, unit: 'ms' },
  scrape: { port: 15010, path: '/stats/prometheus' },
};

function backendsOf(request: RouteRequest): BackendDialect {
  const service = (backend: JsonObject): string => textAt(backend, 'service') ?? '';
  return {
    lists: () => [['backends']],
    roleOf: (backend) => roleOfHost(service(backend), request),
    retarget: (backend, to) => ({ ...backend, service: retargetHost(service(backend), to, request) }),
    flawOf: () => null,
    weightAbsent: 0,
    isWeightRequired: true,
  };
}

function planSplit(request: RouteRequest, kind: ResourceKind): Planned {
  const { names, service, owner } = request;
  return {
    ref: refOf(kind, owner.namespace, names.apex),
    spec: {
      service: service.hosts[0] ?? names.apex,
      backends: [
        { service: names.primary, weight: 100 },
        { service: names.canary, weight: 0 },
      ],
    },
    labels: service.apex.labels,
    annotations: service.apex.annotations,
    ours: { backends: 'exact' },
    atRelease: 'keep',
  };
}

function validate(request: RouteRequest): readonly Flaw[] {
  const { hosts } = request.service;
  const surplus =
    hosts.length > 1
      ? [
          {
            path: servicePath('hosts'),
            message: `holds ${hosts.length} hosts, must be one: a TrafficSplit has one root service`,
          },
        ]
      : [];
  return [...judgeFields(request, NAME, CAPABILITIES), ...surplus];
}

const DIALECT: RouteDialect = {
  provider: NAME,
  kinds: [{ group: 'split.smi-spec.io', kind: 'TrafficSplit', versions: ['v1alpha2'] }],
  validate,
  reads: (request, kinds) => [planSplit(request, needKind(kinds, 'TrafficSplit')).ref],
  plan: (request, kinds) => {
    const route = planSplit(request, needKind(kinds, 'TrafficSplit'));
    return { objects: [route], route, backends: backendsOf(request) };
  },
};

/** SMI TrafficSplit. */
export const meshProvider: MeshProvider = {
  name: NAME,
  aliases: ['smi:v1alpha2*', 'osm'],
  capabilities: CAPABILITIES,
  metrics: (protocol) => (protocol === 'http' ? OSM : applicationMetrics(protocol)),
  create: (kube) => createRouteDriver(kube, DIALECT),
};
