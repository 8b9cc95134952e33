// App Mesh v1beta2 before the exam: objects as the users of controller 1.x write them.
import type { KubeObject } from '../../../src/kube/contract.ts';
import { refOf } from '../../../src/kube/kinds.ts';
import { meshProvider } from '../../../src/mesh/appmesh-v1beta2.ts';
import { anObject } from './subject.ts';
import type { MeshSubject } from './subject.ts';

const kindOf = (kind: string, plural: string) => ({
  group: 'appmesh.k8s.aws',
  version: 'v1beta2',
  kind,
  plural,
  namespaced: true,
});
const routeRef = refOf(kindOf('VirtualRouter', 'virtualrouters'), 'shop', 'web');
const serviceRef = refOf(kindOf('VirtualService', 'virtualservices'), 'shop', 'web');
const nodeRef = (name: string) => refOf(kindOf('VirtualNode', 'virtualnodes'), 'shop', name);
const meshRef = { name: 'global', uid: '2fa0a8f1-0000-4000-8000-000000000000' };

interface Target {
  virtualNodeRef: { name: string };
  weight: number;
}
type Route = Record<string, { action: { weightedTargets: Target[] } } & Record<string, unknown>>;
const routesOf = (object: unknown): Route[] => (object as { spec: { routes: Route[] } }).spec.routes;
const member = (route: Route): Route[string] =>
  (route['httpRoute'] ?? route['http2Route'] ?? route['grpcRoute'] ?? route['tcpRoute'])!;

const to = (...targets: [string, number][]): object => ({
  action: { weightedTargets: targets.map(([name, weight]) => ({ virtualNodeRef: { name }, weight })) },
});
const aRouter = (routes: object[]): object => ({
  awsName: 'web_shop',
  meshRef,
  listeners: [{ portMapping: { port: 8080, protocol: 'http' } }],
  routes,
});
const other = { name: 'legacy', priority: 30, httpRoute: { match: { prefix: '/legacy' }, ...to(['legacy', 1]) } };
const aNode = (name: string, hostname: string): KubeObject =>
  anObject(nodeRef(name), {
    awsName: `${name}_shop`,
    meshRef,
    podSelector: { matchLabels: { app: 'web' } },
    listeners: [{ portMapping: { port: 8080, protocol: 'http' } }],
    serviceDiscovery: { dns: { hostname } },
  });

export const appmeshV1beta2: MeshSubject = {
  provider: meshProvider,
  minimal: {},
  full: {
    http: {
      backends: ['db', 'arn:aws:appmesh:eu-west-1:111122223333:mesh/global/virtualService/db.shop'],
      hosts: ['shop.example.com'],
      timeout: '15s',
      match: [
        {
          uri: { exact: '/v1' },
          method: { exact: 'GET' },
          headers: { 'x-user': { prefix: 'a' } },
          queryParams: { q: { exact: 'z' } },
        },
      ],
      retries: { attempts: 3, perTryTimeout: '1s', retryOn: 'gateway-error,connect-failure' },
    },
    grpc: {
      grpc: { serviceName: 'proto.DataService', methodName: 'Query' },
      timeout: '2s',
      retries: { attempts: 2, perTryTimeout: null, retryOn: 'unavailable' },
    },
    tcp: { backends: ['db'], timeout: '5m' },
  },
  crds: [
    ['virtualrouters', 'virtualservices', 'virtualnodes'].map(
      (plural) => `appmesh-v1beta2/appmesh.k8s.aws_${plural}.yaml`,
    ),
  ],
  crdNames: ['virtualrouters', 'virtualservices', 'virtualnodes'].map((plural) => `${plural}.appmesh.k8s.aws`),
  routeRef,
  splits: (route) =>
    routesOf(route).map((item) =>
      member(item).action.weightedTargets.map(({ virtualNodeRef, weight }) => ({ name: virtualNodeRef.name, weight })),
    ),
  apexTarget: 'web',
  foreign: () => [
    anObject(
      routeRef,
      aRouter([
        {
          name: 'a',
          priority: 10,
          httpRoute: {
            match: { prefix: '/checkout' },
            timeout: { perRequest: { unit: 's', value: 5 } },
            ...to(['web', 1]),
          },
        },
        { name: 'b', priority: 20, httpRoute: { match: { prefix: '/' }, ...to(['web', 100]) } },
        other,
      ]),
    ),
    anObject(serviceRef, {
      awsName: 'web.shop.svc.cluster.local',
      meshRef,
      provider: { virtualRouter: { virtualRouterRef: { name: 'web' } } },
    }),
    aNode('web', 'web.shop.svc.cluster.local'),
  ],
  mixed: () => [
    anObject(
      routeRef,
      aRouter([{ name: 'a', httpRoute: { match: { prefix: '/' }, ...to(['web', 80], ['legacy', 20]) } }]),
    ),
    aNode('web', 'web.shop'),
  ],
  stranger: () => anObject(routeRef, aRouter([other])),
  spoil: (route) => {
    member(routesOf(route)[0]!)['match'] = { prefix: '/only' };
    member(routesOf(route)[0]!)['retryPolicy'] = { maxRetries: 9, perRetryTimeout: { unit: 's', value: 1 } };
  },
  addForeign: (route) => {
    // The webhook of the App Mesh controller sets these; they are immutable.
    Object.assign(route['spec'] as object, { awsName: 'web_shop', meshRef });
    (routesOf(route)[0] as Record<string, unknown>)['priority'] = 7;
  },
  report: (route) => ({
    observedGeneration: route.metadata.generation,
    conditions: [{ type: 'VirtualRouterActive', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }],
  }),
};
