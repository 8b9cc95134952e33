// The heartbeat on a virtual clock: when a worker counts as dead, when the store counts as away, and when all is well again.
import { describe, expect, test } from 'vitest';
import { Heartbeat } from '../../../src/queue/heartbeat.ts';
import type { Patient } from '../../../src/queue/heartbeat.ts';
import { DEFAULT_TIMINGS } from '../../../src/queue/store.ts';
import { silentLog } from '../../../src/telemetry/contract.ts';
import { seededRandom, VirtualClock } from '../../support/virtual-clock.ts';

/** A heartbeat and a patient whose state a test sets. */
function aWard() {
  const clock = new VirtualClock();
  const state = {
    isAway: false,
    reason: 'ECONNREFUSED',
    /** The worker works the canary jobs of this process. */
    isAlive: true,
    /** The worker asks for jobs, though others get them. */
    isFetching: false,
    isWorkedByOthers: false,
    isFull: false,
    setup: null as string | null,
    beats: 0,
    reconnects: 0,
    rebuilds: 0,
  };
  const patient: Patient = {
    sendBeat: () => {
      state.beats += 1;
      if (state.isAway) return Promise.reject(new Error(state.reason));
      if (state.isAlive) heartbeat.noteJob();
      if (state.isFetching) heartbeat.noteFetch();
      return Promise.resolve(state.isAlive || state.isWorkedByOthers);
    },
    reconnect: () => void (state.reconnects += 1),
    hasWorker: () => true,
    isFull: () => state.isFull,
    rebuildWorker: () => Promise.resolve(void (state.rebuilds += 1)),
    inspect: () => Promise.resolve(state.setup),
  };
  const heartbeat: Heartbeat = new Heartbeat(
    patient,
    { clock, random: seededRandom(1), log: silentLog },
    DEFAULT_TIMINGS,
  );
  return { clock, state, heartbeat };
}

describe('Heartbeat', () => {
  test('is not up before the store has answered, and beats every ten seconds afterwards', async () => {
    const { clock, state, heartbeat } = aWard();
    expect(heartbeat.isUp).toBe(false);

    void heartbeat.tick();
    await clock.advance(100_000);

    expect(heartbeat.isUp).toBe(true);
    expect(heartbeat.problem).toBeNull();
    expect(state.beats).toBeGreaterThanOrEqual(10);
    expect(state.beats).toBeLessThanOrEqual(12);
    expect(heartbeat.rebuilds).toBe(0);
  });

  test('rebuilds a worker that was silent for 45 s, within one more beat', async () => {
    const { clock, state, heartbeat } = aWard();
    void heartbeat.tick();
    await clock.advance(30_000);
    state.isAlive = false;

    await clock.advance(44_000);
    expect(state.rebuilds).toBe(0);
    await clock.advance(23_000);

    expect(state.rebuilds).toBe(1);
    expect(heartbeat.isUp).toBe(true);
  });

  test('counts as down after three rebuilds in a row, goes on rebuilding, and is up with the first sign of life', async () => {
    const { clock, state, heartbeat } = aWard();
    void heartbeat.tick();
    state.isAlive = false;

    await clock.runUntil(() => state.rebuilds === 2, 200_000);
    expect(heartbeat.isUp).toBe(true);
    await clock.runUntil(() => state.rebuilds === 3, 100_000);
    expect(heartbeat.isUp).toBe(false);
    expect(heartbeat.problem).toContain('3 rebuilds');
    await clock.runUntil(() => state.rebuilds === 4, 100_000);

    heartbeat.noteJob();
    expect(heartbeat.isUp).toBe(true);
    expect(heartbeat.problem).toBeNull();
  });

  test('an idle worker lives when it asks for jobs while others work this process’s canary jobs', async () => {
    const { clock, state, heartbeat } = aWard();
    Object.assign(state, { isAlive: false, isFetching: true, isWorkedByOthers: true });
    void heartbeat.tick();

    await clock.advance(300_000);

    expect(state.rebuilds).toBe(0);
  });

  test.each([
    ['asks for jobs while nobody works the canary jobs', { isFetching: true, isWorkedByOthers: false }],
    ['asks for nothing while others work the canary jobs', { isFetching: false, isWorkedByOthers: true }],
  ])('a worker is dead when it %s', async (_name, over) => {
    const { clock, state, heartbeat } = aWard();
    Object.assign(state, { isAlive: false, ...over });
    void heartbeat.tick();

    await clock.advance(80_000);

    expect(state.rebuilds).toBe(1);
  });

  test('a worker all of whose places are taken is not judged', async () => {
    const { clock, state, heartbeat } = aWard();
    Object.assign(state, { isAlive: false, isFull: true });
    void heartbeat.tick();

    await clock.advance(300_000);

    expect(state.rebuilds).toBe(0);
  });

  test('while the store is away it tries every second, makes connections anew, and rebuilds nothing', async () => {
    const { clock, state, heartbeat } = aWard();
    void heartbeat.tick();
    await clock.advance(15_000);
    state.isAway = true;
    const beats = state.beats;

    heartbeat.noteAway(new Error('Connection is closed'));
    expect(heartbeat.isUp).toBe(false);
    expect(heartbeat.problem).toBe('Cannot reach the queue store: Connection is closed');
    await clock.advance(60_000);

    expect(state.beats - beats).toBeGreaterThan(50);
    expect(state.reconnects).toBeGreaterThanOrEqual(15);
    expect(state.rebuilds).toBe(0);

    state.isAway = false;
    await clock.advance(1_200);
    expect(heartbeat.isUp).toBe(true);
  });

  test('a worker that does not come back after an outage is rebuilt within 60 s of the store’s return', async () => {
    const { clock, state, heartbeat } = aWard();
    void heartbeat.tick();
    await clock.advance(15_000);
    Object.assign(state, { isAway: true, isAlive: false });
    heartbeat.noteAway(new Error('gone'));
    await clock.advance(120_000);
    state.isAway = false;

    await clock.advance(60_000);

    expect(state.rebuilds).toBe(1);
  });

  test('a process that was stopped for a minute does not take its own silence for the worker’s', async () => {
    const { clock, state, heartbeat } = aWard();
    void heartbeat.tick();
    await clock.advance(25_000);
    state.isAlive = false;
    // A stopped process: time goes by, and its timers are late by as much.
    const late = clock.monotonicMs.bind(clock);
    let stoppedMs = 60_000;
    clock.monotonicMs = () => late() + stoppedMs;

    await clock.advance(12_000);
    expect(state.rebuilds).toBe(0);
    await clock.advance(60_000);

    expect(state.rebuilds).toBe(1);
    stoppedMs = 0;
  });

  test('how the store is set up is asked at the start and every minute', async () => {
    const { clock, state, heartbeat } = aWard();
    state.setup = 'maxmemory-policy is allkeys-lru, must be noeviction';
    void heartbeat.tick();
    await clock.advance(1);
    expect(heartbeat.problem).toContain('allkeys-lru');
    expect(heartbeat.isUp).toBe(true);

    state.setup = null;
    await clock.advance(75_000);

    expect(heartbeat.problem).toBeNull();
  });

  test('an error without a message is told by its code', async () => {
    const { heartbeat } = aWard();

    heartbeat.noteAway(Object.assign(new Error(''), { code: 'ECONNREFUSED' }));

    expect(heartbeat.problem).toContain('ECONNREFUSED');
    await heartbeat.stop();
  });

  test('stop() leaves no timer', async () => {
    const { clock, heartbeat } = aWard();
    void heartbeat.tick();
    await clock.advance(12_000);

    await heartbeat.stop();

    expect(clock.pendingTimers()).toBe(0);
  });
});
