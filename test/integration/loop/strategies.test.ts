// The strategies: weights in steps and lists, handing back in steps, skipping, and blue/green on provider kubernetes.
import { describe, expect, it } from 'vitest';
import { SERVICE } from '../../../src/kube/kinds.ts';
import { initializedShop, runningShop, shopCanary, type Differences } from '../../support/loop-fixtures.ts';
import type { LoopWorld } from '../../support/loop-world.ts';

/** The weights that the route had in a run of app:2, in order. */
async function weightsOf(
  analysis: Record<string, unknown>,
  spec: Record<string, unknown> = {},
): Promise<{ world: LoopWorld; weights: readonly (number | null)[] }> {
  const world = await initializedShop({ canary: { analysis, spec } });
  const weights: (number | null)[] = [];
  world.api.onCommit(({ kind }) => {
    if (kind.kind === 'VirtualService' && weights.at(-1) !== world.weight()) weights.push(world.weight());
  });
  world.setImage('app:2');
  await world.untilPhase('Succeeded');
  return { world, weights };
}

describe('weights', () => {
  it.each([
    {
      what: 'steps that end below the maximum stop at it',
      analysis: { stepWeight: 20, maxWeight: 50 },
      weights: [0, 20, 40, 50, 0],
    },
    { what: 'a step as large as the maximum', analysis: { stepWeight: 50, maxWeight: 50 }, weights: [0, 50, 0] },
    { what: 'a step of 100', analysis: { stepWeight: 100, maxWeight: 100 }, weights: [0, 100, 0] },
    {
      what: 'a list',
      analysis: { stepWeight: undefined, maxWeight: undefined, stepWeights: [1, 2, 10, 80] },
      weights: [0, 1, 2, 10, 80, 0],
    },
    {
      what: 'handed back in steps',
      analysis: { stepWeight: 100, maxWeight: 100, stepWeightPromotion: 40 },
      weights: [0, 100, 60, 20, 0],
    },
  ])('$what', async ({ analysis, weights: expected }) => {
    const { world, weights } = await weightsOf(analysis);
    expect(weights).toEqual(expected);
    expect(world.image('shop-primary')).toBe('app:2');
    expect(world.outages).toEqual([]);
    world.close();
  });

  it('handed back in steps: the primary runs the new revision before it gets any of it', async () => {
    const world = await initializedShop({
      canary: { analysis: { stepWeight: 100, maxWeight: 100, stepWeightPromotion: 50 } },
    });
    world.setImage('app:2');
    await world.untilWeight(50);
    expect(world.image('shop-primary')).toBe('app:2');
    expect(world.replicasOf('shop-primary').ready).toBe(2);
    expect(world.phase()).toBe('Promoting');
    await world.untilPhase('Succeeded');
    expect(world.events()).toEqual(
      expect.arrayContaining([
        'PrimaryWeightAdvanced: Advance shop.web primary weight 50',
        'PrimaryWeightAdvanced: Advance shop.web primary weight 100',
      ]),
    );
    world.close();
  });

  it('a maximum that is lowered during the run takes effect at once', async () => {
    const world = await initializedShop({ canary: { analysis: { stepWeight: 20, maxWeight: 80 } } });
    world.setImage('app:2');
    await world.untilWeight(60);
    world.changeCanary((draft) => {
      (draft.spec['analysis'] as Record<string, unknown>)['maxWeight'] = 30;
    });
    await world.untilWeight(30, 2_000);
    await world.untilPhase('Succeeded');
    expect(world.image('shop-primary')).toBe('app:2');
    world.close();
  });

  it('an interval that is lengthened during the run does not make a check come early or twice', async () => {
    const world = await initializedShop();
    world.setImage('app:2');
    await world.untilWeight(20);
    world.changeCanary((draft) => {
      (draft.spec['analysis'] as Record<string, unknown>)['interval'] = '60s';
    });
    await world.untilPhase('Succeeded');
    expect(world.http.to('prometheus.sim')).toHaveLength(3);
    world.close();
  });
});

describe('skipAnalysis', () => {
  it('promotes as soon as the canary is ready, without weight and without a check', async () => {
    const { world, weights } = await weightsOf({}, { skipAnalysis: true });
    expect(weights.filter((weight) => weight !== 0)).toEqual([]);
    expect(world.http.to('prometheus.sim')).toEqual([]);
    expect(world.image('shop-primary')).toBe('app:2');
    await world.clock.advance(5_000);
    expect(world.events()).toContain('PromotedSkipped: Promotion completed! Canary analysis was skipped for shop.web');
    expect(world.status().history?.at(-1)).toMatchObject({ outcome: 'skipped' });
    world.close();
  });

  it('still does not promote what cannot start', async () => {
    const world = await initializedShop({ canary: { spec: { skipAnalysis: true } } });
    world.setImage('app:imagepull');
    await world.untilPhase('Failed');
    expect(world.image('shop-primary')).toBe('app:1');
    expect(world.outages).toEqual([]);
    world.close();
  });
});

describe('blue/green on provider kubernetes', () => {
  const canary: Differences = {
    spec: { provider: 'kubernetes' },
    analysis: {
      stepWeight: undefined,
      maxWeight: undefined,
      iterations: 3,
      metrics: [{ name: 'errors', interval: '30s', thresholdRange: { max: 1 }, query: 'errors' }],
    },
  };
  const answer = (value: string) => ({
    status: 200,
    body: JSON.stringify({
      status: 'success',
      data: { resultType: 'vector', result: [{ metric: {}, value: [Date.UTC(2026, 0, 1) / 1_000, value] }] },
    }),
  });

  it('checks as often as iterations says, then promotes; users are on the primary all the time', async () => {
    const world = await initializedShop({ canary });
    world.http.on('prometheus.sim', () => answer('0'));
    const selectors = new Set<string>();
    world.api.onCommit(({ kind }) => {
      if (kind.kind === 'Service')
        selectors.add(JSON.stringify((world.get(SERVICE, 'shop')!['spec'] as { selector: unknown }).selector));
    });
    world.setImage('app:2');
    await world.untilPhase('Succeeded');
    await world.clock.advance(5_000);
    expect(world.http.to('prometheus.sim')).toHaveLength(3);
    expect(world.image('shop-primary')).toBe('app:2');
    expect([...selectors].filter((selector) => !selector.includes('shop-primary'))).toEqual([]);
    expect(world.get(SERVICE, 'shop-canary')?.['spec']).toMatchObject({ selector: { app: 'shop' } });
    expect(world.events()).toEqual(
      expect.arrayContaining([
        'IterationAdvanced: Advance shop.web canary iteration 1/3',
        'IterationAdvanced: Advance shop.web canary iteration 2/3',
      ]),
    );
    world.close();
  });

  it('that fails is rolled back, and users notice nothing', async () => {
    const world = await initializedShop({ canary });
    world.http.on('prometheus.sim', () => answer('7'));
    world.setImage('app:2');
    await world.untilPhase('Failed');
    expect(world.image('shop-primary')).toBe('app:1');
    expect(world.replicasOf('shop').asked).toBe(0);
    expect(world.outages).toEqual([]);
    world.close();
  });

  it('with steps instead of iterations takes ten, as Flagger does, and says so in an Event', async () => {
    const world = await initializedShop({
      args: ['--api-groups=flagger.app'],
      canary: {
        ...canary,
        group: 'flagger.app',
        analysis: { ...canary.analysis, iterations: undefined, stepWeight: 10, maxWeight: 50 },
      },
    });
    world.http.on('prometheus.sim', () => answer('0'));
    world.setImage('app:2');
    await world.untilPhaseOf('Succeeded', 'flagger.app');
    expect(world.http.to('prometheus.sim')).toHaveLength(10);
    world.close();
  });

  it('tells what it changed in the spec to follow Flagger', async () => {
    const world = await runningShop({ args: ['--api-groups=flagger.app'] });
    world.apply(
      shopCanary({
        ...canary,
        group: 'flagger.app',
        analysis: { ...canary.analysis, iterations: undefined, stepWeight: 10, maxWeight: 50, interval: '5s' },
      }),
    );
    await world.untilPhaseOf('Initialized', 'flagger.app');
    await world.clock.advance(600_000);
    const told = world.events().slice(0, 3);
    const raised = world.events().filter((line) => line.includes('Raised'));
    world.close();
    expect(told).toEqual([
      expect.stringContaining('Raised spec.analysis.interval to 10s: "5s" is below the floor of flagger.app'),
      expect.stringContaining('Progressive traffic is not supported when using the kubernetes provider'),
      expect.stringContaining('Setting canaryAnalysis.iterations: 10'),
    ]);
    expect(raised).toHaveLength(1);
  });
});
