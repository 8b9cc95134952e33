// Asked is not live: while the control plane of a mesh stands still, the weight is asked for, no pod goes, and all of it ends once it goes on.
import { describe, expect, it } from 'vitest';
import type { KubeObject, ResourceKind } from '../../../src/kube/contract.ts';
import { canaryKind } from '../../../src/kube/kinds.ts';
import { runningShop, shopCanary, type Differences } from '../../support/loop-fixtures.ts';
import { prometheusAnswer } from '../../support/loop-http.ts';
import { VIRTUAL_SERVICE } from '../../support/loop-view.ts';
import type { LoopWorld } from '../../support/loop-world.ts';
import { ScriptedIstiod } from '../../support/scripted-istiod.ts';

const HTTP_ROUTE: ResourceKind = {
  group: 'gateway.networking.k8s.io',
  version: 'v1',
  kind: 'HTTPRoute',
  plural: 'httproutes',
  namespaced: true,
};
/** What istiod waits before it pushes a change, and about what a gateway's controller takes. */
const LAG_MS = 100;
const PARENT = { group: HTTP_ROUTE.group, kind: 'Gateway', name: 'public', namespace: 'web' };

/** A control plane that can be made to stand still. */
interface ControlPlane {
  pause(): void;
  resume(): void;
}

interface Case {
  readonly provider: string;
  readonly route: ResourceKind;
  readonly canary: Differences;
  readonly args: readonly string[];
  readonly start: (world: LoopWorld) => ControlPlane;
}

/** Calls `follow` a little after each change of a kind's spec, or once it may again. */
function follow(world: LoopWorld, kind: ResourceKind, take: (route: KubeObject) => void): ControlPlane {
  let isPaused = false;
  let waiting: KubeObject | null = null;
  const go = (): void => {
    if (isPaused || waiting === null) return;
    const route = waiting;
    waiting = null;
    take(route);
  };
  world.api.onCommit(({ after, kind: changed }) => {
    if (changed.kind !== kind.kind || after === null) return;
    waiting = after;
    world.clock.setTimer(LAG_MS, go);
  });
  return {
    pause: () => {
      isPaused = true;
    },
    resume: () => {
      isPaused = false;
      world.clock.setTimer(LAG_MS, go);
    },
  };
}

const ISTIO: Case = {
  provider: 'istio',
  route: VIRTUAL_SERVICE,
  canary: {},
  args: ['--istiod-debug-url', 'http://istiod.sim:15014'],
  start(world) {
    const istiod = new ScriptedIstiod(() => world.clock.nowMs());
    world.http.on('istiod.sim', istiod.answer);
    istiod.connect('gw-1.istio-system');
    istiod.connect('client-1.web');
    const plane = follow(world, VIRTUAL_SERVICE, (route) => {
      istiod.store = route;
      istiod.push();
    });
    return {
      pause: () => {
        istiod.isPaused = true;
        plane.pause();
      },
      resume: () => {
        istiod.isPaused = false;
        plane.resume();
      },
    };
  },
};

const GATEWAY_API: Case = {
  provider: 'gateway-api',
  route: HTTP_ROUTE,
  canary: { spec: { provider: 'gateway-api', service: { gatewayRefs: [{ name: 'public', namespace: 'web' }] } } },
  args: [],
  start: (world) =>
    follow(world, HTTP_ROUTE, (route) => {
      const condition = (type: string): object => ({
        type,
        status: 'True',
        reason: type,
        message: '',
        lastTransitionTime: new Date(world.clock.nowMs()).toISOString(),
        observedGeneration: route.metadata.generation,
      });
      const conditions = [condition('Accepted'), condition('ResolvedRefs')];
      const status = { parents: [{ parentRef: PARENT, controllerName: 'example.com/gateway', conditions }] };
      if (world.get(HTTP_ROUTE, 'shop') === null) return;
      world.api.store.mutate(HTTP_ROUTE, 'web', 'shop', (draft) => Object.assign(draft, { status }), {
        user: 'gateway',
        subresource: 'status',
      });
    }),
};

async function shopOn({ args, canary, start }: Case): Promise<{ world: LoopWorld; plane: ControlPlane }> {
  const world = await runningShop({ args });
  const plane = start(world);
  const checks = { metrics: [{ name: 'errors', interval: '30s', thresholdRange: { max: 1 }, query: 'errors' }] };
  world.http.on('prometheus.sim', () =>
    prometheusAnswer(
      world.targetImage().includes('bad') && world.status()?.canaryWeight !== 0 ? '9' : '0',
      world.clock.nowMs(),
    ),
  );
  world.apply(shopCanary({ ...canary, analysis: checks }));
  await world.untilPhaseOf('Initialized');
  await world.clock.advance(5_000);
  return { world, plane };
}

/** The canary's share that the route asks for. */
function asked(world: LoopWorld, { route }: Case): unknown {
  const spec = world.get(route, 'shop')?.['spec'] as Record<string, { [member: string]: { weight: number }[] }[]>;
  const list = spec['http']?.[0]?.['route'] ?? spec['rules']?.[0]?.['backendRefs'];
  return list?.[1]?.weight;
}

const live = (world: LoopWorld): unknown =>
  (world.status() as { route?: { livePercent?: unknown } }).route?.livePercent;

describe.each([ISTIO, GATEWAY_API])('$provider', (one) => {
  it('promotes, with the live weight recorded on the way', async () => {
    const { world } = await shopOn(one);
    const seen = new Set<unknown>();
    world.api.onCommit(({ after, kind }) => {
      if (kind.kind === 'Canary' && after !== null) seen.add(live(world));
    });
    world.setImage('app:2');
    await world.untilPhase('Succeeded');
    expect([...seen]).toEqual(expect.arrayContaining([0, 20, 40, 60]));
    expect(world.replicasOf('shop').asked).toBe(0);
    world.close();
  });

  it('keeps the canary up while a rollback is asked for and not live, and ends it after', async () => {
    const { world, plane } = await shopOn(one);
    world.setImage('app:2-bad');
    await world.until('the canary has 20 %', () => asked(world, one) === 20);
    await world.clock.advance(3_000);
    plane.pause();
    await world.untilInner('RollingBack', 60_000);
    await world.until('0 is asked for', () => asked(world, one) === 0, 5_000);
    // Far longer than the drain time of one interval.
    await world.clock.advance(90_000);
    expect(world.status()?.run?.phase).toBe('RollingBack');
    expect(world.status()?.message).toContain('the data plane has not taken the 0 % for the canary yet');
    expect(world.replicasOf('shop')).toMatchObject({ asked: 2, ready: 2 });
    expect(live(world)).not.toBe(0);
    plane.resume();
    await world.untilPhase('Failed', 'shop', 15_000);
    expect(world.replicasOf('shop').asked).toBe(0);
    // Also once what was announced is acknowledged, long after anybody was asked.
    await world.clock.advance(20_000);
    expect(live(world)).toBe(0);
    world.close();
  });

  it('says NotDrained at the deadline, keeps the pods, and lets them go when the mesh follows at last', async () => {
    const { world, plane } = await shopOn(one);
    world.setImage('app:2-bad');
    await world.until('the canary has 20 %', () => asked(world, one) === 20);
    await world.clock.advance(3_000);
    plane.pause();
    await world.untilPhase('Failed', 'shop', 300_000);
    expect(world.condition('Ready')).toMatchObject({ status: 'False', reason: 'NotDrained' });
    await world.clock.advance(120_000);
    expect(world.replicasOf('shop')).toMatchObject({ asked: 2, ready: 2 });
    plane.resume();
    await world.until('the pods are gone', () => world.replicasOf('shop').asked === 0, 20_000);
    await world.until('it rests', () => world.condition('Ready')?.reason !== 'NotDrained', 20_000);
    world.close();
  });

  it('keeps the canary up while a promotion ends and the mesh stands still', async () => {
    const { world, plane } = await shopOn(one);
    world.setImage('app:2');
    await world.until('it is promoted', () => world.status()?.phase === 'Promoting');
    plane.pause();
    await world.untilPhase('Finalising', 'shop', 60_000);
    await world.until('0 is asked for', () => asked(world, one) === 0, 20_000);
    await world.clock.advance(60_000);
    expect(world.replicasOf('shop')).toMatchObject({ asked: 2, ready: 2 });
    plane.resume();
    await world.untilPhase('Succeeded', 'shop', 15_000);
    expect(world.replicasOf('shop').asked).toBe(0);
    world.close();
  });

  it('leaves the primary in place on deletion until no proxy leads to it any more', async () => {
    const { world, plane } = await shopOn(one);
    plane.pause();
    world.remove(canaryKind('serin.dev'), 'shop');
    await world.clock.advance(60_000);
    expect(world.replicasOf('shop-primary')).toMatchObject({ ready: 2 });
    expect(world.canary()).not.toBeNull();
    plane.resume();
    await world.until('the Canary is gone', () => world.canary() === null, 40_000);
    expect(world.readyBehind('web', 'shop')).toBe(2);
    world.close();
  });
});

it('does not wait for a look while istiod does not answer: a rollback is written at once', async () => {
  const { world, plane } = await shopOn(ISTIO);
  world.setImage('app:2-bad');
  await world.until('the canary has 20 %', () => asked(world, ISTIO) === 20);
  plane.pause();
  let turnedMs = 0;
  let writtenMs = 0;
  world.api.onCommit(({ after, kind }) => {
    if (kind.kind === 'Canary' && (after?.['status'] as { run?: { phase?: string } })?.run?.phase === 'RollingBack')
      turnedMs ||= world.clock.nowMs();
    if (kind.kind === 'VirtualService' && turnedMs > 0) writtenMs ||= world.clock.nowMs();
  });
  await world.until('0 is asked for', () => asked(world, ISTIO) === 0, 120_000);
  expect(writtenMs - turnedMs).toBeLessThanOrEqual(200);
  world.close();
});
