// How App Mesh decides, in both versions of its API.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openAppMeshV1Beta1, openAppMeshV1Beta2 } from '../../../../src/embedded/dataplane/routes-appmesh.ts';
import type { KubeObject } from '../../../../src/kube/contract.ts';
import { ask, begin, clock, end, open, server } from './routes-support.ts';

beforeEach(begin);
afterEach(end);

describe('app mesh', () => {
  const node = (version: string, name: string): KubeObject => ({
    apiVersion: `appmesh.k8s.aws/${version}`,
    kind: 'VirtualNode',
    metadata: { name, namespace: 'shop' },
    spec: {
      listeners: [{ portMapping: { port: 80 } }],
      serviceDiscovery: { dns: { hostName: `${name}.shop`, hostname: `${name}.shop` } },
    },
  });
  const targets = (name: string): unknown => ({ weightedTargets: [{ virtualNodeName: name, weight: 1 }] });
  const service = (routes: unknown[]): KubeObject => ({
    apiVersion: 'appmesh.k8s.aws/v1beta1',
    kind: 'VirtualService',
    metadata: { name: 'web.shop', namespace: 'shop' },
    spec: { routes },
  });

  it('goes by priority, then by prefix; the catch-all comes last', async () => {
    await open(openAppMeshV1Beta1(), [
      ...['web-primary', 'web-canary', 'beta'].map((name) => node('v1beta1', name)),
      service([
        { name: 'all', http: { match: { prefix: '/' }, action: targets('web-primary') } },
        { name: 'beta', http: { match: { prefix: '/beta' }, action: targets('beta') } },
        {
          name: 'in',
          http: {
            priority: 10,
            match: { prefix: '/', headers: [{ name: 'x-user', match: { suffix: 'sider' } }] },
            action: targets('web-canary'),
          },
        },
      ]),
    ]);
    expect(ask('web.shop')).toBe('web-primary');
    expect(ask('web.shop', { path: '/beta' })).toBe('beta');
    expect(ask('web.shop.svc.cluster.local', { path: '/beta', headers: { 'x-user': 'insider' } })).toBe('web-canary');
  });

  it('keeps what it has when a node is missing', async () => {
    const routes = (name: string): unknown[] => [
      { name: 'all', http: { match: { prefix: '/' }, action: targets(name) } },
    ];
    await open(openAppMeshV1Beta1(), [node('v1beta1', 'web-primary'), service(routes('web-primary'))]);
    expect(ask('web')).toBe('web-primary');
    server.store.put(service(routes('web-canary')));
    await clock.advance(100);
    expect(ask('web')).toBe('web-primary');
    server.store.create(node('v1beta1', 'web-canary'));
    await clock.advance(100);
    expect(ask('web')).toBe('web-canary');
  });

  it('v1beta2 shows its generation once it is taken', async () => {
    const router: KubeObject = {
      apiVersion: 'appmesh.k8s.aws/v1beta2',
      kind: 'VirtualRouter',
      metadata: { name: 'web', namespace: 'shop' },
      spec: {
        routes: [
          {
            name: 'calls',
            grpcRoute: {
              match: { serviceName: 'proto.DataService', methodName: 'Get' },
              action: { weightedTargets: [{ virtualNodeRef: { name: 'web-canary' }, weight: 3 }] },
            },
          },
        ],
      },
    };
    await open(openAppMeshV1Beta2(), [
      node('v1beta2', 'web-canary'),
      router,
      {
        apiVersion: 'appmesh.k8s.aws/v1beta2',
        kind: 'VirtualService',
        metadata: { name: 'web', namespace: 'shop' },
        spec: {
          awsName: 'web.shop.svc.cluster.local',
          provider: { virtualRouter: { virtualRouterRef: { name: 'web' } } },
        },
      },
    ]);
    expect(ask('web', { path: '/proto.DataService/Get' })).toBe('web-canary');
    expect(ask('web', { path: '/proto.DataService/List' })).toBe(404);
    const [stored] = server.store.list(
      {
        group: 'appmesh.k8s.aws',
        version: 'v1beta2',
        kind: 'VirtualRouter',
        plural: 'virtualrouters',
        namespaced: true,
      },
      'shop',
    );
    expect(stored?.['status']).toMatchObject({
      observedGeneration: 1,
      conditions: [{ type: 'VirtualRouterActive', status: 'True' }],
    });
  });
});
