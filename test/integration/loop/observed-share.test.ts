// Where the mesh does not tell what is live, the requests that scraped pods serve do: a canary that still answers is not scaled down.
import { describe, expect, it } from 'vitest';
import { POD } from '../../../src/kube/kinds.ts';
import { runningShop, shopCanary } from '../../support/loop-fixtures.ts';
import type { LoopWorld } from '../../support/loop-world.ts';

const METRIC = 'istio_requests_total{reporter="destination",destination_workload="any"';

/** Pods that serve so many requests a second each, by the workload that they are of. */
class Load {
  perSecond = { primary: 0, canary: 0 };
  readonly #pods = new Map<string, { served: number; sinceMs: number; role: 'primary' | 'canary' }>();

  constructor(world: LoopWorld) {
    world.api.onCommit(({ after, kind }) => {
      const ip = (after?.['status'] as { podIP?: string } | undefined)?.podIP;
      if (kind.kind !== POD.kind || after === null || ip === undefined || this.#pods.has(ip)) return;
      const role = after.metadata.labels?.['app'] === 'shop-primary' ? 'primary' : 'canary';
      const pod = { served: 0, sinceMs: world.clock.nowMs(), role } as const;
      this.#pods.set(ip, pod);
      world.http.on(ip, () => ({ status: 200, body: this.#page(ip, world.clock.nowMs()) }));
    });
  }

  #page(ip: string, nowMs: number): string {
    const pod = this.#pods.get(ip)!;
    pod.served += ((nowMs - pod.sinceMs) / 1_000) * this.perSecond[pod.role];
    pod.sinceMs = nowMs;
    return `# TYPE istio_requests_total counter\n${METRIC},response_code="200"} ${Math.floor(pod.served)}\n`;
  }
}

async function rollingBack(): Promise<{ world: LoopWorld; load: Load }> {
  const world = await runningShop();
  const load = new Load(world);
  load.perSecond = { primary: 100, canary: 20 };
  world.apply(
    shopCanary({
      spec: { metricsServer: 'scrape', progressDeadlineSeconds: 90 },
      analysis: { metrics: [{ name: 'request-success-rate', interval: '10s', thresholdRange: { min: 99 } }] },
    }),
  );
  await world.untilPhase('Initialized');
  world.setImage('app:2');
  await world.until('the canary has traffic', () => (world.status()?.canaryWeight ?? 0) > 0, 120_000);
  await world.clock.advance(5_000);
  world.setImage('app:1');
  await world.untilInner('Returning', 30_000);
  return { world, load };
}

const live = (world: LoopWorld): unknown =>
  (world.status() as { route?: { livePercent?: unknown } }).route?.livePercent;

describe('a canary that is asked for nothing', () => {
  it('stays up while it still serves, and goes once it does not', async () => {
    const { world, load } = await rollingBack();
    // Far longer than the drain time of one interval.
    await world.clock.advance(60_000);
    expect(world.replicasOf('shop')).toMatchObject({ asked: 2, ready: 2 });
    expect(world.status()?.run?.phase).toBe('Returning');
    load.perSecond = { primary: 100, canary: 0 };
    await world.until('it is scaled down', () => world.replicasOf('shop').asked === 0, 20_000);
    expect(live(world)).toBe(0);
    world.close();
  });

  it('is kept past the deadline, which is said, until it serves nothing any more', async () => {
    const { world, load } = await rollingBack();
    await world.until('the deadline has passed', () => world.condition('Ready')?.reason === 'NotDrained', 150_000);
    await world.clock.advance(30_000);
    expect(world.replicasOf('shop')).toMatchObject({ asked: 2, ready: 2 });
    load.perSecond = { primary: 100, canary: 0 };
    await world.until('it is scaled down', () => world.replicasOf('shop').asked === 0, 30_000);
    world.close();
  });

  it('goes after the drain time where too little is served to tell', async () => {
    const { world, load } = await rollingBack();
    load.perSecond = { primary: 1, canary: 0 };
    await world.until('it is scaled down', () => world.replicasOf('shop').asked === 0, 25_000);
    expect(live(world)).toBe('unknown');
    world.close();
  });
});
