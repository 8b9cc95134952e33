// App Mesh v1beta1 before the exam: objects as the users of controller 0.x write them.
import type { KubeObject } from '../../../src/kube/contract.ts';
import { refOf } from '../../../src/kube/kinds.ts';
import { meshProvider } from '../../../src/mesh/appmesh-v1beta1.ts';
import { anObject } from './subject.ts';
import type { MeshSubject } from './subject.ts';

const kindOf = (kind: string, plural: string) => ({
  group: 'appmesh.k8s.aws',
  version: 'v1beta1',
  kind,
  plural,
  namespaced: true,
});
const routeRef = refOf(kindOf('VirtualService', 'virtualservices'), 'shop', 'web.shop');
const nodeRef = (name: string) => refOf(kindOf('VirtualNode', 'virtualnodes'), 'shop', name);

interface Target {
  virtualNodeName: string;
  weight: number;
}
type Route = Record<string, { action: { weightedTargets: Target[] } } & Record<string, unknown>>;
const routesOf = (object: unknown): Route[] => (object as { spec: { routes: Route[] } }).spec.routes;
const member = (route: Route): Route[string] => (route['http'] ?? route['http2'] ?? route['grpc'] ?? route['tcp'])!;

const to = (...targets: [string, number][]): object => ({
  action: { weightedTargets: targets.map(([virtualNodeName, weight]) => ({ virtualNodeName, weight })) },
});
const aRouter = (routes: object[]): object => ({
  meshName: 'uiquery-mesh',
  virtualRouter: { name: 'web-router', listeners: [{ portMapping: { port: 80, protocol: 'http' } }] },
  routes,
});
const aNode = (name: string, hostName: string): KubeObject =>
  anObject(nodeRef(name), {
    meshName: 'uiquery-mesh',
    listeners: [{ portMapping: { port: 80, protocol: 'http' } }],
    serviceDiscovery: { dns: { hostName } },
  });
const other = { name: 'legacy', http: { match: { prefix: '/legacy' }, ...to(['legacy', 100]) } };

export const appmeshV1beta1: MeshSubject = {
  provider: meshProvider,
  minimal: { meshName: 'uiquery-mesh' },
  full: {
    http: {
      backends: ['db.shop', 'cache.shop'],
      hosts: ['shop.example.com'],
      timeout: '15s',
      match: [{ uri: { prefix: '/v1' }, method: { exact: 'GET' }, headers: { 'x-user': { prefix: 'a' } } }],
      retries: { attempts: 3, perTryTimeout: '1s', retryOn: 'gateway-error,connect-failure' },
    },
    grpc: {
      grpc: { serviceName: 'proto.DataService', methodName: 'Query' },
      retries: { attempts: 2, perTryTimeout: null, retryOn: 'unavailable,internal' },
    },
    tcp: { backends: ['db.shop'] },
  },
  crds: [['appmesh-v1beta1/legacy-all.yaml']],
  // The CRD is of apiextensions v1beta1, which no server takes since Kubernetes 1.22.
  crdNames: [],
  routeRef,
  splits: (route) =>
    routesOf(route).map((item) =>
      member(item).action.weightedTargets.map(({ virtualNodeName, weight }) => ({ name: virtualNodeName, weight })),
    ),
  apexTarget: 'web',
  foreign: () => [
    anObject(
      routeRef,
      aRouter([
        {
          name: 'a',
          http: {
            match: { prefix: '/checkout' },
            priority: 5,
            ...to(['web', 1]),
            retryPolicy: { maxRetries: 1, httpRetryEvents: ['gateway-error'] },
          },
        },
        { name: 'b', http: { match: { prefix: '/' }, ...to(['web', 100]) } },
        other,
      ]),
    ),
    aNode('web', 'web.shop.svc.cluster.local'),
  ],
  mixed: () => [
    anObject(routeRef, aRouter([{ name: 'a', http: { match: { prefix: '/' }, ...to(['web', 80], ['legacy', 20]) } }])),
    aNode('web', 'web.shop'),
  ],
  stranger: () => anObject(routeRef, aRouter([other])),
  spoil: (route) => {
    member(routesOf(route)[0]!)['match'] = { prefix: '/only' };
    member(routesOf(route)[0]!)['retryPolicy'] = { maxRetries: 9 };
  },
  addForeign: (route) => {
    (member(routesOf(route)[0]!) as Record<string, unknown>)['seen'] = 'by a tool';
  },
  report: null,
};
