// Notifications through the loop: Events with Flagger's texts in order, Slack's one message and thread, sinks that are down.
import { describe, expect, it } from 'vitest';
import { configObject, initializedShop, type Furnished } from '../../support/loop-fixtures.ts';
import { isSettled, runMessages, sinkKeys, sinkTexts, slackOn, SLACK_APP, WEBHOOK } from './sinks.ts';

describe('Events', () => {
  it("of a promoted run: Flagger's texts, in the order of the run", async () => {
    const world = await initializedShop();
    world.setImage('app:2');
    await world.untilPhase('Succeeded');
    await world.clock.advance(10_000);
    expect(world.events()).toEqual([
      'Initialized: Initialization done! shop.web',
      'RevisionDetected: New revision detected! Scaling up shop.web',
      'AnalysisStarted: Starting canary analysis for shop.web',
      'WeightAdvanced: Advance shop.web canary weight 20',
      'WeightAdvanced: Advance shop.web canary weight 40',
      'WeightAdvanced: Advance shop.web canary weight 60',
      'Promoting: Copying shop.web template spec to shop-primary.web',
      'RoutingToPrimary: Routing all traffic to primary',
      'Promoted: Promotion completed! Scaling down shop.web',
    ]);
    expect(new Set(world.eventsSeen.map(({ type }) => type))).toEqual(new Set(['Normal']));
    expect(isSettled(world)).toBe(true);
    world.close();
  });

  it('of a run that is rolled back', async () => {
    const world = await initializedShop();
    world.setImage('app:2-bad');
    await world.untilPhase('Failed');
    await world.clock.advance(10_000);
    const halt = 'MetricFailed: Halt shop.web advancement success rate 50.00% < 99%';
    expect(world.events().slice(1)).toEqual([
      'RevisionDetected: New revision detected! Scaling up shop.web',
      'AnalysisStarted: Starting canary analysis for shop.web',
      'WeightAdvanced: Advance shop.web canary weight 20',
      halt,
      halt,
      halt,
      'RollingBack: Rolling back shop.web failed checks threshold reached 3',
      'RolledBack: Canary failed! Scaling down shop.web',
    ]);
    world.close();
  });

  it('that the API server refuses do not keep the run from going on', async () => {
    const world = await initializedShop({
      beforeRequest: (request, info) =>
        request.user?.startsWith('serin') === true && info?.plural === 'events'
          ? { status: 403, message: 'no events for you' }
          : null,
    });
    world.setImage('app:2');
    await world.untilPhase('Succeeded');
    expect(world.eventsSeen).toEqual([]);
    world.close();
  });
});

describe('the Slack app', () => {
  it('shows one message a run, updated in place, with a thread of its steps', async () => {
    const world = await initializedShop({ args: SLACK_APP });
    const slack = slackOn(world);
    for (const image of ['app:2', 'app:3-bad']) {
      world.setImage(image);
      await world.until(
        'the run ended',
        () =>
          world.targetImage() === image &&
          ['Succeeded', 'Failed'].includes(world.phase()) &&
          world.status().run?.run?.['images']?.toString() === image,
      );
      await world.clock.advance(30_000);
    }
    const parents = runMessages(slack.messages);
    expect(parents).toHaveLength(2);
    expect(parents[0]!.text).toContain('Promotion completed!');
    expect(parents[1]!.text).toContain('Canary failed!');
    const [first, second] = parents.map(({ ts }) =>
      slack.messages.filter(({ thread }) => thread === ts).map(({ text }) => text),
    );
    expect(first!.join('\n')).toMatch(
      /weight 20[\s\S]*weight 40[\s\S]*weight 60[\s\S]*Copying[\s\S]*Promotion completed/,
    );
    expect(second!.join('\n')).toMatch(/success rate 50\.00% &lt; 99%[\s\S]*Rolling back[\s\S]*Canary failed/);
    // Each announcement once: what was said before is not said again.
    expect(new Set(first).size).toBe(first!.length);
    world.close();
  });

  it('after a restart in the middle of the run updates the same message', async () => {
    const world = await initializedShop({ args: SLACK_APP });
    const slack = slackOn(world);
    world.setImage('app:2');
    await world.untilWeight(40);
    await world.clock.advance(11_000);
    world.kill(world.replicas[0]!);
    await world.clock.advance(5_000);
    await world.boot('serin-1', SLACK_APP);
    await world.untilPhase('Succeeded');
    await world.clock.advance(200_000);
    const parents = runMessages(slack.messages);
    expect(parents).toHaveLength(1);
    expect(parents[0]!.text).toContain('Promotion completed!');
    world.close();
  });

  it('whose message was deleted gets a new one', async () => {
    const world = await initializedShop({ args: SLACK_APP });
    const slack = slackOn(world);
    world.setImage('app:2');
    await world.untilWeight(20);
    await world.clock.advance(2_000);
    slack.messages.length = 0;
    await world.untilPhase('Succeeded');
    await world.clock.advance(60_000);
    const parents = runMessages(slack.messages);
    expect(parents).toHaveLength(1);
    expect(parents[0]!.text).toContain('Promotion completed!');
    world.close();
  });

  it('a newer revision begins a message of its own, also when the one before is still being sent', async () => {
    const world = await initializedShop({ args: SLACK_APP });
    const slack = slackOn(world);
    world.setImage('app:2');
    await world.untilWeight(20);
    slack.isAway = true;
    await world.clock.advance(15_000);
    world.setImage('app:3');
    await world.untilWeight(20);
    slack.isAway = false;
    await world.untilPhase('Succeeded');
    await world.clock.advance(300_000);
    const parents = runMessages(slack.messages);
    expect(parents).toHaveLength(2);
    expect(parents[1]!.text).toContain('Promotion completed!');
    expect(parents[0]!.text).not.toContain('Promotion completed!');
    world.close();
  });
});

describe('a sink that is down', () => {
  it('for an hour does not slow the run, and hears everything afterwards, in order and once', async () => {
    const world = await initializedShop({ args: WEBHOOK });
    let isDown = true;
    const heard: string[] = [];
    world.http.on('sink.sim', (request) => {
      if (isDown) return { status: 503 };
      heard.push((JSON.parse(request.body ?? '') as { metadata: { eventMessage: string } }).metadata.eventMessage);
      return { status: 200 };
    });
    const startMs = world.clock.monotonicMs();
    world.setImage('app:2');
    await world.untilPhase('Succeeded');
    expect(world.clock.monotonicMs() - startMs).toBeLessThan(60_000);
    await world.clock.advance(3_600_000);
    expect(world.status().outbox?.length).toBeGreaterThan(5);
    expect(world.replicas[0]!.loop.pendingAnnouncements()).toBe(world.status().outbox?.length);
    isDown = false;
    await world.until('everything is told', () => isSettled(world), 300_000);
    expect(world.replicas[0]!.loop.pendingAnnouncements()).toBe(0);
    expect(heard).toEqual([
      'New revision detected! Scaling up shop.web',
      'Starting canary analysis for shop.web',
      'Advance shop.web canary weight 20',
      'Advance shop.web canary weight 40',
      'Advance shop.web canary weight 60',
      'Copying shop.web template spec to shop-primary.web',
      'Routing all traffic to primary',
      'Promotion completed! Scaling down shop.web',
    ]);
    world.close();
  });

  it('does not keep the others from hearing', async () => {
    const world = await initializedShop({ args: [...WEBHOOK, ...SLACK_APP] });
    const slack = slackOn(world);
    world.http.on('sink.sim', () => 'hang');
    world.setImage('app:2');
    await world.untilPhase('Succeeded');
    await world.clock.advance(60_000);
    expect(runMessages(slack.messages)[0]?.text).toContain('Promotion completed!');
    expect(world.reasons()).toContain('Promoted');
    world.close();
  });

  it('that comes back only after a restart hears the same bodies under the same keys', async () => {
    const world = await initializedShop({ args: WEBHOOK });
    world.http.on('sink.sim', () => ({ status: 503 }));
    world.setImage('app:2');
    await world.untilPhase('Succeeded');
    await world.clock.advance(60_000);
    const before = new Map(world.http.to('sink.sim').map(({ headers, body }) => [headers['idempotency-key'], body]));
    world.kill(world.replicas[0]!);
    await world.boot('serin-1', WEBHOOK);
    world.http.on('sink.sim', () => ({ status: 200 }));
    await world.until('everything is told', () => isSettled(world), 600_000);
    const after = world.http.to('sink.sim');
    for (const [key, body] of before)
      expect(
        after.filter(({ headers }) => headers['idempotency-key'] === key).every((request) => request.body === body),
      ).toBe(true);
    expect(sinkTexts(world)).toContain('Promotion completed! Scaling down shop.web');
    world.close();
  });

  it('that refuses for good is counted, and what it lost is a condition', async () => {
    const world = await initializedShop({ args: WEBHOOK });
    world.http.on('sink.sim', () => ({ status: 410 }));
    world.setImage('app:2');
    await world.untilPhase('Succeeded');
    await world.clock.advance(60_000);
    expect(isSettled(world)).toBe(true);
    expect(world.condition('NotificationsLost')).toMatchObject({
      status: 'True',
      message: expect.stringMatching(/^\d+ announcements/),
    });
    expect(new Set(sinkKeys(world)).size).toBe(sinkKeys(world).length);
    world.close();
  });

  it('whose Secret is mended is heard without a restart', async () => {
    const objects = [
      configObject('Secret', 'login', { address: 'http://wrong.sim/' }),
      {
        apiVersion: 'serin.dev/v1beta1',
        kind: 'AlertProvider',
        metadata: { name: 'call', namespace: 'web' },
        spec: { type: 'webhook', secretRef: { name: 'login' } },
      },
    ];
    const options: Furnished = {
      objects,
      canary: { analysis: { alerts: [{ name: 'call', severity: 'info', providerRef: { name: 'call' } }] } },
    };
    const world = await initializedShop(options);
    world.http.on('wrong.sim', () => ({ status: 503 }));
    world.setImage('app:2');
    await world.untilPhase('Succeeded');
    await world.clock.advance(120_000);
    world.change(
      { group: '', version: 'v1', kind: 'Secret', plural: 'secrets', namespaced: true },
      'login',
      (draft) => {
        draft['data'] = { address: Buffer.from('http://sink.sim/').toString('base64') };
      },
    );
    await world.until('everything is told', () => isSettled(world), 900_000);
    expect(sinkTexts(world)).toContain('Promotion completed! Scaling down shop.web');
    world.close();
  });
});

describe('alerts', () => {
  it('whose address is in a Secret, read anew at each look, are sent once each', async () => {
    const names = ['call', 'mail', 'chat'];
    const objects = names.flatMap((name) => [
      configObject('Secret', name, { address: `http://sink.sim/${name}` }),
      {
        apiVersion: 'serin.dev/v1beta1',
        kind: 'AlertProvider',
        metadata: { name, namespace: 'web' },
        spec: { type: 'webhook', secretRef: { name } },
      },
    ]);
    const alerts = names.map((name) => ({ name, severity: 'info', providerRef: { name } }));
    const world = await initializedShop({ objects, canary: { analysis: { alerts, interval: '1s', drainTime: '1s' } } });
    for (const image of ['app:2', 'app:3', 'app:4-bad', 'app:5']) {
      world.setImage(image);
      await world.clock.advance(40_000);
    }
    const sent = world.http.to('sink.sim').map(({ path, headers }) => `${path} ${headers['idempotency-key'] ?? ''}`);
    expect(sent.length).toBeGreaterThan(20);
    expect(new Set(sent).size).toBe(sent.length);
    world.close();
  });
});
