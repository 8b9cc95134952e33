// SMI before the exam: TrafficSplit v1alpha2 as its specification has it.
import { refOf } from '../../../src/kube/kinds.ts';
import { meshProvider } from '../../../src/mesh/smi.ts';
import { anObject } from './subject.ts';
import type { MeshSubject } from './subject.ts';

const kind = {
  group: 'split.smi-spec.io',
  version: 'v1alpha2',
  kind: 'TrafficSplit',
  plural: 'trafficsplits',
  namespaced: true,
};
const routeRef = refOf(kind, 'shop', 'web');
const backendsOf = (object: unknown): { service: string; weight: number }[] =>
  (object as { spec: { backends: never } }).spec.backends;

export const smi: MeshSubject = {
  provider: meshProvider,
  minimal: {},
  full: { http: { hosts: ['web.shop.svc.cluster.local'] }, grpc: {}, tcp: {} },
  crds: [['smi-osm/smi_traffic_split.yaml'], ['smi-sdk/split.yaml']],
  crdNames: ['trafficsplits.split.smi-spec.io'],
  routeRef,
  splits: (route) => [backendsOf(route).map(({ service, weight }) => ({ name: service, weight }))],
  apexTarget: 'web',
  foreign: () => [anObject(routeRef, { service: 'web', backends: [{ service: 'web', weight: 1 }] })],
  mixed: () => [
    anObject(routeRef, {
      service: 'web',
      backends: [
        { service: 'web', weight: 9 },
        { service: 'legacy', weight: 1 },
      ],
    }),
  ],
  stranger: () => anObject(routeRef, { service: 'web', backends: [{ service: 'legacy', weight: 1 }] }),
  spoil: (route) => {
    (route['spec'] as Record<string, unknown>)['service'] = 'elsewhere';
  },
  addForeign: null,
  report: null,
};
