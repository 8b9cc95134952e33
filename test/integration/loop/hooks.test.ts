// Webhooks: all eight types at the right moment with Flagger's payload, and what each answer does to the run.
import { describe, expect, it } from 'vitest';
import { TransientError } from '../../../src/errors.ts';
import { initializedShop, type Furnished } from '../../support/loop-fixtures.ts';
import { canaryKind } from '../../../src/kube/kinds.ts';
import type { LoopWorld } from '../../support/loop-world.ts';
import type { Reply, SentRequest } from '../../support/loop-http.ts';

const TYPES = [
  'confirm-rollout',
  'pre-rollout',
  'rollout',
  'confirm-traffic-increase',
  'confirm-promotion',
  'post-rollout',
  'rollback',
  'event',
];
const hook = (type: string, more: Record<string, unknown> = {}): Record<string, unknown> => ({
  name: `my-${type}`,
  type,
  url: `http://hook.sim/${type}`,
  ...more,
});

interface Called {
  readonly type: string;
  readonly phase: string;
  readonly weight: number | null;
}

/** A world whose Canary has these hooks; `answers` says what each type answers, 200 by default and 403 for rollback. */
async function hooked(
  hooks: readonly Record<string, unknown>[],
  answers: Record<string, (call: number) => Reply> = {},
  options: Furnished = {},
) {
  const called: Called[] = [];
  const counts = new Map<string, number>();
  const world = await initializedShop({
    ...options,
    canary: {
      ...options.canary,
      analysis: { stepWeight: 50, maxWeight: 100, webhooks: hooks, ...options.canary?.analysis },
    },
  });
  world.http.on('hook.sim', (_, url) => {
    const type = url.pathname.slice(1);
    const count = (counts.get(type) ?? 0) + 1;
    counts.set(type, count);
    called.push({ type, phase: world.inner('shop', options.canary?.group), weight: world.weight() });
    return answers[type]?.(count) ?? { status: type === 'rollback' ? 403 : 200 };
  });
  return { world, called };
}

const bodyOf = (request: SentRequest): Record<string, unknown> => JSON.parse(request.body) as Record<string, unknown>;
const typesOf = (called: readonly Called[]): readonly string[] =>
  called.filter(({ type }) => type !== 'event').map(({ type, phase, weight }) => `${type} ${phase}/${weight ?? '-'}`);

describe('the eight types', () => {
  it('are called at their moments of a run that is promoted', async () => {
    const { world, called } = await hooked(TYPES.map((type) => hook(type)));
    world.setImage('app:2');
    await world.untilPhase('Succeeded');
    await world.clock.advance(30_000);
    expect(typesOf(called)).toEqual([
      'confirm-rollout Waiting/0',
      'rollback Progressing/0',
      'pre-rollout Progressing/0',
      'confirm-traffic-increase Progressing/0',
      'rollback Progressing/50',
      'rollout Progressing/50',
      'confirm-traffic-increase Progressing/50',
      'rollback Progressing/100',
      'rollout Progressing/100',
      'confirm-traffic-increase Progressing/100',
      'confirm-promotion Progressing/100',
      'post-rollout Succeeded/0',
    ]);
    world.close();
  });

  it("tell an event hook the same story as Flagger's, in this order", async () => {
    const { world } = await hooked(
      TYPES.map((type) => hook(type)),
      {},
      { canary: { analysis: { stepWeight: 100, maxWeight: 100, stepWeightPromotion: 50 } } },
    );
    world.setImage('app:2');
    await world.untilPhase('Succeeded');
    await world.clock.advance(30_000);
    const told = world.http
      .to('hook.sim')
      .filter(({ path }) => path === '/event')
      .map((request) => (bodyOf(request)['metadata'] as { eventMessage: string }).eventMessage);
    // Other than there: New revision detected comes before the rollout gate, because the run begins there; the primary's
    // readiness and the metric providers are no events here; post-rollout hooks are called after the end was told.
    expect(told).toEqual([
      'Initialization done! shop.web',
      'New revision detected! Scaling up shop.web',
      'Confirm-rollout check my-confirm-rollout passed',
      'Pre-rollout check my-pre-rollout passed',
      'Confirm-traffic-increase check my-confirm-traffic-increase passed',
      'Starting canary analysis for shop.web',
      'Advance shop.web canary weight 100',
      'External check my-rollout passed',
      'Confirm-traffic-increase check my-confirm-traffic-increase passed',
      'Confirm-promotion check my-confirm-promotion passed',
      'Copying shop.web template spec to shop-primary.web',
      'Advance shop.web primary weight 50',
      'Advance shop.web primary weight 100',
      'Routing all traffic to primary',
      'Promotion completed! Scaling down shop.web',
    ]);
    world.close();
  });

  it("send Flagger's payload and an idempotency key", async () => {
    const metadata = { cmd: 'hey -z 1m', channel: 'x' };
    const { world } = await hooked(TYPES.map((type) => hook(type, { metadata })));
    world.setImage('app:2');
    await world.untilPhase('Succeeded');
    await world.clock.advance(30_000);
    const sent = world.http.to('hook.sim');
    for (const request of sent) {
      const body = bodyOf(request);
      const isEvent = request.path === '/event';
      expect(Object.keys(body)).toEqual(['name', 'namespace', 'phase', 'checksum', 'metadata']);
      expect(body).toMatchObject({
        name: 'shop',
        namespace: 'web',
        metadata,
        checksum: expect.stringMatching(/^[0-9a-f]+$/),
      });
      expect(Object.keys(body['metadata'] as object).sort()).toEqual(
        [...Object.keys(metadata), ...(isEvent ? ['eventMessage', 'eventType', 'timestamp'] : [])].sort(),
      );
      expect(request.headers['content-type']).toBe('application/json');
      expect(request.headers['idempotency-key']).toMatch(/^[\x21-\x7e]+$/);
    }
    const phases = (path: string): unknown[] => [
      ...new Set(sent.filter((request) => request.path === path).map((request) => bodyOf(request)['phase'])),
    ];
    expect(phases('/confirm-rollout')).toEqual(['Waiting']);
    expect(phases('/pre-rollout')).toEqual(['Progressing']);
    expect(phases('/rollout')).toEqual(['Progressing']);
    expect(phases('/post-rollout')).toEqual(['Succeeded']);
    const keys = sent.map((request) => request.headers['idempotency-key']);
    expect(new Set(keys).size).toBe(keys.length);
    world.close();
  });

  it('of a rolled back run: post-rollout is called once with phase Failed, and nothing of promotion is', async () => {
    const { world, called } = await hooked(TYPES.map((type) => hook(type)));
    world.setImage('app:2-bad');
    await world.untilPhase('Failed');
    await world.clock.advance(60_000);
    expect(called.filter(({ type }) => type === 'post-rollout')).toHaveLength(1);
    const [after] = world.http.to('hook.sim').filter(({ path }) => path === '/post-rollout');
    expect(bodyOf(after!)).toMatchObject({ phase: 'Failed' });
    expect(called.map(({ type }) => type)).not.toContain('confirm-promotion');
    world.close();
  });
});

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

describe('202 with Retry-After', () => {
  const later = (call: number): Reply =>
    call < 4 ? { status: 202, headers: { 'retry-after': '20' }, body: 'tests are running' } : { status: 200 };

  it('is not yet in serin.dev: it waits without spending the budget', async () => {
    const { world, called } = await hooked(
      [hook('pre-rollout')],
      { 'pre-rollout': later },
      { canary: { analysis: { insufficientLimit: 10 } } },
    );
    world.setImage('app:2');
    await world.until('it was asked again', () => called.length === 3);
    await world.clock.advance(1_000);
    expect(world.weight()).toBe(0);
    expect(world.status().failedChecks).toBe(0);
    await world.untilPhase('Succeeded');
    expect(called).toHaveLength(4);
    world.close();
  });

  it('passes in flagger.app, as it does in Flagger', async () => {
    const { world, called } = await hooked(
      [hook('pre-rollout')],
      { 'pre-rollout': later },
      { args: ['--api-groups=flagger.app'], canary: { group: 'flagger.app' } },
    );
    world.setImage('app:2');
    await world.untilPhaseOf('Succeeded', 'flagger.app');
    expect(called).toHaveLength(1);
    world.close();
  });
});

describe('after the run', () => {
  it('a post-rollout hook that fails changes nothing, and is called again until it was heard', async () => {
    const { world, called } = await hooked([hook('post-rollout')], {
      'post-rollout': (call) => ({ status: call < 4 ? 503 : 200 }),
    });
    world.setImage('app:2');
    await world.untilPhase('Succeeded');
    await world.clock.advance(300_000);
    expect(world.phase()).toBe('Succeeded');
    expect(called).toHaveLength(4);
    expect(new Set(world.http.to('hook.sim').map(({ headers }) => headers['idempotency-key'])).size).toBe(1);
    expect(world.status().outbox).toEqual([]);
    world.close();
  });

  it('event hooks that fail do not slow the run', async () => {
    const { world } = await hooked([hook('event')], { event: () => 'hang' });
    const startMs = world.clock.monotonicMs();
    world.setImage('app:2');
    await world.untilPhase('Succeeded');
    expect(world.clock.monotonicMs() - startMs).toBeLessThan(60_000);
    world.close();
  });
});
