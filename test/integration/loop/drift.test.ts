// What others change is repaired, unless they keep changing it back; then we stop and say so, and rollback still writes.
import { describe, expect, it } from 'vitest';
import { DEPLOYMENT, SERVICE } from '../../../src/kube/kinds.ts';
import { initializedShop } from '../../support/loop-fixtures.ts';
import { VIRTUAL_SERVICE } from '../../support/loop-view.ts';
import type { LoopWorld } from '../../support/loop-world.ts';
import { reach } from './phases.ts';

/** Somebody sets the canary's share by hand. */
function setWeight(world: LoopWorld, percent: number): void {
  world.change(VIRTUAL_SERVICE, 'shop', (draft) => {
    const { http } = draft.spec as unknown as {
      http: { route: { destination: { host: string }; weight: number }[] }[];
    };
    for (const entry of http[0]!.route)
      entry.weight = entry.destination.host.endsWith('-canary') ? percent : 100 - percent;
  });
}

describe('drift', () => {
  it.each([0, 50, 100])('of the weight to %i %% is repaired to what is recorded', async (percent) => {
    const world = await reach('Progressing');
    setWeight(world, percent);
    await world.until('the recorded weight is back', () => world.weight() === 20, 5_000);
    expect(world.condition('Conflict')).toBeNull();
    await world.untilPhase('Succeeded');
    world.close();
  });

  it('of the weight at rest is repaired: nobody sends traffic to a canary that is not there', async () => {
    const world = await initializedShop({ mayFail: true });
    setWeight(world, 30);
    await world.until('all traffic is on the primary', () => world.weight() === 0, 5_000);
    world.close();
  });

  it('of the apex selector, of a deleted route, Service or primary is repaired', async () => {
    const world = await initializedShop({ mayFail: true });
    world.change(SERVICE, 'shop', (draft) => {
      (draft.spec as { selector: unknown }).selector = { app: 'nobody' };
    });
    await world.until('the apex is back', () => world.readyBehind('web', 'shop') === 2, 5_000);
    world.remove(VIRTUAL_SERVICE, 'shop');
    await world.until('the route is back', () => world.weight() === 0, 5_000);
    world.remove(SERVICE, 'shop-canary');
    await world.until('the Service is back', () => world.get(SERVICE, 'shop-canary') !== null, 5_000);
    world.remove(DEPLOYMENT, 'shop-primary');
    await world.until('the primary is back', () => world.replicasOf('shop-primary').ready === 2, 60_000);
    expect(world.image('shop-primary')).toBe('app:1');
    expect(world.phase()).toBe('Initialized');
    world.close();
  });

  it('of fields that are not ours is left alone', async () => {
    const world = await reach('Progressing');
    world.change(VIRTUAL_SERVICE, 'shop', (draft) => {
      draft.metadata.labels = { team: 'a' };
    });
    await world.untilPhase('Succeeded');
    expect(world.get(VIRTUAL_SERVICE, 'shop')?.metadata.labels).toMatchObject({ team: 'a' });
    world.close();
  });
});

describe('a fight', () => {
  it('over the weight ends after the third time: condition Conflict, no more repairs, but the rollback still writes', async () => {
    const world = await reach('Progressing', { canary: { analysis: { interval: '120s' } } });
    await world.clock.advance(3_000);
    for (let flips = 0; flips < 3; flips += 1) {
      setWeight(world, 5);
      await world.until('repaired', () => world.weight() === 20, 10_000);
      await world.clock.advance(2_000);
    }
    setWeight(world, 5);
    await world.clock.advance(30_000);
    expect(world.weight()).toBe(5);
    expect(world.condition('Conflict')).toMatchObject({ status: 'True', reason: 'FieldContested' });
    expect(world.events().filter((line) => line.includes('repairs of it stop'))).toHaveLength(1);
    world.changeCanary((draft) => {
      draft.metadata.annotations = { 'serin.dev/request': JSON.stringify({ id: 'a', verb: 'abort', by: 'ann' }) };
    });
    await world.untilWeight(0, 2_000);
    await world.untilPhase('Failed', 'shop', 600_000);
    world.close();
  });

  it('over more traffic than is recorded never ends: it is brought home each time, and the condition says so', async () => {
    const world = await reach('Progressing', { canary: { analysis: { interval: '120s' } } });
    await world.clock.advance(3_000);
    for (let flips = 0; flips < 6; flips += 1) {
      setWeight(world, 90);
      await world.until('repaired', () => world.weight() === 20, 10_000);
      await world.clock.advance(2_000);
    }
    expect(world.condition('Conflict')).toMatchObject({ status: 'True' });
    world.close();
  });

  it('is forgotten after ten minutes', async () => {
    const world = await initializedShop({ mayFail: true });
    for (let flips = 0; flips < 3; flips += 1) {
      setWeight(world, 50);
      await world.until('repaired', () => world.weight() === 0, 10_000);
      await world.clock.advance(2_000);
    }
    await world.clock.advance(700_000);
    setWeight(world, 50);
    await world.until('repaired again', () => world.weight() === 0, 60_000);
    expect(world.condition('Conflict')).toBeNull();
    world.close();
  });
});

describe('the target during a run', () => {
  it('that is deleted ends the run: all traffic on the primary', async () => {
    const world = await reach('Progressing', { mayFail: true });
    world.remove(DEPLOYMENT, 'shop');
    await world.untilWeight(0);
    await world.untilPhase('Failed');
    expect(world.status().history?.at(-1)).toMatchObject({ outcome: 'rolledBack', reason: 'targetGone' });
    expect(world.condition('Ready')).toMatchObject({ status: 'False', reason: 'TargetMissing' });
    expect(world.replicasOf('shop-primary').ready).toBe(2);
    world.close();
  });

  it('that is deleted and made anew at the same revision is not analysed twice without a reason, and not lost', async () => {
    const world = await initializedShop();
    const target = world.get(DEPLOYMENT, 'shop')!;
    world.remove(DEPLOYMENT, 'shop');
    await world.clock.advance(5_000);
    const { name, namespace, labels = {} } = target.metadata;
    world.apply({ ...target, metadata: { name, namespace: namespace!, labels } });
    await world.clock.advance(600_000);
    expect(world.phase()).toBe('Initialized');
    expect(world.reasons()).not.toContain('RevisionDetected');
    world.close();
  });

  it('that somebody scales to zero does not hurt users: the primary keeps them', async () => {
    const world = await reach('Progressing', { mayFail: true });
    world.change(DEPLOYMENT, 'shop', (draft) => {
      draft.spec['replicas'] = 0;
    });
    await world.until(
      'it serves again, or the run ended',
      () => world.replicasOf('shop').ready > 0 || world.weight() === 0,
      60_000,
    );
    await world.until('the run ended', () => ['Succeeded', 'Failed'].includes(world.phase()), 900_000);
    world.close();
  });
});
