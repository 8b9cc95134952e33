// What a Canary costs the API server: nothing while idle, and little while it runs.
import { describe, expect, it } from 'vitest';
import { initializedShop } from '../../support/loop-fixtures.ts';

const FIVE_STEPS = { canary: { analysis: { stepWeight: 10, maxWeight: 50 } } };
/** First lists of watches: Pods, ReplicaSets and EndpointSlices are watched while any run of the namespace is active, once for all of them. */
const isOfWatch = (line: string): boolean => /^list (pods|replicasets|endpointslices)/.test(line);
const withoutEvents = (lines: readonly string[]): readonly string[] => lines.filter((line) => !line.includes('events'));

describe('an idle Canary', () => {
  it('asks the API server for nothing in an hour, besides its watches', async () => {
    const world = await initializedShop();
    await world.clock.advance(120_000);
    const mark = world.mark();
    await world.clock.advance(3_600_000);
    expect(world.asked(mark)).toEqual([]);
    expect(world.http.sent).toEqual([]);
    world.close();
  });

  it('is not woken by changes that are no changes: labels of pods, a Deployment of its own status', async () => {
    const world = await initializedShop();
    await world.clock.advance(120_000);
    const mark = world.mark();
    for (let i = 0; i < 20; i += 1) {
      world.crashPods('nobody');
      await world.clock.advance(60_000);
    }
    expect(world.asked(mark)).toEqual([]);
    world.close();
  });

  it('after a run and after a rollback is idle again', async () => {
    const world = await initializedShop();
    world.setImage('app:2');
    await world.untilPhase('Succeeded');
    world.setImage('app:3-bad');
    await world.untilPhase('Failed');
    await world.clock.advance(600_000);
    const mark = world.mark();
    await world.clock.advance(3_600_000);
    expect(world.asked(mark)).toEqual([]);
    world.close();
  });
});

describe('a run of five steps', () => {
  it('needs at most 28 requests without Events and three lists for all runs of the namespace, from the change to rest', async () => {
    const world = await initializedShop(FIVE_STEPS);
    await world.clock.advance(120_000);
    const mark = world.mark();
    world.setImage('app:2');
    await world.untilPhase('Succeeded');
    await world.clock.advance(300_000);
    const asked = withoutEvents(world.asked(mark));
    expect(asked.filter(isOfWatch)).toHaveLength(3);
    expect(asked.length - 3, asked.join('\n')).toBeLessThanOrEqual(28);
    world.close();
  });

  it('that follows another one needs one more, for the pinned revision that nobody needs any longer', async () => {
    const world = await initializedShop(FIVE_STEPS);
    for (const image of ['app:2', 'app:3']) {
      world.setImage(image);
      await world.until(
        `${image} is promoted`,
        () => world.phase() === 'Succeeded' && world.image('shop-primary') === image,
      );
      await world.clock.advance(300_000);
    }
    const mark = world.mark();
    world.setImage('app:4');
    await world.until('promoted', () => world.phase() === 'Succeeded' && world.image('shop-primary') === 'app:4');
    await world.clock.advance(300_000);
    // What the cluster serves is asked once for all Canaries of a process.
    const asked = withoutEvents(world.asked(mark)).filter((line) => !line.startsWith('none /apis'));
    expect(asked.length, asked.join('\n')).toBeLessThanOrEqual(29 + 3);
    world.close();
  });

  it('writes at most three times a weight step', async () => {
    const world = await initializedShop(FIVE_STEPS);
    world.setImage('app:2');
    await world.untilWeight(10);
    await world.clock.advance(5_000);
    for (const weight of [20, 30, 40, 50]) {
      const mark = world.mark();
      await world.untilWeight(weight);
      await world.clock.advance(5_000);
      expect(withoutEvents(world.attempts(mark)).length).toBeLessThanOrEqual(3);
    }
    world.close();
  });

  it('reads nothing live for a weight step', async () => {
    const world = await initializedShop(FIVE_STEPS);
    world.setImage('app:2');
    await world.untilWeight(10);
    await world.clock.advance(5_000);
    const mark = world.mark();
    await world.untilWeight(50);
    expect(world.asked(mark).filter((line) => /^(get|list) /.test(line))).toEqual([]);
    world.close();
  });

  it('is not made dearer by pods that come and go', async () => {
    const world = await initializedShop({ ...FIVE_STEPS, deployment: { replicas: 20 } });
    await world.clock.advance(120_000);
    const mark = world.mark();
    world.setImage('app:2');
    await world.untilPhase('Succeeded');
    await world.clock.advance(300_000);
    const asked = withoutEvents(world.asked(mark));
    expect(asked.length, asked.join('\n')).toBeLessThanOrEqual(34);
    world.close();
  });
});

describe('a status', () => {
  it('stays small: at most 16 KiB without tracked configs, after more runs than it remembers', async () => {
    const world = await initializedShop({ canary: { spec: { skipAnalysis: true } } });
    for (let i = 0; i < 14; i += 1) {
      world.setImage(`registry.example.com/teams/platform/shop/app:${i}-${'x'.repeat(60)}`);
      await world.clock.advance(25_000);
    }
    await world.untilPhase('Succeeded');
    const { trackedConfigs: _configs, ...status } = world.status();
    expect(Buffer.byteLength(JSON.stringify(status))).toBeLessThanOrEqual(16_384);
    expect(status.history).toHaveLength(10);
    world.close();
  });
});
