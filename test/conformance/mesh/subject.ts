// What the mesh exam must know of a provider that is examined; written from the vendors' documentation, not from the provider.
import type { ServiceSpec } from '../../../src/api/types.ts';
import type { KubeObject, ObjectRef } from '../../../src/kube/contract.ts';
import type { MeshProvider, RouteRequest } from '../../../src/mesh/contract.ts';

export interface MeshSubject {
  readonly provider: MeshProvider;
  /** What is particular to it, where a provider is examined more than once. */
  readonly variant?: string;
  /** What is spoken where the exam asks for no particular protocol; HTTP when absent. */
  readonly protocol?: RouteRequest['protocol'];
  /** What the provider cannot do without. */
  readonly minimal: Partial<ServiceSpec>;
  /** Everything that the provider honours for a protocol. */
  readonly full: Readonly<Partial<Record<RouteRequest['protocol'], Partial<ServiceSpec>>>>;
  /** CRD files below ../shared/crds, in versions of the vendor that must all accept what is written; the first is the cluster's. */
  readonly crds: readonly (readonly string[])[];
  /** Names of the CRDs that the cluster has; empty where they cannot be installed. */
  readonly crdNames: readonly string[];
  readonly routeRef: ObjectRef;
  /** The weighted lists of a route: the names that each leads to, with weights as written. */
  splits(route: KubeObject): readonly (readonly { readonly name: string; readonly weight: number | null }[])[];
  /** The name in a split that means the apex. */
  readonly apexTarget: string;
  /** Objects of a user who sends traffic to the apex in two rules, and elsewhere in a third; the route first. */
  foreign(): readonly KubeObject[];
  /** The same route, with the weight of the apex left to others in a list with a stranger. */
  mixed(): readonly KubeObject[];
  /** A route of that name that leads elsewhere. */
  stranger(): KubeObject;
  /** Changes a route of ours as somebody would who does not know better: drift that must be repaired. */
  spoil(route: KubeObject): void;
  /** Adds a member of somebody else's, inside a list of ours, that must survive; null where the schema leaves no room. */
  readonly addForeign: ((route: KubeObject) => void) | null;
  /** Makes the data plane report that it took the route as it is; null where nothing reports. */
  readonly report: ((route: KubeObject) => Record<string, unknown>) | null;
}

/** An object of a user. */
export function anObject(ref: ObjectRef, spec: unknown, metadata: Record<string, unknown> = {}): KubeObject {
  const { group, version, kind } = ref.kind;
  return {
    apiVersion: `${group}/${version}`,
    kind,
    metadata: {
      name: ref.name,
      namespace: 'shop',
      labels: { team: 'blue' },
      annotations: { note: 'mine' },
      ...metadata,
    },
    spec,
  };
}
