// What is particular to App Mesh: names of virtual services, nodes known by DNS, gRPC, retries, whose pods a node has.
import { afterEach, describe, expect, it } from 'vitest';
import type { KubeObject, ObjectRef } from '../../../src/kube/contract.ts';
import { refOf } from '../../../src/kube/kinds.ts';
import { aRequest } from '../../conformance/mesh/requests.ts';
import { appmeshV1beta1 } from '../../conformance/mesh/subject-appmesh-v1beta1.ts';
import { appmeshV1beta2 } from '../../conformance/mesh/subject-appmesh-v1beta2.ts';
import { anObject } from '../../conformance/mesh/subject.ts';
import { openWorld } from '../../conformance/mesh/world.ts';
import type { World } from '../../conformance/mesh/world.ts';

const MESH = { meshName: 'uiquery-mesh' };
const nodeOf = (routeRef: ObjectRef) => ({ ...routeRef.kind, kind: 'VirtualNode', plural: 'virtualnodes' });
const specOf = (object: KubeObject | null | undefined): Record<string, never> =>
  object?.['spec'] as Record<string, never>;

describe('appmesh-v1beta1', () => {
  const { routeRef } = appmeshV1beta1;
  const node = nodeOf(routeRef);
  let world: World;
  afterEach(() => world.embedded.close());
  const get = (ref: ObjectRef): KubeObject => world.embedded.api.store.get(ref.kind, 'shop', ref.name)!;

  it('routes gRPC by service name, as the resource of the scenario does', async () => {
    world = openWorld(appmeshV1beta1);
    const request = aRequest(
      {
        ...MESH,
        port: 9090,
        grpc: { serviceName: 'proto.DataService', methodName: null },
        retries: { attempts: 2, perTryTimeout: '1s', retryOn: null },
      },
      'grpc',
    );
    await world.ensure(request, 0);
    expect(specOf(world.route())).toEqual({
      meshName: 'uiquery-mesh',
      virtualRouter: { name: 'web', listeners: [{ portMapping: { port: 9090, protocol: 'grpc' } }] },
      routes: [
        {
          name: 'web',
          grpc: {
            match: { serviceName: 'proto.DataService' },
            action: {
              weightedTargets: [
                { virtualNodeName: 'web-primary', weight: 100 },
                { virtualNodeName: 'web-canary', weight: 0 },
              ],
            },
            retryPolicy: { perRetryTimeoutMillis: 1_000, maxRetries: 2, grpcRetryEvents: ['unavailable'] },
          },
        },
      ],
    });
    const hosts = ['web', 'web-primary', 'web-canary'].map(
      (name) => specOf(get(refOf(node, 'shop', name)))['serviceDiscovery'],
    );
    expect(hosts).toEqual(
      ['web.shop', 'web-primary.shop', 'web-canary.shop'].map((hostName) => ({ dns: { hostName } })),
    );
    expect(specOf(get(refOf(routeRef.kind, 'shop', 'web-canary.shop')))['routes']).toMatchObject([
      { grpc: { action: { weightedTargets: [{ virtualNodeName: 'web-canary', weight: 100 }] } } },
    ]);
  });

  it('keeps the nodes that receive traffic, or have pods, when the Canary goes', async () => {
    world = openWorld(appmeshV1beta1);
    await world.ensure(aRequest(MESH), 0);
    await world.driver.release(aRequest(MESH), await world.read(aRequest(MESH)), false);
    for (const name of ['web', 'web-primary', 'web-canary'])
      expect(get(refOf(node, 'shop', name)).metadata.ownerReferences ?? []).toEqual([]);
    expect(get(refOf(routeRef.kind, 'shop', 'web-canary.shop')).metadata.ownerReferences).toHaveLength(1);
  });

  const aService = (name: string, targets: [string, number][]): KubeObject =>
    anObject(refOf(routeRef.kind, 'shop', name), {
      ...MESH,
      virtualRouter: { name: 'r', listeners: [{ portMapping: { port: 9090, protocol: 'grpc' } }] },
      routes: [
        {
          name: 'data',
          grpc: {
            match: { serviceName: 'proto.DataService' },
            action: { weightedTargets: targets.map(([virtualNodeName, weight]) => ({ virtualNodeName, weight })) },
          },
        },
      ],
    });
  const aNode = (name: string, hostName: string): KubeObject =>
    anObject(refOf(node, 'shop', name), {
      ...MESH,
      listeners: [{ portMapping: { port: 9090, protocol: 'grpc' } }],
      serviceDiscovery: { dns: { hostName } },
    });

  it.each(['web.shop.svc.cluster.local', 'web.shop', 'web'])(
    'adopts a virtual service %s whose node leads to the apex by DNS',
    async (name) => {
      world = openWorld(appmeshV1beta1);
      const request = aRequest(MESH, 'grpc');
      world.put([aService(name, [['query-vn', 1]]), aNode('query-vn', 'web.shop.svc.cluster.local')]);
      await world.ensure(request, 0);
      await world.write(request, 20, 'f');
      expect(specOf(get(refOf(routeRef.kind, 'shop', name)))['routes']).toMatchObject([
        {
          grpc: {
            action: {
              weightedTargets: [
                { virtualNodeName: 'web-primary', weight: 80 },
                { virtualNodeName: 'web-canary', weight: 20 },
              ],
            },
          },
        },
      ]);
      expect((await world.read(request)).seen).toMatchObject({ state: 'ready', askedPercent: 20, fence: 'f' });
      expect(get(refOf(node, 'shop', 'web')), 'no node of ours stands for the apex beside the user’s').toBeNull();
      await world.driver.release(request, await world.read(request), false);
      expect(specOf(get(refOf(routeRef.kind, 'shop', name)))['routes']).toMatchObject([
        { grpc: { action: { weightedTargets: [{ virtualNodeName: 'query-vn', weight: 100 }] } } },
      ]);
    },
  );

  it('refuses a node of our name that leads elsewhere', async () => {
    world = openWorld(appmeshV1beta1);
    world.put([aNode('web-canary', 'elsewhere.shop')]);
    expect((await world.read(aRequest(MESH))).problem?.message).toBe(
      'Cannot steer VirtualNode "shop/web-canary", which is not ours: it leads to "elsewhere.shop", must lead to "web-canary.shop" or be deleted',
    );
  });

  it('speaks HTTP/2 where the port does', async () => {
    world = openWorld(appmeshV1beta1);
    await world.ensure(aRequest({ ...MESH, appProtocol: 'kubernetes.io/h2c' }), 0);
    expect(specOf(world.route())['routes']).toMatchObject([{ http2: { match: { prefix: '/' } } }]);
  });

  it('exposes hosts by the annotations of the gateway', async () => {
    world = openWorld(appmeshV1beta1);
    await world.ensure(
      aRequest({
        ...MESH,
        hosts: ['a.example.com', 'b.example.com'],
        timeout: '5s',
        retries: { attempts: 3, perTryTimeout: null, retryOn: null },
      }),
      0,
    );
    expect(world.route().metadata.annotations).toEqual({
      'gateway.appmesh.k8s.aws/expose': 'true',
      'gateway.appmesh.k8s.aws/domain': 'a.example.com,b.example.com',
      'gateway.appmesh.k8s.aws/timeout': '5s',
      'gateway.appmesh.k8s.aws/retries': '3',
    });
  });

  it.each([
    ['no mesh', { meshName: null }, 'http', 'spec.service.meshName'],
    ['a time-out without hosts', { timeout: '5s' }, 'http', 'spec.service.timeout'],
    ['an exact path', { match: [{ uri: { exact: '/a' } }] }, 'http', 'spec.service.match[0].uri.exact'],
    ['two matches', { match: [{ uri: { prefix: '/a' } }, { uri: { prefix: '/b' } }] }, 'http', 'spec.service.match'],
    ['an HTTP match of gRPC', { match: [{ uri: { prefix: '/a' } }] }, 'grpc', 'spec.service.match'],
    [
      'an unknown retry event',
      { retries: { attempts: 1, perTryTimeout: null, retryOn: 'always' } },
      'http',
      'spec.service.retries.retryOn',
    ],
    [
      'a gRPC retry event of HTTP',
      { retries: { attempts: 1, perTryTimeout: null, retryOn: 'unavailable' } },
      'http',
      'spec.service.retries.retryOn',
    ],
    ['retries of TCP', { retries: { attempts: 1, perTryTimeout: null, retryOn: null } }, 'tcp', 'spec.service.retries'],
    [
      'a try time-out that is none',
      { retries: { attempts: 1, perTryTimeout: 'x', retryOn: null } },
      'http',
      'spec.service.retries.perTryTimeout',
    ],
    ['a grpc match of HTTP', { grpc: { serviceName: 'a.B', methodName: null } }, 'http', 'spec.service.grpc'],
  ] as const)('refuses %s', (_what, service, protocol, path) => {
    world = openWorld(appmeshV1beta1);
    expect(
      world.driver.validate(aRequest({ ...MESH, ...(service as object) }, protocol)).map((flaw) => flaw.path),
    ).toContain(path);
  });
});

describe('appmesh-v1beta2', () => {
  const { routeRef } = appmeshV1beta2;
  const node = nodeOf(routeRef);
  const service = { ...routeRef.kind, kind: 'VirtualService', plural: 'virtualservices' };
  let world: World;
  afterEach(() => world.embedded.close());
  const get = (ref: ObjectRef): KubeObject | null => world.embedded.api.store.get(ref.kind, 'shop', ref.name) ?? null;

  it('listens on the port of the container and selects the pods of both workloads', async () => {
    world = openWorld(appmeshV1beta2);
    await world.ensure(aRequest({ timeout: '1.5s' }), 0);
    expect(specOf(world.route())['listeners']).toEqual([{ portMapping: { port: 8080, protocol: 'http' } }]);
    expect(specOf(get(refOf(node, 'shop', 'web-primary')))).toEqual({
      podSelector: { matchLabels: { app: 'web-primary' } },
      listeners: [
        {
          portMapping: { port: 8080, protocol: 'http' },
          timeout: { http: { perRequest: { unit: 'ms', value: 1_500 } } },
        },
      ],
      serviceDiscovery: { dns: { hostname: 'web-primary.shop.svc.cluster.local.' } },
      backends: [],
    });
    expect(specOf(get(refOf(node, 'shop', 'web-canary')))['podSelector']).toEqual({ matchLabels: { app: 'web' } });
    expect(get(refOf(node, 'shop', 'web'))).toBeNull();
  });

  it('makes a node for the apex at release, so that the route has where to lead', async () => {
    world = openWorld(appmeshV1beta2);
    await world.ensure(aRequest(), 0);
    await world.driver.release(aRequest(), await world.read(aRequest()), false);
    const apex = get(refOf(node, 'shop', 'web'))!;
    expect(specOf(apex)).toMatchObject({ serviceDiscovery: { dns: { hostname: 'web.shop.svc.cluster.local.' } } });
    expect(specOf(apex)).not.toHaveProperty('podSelector');
    expect(apex.metadata.ownerReferences ?? []).toEqual([]);
    for (const ref of [refOf(node, 'shop', 'web-canary'), refOf(service, 'shop', 'web')])
      expect(get(ref)?.metadata.ownerReferences ?? []).toEqual([]);
    expect(get(refOf(service, 'shop', 'web-canary'))?.metadata.ownerReferences).toHaveLength(1);
  });

  it('selects no pods where the user’s own node has them', async () => {
    world = openWorld(appmeshV1beta2);
    world.put(appmeshV1beta2.foreign());
    await world.ensure(aRequest(), 0);
    await world.ensure(aRequest(), 0);
    expect(specOf(get(refOf(node, 'shop', 'web-canary')))).not.toHaveProperty('podSelector');
    expect((await world.read(aRequest())).seen).toMatchObject({ state: 'ready', askedPercent: 0 });
  });

  it('refuses a virtual service of the apex that does not follow the router', async () => {
    world = openWorld(appmeshV1beta2);
    world.put([
      anObject(refOf(service, 'shop', 'web'), { provider: { virtualNode: { virtualNodeRef: { name: 'web' } } } }),
    ]);
    expect((await world.read(aRequest())).problem?.message).toMatch(
      /its provider is not the virtual router "web", must be it/,
    );
  });

  it('repairs around what the App Mesh webhook sets', async () => {
    world = openWorld(appmeshV1beta2);
    await world.ensure(aRequest(), 0);
    const meshRef = { name: 'global', uid: 'u' };
    world.embedded.api.store.mutate(routeRef.kind, 'shop', 'web', (draft) =>
      Object.assign(draft['spec'] as object, { awsName: 'web_shop', meshRef }),
    );
    await world.ensure(aRequest({ retries: { attempts: 5, perTryTimeout: null, retryOn: '5xx,connect-failure' } }), 0);
    expect(specOf(world.route())).toMatchObject({
      awsName: 'web_shop',
      meshRef,
      routes: [
        {
          httpRoute: {
            retryPolicy: {
              maxRetries: 5,
              perRetryTimeout: { unit: 'ms', value: 250 },
              httpRetryEvents: ['server-error', 'gateway-error'],
              tcpRetryEvents: ['connection-error'],
            },
          },
        },
      ],
    });
  });
});
