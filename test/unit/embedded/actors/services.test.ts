// Who is behind a Service, and what an autoscaler does.
import { afterEach, describe, expect, it } from 'vitest';
import { ENDPOINT_SLICE } from '../../../../src/embedded/actors/endpoints.ts';
import type { SliceEndpoint } from '../../../../src/embedded/actors/endpoints.ts';
import { DESIRED_ANNOTATION } from '../../../../src/embedded/actors/hpa.ts';
import { readImageFaults } from '../../../../src/embedded/actors/image-faults.ts';
import { HPA, SERVICE } from '../../../../src/kube/kinds.ts';
import { change, makeDeployment, startTestCluster } from './support.ts';
import type { TestCluster } from './support.ts';

let cluster: TestCluster;
afterEach(() => cluster?.stop());

function createService(selector: Record<string, string> = { app: 'web' }): void {
  cluster.store.create({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: 'default' },
    spec: { selector, ports: [{ name: 'http', port: 80, targetPort: 'http' }] },
  });
}

const slices = (): ReturnType<typeof cluster.store.list> => cluster.store.list(ENDPOINT_SLICE, 'default');
const endpoints = (): SliceEndpoint[] => slices().flatMap((slice) => slice['endpoints'] as SliceEndpoint[]);

describe('endpoints', () => {
  it('lists ready pods at their target port and drops them when they end', async () => {
    cluster = startTestCluster();
    createService();
    cluster.store.create(makeDeployment('app:1.0.0'));
    await cluster.clock.advance(3_000);
    expect(slices()).toHaveLength(1);
    expect(slices()[0]).toMatchObject({
      metadata: { labels: { 'kubernetes.io/service-name': 'web' } },
      addressType: 'IPv4',
      ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    });
    expect(endpoints().map(({ conditions }) => conditions.ready)).toEqual([true, true]);
    change(cluster, { replicas: 1 });
    await cluster.clock.advance(100);
    expect(
      endpoints()
        .map(({ conditions }) => conditions)
        .sort((a, b) => Number(a.ready) - Number(b.ready)),
    ).toEqual([
      { ready: false, serving: true, terminating: true },
      { ready: true, serving: true, terminating: false },
    ]);
    await cluster.clock.advance(1_000);
    expect(endpoints()).toHaveLength(1);
  });

  it('follows a selector that is changed', async () => {
    cluster = startTestCluster();
    createService({ app: 'other' });
    cluster.store.create(makeDeployment('app:1.0.0'));
    await cluster.clock.advance(3_000);
    expect(endpoints()).toEqual([]);
    cluster.store.mutate(SERVICE, 'default', 'web', (draft) => {
      draft['spec'] = { ...(draft['spec'] as object), selector: { app: 'web' } };
    });
    await cluster.clock.advance(100);
    expect(endpoints()).toHaveLength(2);
  });
});

describe('hpa', () => {
  it('holds replicas within its bounds, follows a wish, and leaves zero alone', async () => {
    cluster = startTestCluster();
    cluster.store.create(makeDeployment('app:1.0.0', { replicas: 1 }));
    cluster.store.create({
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: 'web', namespace: 'default' },
      spec: {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
        minReplicas: 2,
        maxReplicas: 4,
      },
    });
    await cluster.clock.advance(1_000);
    expect(cluster.deployment().spec.replicas).toBe(2);
    cluster.store.mutate(HPA, 'default', 'web', (draft) => {
      draft.metadata.annotations = { [DESIRED_ANNOTATION]: '9' };
    });
    await cluster.clock.advance(1_000);
    expect(cluster.deployment().spec.replicas).toBe(4);
    expect(cluster.store.get(HPA, 'default', 'web')?.['status']).toMatchObject({
      currentReplicas: 4,
      desiredReplicas: 4,
    });
    change(cluster, { replicas: 0 });
    await cluster.clock.advance(1_000);
    expect(cluster.deployment().spec.replicas).toBe(0);
    expect(JSON.stringify(cluster.store.get(HPA, 'default', 'web')?.['status'])).toContain('ScalingDisabled');
  });
});

describe('image faults', () => {
  const none = { failure: null, latencyMs: 0, startDelayMs: 0, isCrashing: false, isMissing: false };
  it.each([
    ['app', { ...none, version: 'latest' }],
    ['registry.example.com:5000/shop/app:1.2.3', { ...none, version: '1.2.3' }],
    ['app:1.2.3@sha256:00ff', { ...none, version: '1.2.3' }],
    ['app@sha256:00ff', { ...none, version: 'latest' }],
    ['app:slow', { ...none, version: 'slow', latencyMs: 800 }],
    ['app:500@20%', { ...none, version: '500@20%', failure: { status: 500, share: 0.2 } }],
    ['app:crashloop', { ...none, version: 'crashloop', isCrashing: true }],
    ['app:imagepull', { ...none, version: 'imagepull', isMissing: true }],
    ['app:slow-start', { ...none, version: 'slow-start', startDelayMs: 10_000 }],
    [
      'app:2.0_slow@50ms_503@5%',
      { ...none, version: '2.0_slow@50ms_503@5%', latencyMs: 50, failure: { status: 503, share: 0.05 } },
    ],
  ])('%s', (image, faults) => {
    expect(readImageFaults(image)).toEqual(faults);
  });
});
