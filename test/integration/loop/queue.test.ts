// The queue: while its store is away due Canaries are worked all the same, a flush is healed by the resync, and forged keys do nothing.
import { describe, expect, it } from 'vitest';
import { canaryKind } from '../../../src/kube/kinds.ts';
import { initializedShop, runningShop, shopCanary, shopDeployment } from '../../support/loop-fixtures.ts';
import { prometheusAnswer } from '../../support/loop-http.ts';
import type { LoopWorld } from '../../support/loop-world.ts';
import { reach } from './phases.ts';

/** The store goes away with everything in it. */
function outage(world: LoopWorld): void {
  world.store.isUp = false;
  world.store.flush();
}

describe('while the store is away', () => {
  it('a bad revision is still rolled back within seconds of its due check', async () => {
    const world = await initializedShop({ canary: { analysis: { threshold: 1 } } });
    let isBad = false;
    world.http.on('prometheus.sim', () => prometheusAnswer(isBad ? '0' : '100', world.clock.nowMs()));
    world.setImage('app:2');
    await world.untilWeight(20);
    await world.clock.advance(1_000);
    const { nextCheckAtMs } = world.status().run!.run as { nextCheckAtMs: number };
    outage(world);
    isBad = true;
    await world.untilWeight(0);
    // Due Canaries are worked every 2 s.
    expect(world.clock.nowMs() - nextCheckAtMs).toBeLessThan(4_000);
    await world.untilPhase('Failed');
    world.close();
  });

  it('a good revision is still promoted, a new one noticed, and a Canary released', async () => {
    const world = await reach('Progressing');
    outage(world);
    await world.untilPhase('Succeeded');
    world.setImage('app:3');
    await world.until('noticed', () => world.phase() === 'Progressing', 10_000);
    world.close();
  });

  it('a deadline is still kept', async () => {
    const world = await initializedShop();
    world.podDelayMs = (pod) => (pod.metadata.labels?.['app'] === 'shop' ? Infinity : 0);
    world.setImage('app:2');
    await world.untilPhase('Progressing');
    const deadlineMs = Number(world.status().run?.['deadlineMs']);
    outage(world);
    await world.until('the deadline is kept', () => world.inner() === 'RollingBack', 600_000);
    expect(world.clock.nowMs() - deadlineMs).toBeLessThan(4_000);
    world.close();
  });

  it('a rollback under way is finished as soon as the process can, however many others are due', async () => {
    const names = ['app-0', 'app-1', 'app-2', 'app-3', 'app-4'];
    const world = await runningShop();
    for (const name of names) {
      world.apply(shopDeployment('app:1', { name, replicas: 1 }));
      world.apply(shopCanary({ name, spec: { targetRef: { name } }, analysis: { interval: '60s' } }));
    }
    await world.until('all are Initialized', () => names.every((name) => world.phase(name) === 'Initialized'));
    for (const name of names) world.setImage('app:2', name);
    await world.until('all are at 20', () => names.every((name) => world.status(name).canaryWeight === 20));
    // One is in the middle of its rollback when the store goes.
    world.changeCanary((draft) => {
      draft.metadata.annotations = { 'serin.dev/request': JSON.stringify({ id: 'a', verb: 'abort', by: 'ann' }) };
    }, 'app-3');
    await world.until('it is rolling back', () => world.inner('app-3') === 'RollingBack');
    outage(world);
    // Asleep until all of them are due at once.
    world.replicas[0]!.life.pause(90_000);
    await world.clock.advance(90_000);
    // The drain of one interval may begin only now: the process fell asleep between its record and its act.
    await world.untilPhase('Failed', 'app-3', 75_000);
    await world.until(
      'the others end too',
      () => names.every((name) => ['Succeeded', 'Failed'].includes(world.phase(name))),
      900_000,
    );
    world.close();
  });

  it('and back again: the run goes on through the queue', async () => {
    const world = await reach('Progressing');
    outage(world);
    await world.clock.advance(15_000);
    world.store.isUp = true;
    await world.untilPhase('Succeeded');
    expect(world.image('shop-primary')).toBe('app:2');
    world.close();
  });
});

describe('a flush', () => {
  it('is healed by the resync within its interval', async () => {
    const world = await reach('Progressing', { args: ['--resync-interval=30s'] });
    await world.clock.advance(1_000);
    const { nextCheckAtMs } = world.status().run!.run as { nextCheckAtMs: number };
    world.store.flush();
    await world.untilWeight(40);
    expect(world.clock.nowMs() - nextCheckAtMs).toBeLessThan(34_000);
    await world.untilPhase('Succeeded');
    world.close();
  });

  it('every five seconds for ever slows a run down and does not stop it', async () => {
    const world = await initializedShop({ args: ['--resync-interval=10s'] });
    world.setImage('app:2');
    const flushing = (): void => {
      world.store.flush();
      world.clock.setTimer(5_000, flushing);
    };
    flushing();
    await world.untilPhase('Succeeded', 'shop', 900_000);
    expect(world.image('shop-primary')).toBe('app:2');
    world.close();
  });

  it('at rest starts nothing and loses nothing', async () => {
    const world = await initializedShop();
    world.store.flush();
    await world.clock.advance(120_000);
    world.setImage('app:2');
    await world.untilPhase('Succeeded');
    world.close();
  });
});

describe('jobs', () => {
  it('that are forged, doubled, lost or late change timing only', async () => {
    const world = await initializedShop();
    world.store.forgedKeys = [
      'flagger.app/web/shop',
      'serin.dev/web/nobody',
      'serin.dev/web',
      '../../etc/passwd',
      '',
      'serin.dev/web/shop/x',
      '__proto__',
      'serin.dev//shop',
    ];
    world.store.faults = { lost: 0.2, doubled: 0.5, delayed: 0.05, forged: 0.9 };
    world.setImage('app:2');
    await world.untilPhase('Succeeded', 'shop', 900_000);
    expect(world.trail.filter((word) => word.startsWith('Progressing/'))).toEqual([
      'Progressing/0',
      'Progressing/20',
      'Progressing/40',
      'Progressing/60',
    ]);
    expect(world.http.to('prometheus.sim').length).toBeLessThanOrEqual(4);
    expect(
      world.requests.filter(({ user, name }) => user.startsWith('serin') && ['nobody', 'passwd'].includes(name ?? '')),
    ).toEqual([]);
    world.close();
  });

  it('for an idle Canary do no write, however many come', async () => {
    const world = await initializedShop();
    await world.clock.advance(60_000);
    const mark = world.mark();
    for (let i = 0; i < 200; i += 1) {
      world.store.add('serin.dev/web/shop', { delayMs: 0 });
      await world.clock.advance(100);
    }
    expect(world.attempts(mark)).toEqual([]);
    world.close();
  });
});

describe('replicas', () => {
  const TWO = ['--replica-count=2', '--redis-url=redis://queue.sim:6379'];

  it('two work one Canary without doing anything twice', async () => {
    const world = await initializedShop({ args: TWO });
    await world.boot('serin-1', TWO);
    world.setImage('app:2');
    await world.untilPhase('Succeeded');
    await world.clock.advance(60_000);
    expect(world.trail.slice(-6)).toEqual([
      'Progressing/20',
      'Progressing/40',
      'Progressing/60',
      'Promoting/60',
      'Finalising/0',
      'Succeeded/0',
    ]);
    const reasons = world.reasons();
    expect(new Set(reasons.filter((reason) => reason !== 'WeightAdvanced')).size).toBe(
      reasons.filter((reason) => reason !== 'WeightAdvanced').length,
    );
    world.close();
  });

  it('one that is killed in the middle of a run is replaced by the other', async () => {
    const world = await initializedShop({ args: TWO });
    await world.boot('serin-1', TWO);
    world.setImage('app:2');
    await world.untilWeight(40);
    world.kill(world.replicas[0]!);
    await world.untilPhase('Succeeded');
    expect(world.image('shop-primary')).toBe('app:2');
    expect(world.outages).toEqual([]);
    world.close();
  });

  it('one that sleeps for minutes does no harm when it wakes up', async () => {
    const world = await initializedShop({ args: TWO });
    await world.boot('serin-1', TWO);
    world.setImage('app:2-bad');
    await world.untilWeight(20);
    world.replicas[0]!.life.pause(240_000);
    await world.untilPhase('Failed');
    await world.clock.advance(300_000);
    expect(world.weight()).toBe(0);
    expect(world.phase()).toBe('Failed');
    expect(world.replicasOf('shop').asked).toBe(0);
    world.close();
  });

  it('two that are both refused leave pauses between their attempts, which grow', async () => {
    let isRefusing = false;
    const world = await initializedShop({
      args: TWO,
      authorize: ({ verb, resource }) => !(isRefusing && verb === 'patch' && resource === 'virtualservices'),
    });
    await world.boot('serin-1', TWO);
    world.setImage('app:2');
    await world.untilWeight(20);
    isRefusing = true;
    await world.until('it is refused', () => world.condition('RouteWritten')?.status === 'False');
    const mark = world.mark();
    await world.clock.advance(300_000);
    const refused = world.attempts(mark).filter((write) => write.startsWith('patch virtualservices'));
    expect(refused.length).toBeGreaterThan(5);
    expect(refused.length).toBeLessThan(50);
    isRefusing = false;
    await world.until('it goes on', () => world.condition('RouteWritten')?.status !== 'False', 60_000);
    world.close();
  });

  it('each shows in its metrics what the other has done', async () => {
    const world = await initializedShop({ args: TWO });
    const other = await world.boot('serin-1', TWO);
    const shown = async (): Promise<readonly string[]> => {
      const { body } = await other.meters.render();
      return [...body.matchAll(/^serin_canary_phase\{.*phase="(\w+)"\} 1$/gm)].map((match) => match[1] ?? '');
    };
    await world.finish(other.loop.look('serin.dev/web/shop', new AbortController().signal));
    await world.clock.advance(2_000);
    expect(await shown()).toEqual(['Initialized']);
    // From now on it gets no job.
    world.store.workers.splice(
      0,
      world.store.workers.length,
      ...world.store.workers.filter(({ life }) => life !== other.life),
    );
    for (const [image, phase] of [
      ['app:2', 'Succeeded'],
      ['app:3-bad', 'Failed'],
    ] as const) {
      world.setImage(image);
      await world.untilPhase(phase);
      await world.clock.advance(2_000);
      expect(await shown()).toEqual([phase]);
    }
    world.remove(canaryKind('serin.dev'), 'shop');
    await world.until('the Canary is gone', () => world.canary() === null);
    await world.clock.advance(2_000);
    expect((await other.meters.render()).body).not.toContain('name="shop"');
    world.close();
  });

  it('all killed and started again in each moment of a run still come to its end', async () => {
    for (const weight of [0, 20, 60]) {
      const world = await initializedShop();
      world.setImage('app:2');
      await world.until(`weight ${weight}`, () => world.phase() === 'Progressing' && world.weight() === weight);
      world.kill(world.replicas[0]!);
      await world.clock.advance(30_000);
      await world.boot('serin-1');
      await world.untilPhase('Succeeded');
      expect(world.image('shop-primary')).toBe('app:2');
      world.close();
    }
  });
});
