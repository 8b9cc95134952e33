// A newer revision restarts the analysis from any phase; returning to the primary's revision ends the run from any phase.
import { describe, expect, it } from 'vitest';
import type { Phase } from '../../../src/core/phase.ts';
import { CONTROLLER_REVISION } from '../../../src/kube/kinds.ts';
import { initializedShop } from '../../support/loop-fixtures.ts';
import { openGates, reach } from './phases.ts';

describe('a newer revision', () => {
  it.each([
    'Initialized',
    'Waiting',
    'Progressing',
    'WaitingPromotion',
    'Promoting',
    'Finalising',
    'Succeeded',
    'RollingBack',
    'Returning',
    'Failed',
  ] as Phase[])(
    'in %s: traffic goes back to the primary, the new one is analysed from the start and promoted',
    async (phase) => {
      const world = await reach(phase);
      const from = world.trail.length;
      openGates(world);
      world.setImage('app:3');
      await world.until('app:3 is on the primary', () => world.image('shop-primary') === 'app:3');
      await world.untilPhase('Succeeded');
      await world.clock.advance(10_000);
      const weights = world.trail.slice(from).map((word) => Number(word.split('/')[1]));
      // From zero, step by step, whatever weight the run before it had.
      expect(weights.join(' ')).toContain('0 20 40 60');
      expect(world.weight()).toBe(0);
      expect(world.replicasOf('shop').asked).toBe(0);
      expect(world.replicasOf('shop-primary').ready).toBe(2);
      expect(world.status().history?.at(-1)).toMatchObject({ outcome: 'promoted', images: ['app:3'] });
      expect(world.outages).toEqual([]);
      world.close();
    },
  );

  it('in Initializing becomes the first primary', async () => {
    const world = await reach('Initializing');
    world.setImage('app:3');
    await world.untilPhase('Initialized');
    expect(world.image('shop-primary')).toBe('app:3');
    expect(world.reasons()).not.toContain('RevisionDetected');
    world.close();
  });

  it('in KeepingCanary is given to the primary at once, because all traffic is on the canary already', async () => {
    const world = await reach('KeepingCanary');
    await world.untilWeight(100);
    world.setImage('app:3');
    await world.until('app:3 is on the primary', () => world.image('shop-primary') === 'app:3');
    await world.untilPhase('Succeeded');
    expect(world.weight()).toBe(0);
    expect(world.outages).toEqual([]);
    world.close();
  });

  it('that fails leaves the primary at the last good revision, however many came before it', async () => {
    const world = await initializedShop();
    for (const image of ['app:2', 'app:3-bad', 'app:4-bad']) {
      world.setImage(image);
      await world.clock.advance(25_000);
    }
    await world.untilPhase('Failed');
    await world.clock.advance(10_000);
    expect(world.image('shop-primary')).toBe('app:1');
    expect(world.status().history?.map(({ outcome }) => outcome)).toEqual(['superseded', 'superseded', 'rolledBack']);
    world.close();
  });

  it('is never promoted unanalysed: each image that the primary gets had its checks at 20, 40 and 60', async () => {
    const world = await initializedShop();
    const checked = new Map<string, Set<number | null>>();
    world.http.on('prometheus.sim', () => {
      const image = world.targetImage();
      checked.set(image, (checked.get(image) ?? new Set()).add(world.weight()));
      return {
        status: 200,
        body: JSON.stringify({
          status: 'success',
          data: { resultType: 'vector', result: [{ metric: {}, value: [world.clock.nowMs() / 1_000, '100'] }] },
        }),
      };
    });
    for (const image of ['app:2', 'app:3', 'app:4', 'app:5']) {
      world.setImage(image);
      await world.clock.advance(29_000);
    }
    await world.until(
      'the last is promoted',
      () => world.phase() === 'Succeeded' && world.image('shop-primary') === 'app:5',
    );
    const promoted = new Set(
      world.commits
        .filter(({ kind, ref }) => kind.kind === 'Deployment' && ref.name === 'shop-primary')
        .map(({ after }) => JSON.stringify(after).match(/"image":"([^"]+)"/)?.[1] ?? ''),
    );
    for (const image of promoted) if (image !== 'app:1') expect(checked.get(image)).toEqual(new Set([20, 40, 60]));
    expect(promoted).toContain('app:5');
    world.close();
  });

  it('leaves no pinned revision behind but those that are needed', async () => {
    const world = await initializedShop();
    for (const image of ['app:2', 'app:3', 'app:4']) {
      world.setImage(image);
      await world.untilPhase('Succeeded');
      await world.until(
        `${image} is promoted`,
        () => world.image('shop-primary') === image && world.phase() === 'Succeeded',
      );
      await world.clock.advance(5_000);
    }
    expect(world.list(CONTROLLER_REVISION).length).toBeLessThanOrEqual(2);
    world.close();
  });
});

describe("returning to the primary's revision", () => {
  it.each(['Waiting', 'Progressing', 'WaitingPromotion', 'Promoting'] as Phase[])(
    'in %s ends the run: 0 %, the canary gone, the primary as it was',
    async (phase) => {
      const world = await reach(phase);
      world.setImage('app:1');
      await world.untilPhase('Succeeded');
      await world.clock.advance(60_000);
      expect(world.phase()).toBe('Succeeded');
      expect(world.weight()).toBe(0);
      expect(world.replicasOf('shop').asked).toBe(0);
      expect(world.image('shop-primary')).toBe('app:1');
      expect(world.replicasOf('shop-primary').ready).toBe(2);
      expect(world.status().history?.at(-1)).toMatchObject({ outcome: 'returned' });
      expect(world.reasons()).toContain('ReturnedToPrimary');
      expect(world.outages).toEqual([]);
      world.close();
    },
  );

  it('in Finalising, when the new revision is the primary already, is a new revision itself', async () => {
    const world = await reach('Finalising');
    world.setImage('app:1');
    await world.until(
      'app:1 is promoted again',
      () => world.phase() === 'Succeeded' && world.image('shop-primary') === 'app:1',
    );
    expect(world.status().history?.map(({ outcome }) => outcome)).toEqual(['promoted', 'promoted']);
    world.close();
  });

  it.each(['RollingBack', 'Failed'] as Phase[])('in %s starts nothing, and the phase stays Failed', async (phase) => {
    const world = await reach(phase);
    world.setImage('app:1');
    await world.untilPhase('Failed');
    await world.clock.advance(600_000);
    expect(world.phase()).toBe('Failed');
    expect(world.image('shop-primary')).toBe('app:1');
    expect(world.replicasOf('shop').asked).toBe(0);
    world.setImage('app:2-bad');
    await world.until(
      'the failed one is tried again',
      () => world.reasons().filter((reason) => reason === 'RevisionDetected').length === 2,
    );
    world.close();
  });

  it('in Returning and back again begins the run anew', async () => {
    const world = await reach('Returning');
    world.setImage('app:2');
    await world.until(
      'app:2 is promoted',
      () => world.phase() === 'Succeeded' && world.image('shop-primary') === 'app:2',
    );
    world.close();
  });

  it('in KeepingCanary heals: the primary gets it and takes the traffic back', async () => {
    const world = await reach('KeepingCanary');
    await world.untilWeight(100);
    world.setImage('app:1');
    await world.until(
      'healed',
      () => world.phase() === 'Succeeded' && world.image('shop-primary') === 'app:1',
      900_000,
    );
    expect(world.weight()).toBe(0);
    expect(world.outages).toEqual([]);
    world.close();
  });
});

describe('a promotion that fails', () => {
  it('keeps all traffic on the canary, says so, and a fix heals it', async () => {
    const world = await reach('KeepingCanary');
    await world.untilPhase('Failed');
    await world.clock.advance(600_000);
    expect(world.weight()).toBe(100);
    expect(world.status().canaryWeight).toBe(100);
    expect(world.replicasOf('shop')).toEqual({ asked: 2, ready: 2 });
    expect(world.condition('Ready')).toMatchObject({ status: 'False', reason: 'PromotionFailed' });
    expect(world.events()).toContain('PromotionFailed: Promotion of shop.web failed');
    world.setImage('app:3');
    await world.untilPhase('Succeeded');
    expect(world.image('shop-primary')).toBe('app:3');
    expect(world.weight()).toBe(0);
    expect(world.outages).toEqual([]);
    world.close();
  });

  it('whose fix does not become ready either stays at 100 % on a canary that serves', async () => {
    const world = await reach('KeepingCanary');
    await world.untilPhase('Failed');
    world.podDelayMs = (pod) => (pod.metadata.labels?.['app'] === 'shop-primary' ? Infinity : 0);
    world.setImage('app:3');
    await world.clock.advance(60_000);
    await world.untilPhase('Failed');
    await world.clock.advance(300_000);
    expect(world.weight()).toBe(100);
    expect(world.replicasOf('shop').ready).toBe(2);
    expect(world.outages).toEqual([]);
    world.close();
  });
});
