// Real requests through the data plane: the split seen from outside is the one that the route objects ask for.
import { afterEach, describe, expect, it } from 'vitest';
import type { StoreAccess } from '../../../../src/embedded/apiserver/access.ts';
import type { DataPlaneMesh } from '../../../../src/embedded/dataplane/start.ts';
import type { KubeObject } from '../../../../src/kube/contract.ts';
import {
  NAMESPACE,
  get,
  isReady,
  isWithinBinomial,
  load,
  openGrpc,
  scale,
  startRealCluster,
  until,
} from './support.ts';
import type { RealCluster } from './support.ts';

let cluster: RealCluster;
afterEach(async () => {
  await cluster.stop();
  expect(cluster.problems).toEqual([]);
});

const node = (apiVersion: string, name: string, member: string): KubeObject => ({
  apiVersion,
  kind: 'VirtualNode',
  metadata: { name, namespace: NAMESPACE },
  spec: {
    listeners: [{ portMapping: { port: 80, protocol: 'http' } }],
    serviceDiscovery: { dns: { [member]: `${name}.${NAMESPACE}.svc.cluster.local.` } },
  },
});

/** What a person would write for a split, by mesh. */
const ROUTES: Readonly<
  Record<Exclude<DataPlaneMesh, 'kubernetes'>, (primary: number, canary: number) => KubeObject[]>
> = {
  istio: (primary, canary) => [
    {
      apiVersion: 'networking.istio.io/v1',
      kind: 'VirtualService',
      metadata: { name: 'web', namespace: NAMESPACE },
      spec: {
        hosts: ['web'],
        http: [
          {
            route: [
              { destination: { host: 'web-primary' }, weight: primary },
              { destination: { host: 'web-canary' }, weight: canary },
            ],
          },
        ],
      },
    },
  ],
  smi: (primary, canary) => [
    {
      apiVersion: 'split.smi-spec.io/v1alpha2',
      kind: 'TrafficSplit',
      metadata: { name: 'web', namespace: NAMESPACE },
      spec: {
        service: 'web',
        backends: [
          { service: 'web-primary', weight: primary },
          { service: 'web-canary', weight: canary },
        ],
      },
    },
  ],
  'gateway-api': (primary, canary) => [
    {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'HTTPRoute',
      metadata: { name: 'web', namespace: NAMESPACE },
      spec: {
        parentRefs: [{ group: '', kind: 'Service', name: 'web', port: 80 }],
        rules: [
          {
            backendRefs: [
              { name: 'web-primary', port: 80, weight: primary },
              { name: 'web-canary', port: 80, weight: canary },
            ],
          },
        ],
      },
    },
  ],
  'appmesh-v1beta1': (primary, canary) => [
    ...['web-primary', 'web-canary'].map((name) => node('appmesh.k8s.aws/v1beta1', name, 'hostName')),
    {
      apiVersion: 'appmesh.k8s.aws/v1beta1',
      kind: 'VirtualService',
      metadata: { name: 'web.shop', namespace: NAMESPACE },
      spec: {
        meshName: 'global',
        virtualRouter: { name: 'web', listeners: [{ portMapping: { port: 80, protocol: 'http' } }] },
        routes: [
          {
            name: 'web',
            http: {
              match: { prefix: '/' },
              action: {
                weightedTargets: [
                  { virtualNodeName: 'web-primary', weight: primary },
                  { virtualNodeName: 'web-canary', weight: canary },
                ],
              },
            },
          },
        ],
      },
    },
  ],
  'appmesh-v1beta2': (primary, canary) => [
    ...['web-primary', 'web-canary'].map((name) => node('appmesh.k8s.aws/v1beta2', name, 'hostname')),
    {
      apiVersion: 'appmesh.k8s.aws/v1beta2',
      kind: 'VirtualRouter',
      metadata: { name: 'web', namespace: NAMESPACE },
      spec: {
        listeners: [{ portMapping: { port: 80, protocol: 'http' } }],
        routes: [
          {
            name: 'web',
            httpRoute: {
              match: { prefix: '/' },
              action: {
                weightedTargets: [
                  { virtualNodeRef: { name: 'web-primary' }, weight: primary },
                  { virtualNodeRef: { name: 'web-canary' }, weight: canary },
                ],
              },
            },
          },
        ],
      },
    },
    {
      apiVersion: 'appmesh.k8s.aws/v1beta2',
      kind: 'VirtualService',
      metadata: { name: 'web', namespace: NAMESPACE },
      spec: {
        awsName: 'web.shop.svc.cluster.local',
        provider: { virtualRouter: { virtualRouterRef: { name: 'web' } } },
      },
    },
  ],
};

const put = (store: StoreAccess, objects: readonly KubeObject[]): void => {
  for (const object of objects) store.put(object);
};

async function until100(role: string): Promise<void> {
  await until(() => cluster.plane.view.snapshot().rules.length > 0, 'a route is known');
  for (let streak = 0; streak < 30;) {
    const answer = await get(cluster.plane.mesh.httpUrl, 'web.shop');
    streak = answer.role === role ? streak + 1 : 0;
  }
}

describe.each(Object.keys(ROUTES) as (keyof typeof ROUTES)[])('split by %s', (mesh) => {
  it('follows the weights, all the way there and back', { timeout: 60_000 }, async () => {
    cluster = await startRealCluster(mesh);
    const { store, plane } = cluster;
    for (const [primary, canary] of [
      [70, 30],
      [50, 50],
    ] as const) {
      put(store, ROUTES[mesh](primary, canary));
      await sleepLag();
      const { roles, failed } = await load(plane.mesh.httpUrl, 'web.shop.svc.cluster.local', 600);
      expect(failed).toBe(0);
      expect(isWithinBinomial(roles['canary'] ?? 0, 600, canary / 100)).toBe(true);
    }
    put(store, ROUTES[mesh](100, 0));
    await until100('primary');
    expect((await load(plane.mesh.httpUrl, 'web:80', 200)).roles).toEqual({ primary: 200 });
    put(store, ROUTES[mesh](0, 100));
    await until100('canary');
    expect((await load(plane.mesh.httpUrl, 'web', 200)).roles).toEqual({ canary: 200 });
    expect([...plane.counts.byService().keys()].sort()).toEqual(['web-canary', 'web-primary']);
  });
});

/** Long enough for the view to follow: it is asked, not slept for. */
async function sleepLag(): Promise<void> {
  await new Promise<void>((resolve) => {
    const stop = cluster.plane.view.onChange(() => {
      stop();
      resolve();
    });
  });
}

describe('pods that come and go', () => {
  it('loses no request while the canary is scaled down, up and replaced', { timeout: 60_000 }, async () => {
    cluster = await startRealCluster('istio');
    const { store, plane } = cluster;
    put(store, ROUTES.istio(50, 50));
    await sleepLag();
    const done = new AbortController();
    let total = 0;
    let failed = 0;
    const loading = (async () => {
      while (!done.signal.aborted) {
        const result = await load(plane.mesh.httpUrl, 'web', 20);
        total += 20;
        failed += result.failed;
      }
    })();
    for (const replicas of [1, 3, 1, 2]) {
      const before = total;
      scale(store, 'web', replicas);
      await until(() => total > before + 100, 'requests went through meanwhile');
      await until(() => isReady(store, 'web'), `web has ${replicas} pods`);
      await until(() => cluster.runner.count() === 2 + replicas, 'surplus pods are gone');
    }
    done.abort();
    await loading;
    expect(failed).toBe(0);
  });

  it('answers 503 when nobody is behind a backend, and counts it as failed', { timeout: 60_000 }, async () => {
    cluster = await startRealCluster('istio');
    const { store, plane } = cluster;
    scale(store, 'web', 0);
    put(store, ROUTES.istio(0, 100));
    await until(() => plane.view.snapshot().addresses.size === 2, 'the canary has no endpoints');
    expect(await get(plane.mesh.httpUrl, 'web')).toMatchObject({ status: 503 });
    expect(plane.counts.byService().get('web-canary')).toEqual({ requests: 1, failures: 1 });
  });
});

describe('plain Services', () => {
  it('reaches each Service by its name, and follows the selector of the apex', { timeout: 60_000 }, async () => {
    cluster = await startRealCluster('kubernetes');
    const { store, plane } = cluster;
    expect(await get(plane.mesh.httpUrl, 'web')).toMatchObject({ status: 200, role: 'primary' });
    expect(await get(plane.mesh.httpUrl, 'web-canary')).toMatchObject({ status: 200, role: 'canary' });
    expect(await get(plane.mesh.httpUrl, 'elsewhere')).toMatchObject({ status: 404 });
    expect(await get(plane.gateway.httpUrl, 'web')).toMatchObject({ status: 404 });
    const service = store.list(
      { group: '', version: 'v1', kind: 'Service', plural: 'services', namespaced: true },
      NAMESPACE,
    )[0];
    store.put({
      ...service!,
      apiVersion: 'v1',
      kind: 'Service',
      spec: { ...(service!['spec'] as object), selector: { app: 'web' } },
    });
    await until100Plain('canary');
  });
});

async function until100Plain(role: string): Promise<void> {
  await until(() => cluster.plane.view.snapshot().addresses.size === 4, 'endpoints are known');
  for (;;) if ((await get(cluster.plane.mesh.httpUrl, 'web')).role === role) return;
}

describe('faults', () => {
  it('shows planted failures to users and in the numbers that pods serve', { timeout: 60_000 }, async () => {
    cluster = await startRealCluster('istio', { canaryImage: 'app:2.0.0_500@20%', metricsAs: 'istio' });
    const { store, plane } = cluster;
    put(store, ROUTES.istio(0, 100));
    await sleepLag();
    const { failed } = await load(plane.mesh.httpUrl, 'web', 600);
    expect(isWithinBinomial(failed, 600, 0.2)).toBe(true);
    const pods = store.list(
      { group: '', version: 'v1', kind: 'Pod', plural: 'pods', namespaced: true },
      NAMESPACE,
      'app=web',
    );
    let counted = 0;
    for (const pod of pods) {
      const { annotations = {} } = pod.metadata;
      const text = await (await fetch(`http://127.0.0.1:${annotations['prometheus.io/port']}/metrics`)).text();
      const pattern = /^istio_requests_total\{[^}]*destination_workload="web"[^}]*response_code="500"[^}]*\} (\d+)$/m;
      counted += Number(pattern.exec(text)?.[1] ?? 0);
      expect(text).toContain('istio_request_duration_milliseconds_bucket{');
    }
    expect(counted).toBe(failed);
  });

  it('makes a slow revision slow', { timeout: 60_000 }, async () => {
    cluster = await startRealCluster('kubernetes', { canaryImage: 'app:slow@300ms' });
    const startMs = performance.now();
    expect(await get(cluster.plane.mesh.httpUrl, 'web-canary')).toMatchObject({ status: 200, role: 'canary' });
    expect(performance.now() - startMs).toBeGreaterThan(290);
  });
});

describe('gRPC', () => {
  const grpcRoute = (primary: number, canary: number): KubeObject[] => [
    ...['web-primary', 'web-canary'].map((name) => node('appmesh.k8s.aws/v1beta1', name, 'hostName')),
    {
      apiVersion: 'appmesh.k8s.aws/v1beta1',
      kind: 'VirtualService',
      metadata: { name: 'web.shop', namespace: NAMESPACE },
      spec: {
        routes: [
          {
            name: 'web',
            grpc: {
              match: { serviceName: 'proto.DataService' },
              action: {
                weightedTargets: [
                  { virtualNodeName: 'web-primary', weight: primary },
                  { virtualNodeName: 'web-canary', weight: canary },
                ],
              },
            },
          },
        ],
      },
    },
  ];

  it('splits calls, and loses none while pods go', { timeout: 60_000 }, async () => {
    cluster = await startRealCluster('appmesh-v1beta1', { protocol: 'grpc' });
    const { store, plane } = cluster;
    put(store, grpcRoute(70, 30));
    await sleepLag();
    const client = openGrpc(plane.mesh.grpcAddress, 'web.shop');
    const answers = [];
    for (let i = 0; i < 500; i += 1) answers.push(await client.get());
    expect(answers.filter(({ code }) => code !== 0)).toEqual([]);
    expect(isWithinBinomial(answers.filter(({ role }) => role === 'canary').length, 500, 0.3)).toBe(true);

    scale(store, 'web', 1);
    const codes = new Set<number>();
    while (cluster.runner.count() > 3) codes.add((await client.get()).code);
    expect([...codes]).toEqual([0]);

    put(store, grpcRoute(0, 100));
    for (let streak = 0; streak < 20;) streak = (await client.get()).role === 'canary' ? streak + 1 : 0;
    scale(store, 'web', 0);
    await until(() => plane.view.snapshot().addresses.size === 2, 'the canary has no endpoints');
    expect((await client.get()).code).toBe(14);
    client.close();
  });

  it('passes on failures as gRPC has them', { timeout: 60_000 }, async () => {
    cluster = await startRealCluster('kubernetes', { protocol: 'grpc', canaryImage: 'app:500@50%' });
    const client = openGrpc(cluster.plane.mesh.grpcAddress, 'web-canary');
    const answers = [];
    for (let i = 0; i < 200; i += 1) answers.push(await client.get());
    const failed = answers.filter(({ code }) => code !== 0);
    expect(isWithinBinomial(failed.length, 200, 0.5)).toBe(true);
    expect(new Set(failed.map(({ code }) => code))).toEqual(new Set([13]));
    expect(failed.every(({ role }) => role === 'canary')).toBe(true);
    const unknown = openGrpc(cluster.plane.mesh.grpcAddress, 'elsewhere');
    expect((await unknown.get()).code).toBe(12);
    unknown.close();
    client.close();
  });
});
