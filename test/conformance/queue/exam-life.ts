// The exam's cases on life: a worker that died without a word is noticed, one that is well is left alone, and health tells.
import { describe, expect } from 'vitest';
import { aDoor, aKey, pause, Recorder, workerOf } from './bench.ts';
import type { Desk } from './exam.ts';
import { until } from './servers.ts';

const now = { delayMs: 0 };

export function examineLife(desk: Desk): void {
  describe('life', () => {
    desk.deepTest('a queue that is well says so', async () => {
      const queue = await desk.now.open();
      await queue.run(new Recorder().handler, 1);

      expect(queue.health()).toEqual({ isUp: true, problem: null, rebuilds: 0, store: desk.exam.store!.kind });
    });

    desk.deepTest('a worker that died without a word is noticed and rebuilt, and what waited is worked', async () => {
      const queue = await desk.now.open();
      const recorder = new Recorder();
      await queue.run(recorder.handler, 2);
      await queue.add(aKey('a'), now);
      await recorder.seen(1);
      await workerOf(queue).worker.pause(true);
      await queue.add(aKey('b'), now);

      await until('a rebuild', () => queue.health().rebuilds === 1, 8_000);

      await until('the look that waited', () => recorder.count(aKey('b')) === 1, 3_000);
      expect(queue.health()).toMatchObject({ isUp: true, problem: null, rebuilds: 1 });
    });

    desk.deepTest('a dead worker is noticed though another instance works all jobs', async () => {
      const [dead, well] = await Promise.all([desk.now.open(), desk.now.open()]);
      await Promise.all([dead, well].map((queue) => queue.run(new Recorder().handler, 1)));

      await workerOf(dead).worker.pause(true);

      await until('a rebuild', () => dead.health().rebuilds >= 1, 8_000);
      expect(well.health().rebuilds).toBe(0);
    });

    desk.deepTest('idle workers are left alone though others take their canary jobs', async () => {
      const queues = await Promise.all([desk.now.open(), desk.now.open(), desk.now.open()]);
      await Promise.all(queues.map((queue) => queue.run(new Recorder().handler, 1)));

      await pause(2_500);

      expect(queues.map((queue) => queue.health())).toEqual(
        queues.map(() => ({ isUp: true, problem: null, rebuilds: 0, store: desk.exam.store!.kind })),
      );
    });

    desk.deepTest('a worker all of whose places are taken is left alone', async () => {
      const queue = await desk.now.open();
      const door = aDoor();
      const recorder = new Recorder(() => door.opened);
      await queue.run(recorder.handler, 2);
      for (const name of ['a', 'b']) await queue.add(aKey(name), now);
      await recorder.seen(2);

      await pause(1_800);
      expect(queue.health()).toMatchObject({ isUp: true, rebuilds: 0 });
      door.open();
    });

    desk.deepTest(
      'a queue that somebody paused counts as down after three rebuilds, and is up again when jobs come',
      async () => {
        const queue = await desk.now.open({ silentAfterMs: 500 });
        const recorder = new Recorder();
        const raw = await desk.now.raw();
        await raw.pause();
        await queue.run(recorder.handler, 1);

        await until('the queue counts as down', () => !queue.health().isUp, 10_000);
        expect(queue.health().rebuilds).toBe(3);
        expect(queue.health().problem).toContain('3 rebuilds');
        await queue.add(aKey('a'), now);
        await raw.resume();

        await until('the queue is up again', () => queue.health().isUp, 5_000);
        await recorder.seen(1, 3_000);
      },
    );

    desk.deepTest(
      'hints are refused at once while the store is away, and it goes on when the store is back',
      async (context) => {
        const { exam } = desk;
        context.skip(exam.takeAway === undefined, 'this store lives and dies with the process');
        const queue = await desk.now.open();
        const recorder = new Recorder();
        await queue.run(recorder.handler, 2);
        await queue.add(aKey('a'), now);
        await recorder.seen(1);

        await exam.takeAway?.();
        await queue.add(aKey('b'), now).catch(() => undefined);
        const startMs = performance.now();
        await expect(queue.add(aKey('b'), now)).rejects.toMatchObject({ code: 'IO_QUEUE' });
        expect(performance.now() - startMs).toBeLessThan(100);
        await until('health tells', () => !queue.health().isUp);
        expect(queue.health().problem).toContain('Cannot reach the queue store');

        await exam.bringBack?.();
        await until('the queue is up again', () => queue.health().isUp, 15_000);
        await queue.add(aKey('b'), now);
        await until('the look', () => recorder.count(aKey('b')) >= 1, 15_000);
      },
      60_000,
    );
  });
}
