// Targets: adoption of a running workload without losing ready capacity, ports, autoscalers, failures seen at once, and suspension.
import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../../src/kube/contract.ts';
import { DEPLOYMENT, HPA, POD, SERVICE } from '../../../src/kube/kinds.ts';
import { initializedShop, runningShop, shopCanary, shopDeployment } from '../../support/loop-fixtures.ts';
import { VIRTUAL_SERVICE, type Draft } from '../../support/loop-view.ts';
import type { LoopWorld } from '../../support/loop-world.ts';
import { isPrimary, reach } from './phases.ts';

/** Ready pods of shop, target and primary together, at each commit of a pod. */
function watchCapacity(world: LoopWorld): number[] {
  const counts: number[] = [];
  world.api.onCommit(({ kind }) => {
    if (kind.kind !== 'Pod') return;
    counts.push(
      world
        .list(POD)
        .filter((pod) => ['shop', 'shop-primary'].includes(pod.metadata.labels?.['app'] ?? '') && isReady(pod)).length,
    );
  });
  return counts;
}

function isReady(pod: KubeObject): boolean {
  const { conditions = [] } = (pod['status'] ?? {}) as { conditions?: { type: string; status: string }[] };
  return (
    pod.metadata.deletionTimestamp === undefined &&
    conditions.some(({ type, status }) => type === 'Ready' && status === 'True')
  );
}

const autoscaler = (minReplicas: number, maxReplicas: number): KubeObject => ({
  apiVersion: 'autoscaling/v2',
  kind: 'HorizontalPodAutoscaler',
  metadata: { name: 'shop', namespace: 'web' },
  spec: { minReplicas, maxReplicas, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'shop' } },
});
const withAutoscaler = {
  spec: { autoscalerRef: { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', name: 'shop' } },
};
const boundsOf = (world: LoopWorld, name: string): unknown => {
  const { minReplicas, maxReplicas } = world.get(HPA, name)!['spec'] as { minReplicas: number; maxReplicas: number };
  return [minReplicas, maxReplicas];
};

describe('adoption', () => {
  it('of a running Deployment never has fewer ready pods than before', async () => {
    const world = await runningShop({ deployment: { replicas: 5 } });
    const counts = watchCapacity(world);
    world.apply(shopCanary());
    await world.untilPhase('Initialized');
    await world.clock.advance(30_000);
    expect(Math.min(...counts)).toBeGreaterThanOrEqual(5);
    expect(world.replicasOf('shop-primary')).toEqual({ asked: 5, ready: 5 });
    expect(world.replicasOf('shop')).toEqual({ asked: 0, ready: 0 });
    world.close();
  });

  it('of a Deployment behind a Service of its own: the Service stays the same object and always has a ready pod', async () => {
    const service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'shop', namespace: 'web', labels: { team: 'a' } },
      spec: { selector: { app: 'shop' }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
    };
    const world = await runningShop({ objects: [service] });
    const { uid } = world.get(SERVICE, 'shop')!.metadata;
    world.apply(shopCanary());
    await world.untilPhase('Initialized');
    const after = world.get(SERVICE, 'shop')!;
    expect(after.metadata).toMatchObject({ uid, labels: { team: 'a' } });
    expect(after['spec']).toMatchObject({ selector: { app: 'shop-primary' } });
    expect(world.readyBehind('web', 'shop')).toBe(2);
    expect(world.outages).toEqual([]);
    world.close();
  });

  it('keeps the routes of a VirtualService that was there, and patches only the rule that names the apex', async () => {
    const route = {
      apiVersion: 'networking.istio.io/v1',
      kind: 'VirtualService',
      metadata: { name: 'shop', namespace: 'web', annotations: { team: 'a' } },
      spec: {
        hosts: ['shop.example.com'],
        http: [
          {
            name: 'admin',
            match: [{ uri: { prefix: '/admin' } }],
            route: [{ destination: { host: 'admin' }, weight: 100 }],
          },
          { name: 'shop', timeout: '7s', route: [{ destination: { host: 'shop' } }] },
        ],
      },
    };
    const world = await runningShop({ objects: [route] });
    world.apply(shopCanary());
    await world.untilPhase('Initialized');
    world.setImage('app:2');
    await world.untilWeight(20);
    const { http, hosts } = world.get(VIRTUAL_SERVICE, 'shop')!['spec'] as {
      http: Record<string, unknown>[];
      hosts: string[];
    };
    expect(hosts).toEqual(['shop.example.com']);
    expect(http[0]).toEqual(route.spec.http[0]);
    expect(http[1]).toMatchObject({ name: 'shop', timeout: '7s' });
    expect(world.weight()).toBe(20);
    world.close();
  });

  it('whose primary does not become ready fails by its deadline with the apex on the target and nothing scaled', async () => {
    const world = await runningShop();
    world.podDelayMs = (pod) => (isPrimary(pod) ? Infinity : 0);
    world.apply(shopCanary());
    await world.untilPhase('Failed');
    expect(world.replicasOf('shop')).toEqual({ asked: 2, ready: 2 });
    expect(world.readyBehind('web', 'shop')).toBe(2);
    expect(world.get(SERVICE, 'shop')?.['spec']).toMatchObject({ selector: { app: 'shop' } });
    expect(world.condition('Ready')).toMatchObject({ status: 'False', reason: 'InitializationFailed' });
    world.close();
  });

  it('that failed is tried again with the next revision', async () => {
    const world = await runningShop();
    world.podDelayMs = (pod) => (isPrimary(pod) && JSON.stringify(pod['spec']).includes('app:1') ? Infinity : 0);
    world.apply(shopCanary());
    await world.untilPhase('Failed');
    world.setImage('app:2');
    await world.untilPhase('Initialized');
    expect(world.image('shop-primary')).toBe('app:2');
    expect(world.replicasOf('shop').asked).toBe(0);
    world.close();
  });

  it('waits for a target that comes later', async () => {
    const world = await runningShop();
    world.apply(shopCanary({ name: 'later', spec: { targetRef: { name: 'later' } } }));
    await world.clock.advance(30_000);
    expect(world.condition('Ready', 'later')).toMatchObject({
      status: 'False',
      message: expect.stringContaining('target does not exist'),
    });
    world.apply(shopDeployment('app:1', { name: 'later' }));
    await world.untilPhase('Initialized', 'later');
    world.close();
  });

  it('of a Deployment without a usable label is refused with the labels that would do', async () => {
    const world = await runningShop();
    const odd = shopDeployment('app:1', { name: 'odd' }) as unknown as {
      spec: { selector: unknown; template: { metadata: unknown } };
    };
    odd.spec.selector = { matchLabels: { flavour: 'odd' } };
    odd.spec.template.metadata = { labels: { flavour: 'odd' } };
    world.apply(odd as unknown as KubeObject);
    const mark = world.mark();
    world.apply(shopCanary({ name: 'odd', spec: { targetRef: { name: 'odd' } } }));
    await world.clock.advance(60_000);
    const ready = world.condition('Ready', 'odd');
    expect(ready).toMatchObject({ status: 'False' });
    expect(ready!.message).toMatch(/app.*name.*app\.kubernetes\.io\/name/);
    expect(world.attempts(mark)).toEqual(['create events.events.k8s.io', 'update canaries.serin.dev/status odd']);
    world.close();
  });
});

describe('ports', () => {
  it('are discovered from the containers', async () => {
    const containers = [
      {
        name: 'app',
        image: 'app:1',
        ports: [
          { name: 'http', containerPort: 8080 },
          { name: 'http-metrics', containerPort: 9797 },
          { containerPort: 9999 },
        ],
      },
    ];
    const world = await initializedShop({
      canary: { spec: { service: { targetPort: 'http', portDiscovery: true } } },
      deployment: { podSpec: { containers } },
    });
    for (const name of ['shop', 'shop-primary', 'shop-canary']) {
      const { ports } = world.get(SERVICE, name)!['spec'] as {
        ports: { name: string; port: number; targetPort: unknown }[];
      };
      expect(ports.map(({ name, port }) => `${name} ${port}`)).toEqual([
        'http 80',
        'http-metrics 9797',
        'tcp-app-2 9999',
      ]);
    }
    world.close();
  });
});

describe('autoscalers', () => {
  it("the primary's copy holds the capacity of the run's begin as its floor, and releases it at the end", async () => {
    const world = await initializedShop({ canary: withAutoscaler, objects: [autoscaler(2, 10)] });
    expect(boundsOf(world, 'shop-primary')).toEqual([2, 10]);
    // Load has scaled the primary out before the run begins.
    world.change(HPA, 'shop-primary', (draft) => {
      draft.metadata.annotations = { ...draft.metadata.annotations, 'serin.embedded/desired': '6' };
    });
    await world.until('six pods serve', () => world.replicasOf('shop-primary').ready === 6);
    world.setImage('app:2-bad');
    await world.untilWeight(20);
    expect(boundsOf(world, 'shop-primary')).toEqual([6, 10]);
    // The canary takes load off the primary, whose metrics ask for less now.
    world.change(HPA, 'shop-primary', (draft) => {
      draft.metadata.annotations = { ...draft.metadata.annotations, 'serin.embedded/desired': '2' };
    });
    await world.clock.advance(5_000);
    expect(world.replicasOf('shop-primary').asked).toBe(6);
    await world.untilPhase('Failed');
    expect(world.replicasOf('shop-primary').ready).toBe(6);
    await world.until('the floor is released', () => JSON.stringify(boundsOf(world, 'shop-primary')) === '[2,10]');
    expect(boundsOf(world, 'shop')).toEqual([2, 10]);
    world.close();
  });

  it("the primary's copy follows the target's with a promotion, not before", async () => {
    const world = await initializedShop({ canary: withAutoscaler, objects: [autoscaler(2, 10)] });
    world.change(HPA, 'shop', (draft) => {
      (draft.spec as { maxReplicas: number }).maxReplicas = 20;
    });
    await world.clock.advance(60_000);
    expect(boundsOf(world, 'shop-primary')).toEqual([2, 10]);
    world.setImage('app:2');
    await world.untilPhase('Succeeded');
    await world.clock.advance(5_000);
    expect(boundsOf(world, 'shop-primary')).toEqual([2, 20]);
    world.close();
  });

  it('that is named but not there is refused until it comes', async () => {
    const world = await runningShop();
    world.apply(shopCanary(withAutoscaler));
    await world.clock.advance(30_000);
    expect(world.condition('Ready')).toMatchObject({ status: 'False', reason: 'ScalerMissing' });
    world.apply(autoscaler(2, 4));
    await world.untilPhase('Initialized');
    world.close();
  });

  it('without one, a primary that somebody scales down during a run is brought back to its floor', async () => {
    const world = await reach('Progressing');
    world.change(DEPLOYMENT, 'shop-primary', (draft) => {
      (draft.spec as { replicas: number }).replicas = 1;
    });
    await world.until('the floor holds', () => world.replicasOf('shop-primary').ready === 2, 10_000);
    world.close();
  });
});

describe('a canary that cannot start', () => {
  it.each([
    { image: 'app:crashloop', reason: 'CrashLoopBackOff' },
    { image: 'app:imagepull', reason: 'ImagePullBackOff' },
  ])('$image is rolled back at once, not at the deadline', async ({ image, reason }) => {
    const world = await initializedShop({ canary: { spec: { progressDeadlineSeconds: 3_600 } } });
    world.setImage(image);
    const startMs = world.clock.monotonicMs();
    await world.untilPhase('Failed');
    expect(world.clock.monotonicMs() - startMs).toBeLessThan(20_000);
    expect(world.condition('Ready')).toMatchObject({
      status: 'False',
      reason: 'CanaryCrashed',
      message: expect.stringContaining(reason),
    });
    expect(world.trail.filter((word) => /\/[1-9]/.test(word))).toEqual([]);
    expect(world.replicasOf('shop').asked).toBe(0);
    world.close();
  });

  it('that crashes under traffic loses it within a second', async () => {
    const world = await reach('Progressing', { mayFail: true });
    const startMs = world.clock.monotonicMs();
    world.crashPods('shop');
    await world.untilWeight(0);
    expect(world.clock.monotonicMs() - startMs).toBeLessThan(1_000);
    await world.untilPhase('Failed');
    expect(world.condition('Ready')?.reason).toBe('CanaryCrashed');
    world.close();
  });

  it('that is only slow is given its deadline, and then rolled back', async () => {
    const world = await initializedShop();
    world.podDelayMs = (pod) => (pod.metadata.labels?.['app'] === 'shop' ? Infinity : 0);
    world.setImage('app:2');
    await world.clock.advance(100_000);
    expect(world.phase()).toBe('Progressing');
    expect(world.status().message).toContain('0 of 2');
    await world.untilPhase('Failed', 'shop', 600_000);
    expect(world.condition('Ready')).toMatchObject({ reason: 'ProgressDeadlineExceeded' });
    world.close();
  });

  it('with half of its pods ready is enough where canaryReadyThreshold says so', async () => {
    const world = await initializedShop({
      deployment: { replicas: 4 },
      canary: { analysis: { canaryReadyThreshold: 50 } },
    });
    let started = 0;
    const slow = new Set<string>();
    world.podDelayMs = (pod) => {
      const name = pod.metadata.name;
      if (pod.metadata.labels?.['app'] === 'shop' && !slow.has(name) && started < 2) {
        started += 1;
        slow.add(name);
      }
      return slow.has(name) ? Infinity : 0;
    };
    world.setImage('app:2');
    await world.untilWeight(20);
    expect(world.replicasOf('shop').ready).toBe(2);
    world.close();
  });
});

describe('suspend', () => {
  const suspend = (world: LoopWorld, isOn: boolean): void =>
    world.changeCanary((draft: Draft) => {
      draft.spec['suspend'] = isOn;
    });

  it('at rest: a new revision waits and nothing is written', async () => {
    const world = await initializedShop();
    suspend(world, true);
    await world.clock.advance(5_000);
    expect(world.events()).toContainEqual(expect.stringContaining('skipping canary run as object is suspended'));
    const mark = world.mark();
    world.setImage('app:2');
    await world.clock.advance(600_000);
    expect(world.attempts(mark).filter((write) => !write.includes('status'))).toEqual([]);
    expect(world.image('shop-primary')).toBe('app:1');
    suspend(world, false);
    await world.untilPhase('Succeeded');
    expect(world.image('shop-primary')).toBe('app:2');
    world.close();
  });

  it('during a run: traffic stays where it is, and goes on afterwards', async () => {
    const world = await reach('Progressing');
    suspend(world, true);
    await world.clock.advance(60_000);
    expect(world.weight()).toBe(20);
    expect(world.status().message).toContain('Suspended');
    suspend(world, false);
    await world.untilPhase('Succeeded');
    world.close();
  });

  it('does not keep an abort or a deletion from working', async () => {
    const world = await reach('Progressing');
    suspend(world, true);
    await world.clock.advance(5_000);
    world.changeCanary((draft) => {
      draft.metadata.annotations = { 'serin.dev/request': JSON.stringify({ id: 'a', verb: 'abort', by: 'ann' }) };
    });
    await world.untilWeight(0);
    world.close();
  });
});
