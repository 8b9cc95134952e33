// Intent of people: abort, pause and resume by the annotation serin.dev/request, in every phase, acknowledged by id.
import { describe, expect, it } from 'vitest';
import type { Phase } from '../../../src/core/phase.ts';
import { initializedShop } from '../../support/loop-fixtures.ts';
import type { LoopWorld } from '../../support/loop-world.ts';
import { openGates, reach } from './phases.ts';

function ask(world: LoopWorld, request: unknown): void {
  world.changeCanary((draft) => {
    draft.metadata.annotations = {
      ...draft.metadata.annotations,
      'serin.dev/request': typeof request === 'string' ? request : JSON.stringify(request),
    };
  });
}
const handled = (world: LoopWorld, id: string): Promise<void> =>
  world.until(`request ${id} is acknowledged`, () => world.status().lastHandledRequest?.id === id, 60_000);

describe('abort', () => {
  it.each(['Waiting', 'Progressing', 'WaitingPromotion', 'Promoting', 'Finalising', 'Returning'] as Phase[])(
    'in %s takes all traffic to the primary at once, restores its revision, and ends Failed',
    async (phase) => {
      const world = await reach(phase);
      const startMs = world.clock.monotonicMs();
      ask(world, { id: 'r1', verb: 'abort', by: 'ann' });
      await world.untilWeight(0);
      expect(world.clock.monotonicMs() - startMs).toBeLessThan(1_000);
      await world.untilPhase('Failed');
      await world.clock.advance(30_000);
      expect(world.image('shop-primary')).toBe('app:1');
      expect(world.replicasOf('shop-primary').ready).toBe(2);
      expect(world.replicasOf('shop').asked).toBe(0);
      expect(world.status().lastHandledRequest).toMatchObject({ id: 'r1', verb: 'abort', outcome: 'done' });
      expect(world.condition('Ready')).toMatchObject({
        status: 'False',
        reason: 'Aborted',
        message: expect.stringContaining('ann'),
      });
      expect(world.status().history?.at(-1)).toMatchObject({ outcome: 'aborted', message: 'Aborted by ann' });
      expect(world.events()).toContain('Aborted: Aborting shop.web by ann');
      expect(world.canary()?.metadata.annotations?.['serin.dev/request']).toContain('r1');
      world.close();
    },
  );

  it('by a shell without a $USER names nobody, in whole sentences', async () => {
    const world = await reach('Progressing');
    ask(world, { id: 'r1', verb: 'abort', by: '' });
    await world.untilPhase('Failed');
    expect(world.status().history?.at(-1)).toMatchObject({ message: 'Aborted by unknown' });
    await world.clock.advance(5_000);
    expect(world.events()).toContain('RollingBack: Rolling back shop.web: Aborted by unknown');
    world.close();
  });

  it('in Initializing leaves the app on its target', async () => {
    const world = await reach('Initializing');
    ask(world, { id: 'r1', verb: 'abort', by: 'ann' });
    await world.untilPhase('Failed');
    expect(world.replicasOf('shop')).toEqual({ asked: 2, ready: 2 });
    expect(world.readyBehind('web', 'shop')).toBe(2);
    world.close();
  });

  it('in KeepingCanary does not give a broken primary the traffic', async () => {
    const world = await reach('KeepingCanary');
    await world.untilWeight(100);
    ask(world, { id: 'r1', verb: 'abort', by: 'ann' });
    await world.clock.advance(300_000);
    expect(world.destinations().every((host) => world.readyBehind('web', host) > 0)).toBe(true);
    expect(world.outages).toEqual([]);
    world.close();
  });

  it.each(['Initialized', 'Succeeded', 'Failed'] as Phase[])('in %s is refused, and says so', async (phase) => {
    const world = await reach(phase);
    await world.clock.advance(10_000);
    ask(world, { id: 'r1', verb: 'abort', by: 'ann' });
    await handled(world, 'r1');
    await world.clock.advance(10_000);
    expect(world.phase()).toBe(phase);
    expect(world.status().lastHandledRequest?.outcome).toBe('Refused: no run is under way');
    expect(world.events()).toContain(
      'RequestRefused: Refused a request by ann for shop.web: Refused: no run is under way',
    );
    world.close();
  });

  it('of a revision that is tried again by a person: the next change starts a run, the same revision does not', async () => {
    const world = await reach('Progressing');
    ask(world, { id: 'r1', verb: 'abort', by: 'ann' });
    await world.untilPhase('Failed');
    await world.clock.advance(600_000);
    expect(world.phase()).toBe('Failed');
    world.setImage('app:3');
    await world.untilPhase('Succeeded');
    expect(world.image('shop-primary')).toBe('app:3');
    world.close();
  });
});

describe('pause and resume', () => {
  it('hold the weight and ask nothing meanwhile; then the run goes on', async () => {
    const world = await reach('Progressing');
    ask(world, { id: 'p1', verb: 'pause', by: 'ann' });
    await handled(world, 'p1');
    const asked = world.http.to('prometheus.sim').length;
    await world.clock.advance(3_600_000);
    expect(world.weight()).toBe(20);
    expect(world.http.to('prometheus.sim')).toHaveLength(asked);
    expect(world.status().message).toContain('Paused at 20 %');
    ask(world, { id: 'p2', verb: 'resume', by: 'bob' });
    await world.untilPhase('Succeeded');
    await world.clock.advance(5_000);
    expect(world.reasons()).toEqual(expect.arrayContaining(['Paused', 'Resumed', 'Promoted']));
    world.close();
  });

  it('a paused run still crashes, is aborted, superseded and ended by its deadline', async () => {
    const crash = await reach('Progressing', { mayFail: true });
    ask(crash, { id: 'p1', verb: 'pause', by: 'ann' });
    await handled(crash, 'p1');
    crash.crashPods('shop');
    await crash.untilPhase('Failed');
    crash.close();
    const newer = await reach('Progressing');
    ask(newer, { id: 'p1', verb: 'pause', by: 'ann' });
    await handled(newer, 'p1');
    newer.setImage('app:3');
    await newer.untilPhase('Succeeded');
    expect(newer.image('shop-primary')).toBe('app:3');
    newer.close();
    const forgotten = await reach('Progressing', { canary: { analysis: { gateTimeout: '1h' } } });
    ask(forgotten, { id: 'p1', verb: 'pause', by: 'ann' });
    await forgotten.untilPhase('Failed', 'shop', 4_000_000);
    expect(forgotten.weight()).toBe(0);
    forgotten.close();
  });

  it.each(['Waiting', 'WaitingPromotion', 'Promoting'] as Phase[])('hold in %s too', async (phase) => {
    const world = await reach(phase);
    ask(world, { id: 'p1', verb: 'pause', by: 'ann' });
    await handled(world, 'p1');
    openGates(world);
    const weight = world.weight();
    await world.clock.advance(60_000);
    expect(world.inner()).toBe(phase);
    expect(world.weight()).toBe(weight);
    ask(world, { id: 'p2', verb: 'resume', by: 'ann' });
    await world.untilPhase('Succeeded');
    world.close();
  });
});

describe('a request that cannot be followed', () => {
  it.each([
    { what: 'no JSON', request: 'abort now', says: 'unknown verb' },
    {
      what: 'an unknown verb',
      request: { id: 'x', verb: 'explode', by: 'ann' },
      says: 'unknown verb "explode", known are abort, pause, resume',
    },
    {
      what: 'one that has expired',
      request: { id: 'x', verb: 'abort', by: 'ann', expires: '2020-01-01T00:00:00Z' },
      says: 'expired',
    },
    {
      what: 'one about another revision',
      request: { id: 'x', verb: 'abort', by: 'ann', revision: 'v1-0000000000000000' },
      says: 'it is about revision v1-0000000000000000',
    },
    { what: '100 KiB', request: { id: 'y'.repeat(100_000), verb: 'abort' }, says: '' },
  ])('$what: acknowledged with the reason, and the run goes on', async ({ request, says }) => {
    const world = await reach('Progressing');
    ask(world, request);
    await world.until('it is acknowledged', () => world.status().lastHandledRequest !== undefined, 60_000);
    expect(world.status().lastHandledRequest?.outcome).toContain(says);
    expect(world.status().lastHandledRequest?.outcome).toMatch(/^Refused/);
    await world.untilPhase('Succeeded');
    expect(world.reasons().filter((reason) => reason === 'RequestRefused')).toHaveLength(1);
    world.close();
  });

  it('with the id of one that was answered is not answered again', async () => {
    const world = await reach('Progressing');
    ask(world, { id: 'r1', verb: 'abort', by: 'ann' });
    await world.untilPhase('Failed');
    world.setImage('app:3');
    await world.untilPhase('Succeeded');
    expect(world.image('shop-primary')).toBe('app:3');
    world.close();
  });

  it('about the revision under way is followed', async () => {
    const world = await reach('Progressing');
    const revision = world.status().run?.run?.['revision'];
    ask(world, { id: 'r1', verb: 'abort', by: 'ann', revision, expires: '2030-01-01T00:00:00Z' });
    await world.untilPhase('Failed');
    world.close();
  });

  it('on a Canary that has none yet is no harm', async () => {
    const world = await initializedShop({ canary: { annotations: { 'serin.dev/request': '' } } });
    expect(world.phase()).toBe('Initialized');
    world.close();
  });
});
