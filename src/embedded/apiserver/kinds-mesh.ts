// The mesh kinds that the server knows by name only: they keep any member until a CRD brings a schema.
import type { MeshKindSet, PrinterColumn, ServedKind } from './types.ts';
import { serveKind } from './served-kind.ts';

/** All families. */
export const MESH_KIND_SETS: readonly MeshKindSet[] = [
  'istio',
  'gateway-api',
  'smi',
  'appmesh-v1beta1',
  'appmesh-v1beta2',
];

const column = (name: string, jsonPath: string, type = 'string'): PrinterColumn => ({ name, type, jsonPath });
const AGE = column('Age', '.metadata.creationTimestamp', 'date');

interface MeshKind {
  readonly group: string;
  /** First is the storage version. */
  readonly versions: readonly string[];
  readonly kind: string;
  readonly plural: string;
  readonly shortNames?: readonly string[];
  readonly isCluster?: boolean;
  readonly hasStatus?: boolean;
  readonly columns?: readonly PrinterColumn[];
  /** Set when versions of one group and kind do not share their objects. */
  readonly isApart?: boolean;
}

const ISTIO = 'networking.istio.io';
const GATEWAY = 'gateway.networking.k8s.io';
const APPMESH = 'appmesh.k8s.aws';

const ISTIO_KINDS: readonly MeshKind[] = [
  {
    group: ISTIO,
    versions: ['v1', 'v1beta1'],
    kind: 'VirtualService',
    plural: 'virtualservices',
    shortNames: ['vs'],
    hasStatus: true,
    columns: [column('Gateways', '.spec.gateways'), column('Hosts', '.spec.hosts'), AGE],
  },
  {
    group: ISTIO,
    versions: ['v1', 'v1beta1'],
    kind: 'DestinationRule',
    plural: 'destinationrules',
    shortNames: ['dr'],
    hasStatus: true,
    columns: [column('Host', '.spec.host'), AGE],
  },
  {
    group: ISTIO,
    versions: ['v1', 'v1beta1'],
    kind: 'Gateway',
    plural: 'gateways',
    shortNames: ['gw'],
    hasStatus: true,
  },
];

const GATEWAY_KINDS: readonly MeshKind[] = [
  {
    group: GATEWAY,
    versions: ['v1', 'v1beta1'],
    kind: 'HTTPRoute',
    plural: 'httproutes',
    hasStatus: true,
    columns: [column('Hostnames', '.spec.hostnames'), AGE],
  },
  {
    group: GATEWAY,
    versions: ['v1'],
    kind: 'GRPCRoute',
    plural: 'grpcroutes',
    hasStatus: true,
    columns: [column('Hostnames', '.spec.hostnames'), AGE],
  },
  {
    group: GATEWAY,
    versions: ['v1', 'v1beta1'],
    kind: 'Gateway',
    plural: 'gateways',
    shortNames: ['gtw'],
    hasStatus: true,
    columns: [
      column('Class', '.spec.gatewayClassName'),
      column('Address', '.status.addresses[*].value'),
      column('Programmed', '.status.conditions[?(@.type=="Programmed")].status'),
      AGE,
    ],
  },
  {
    group: GATEWAY,
    versions: ['v1', 'v1beta1'],
    kind: 'GatewayClass',
    plural: 'gatewayclasses',
    shortNames: ['gc'],
    isCluster: true,
    hasStatus: true,
    columns: [
      column('Controller', '.spec.controllerName'),
      column('Accepted', '.status.conditions[?(@.type=="Accepted")].status'),
      AGE,
    ],
  },
  {
    group: GATEWAY,
    versions: ['v1beta1', 'v1'],
    kind: 'ReferenceGrant',
    plural: 'referencegrants',
    shortNames: ['refgrant'],
  },
];

const SMI_KINDS: readonly MeshKind[] = [
  {
    group: 'split.smi-spec.io',
    versions: ['v1alpha2'],
    kind: 'TrafficSplit',
    plural: 'trafficsplits',
    shortNames: ['ts'],
    columns: [column('Service', '.spec.service')],
  },
];

const APPMESH_V1BETA1_KINDS: readonly MeshKind[] = [
  {
    group: APPMESH,
    versions: ['v1beta1'],
    kind: 'Mesh',
    plural: 'meshes',
    isCluster: true,
    hasStatus: true,
    isApart: true,
  },
  {
    group: APPMESH,
    versions: ['v1beta1'],
    kind: 'VirtualService',
    plural: 'virtualservices',
    hasStatus: true,
    isApart: true,
  },
  {
    group: APPMESH,
    versions: ['v1beta1'],
    kind: 'VirtualNode',
    plural: 'virtualnodes',
    hasStatus: true,
    isApart: true,
  },
];

const ARN = [column('ARN', `.status.meshARN`), AGE];
const APPMESH_V1BETA2_KINDS: readonly MeshKind[] = [
  {
    group: APPMESH,
    versions: ['v1beta2'],
    kind: 'Mesh',
    plural: 'meshes',
    isCluster: true,
    hasStatus: true,
    isApart: true,
    columns: ARN,
  },
  {
    group: APPMESH,
    versions: ['v1beta2'],
    kind: 'VirtualService',
    plural: 'virtualservices',
    hasStatus: true,
    isApart: true,
    columns: [column('ARN', '.status.virtualServiceARN'), AGE],
  },
  {
    group: APPMESH,
    versions: ['v1beta2'],
    kind: 'VirtualRouter',
    plural: 'virtualrouters',
    hasStatus: true,
    isApart: true,
    columns: [column('ARN', '.status.virtualRouterARN'), AGE],
  },
  {
    group: APPMESH,
    versions: ['v1beta2'],
    kind: 'VirtualNode',
    plural: 'virtualnodes',
    hasStatus: true,
    isApart: true,
    columns: [column('ARN', '.status.virtualNodeARN'), AGE],
  },
];

const SETS: Readonly<Record<MeshKindSet, readonly MeshKind[]>> = {
  istio: ISTIO_KINDS,
  'gateway-api': GATEWAY_KINDS,
  smi: SMI_KINDS,
  'appmesh-v1beta1': APPMESH_V1BETA1_KINDS,
  'appmesh-v1beta2': APPMESH_V1BETA2_KINDS,
};

const made = new Map<MeshKindSet, readonly ServedKind[]>();

/** The kinds of one family, one entry a version. */
export function meshKinds(set: MeshKindSet): readonly ServedKind[] {
  const held = made.get(set);
  if (held !== undefined) return held;
  const kinds = SETS[set].flatMap((entry) => entry.versions.map((version) => meshKind(entry, version)));
  made.set(set, kinds);
  return kinds;
}

function meshKind(entry: MeshKind, version: string): ServedKind {
  const storageVersion = entry.isApart === true ? version : (entry.versions[0] ?? version);
  const base = {
    group: entry.group,
    version,
    kind: entry.kind,
    plural: entry.plural,
    namespaced: entry.isCluster !== true,
  };
  return serveKind(base, {
    shortNames: entry.shortNames ?? [],
    isCustom: true,
    hasStatus: entry.hasStatus === true,
    hasGeneration: true,
    storageVersion: `${entry.group}/${storageVersion}`,
    storageId: entry.isApart === true ? `${entry.group}/${entry.kind}/${version}` : `${entry.group}/${entry.kind}`,
    columns: entry.columns ?? [AGE],
  });
}
