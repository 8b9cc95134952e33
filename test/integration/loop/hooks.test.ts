// Webhooks: all eight types at the right moment with Flagger's payload, and what comes after the run.
import { describe, expect, it } from 'vitest';
import type { Reply, SentRequest } from '../../support/loop-http.ts';
import { hook, hooked, TYPES, type Called } from './hooked.ts';

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
    const about = world.events().filter((text) => text.includes('my-post-rollout'));
    expect(about).toEqual([
      expect.stringMatching(/^HookFailed: Post-rollout hook my-post-rollout failed /),
      'HookPassed: Post-rollout check my-post-rollout passed',
    ]);
    world.close();
  });

  it('a post-rollout hook that says no was heard: it is called once, and an Event says what it said', async () => {
    const { world, called } = await hooked([hook('post-rollout')], {
      'post-rollout': () => ({ status: 409, body: 'done already' }),
    });
    world.setImage('app:2');
    await world.untilPhase('Succeeded');
    await world.clock.advance(3_600_000);
    expect(called).toHaveLength(1);
    expect(world.status().outbox).toEqual([]);
    expect(world.events()).toContain('HookFailed: Post-rollout hook my-post-rollout failed done already');
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
