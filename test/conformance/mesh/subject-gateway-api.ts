// Gateway API before the exam: HTTPRoute and GRPCRoute as gateway-api.sigs.k8s.io documents them.
import type { KubeObject } from '../../../src/kube/contract.ts';
import { refOf } from '../../../src/kube/kinds.ts';
import { meshProvider } from '../../../src/mesh/gateway-api.ts';
import { anObject } from './subject.ts';
import type { MeshSubject } from './subject.ts';

const kind = {
  group: 'gateway.networking.k8s.io',
  version: 'v1',
  kind: 'HTTPRoute',
  plural: 'httproutes',
  namespaced: true,
};
const routeRef = refOf(kind, 'shop', 'web');

interface Rule {
  backendRefs?: { name: string; weight?: number }[];
  [member: string]: unknown;
}
const rulesOf = (object: unknown): Rule[] => (object as { spec: { rules: Rule[] } }).spec.rules;

const service = { group: '', kind: 'Service' };
const other = {
  matches: [{ path: { type: 'PathPrefix', value: '/legacy' } }],
  backendRefs: [{ ...service, name: 'legacy', port: 80, weight: 1 }],
};
const parentRefs = [
  { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'public', namespace: 'infra', sectionName: 'http' },
];
const crds = (folder: string): string[] =>
  ['httproutes', 'grpcroutes'].map((plural) => `${folder}/gateway.networking.k8s.io_${plural}.yaml`);

export const gatewayApi: MeshSubject = {
  provider: meshProvider,
  minimal: { gatewayRefs: [{ name: 'public', namespace: 'infra' }] },
  full: {
    http: {
      gatewayRefs: [
        { name: 'public', namespace: 'infra', sectionName: 'http' },
        { group: '', kind: 'Service', name: 'web', port: 80 },
      ],
      timeout: '1m30s',
      backendTimeout: '1.5s',
      hosts: ['shop.example.com', '*.example.org'],
      match: [
        {
          uri: { prefix: '/v1' },
          headers: { 'x-b': { exact: '1' }, 'x-a': { regex: '.*' } },
          queryParams: { q: { exact: 'z' } },
          method: { exact: 'GET' },
        },
      ],
      rewrite: { uri: '/', authority: 'web.example.com', type: 'ReplacePrefixMatch' },
      headers: {
        request: { set: { 'x-a': '1' }, add: { 'x-b': '2' }, remove: ['x-c'] },
        response: { set: { 'x-d': '4' } },
      },
    },
    grpc: {
      grpc: { serviceName: 'proto.DataService', methodName: 'Query' },
      headers: { request: { set: { 'x-a': '1' } } },
    },
  },
  crds: [crds('gateway-api-standard'), crds('gateway-api-experimental'), crds('gateway-api-v1.2.1')],
  crdNames: ['httproutes.gateway.networking.k8s.io', 'grpcroutes.gateway.networking.k8s.io'],
  routeRef,
  splits: (route) =>
    rulesOf(route).map((rule) =>
      (rule.backendRefs ?? []).map(({ name, weight }) => ({ name, weight: weight ?? null })),
    ),
  apexTarget: 'web',
  foreign: () => [
    anObject(routeRef, {
      parentRefs,
      hostnames: ['shop.example.com'],
      rules: [
        {
          name: 'checkout',
          matches: [{ path: { type: 'PathPrefix', value: '/checkout' } }],
          timeouts: { request: '5s' },
          backendRefs: [
            {
              ...service,
              name: 'web',
              port: 80,
              weight: 1,
              filters: [{ type: 'RequestHeaderModifier', requestHeaderModifier: { set: [{ name: 'a', value: 'b' }] } }],
            },
          ],
        },
        {
          matches: [{ path: { type: 'PathPrefix', value: '/' } }],
          backendRefs: [{ weight: 7, port: 8080, name: 'web', namespace: 'shop', ...service }],
        },
        other,
      ],
    }),
  ],
  mixed: () => [
    anObject(routeRef, {
      parentRefs,
      rules: [
        {
          matches: [{ path: { type: 'PathPrefix', value: '/' } }],
          backendRefs: [
            { ...service, name: 'web', port: 80, weight: 8 },
            { ...service, name: 'legacy', port: 80, weight: 2 },
          ],
        },
      ],
    }),
  ],
  stranger: () => anObject(routeRef, { parentRefs, rules: [other] }),
  spoil: (route) => {
    rulesOf(route)[0]!['matches'] = [{ path: { type: 'PathPrefix', value: '/only' } }];
    rulesOf(route)[0]!['timeouts'] = { request: '99s' };
  },
  addForeign: (route) => {
    rulesOf(route)[0]!['name'] = 'seen-by-a-tool';
  },
  report: (route: KubeObject) => {
    const { parentRefs: refs } = route['spec'] as { parentRefs: unknown[] };
    const condition = (type: string): object => ({
      type,
      status: 'True',
      reason: type,
      message: '',
      observedGeneration: route.metadata.generation,
      lastTransitionTime: '2026-01-01T00:00:00Z',
    });
    const conditions = [condition('Accepted'), condition('ResolvedRefs')];
    return { parents: refs.map((parentRef) => ({ parentRef, controllerName: 'example.com/gateway', conditions })) };
  },
};
