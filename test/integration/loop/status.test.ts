// A status is input like any other: one that cannot be leaves traffic where it is, and one that was lost is rebuilt and starts nothing.
import { describe, expect, it } from 'vitest';
import type { Phase } from '../../../src/core/phase.ts';
import { canaryKind } from '../../../src/kube/kinds.ts';
import type { Draft, StatusSeen } from '../../support/loop-view.ts';
import { initializedShop } from '../../support/loop-fixtures.ts';
import { reach } from './phases.ts';

const runIn = (draft: Draft): Record<string, unknown> => draft.status['run'] as Record<string, unknown>;

/** Statuses that no sequence of decisions could have written, or that cannot be read. */
const IMPOSSIBLE: readonly { what: string; edit: (draft: Draft) => void; says: string }[] = [
  { what: 'a weight of 150', edit: (draft) => (runIn(draft)['weightPercent'] = 150), says: 'weightPercent' },
  { what: 'a weight as text', edit: (draft) => (runIn(draft)['weightPercent'] = '20'), says: 'weightPercent' },
  { what: 'half a weight', edit: (draft) => (runIn(draft)['weightPercent'] = 12.5), says: 'weightPercent' },
  { what: 'an unknown phase', edit: (draft) => (runIn(draft)['phase'] = 'Flying'), says: 'phase' },
  { what: 'a phase of the prototype', edit: (draft) => (runIn(draft)['phase'] = 'constructor'), says: 'phase' },
  {
    what: 'a run phase without a run',
    edit: (draft) => Object.assign(runIn(draft), { phase: 'Promoting', run: null }),
    says: 'without a run',
  },
  {
    what: 'a weight in a resting phase',
    edit: (draft) => Object.assign(runIn(draft), { phase: 'Succeeded', weightPercent: 40 }),
    says: 'weight 40 in phase Succeeded',
  },
  {
    what: 'Failed without a failure',
    edit: (draft) => Object.assign(runIn(draft), { phase: 'Failed', failure: null, weightPercent: 0 }),
    says: 'without a failure',
  },
  { what: 'a later schema', edit: (draft) => (runIn(draft)['schema'] = 2), says: 'schema' },
  { what: 'a list instead of a record', edit: (draft) => (draft.status['run'] = [1, 2, 3]), says: 'status.run' },
  { what: 'a text instead of a record', edit: (draft) => (draft.status['run'] = 'junk'), says: 'status.run' },
  { what: '64 KiB of junk', edit: (draft) => (draft.status['run'] = { junk: 'x'.repeat(65_536) }), says: 'status.run' },
  { what: 'a fence of 64 KiB', edit: (draft) => (runIn(draft)['fence'] = 'x'.repeat(65_536)), says: 'fence' },
  { what: 'a time beyond all times', edit: (draft) => (runIn(draft)['deadlineMs'] = 1e300), says: 'deadlineMs' },
  { what: 'a negative count', edit: (draft) => (runIn(draft)['record'] = -1), says: 'record' },
  {
    what: 'a run that is no run',
    edit: (draft) => (runIn(draft)['run'] = { id: 5 }),
    says: 'run',
  },
  {
    what: 'a step that does not exist',
    edit: (draft) => ((runIn(draft)['run'] as Record<string, unknown>)['step'] = 4_000),
    says: 'step',
  },
  {
    what: 'an outbox of a thousand',
    edit: (draft) => (draft.status['outbox'] = Array.from({ length: 1_000 }, () => ({}))),
    says: 'outbox',
  },
];

describe('a status that cannot be', () => {
  it.each(IMPOSSIBLE)(
    '$what: StatusInvalid and one Event, traffic and pods stay where they are',
    async ({ edit, says }) => {
      const world = await reach('Progressing', { hasLenientCrds: true });
      const mark = world.mark();
      world.changeStatus(edit);
      await world.clock.advance(120_000);
      expect(world.condition('StatusInvalid')).toMatchObject({
        status: 'True',
        reason: 'StatusInvalid',
        message: expect.stringContaining(says),
      });
      expect(world.condition('Ready')).toMatchObject({ status: 'False', reason: 'StatusInvalid' });
      expect(world.weight()).toBe(20);
      expect(world.replicasOf('shop').asked).toBe(2);
      expect(world.replicasOf('shop-primary').asked).toBe(2);
      expect(world.reasons().filter((reason) => reason === 'StatusInvalid')).toHaveLength(1);
      const others = world.attempts(mark).filter((write) => !/ events|canaries.*status/.test(write));
      expect(others).toEqual([]);
      world.close();
    },
  );

  it('is not made worse by a new revision, and the Canary can still be deleted without harm', async () => {
    const world = await reach('Progressing');
    world.changeStatus((draft) => (runIn(draft)['phase'] = 'Flying'));
    await world.clock.advance(30_000);
    world.setImage('app:3');
    await world.clock.advance(120_000);
    expect(world.weight()).toBe(20);
    expect(world.image('shop-primary')).toBe('app:1');
    world.remove(canaryKind('serin.dev'), 'shop');
    await world.until('the Canary is gone', () => world.canary() === null);
    expect(world.readyBehind('web', 'shop')).toBeGreaterThan(0);
    expect(world.replicasOf('shop').ready).toBeGreaterThan(0);
    world.close();
  });

  it('is healed by removing the record: the run is undone, and a new one begins only for a new revision', async () => {
    const world = await reach('Progressing');
    world.changeStatus((draft) => (runIn(draft)['phase'] = 'Flying'));
    await world.clock.advance(30_000);
    world.changeStatus((draft) => delete draft.status['run']);
    await world.untilPhase('Failed');
    await world.clock.advance(60_000);
    expect(world.condition('StatusInvalid')).toBeNull();
    expect(world.weight()).toBe(0);
    world.setImage('app:3');
    await world.until('app:3 is promoted', () => world.image('shop-primary') === 'app:3');
    world.close();
  });

  it('edits of what Flagger shows (phase, weight, failed checks) change nothing but are put right with the next record', async () => {
    const world = await reach('Progressing');
    world.changeStatus((draft) =>
      Object.assign(draft.status, { phase: 'Succeeded', canaryWeight: 100, failedChecks: 99 }),
    );
    await world.untilWeight(40);
    expect(world.status()).toMatchObject({ phase: 'Progressing', canaryWeight: 40, failedChecks: 0 });
    await world.untilPhase('Succeeded');
    expect(world.image('shop-primary')).toBe('app:2');
    world.close();
  });
});

describe('a lost status', () => {
  it.each(['Initialized', 'Succeeded', 'Failed'] as Phase[])('in %s is rebuilt and starts no run', async (phase) => {
    const world = await reach(phase);
    await world.clock.advance(60_000);
    const primary = world.image('shop-primary');
    world.changeStatus((draft) => {
      draft.status = {};
    });
    await world.until('a record is there again', () => world.inner() !== '');
    await world.clock.advance(600_000);
    expect(['Initialized', 'Succeeded', 'Failed']).toContain(world.phase());
    expect(world.phase() === 'Failed').toBe(phase === 'Failed');
    expect(world.image('shop-primary')).toBe(primary);
    expect(world.weight()).toBe(0);
    expect(world.replicasOf('shop').asked).toBe(0);
    expect(runsBegun(world.status())).toBe(0);
    world.close();
  });

  it.each([
    'Waiting',
    'Progressing',
    'WaitingPromotion',
    'Promoting',
    'Finalising',
    'RollingBack',
    'Returning',
  ] as Phase[])('in %s: all traffic on the primary, the canary gone, at rest, no run', async (phase) => {
    const world = await reach(phase);
    world.changeStatus((draft) => {
      draft.status = {};
    });
    await world.until('at rest', () => ['Initialized', 'Succeeded', 'Failed'].includes(world.inner()));
    await world.clock.advance(600_000);
    expect(['Initialized', 'Succeeded', 'Failed']).toContain(world.phase());
    expect(world.weight()).toBe(0);
    expect(world.replicasOf('shop').asked).toBe(0);
    expect(world.replicasOf('shop-primary').ready).toBe(2);
    expect(runsBegun(world.status())).toBe(0);
    expect(world.reasons().filter((reason) => reason === 'RevisionDetected').length).toBeLessThanOrEqual(1);
    world.close();
  });

  it('what is told after it is new: no sink takes it for a repetition', async () => {
    const world = await initializedShop();
    await world.clock.advance(60_000);
    world.changeStatus((draft) => {
      draft.status = {};
    });
    await world.until('a record is there again', () => world.inner() !== '');
    world.remove(canaryKind('serin.dev'), 'shop');
    await world.until('the Canary is gone', () => world.canary() === null);
    expect(world.reasons()).toContain('Terminating');
    world.close();
  });

  it('in Initializing goes on with the initialization', async () => {
    const world = await reach('Initializing');
    world.changeStatus((draft) => {
      draft.status = {};
    });
    await world.untilPhase('Initialized');
    expect(world.image('shop-primary')).toBe('app:1');
    world.close();
  });

  it('in KeepingCanary leaves users with a healthy pod: the broken primary is never given all the traffic', async () => {
    const world = await reach('KeepingCanary');
    await world.untilWeight(100);
    world.changeStatus((draft) => {
      draft.status = {};
    });
    await world.clock.advance(900_000);
    expect(world.outages).toEqual([]);
    expect(world.destinations().every((host) => world.readyBehind('web', host) > 0)).toBe(true);
    world.close();
  });

  it('after a restart of the controller is rebuilt just so', async () => {
    const world = await initializedShop();
    world.kill(world.replicas[0]!);
    world.changeStatus((draft) => {
      draft.status = {};
    });
    world.setImage('app:2');
    await world.boot('serin-1');
    await world.clock.advance(600_000);
    // What runs now counts as what was there: the first look after the loss cannot know better.
    expect(world.image('shop-primary')).toBe('app:1');
    expect(runsBegun(world.status())).toBe(0);
    world.close();
  });
});

const runsBegun = (status: StatusSeen): unknown => status.run?.['runsBegun'];
