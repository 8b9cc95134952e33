// The outbox: bounded without delaying anything, and told once by several replicas.
import { describe, expect, it } from 'vitest';
import { initializedShop } from '../../support/loop-fixtures.ts';
import { prometheusAnswer } from '../../support/loop-http.ts';
import { isSettled, runMessages, sinkKeys, sinkTexts, slackOn, SLACK_APP, WEBHOOK } from './sinks.ts';

describe('a full outbox', () => {
  it('coalesces progress, keeps the end, and counts what it dropped', async () => {
    const world = await initializedShop({ args: WEBHOOK, canary: { analysis: { stepWeight: 2, maxWeight: 90 } } });
    let isDown = true;
    world.http.on('sink.sim', () => (isDown ? { status: 503 } : { status: 200 }));
    world.setImage('app:2');
    await world.untilPhase('Succeeded', 'shop', 900_000);
    expect(world.status().outbox?.length).toBeLessThanOrEqual(16);
    const lost = Number(world.status().run?.['notificationsLost']);
    expect(lost).toBeGreaterThan(20);
    expect(world.condition('NotificationsLost')).toMatchObject({
      status: 'True',
      message: expect.stringContaining(String(lost)),
    });
    isDown = false;
    world.http.sent.length = 0;
    await world.until('everything is told', () => isSettled(world), 300_000);
    const texts = sinkTexts(world);
    expect(texts.at(-1)).toBe('Promotion completed! Scaling down shop.web');
    expect(texts).toContain('New revision detected! Scaling up shop.web');
    // Events were heard at once, so that none of them is missing.
    expect(world.reasons().filter((reason) => reason === 'WeightAdvanced')).toHaveLength(45);
    world.close();
  });

  it('never delays a rollback', async () => {
    const world = await initializedShop({
      args: WEBHOOK,
      canary: { analysis: { threshold: 50, interval: '10s' }, spec: { progressDeadlineSeconds: 3_600 } },
    });
    world.http.on('sink.sim', () => 'hang');
    let value = '100';
    world.http.on('prometheus.sim', () => prometheusAnswer(value, world.clock.nowMs()));
    world.setImage('app:2');
    await world.untilWeight(20);
    value = '0';
    const startMs = world.clock.monotonicMs();
    await world.untilWeight(0, 900_000);
    expect(world.clock.monotonicMs() - startMs).toBeLessThan(50 * 10_000 + 2_000);
    await world.untilPhase('Failed');
    expect(world.status().outbox?.some(({ type }) => type === 'RolledBack')).toBe(true);
    world.close();
  });
});

describe('two replicas', () => {
  const TWO = ['--replica-count=2', '--redis-url=redis://queue.sim:6379'];

  it('tell each thing once, and the Slack message is one', async () => {
    const args = [...TWO, ...WEBHOOK, ...SLACK_APP];
    const world = await initializedShop({ args });
    await world.boot('serin-1', args);
    const slack = slackOn(world);
    for (const image of ['app:2', 'app:3']) {
      world.setImage(image);
      await world.until(
        `${image} is promoted`,
        () => world.phase() === 'Succeeded' && world.image('shop-primary') === image,
      );
      await world.clock.advance(300_000);
    }
    expect(isSettled(world)).toBe(true);
    expect(new Set(sinkKeys(world)).size).toBe(sinkKeys(world).length);
    expect(runMessages(slack.messages)).toHaveLength(2);
    world.close();
  });

  it('also while one sink is down for ten minutes', async () => {
    const args = [...TWO, ...WEBHOOK, ...SLACK_APP];
    const world = await initializedShop({ args });
    await world.boot('serin-1', args);
    const slack = slackOn(world);
    let isDown = true;
    world.http.on('sink.sim', () => (isDown ? { status: 503 } : { status: 200 }));
    world.setImage('app:2');
    await world.untilPhase('Succeeded');
    await world.clock.advance(600_000);
    isDown = false;
    await world.until('everything is told', () => isSettled(world), 600_000);
    expect(runMessages(slack.messages)).toHaveLength(1);
    const replies = slack.messages.filter(({ thread }) => thread !== null).map(({ text }) => text);
    expect(new Set(replies).size).toBe(replies.length);
    world.close();
  });

  it('one that dies with announcements in hand is replaced in telling, nothing is lost, and repetitions carry the same key', async () => {
    const args = [...TWO, ...WEBHOOK];
    const world = await initializedShop({ args });
    const other = await world.boot('serin-1', args);
    world.http.on('sink.sim', () => ({ status: 503 }));
    world.setImage('app:2');
    await world.untilPhase('Succeeded');
    world.kill(world.replicas.find((replica) => replica !== other)!);
    world.http.on('sink.sim', () => ({ status: 200 }));
    world.http.sent.length = 0;
    await world.until('everything is told', () => isSettled(world), 900_000);
    expect(sinkTexts(world)).toContain('Promotion completed! Scaling down shop.web');
    expect(new Set(sinkKeys(world)).size).toBe(new Set(sinkTexts(world)).size);
    world.close();
  });
});
