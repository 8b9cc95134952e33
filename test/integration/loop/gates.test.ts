// Gates, rollback hooks and checks by webhook: what each answer, or none, does to the run.
import { describe, expect, it } from 'vitest';
import { TransientError } from '../../../src/errors.ts';
import { canaryKind } from '../../../src/kube/kinds.ts';
import type { LoopWorld } from '../../support/loop-world.ts';
import { hook, hooked } from './hooked.ts';

describe('gates', () => {
  it.each([
    {
      type: 'confirm-rollout',
      phase: 'Waiting',
      weight: 0,
      reported: 'Waiting',
      text: 'Halt shop.web advancement waiting for approval my-confirm-rollout',
    },
    {
      type: 'confirm-traffic-increase',
      phase: 'Progressing',
      weight: 0,
      reported: 'Progressing',
      text: 'Halt shop.web advancement waiting for traffic increase approval my-confirm-traffic-increase',
    },
    {
      type: 'confirm-promotion',
      phase: 'WaitingPromotion',
      weight: 100,
      reported: 'WaitingPromotion',
      text: 'Halt shop.web advancement waiting for promotion approval my-confirm-promotion',
    },
  ])(
    '$type closed: waits, says so once, and goes on when it opens',
    async ({ type, phase, weight, reported, text }) => {
      let isOpen = false;
      const { world, called } = await hooked([hook(type)], {
        [type]: () => ({ status: isOpen ? 200 : 403, body: 'not yet' }),
      });
      world.setImage('app:2');
      await world.until('the gate was asked', () => called.length > 0);
      await world.clock.advance(600_000);
      expect(world.inner()).toBe(phase);
      expect(world.phase()).toBe(reported);
      expect(world.weight()).toBe(weight);
      expect(world.status().failedChecks).toBe(0);
      expect(world.status().message).toMatch(/gate|until/);
      expect(world.events().filter((event) => event.includes(text))).toEqual([`GateWaiting: ${text}`]);
      expect(called.length).toBeGreaterThan(50);
      isOpen = true;
      await world.untilPhase('Succeeded');
      expect(world.events()).toContainEqual(expect.stringMatching(/^GatePassed: Confirm-/));
      world.close();
    },
  );

  it.each(['confirm-rollout', 'confirm-traffic-increase', 'confirm-promotion'])(
    '%s that nobody opens is given up at its deadline',
    async (type) => {
      const { world } = await hooked(
        [hook(type)],
        { [type]: () => ({ status: 403 }) },
        { canary: { analysis: { gateTimeout: '10m' } } },
      );
      world.setImage('app:2');
      await world.untilPhase('Failed', 'shop', 1_200_000);
      expect(world.weight()).toBe(0);
      expect(world.image('shop-primary')).toBe('app:1');
      expect(world.replicasOf('shop').asked).toBe(0);
      expect(world.condition('Ready')).toMatchObject({ status: 'False', reason: 'ProgressDeadlineExceeded' });
      world.close();
    },
  );

  it('metrics go on being judged behind a closed gate, and roll back', async () => {
    let isGood = true;
    const { world } = await hooked([hook('confirm-promotion')], { 'confirm-promotion': () => ({ status: 403 }) });
    world.http.on('prometheus.sim', () => ({
      status: 200,
      body: JSON.stringify({
        status: 'success',
        data: {
          resultType: 'vector',
          result: [{ metric: {}, value: [world.clock.nowMs() / 1_000, isGood ? '100' : '10'] }],
        },
      }),
    }));
    world.setImage('app:2');
    await world.untilInner('WaitingPromotion');
    await world.clock.advance(60_000);
    isGood = false;
    await world.untilPhase('Failed');
    expect(world.condition('Ready')?.reason).toBe('FailedChecks');
    world.close();
  });

  it('a muted gate sends no alert', async () => {
    const alerts = async (muteAlert: boolean): Promise<number> => {
      const { world } = await hooked(
        [hook('confirm-rollout', { muteAlert })],
        { 'confirm-rollout': () => ({ status: 403 }) },
        { args: ['--slack-url=http://slack.sim/x', '--slack-channel=c'] },
      );
      world.setImage('app:2');
      await world.untilInner('Waiting');
      await world.clock.advance(30_000);
      const texts = world.http.to('slack.sim').filter(({ body }) => body.includes('waiting for approval'));
      world.close();
      return texts.length;
    };
    expect(await alerts(false)).toBe(1);
    expect(await alerts(true)).toBe(0);
  });
});

describe('a hook that asks for a rollback', () => {
  it.each([
    { when: 'during the analysis', hooks: [hook('rollback')], phase: 'Progressing' },
    {
      when: 'while promotion waits for approval',
      hooks: [hook('rollback'), hook('confirm-promotion')],
      phase: 'WaitingPromotion',
    },
  ])('$when: all traffic on the primary at once', async ({ hooks, phase }) => {
    let asks = false;
    const { world } = await hooked(hooks, {
      rollback: () => ({ status: asks ? 200 : 500 }),
      'confirm-promotion': () => ({ status: 403 }),
    });
    world.setImage('app:2');
    await world.until('there is weight', () => world.inner() === phase && (world.weight() ?? 0) > 0);
    asks = true;
    const askedAtMs = world.clock.monotonicMs();
    await world.untilWeight(0);
    expect(world.clock.monotonicMs() - askedAtMs).toBeLessThan(10_500);
    await world.untilPhase('Failed');
    expect(world.condition('Ready')).toMatchObject({ status: 'False', reason: 'RollbackHook' });
    expect(world.events()).toContain('RollingBack: Rolling back shop.web manual webhook invoked');
    world.close();
  });

  it('one that cannot be reached does not roll back', async () => {
    const { world } = await hooked([hook('rollback')], {
      rollback: () => new TransientError('IO_NETWORK', 'Cannot reach hook.sim: connection refused'),
    });
    world.setImage('app:2');
    await world.untilPhase('Succeeded');
    world.close();
  });
});

describe('checks', () => {
  it.each(['pre-rollout', 'rollout'])(
    '%s that fails halts the advancement, spends the budget and rolls back',
    async (type) => {
      const { world, called } = await hooked([hook(type)], {
        [type]: () => ({ status: 400, body: 'smoke test failed' }),
      });
      world.setImage('app:2');
      await world.untilPhase('Failed');
      expect(called).toHaveLength(3);
      expect(new Set(called.map(({ weight }) => weight))).toEqual(new Set([type === 'rollout' ? 50 : 0]));
      expect(world.status().failedChecks).toBe(3);
      expect(world.condition('Ready')).toMatchObject({
        reason: 'FailedChecks',
        message: expect.stringContaining('smoke test failed'),
      });
      const check = type === 'rollout' ? 'external' : 'pre-rollout';
      expect(world.events()).toContain(
        `HookFailed: Halt shop.web advancement ${check} check my-${type} failed smoke test failed`,
      );
      world.close();
    },
  );

  it('run in the order of the list, and the first that fails hides the rest and the metrics', async () => {
    const { world, called } = await hooked(
      [
        hook('rollout', { name: 'first', url: 'http://hook.sim/first' }),
        hook('rollout', { name: 'second', url: 'http://hook.sim/second' }),
      ],
      { first: () => ({ status: 403 }) },
    );
    world.setImage('app:2');
    await world.untilPhase('Failed');
    expect(called.map(({ type }) => type)).toEqual(['first', 'first', 'first']);
    expect(world.http.to('prometheus.sim')).toEqual([]);
    world.close();
  });

  it('are tried again on 500 and on broken connections, with one key; 501 and 403 are answers', async () => {
    const { world } = await hooked([hook('pre-rollout', { retries: 2 })], {
      'pre-rollout': (call) => (call < 3 ? { status: 500 } : { status: 200 }),
    });
    world.setImage('app:2');
    await world.untilWeight(50);
    const keys = world.http.to('hook.sim').map(({ headers }) => headers['idempotency-key']);
    expect(keys).toHaveLength(3);
    expect(new Set(keys).size).toBe(1);
    expect(world.status().failedChecks).toBe(0);
    world.close();
  });

  it('gives up on one that hangs, within its time-out and retries, and counts it as failed', async () => {
    const { world } = await hooked([hook('pre-rollout', { timeout: '5s', retries: 1 })], {
      'pre-rollout': () => 'hang',
    });
    world.setImage('app:2');
    await world.until('the hook was called', () => world.http.to('hook.sim').length > 0);
    const startMs = world.clock.monotonicMs();
    await world.until('it counts', () => world.status().failedChecks === 1);
    expect(world.clock.monotonicMs() - startMs).toBeLessThan(15_000);
    await world.untilPhase('Failed');
    world.close();
  });

  it.each([
    {
      what: 'an abort',
      ask: (world: LoopWorld) =>
        world.changeCanary((draft) => {
          draft.metadata.annotations = { 'serin.dev/request': JSON.stringify({ id: 'a', verb: 'abort', by: 'ann' }) };
        }),
      isDone: (world: LoopWorld) => world.weight() === 0,
    },
    {
      what: 'a pause',
      ask: (world: LoopWorld) =>
        world.changeCanary((draft) => {
          draft.metadata.annotations = { 'serin.dev/request': JSON.stringify({ id: 'a', verb: 'pause', by: 'ann' }) };
        }),
      isDone: (world: LoopWorld) => world.status().lastHandledRequest?.outcome === 'done',
    },
    {
      what: 'a deletion',
      ask: (world: LoopWorld) => world.remove(canaryKind('serin.dev'), 'shop'),
      isDone: (world: LoopWorld) => world.inner() === 'Terminating',
    },
    {
      what: 'a newer revision',
      ask: (world: LoopWorld) => world.setImage('app:3'),
      isDone: (world: LoopWorld) => world.weight() === 0,
    },
    {
      what: 'a crash',
      ask: (world: LoopWorld) => world.crashPods('shop'),
      isDone: (world: LoopWorld) => world.weight() === 0,
    },
  ])('that hangs does not keep $what waiting', async ({ what, ask, isDone }) => {
    const { world } = await hooked(
      [hook('rollout', { timeout: '1h' })],
      { rollout: () => 'hang' },
      // A canary that crashes under half of the traffic cannot but be missed.
      { mayFail: what === 'a crash', canary: { spec: { progressDeadlineSeconds: 7_200 } } },
    );
    world.setImage('app:2');
    await world.until('the hook was called', () => world.http.to('hook.sim').length > 0);
    const startMs = world.clock.monotonicMs();
    ask(world);
    await world.until('it is done', () => isDone(world));
    expect(world.clock.monotonicMs() - startMs).toBeLessThan(1_000);
    world.close();
  });

  it('that was overtaken by a request is taken up again at once, and its answer counts', async () => {
    const { world } = await hooked(
      [hook('rollout', { timeout: '20s', retries: 1 })],
      {
        rollout: (call) => (call === 1 ? 'hang' : { status: 200 }),
      },
      { args: ['--resync-interval=10m'] },
    );
    world.setImage('app:2');
    await world.until('the hook was called', () => world.http.to('hook.sim').length > 0);
    const startMs = world.clock.monotonicMs();
    world.changeCanary((draft) => {
      draft.metadata.annotations = { 'serin.dev/request': JSON.stringify({ id: 'a', verb: 'dance' }) };
    });
    await world.until('it is refused', () => world.status().lastHandledRequest?.id === 'a', 1_000);
    await world.untilWeight(100);
    expect(world.clock.monotonicMs() - startMs).toBeLessThan(25_000);
    const keys = world.http.to('hook.sim').map(({ headers }) => headers['idempotency-key']);
    expect(new Set(keys.slice(0, 2)).size).toBe(1);
    world.close();
  });

  it('that hangs for longer than the phase may last is ended by its deadline', async () => {
    const { world } = await hooked([hook('rollout', { timeout: '1h' })], { rollout: () => 'hang' });
    world.setImage('app:2');
    await world.untilWeight(50);
    const deadlineMs = Number(world.status().run?.['deadlineMs']);
    await world.untilPhase('Failed', 'shop', 1_200_000);
    const atMs = world.clock.nowMs();
    expect(atMs - deadlineMs).toBeLessThan(15_000);
    expect(world.condition('Ready')?.reason).toBe('ProgressDeadlineExceeded');
    world.close();
  });
});
