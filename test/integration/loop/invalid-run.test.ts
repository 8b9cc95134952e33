// A Canary whose spec becomes invalid during a run is rolled back from its run record; at rest it is refused and left alone.
import { describe, expect, it } from 'vitest';
import type { Phase } from '../../../src/core/phase.ts';
import { canaryKind } from '../../../src/kube/kinds.ts';
import { initializedShop, runningShop, shopCanary, shopDeployment } from '../../support/loop-fixtures.ts';
import type { LoopWorld } from '../../support/loop-world.ts';
import { openGates, reach } from './phases.ts';

function breakSpec(world: LoopWorld): void {
  world.changeCanary((draft) => {
    (draft.spec['analysis'] as Record<string, unknown>)['stepWeight'] = 'many';
  });
}

function fixSpec(world: LoopWorld): void {
  world.changeCanary((draft) => {
    (draft.spec['analysis'] as Record<string, unknown>)['stepWeight'] = 20;
  });
}

describe('a spec that becomes invalid', () => {
  it.each(['Waiting', 'Progressing', 'WaitingPromotion', 'Promoting'] as const)(
    'in %s rolls the run back: all traffic on the primary at the old revision, the target at zero, Failed',
    async (phase) => {
      const world = await reach(phase, { hasLenientCrds: true });
      breakSpec(world);
      await world.untilPhase('Failed');
      await world.clock.advance(60_000);
      expect(world.weight()).toBe(0);
      expect(world.replicasOf('shop')).toEqual({ asked: 0, ready: 0 });
      expect(world.image('shop-primary')).toBe('app:1');
      expect(world.replicasOf('shop-primary')).toEqual({ asked: 2, ready: 2 });
      expect(world.status().history?.at(-1)).toMatchObject({
        outcome: 'rolledBack',
        message: expect.stringContaining('spec.analysis.stepWeight'),
      });
      expect(world.condition('Ready')).toMatchObject({
        status: 'False',
        reason: 'InvalidSpec',
        message: expect.stringContaining('spec.analysis.stepWeight'),
      });
      expect(world.condition('Promoted')).toMatchObject({ status: 'False', reason: 'Failed' });
      expect(world.events()).toContainEqual(expect.stringMatching(/^RollingBack: .*spec became invalid/));
      world.close();
    },
  );

  it('for its mesh provider alone rolls the run back too', async () => {
    const world = await reach('Progressing');
    world.changeCanary((draft) => {
      (draft.spec['service'] as Record<string, unknown>)['backendTimeout'] = '3s';
    });
    await world.untilPhase('Failed');
    expect(world.weight()).toBe(0);
    expect(world.image('shop-primary')).toBe('app:1');
    expect(world.status().history?.at(-1)).toMatchObject({
      outcome: 'rolledBack',
      message: expect.stringContaining('spec.service.backendTimeout'),
    });
    expect(world.condition('Ready')).toMatchObject({ status: 'False', reason: 'InvalidSpec' });
    world.close();
  });

  it.each(['Finalising', 'Returning', 'RollingBack'] as const)(
    'in %s does not keep the run from its end',
    async (phase) => {
      const world = await reach(phase, { hasLenientCrds: true });
      breakSpec(world);
      const end = { Finalising: 'Succeeded', Returning: 'Succeeded', RollingBack: 'Failed' }[phase];
      await world.untilPhase(end);
      await world.clock.advance(60_000);
      expect(world.weight()).toBe(0);
      expect(world.replicasOf('shop').asked).toBe(0);
      expect(world.condition('Ready')).toMatchObject({ status: 'False', reason: 'InvalidSpec' });
      world.close();
    },
  );

  it('in KeepingCanary keeps all traffic on the canary', async () => {
    const world = await reach('KeepingCanary', { hasLenientCrds: true });
    breakSpec(world);
    await world.clock.advance(300_000);
    expect(world.weight()).toBe(100);
    expect(world.replicasOf('shop').ready).toBe(2);
    expect(world.condition('Ready')?.status).toBe('False');
    world.close();
  });

  it.each(['Initialized', 'Succeeded', 'Failed'] as Phase[])(
    'in %s writes nothing but the condition and the Event, and a new revision waits for the fix',
    async (phase) => {
      const world = await reach(phase, { hasLenientCrds: true });
      await world.clock.advance(300_000);
      const mark = world.mark();
      breakSpec(world);
      world.setImage('app:3');
      await world.clock.advance(600_000);
      expect(world.attempts(mark).map((write) => write.replace(/ shop$/, ''))).toEqual([
        'create events.events.k8s.io',
        'update canaries.serin.dev/status',
      ]);
      expect(world.phase()).toBe(phase);
      expect(world.condition('Ready')).toMatchObject({ status: 'False', reason: 'InvalidSpec' });
      fixSpec(world);
      await world.until('the waiting revision is promoted', () => world.image('shop-primary') === 'app:3');
      await world.untilPhase('Succeeded');
      expect(world.condition('Ready')).toMatchObject({ status: 'True' });
      world.close();
    },
  );

  it('that is fixed before the rollback ends still ends Failed, and the revision is not tried again', async () => {
    const world = await reach('Progressing', { hasLenientCrds: true });
    breakSpec(world);
    await world.untilInner('RollingBack');
    fixSpec(world);
    await world.untilPhase('Failed');
    await world.clock.advance(600_000);
    expect(world.phase()).toBe('Failed');
    expect(world.image('shop-primary')).toBe('app:1');
    expect(world.status().history).toHaveLength(1);
    world.close();
  });

  it('does not keep a deletion from handing everything back', async () => {
    const world = await reach('WaitingPromotion', { hasLenientCrds: true });
    breakSpec(world);
    world.remove(canaryKind('serin.dev'), 'shop');
    openGates(world);
    await world.until('the Canary is gone', () => world.canary() === null);
    expect(world.replicasOf('shop').ready).toBe(2);
    expect(world.readyBehind('web', 'shop')).toBe(2);
    world.close();
  });
});

describe('two Canaries with one target', () => {
  it('the older wins, the other is refused with its name and writes nothing, and takes over when the first goes', async () => {
    const world = await initializedShop();
    const mark = world.mark();
    world.apply(shopCanary({ name: 'rival', spec: { service: { name: 'rival' } } }));
    await world.clock.advance(120_000);
    expect(world.condition('Ready', 'rival')).toMatchObject({
      status: 'False',
      reason: 'TargetTaken',
      message: expect.stringContaining('serin.dev/web/shop'),
    });
    expect(world.reasons('rival')).toHaveLength(1);
    expect(world.attempts(mark)).toEqual(['create events.events.k8s.io', 'update canaries.serin.dev/status rival']);
    world.setImage('app:2');
    await world.untilPhase('Succeeded');
    expect(world.status('rival').run).toBeUndefined();
    world.remove(canaryKind('serin.dev'), 'shop');
    await world.untilPhase('Initialized', 'rival');
    expect(world.canary()).toBeNull();
    expect(world.image('shop-primary')).toBe('app:2');
    expect(world.condition('Ready', 'rival')).toMatchObject({ status: 'True' });
    world.close();
  });

  it('of both groups: the older wins whatever its group is', async () => {
    const world = await runningShop({ args: ['--api-groups', 'serin.dev,flagger.app'] });
    world.apply(shopCanary({ group: 'flagger.app' }));
    await world.clock.advance(2_000);
    world.apply(shopCanary());
    await world.untilPhaseOf('Initialized', 'flagger.app');
    await world.clock.advance(60_000);
    expect(world.condition('Ready', 'shop', 'serin.dev')).toMatchObject({ status: 'False', reason: 'TargetTaken' });
    world.close();
  });

  it('a target that is the primary of another Canary is refused', async () => {
    const world = await initializedShop();
    const mark = world.mark();
    const canary = shopCanary({ name: 'second', spec: { service: { name: 'second' } } });
    (canary['spec'] as { targetRef: { name: string } }).targetRef.name = 'shop-primary';
    world.apply(canary);
    await world.clock.advance(120_000);
    expect(world.condition('Ready', 'second')).toMatchObject({
      status: 'False',
      message: expect.stringContaining('shop-primary'),
    });
    expect(world.attempts(mark).filter((write) => !/events|canaries.*second/.test(write))).toEqual([]);
    expect(world.replicasOf('shop-primary')).toEqual({ asked: 2, ready: 2 });
    world.close();
  });

  it('two targets with one apex Service: the second is refused', async () => {
    const world = await initializedShop();
    world.apply(shopDeployment('app:1', { name: 'other' }));
    const canary = shopCanary({ name: 'other', spec: { service: { name: 'shop' } } });
    (canary['spec'] as { targetRef: { name: string } }).targetRef.name = 'other';
    world.apply(canary);
    await world.clock.advance(120_000);
    expect(world.condition('Ready', 'other')).toMatchObject({
      status: 'False',
      message: expect.stringContaining('shop'),
    });
    expect(world.replicasOf('other').ready).toBe(2);
    expect(world.readyBehind('web', 'shop')).toBe(2);
    world.close();
  });
});

describe('what cannot be changed', () => {
  it.each([
    { what: 'targetRef', edit: { targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'other' } } },
    { what: 'service.name', edit: { service: { port: 80, targetPort: 8080, name: 'other' } } },
  ])('$what is refused by the CRD', async ({ edit }) => {
    const world = await initializedShop();
    expect(() => world.changeCanary((draft) => Object.assign(draft.spec, edit))).toThrow(/cannot be changed/);
    world.close();
  });

  it.each([
    { what: 'targetRef', edit: { targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'other' } } },
    { what: 'service.name', edit: { service: { port: 80, targetPort: 8080, name: 'other' } } },
  ])(
    '$what changed under a lenient CRD is refused by the controller, and the old target is left as it is',
    async ({ edit }) => {
      const world = await initializedShop({ hasLenientCrds: true });
      world.apply(shopDeployment('app:1', { name: 'other' }));
      await world.clock.advance(10_000);
      const mark = world.mark();
      world.changeCanary((draft) => Object.assign(draft.spec, edit));
      await world.clock.advance(120_000);
      expect(world.condition('Ready')).toMatchObject({
        status: 'False',
        message: expect.stringContaining('cannot be changed'),
      });
      expect(world.attempts(mark).map((write) => write.split(' ')[1])).toEqual([
        'events.events.k8s.io',
        'canaries.serin.dev/status',
      ]);
      expect(world.replicasOf('other').asked).toBe(2);
      expect(world.readyBehind('web', 'shop')).toBe(2);
      world.close();
    },
  );
});
