// The exam's cases on hints: what is asked for comes, once, at its time, and nothing that was asked for is lost.
import { describe, expect, test } from 'vitest';
import { fireTimer } from '../../../src/queue/lanes.ts';
import { aDoor, aKey, pause, Recorder } from './bench.ts';
import type { Desk } from './exam.ts';
import { until } from './servers.ts';

const now = { delayMs: 0 };

export function examineHints(desk: Desk): void {
  describe('hints', () => {
    test('a hint without delay becomes a look at once', async () => {
      const queue = await desk.now.open();
      const recorder = new Recorder();
      await queue.run(recorder.handler, 2);

      await queue.add(aKey('a'), now);

      await recorder.seen(1, 2_000);
      expect(recorder.keys()).toEqual([aKey('a')]);
    });

    test('hints of several keys all become looks, in order', async () => {
      const queue = await desk.now.open();
      const keys = ['a', 'b', 'c', 'd'].map(aKey);
      for (const key of keys) await queue.add(key, now);
      const recorder = new Recorder();

      await queue.run(recorder.handler, 1);

      await recorder.seen(4);
      expect(recorder.keys()).toEqual(keys);
    });

    test('many hints of one waiting key are one look', async () => {
      const queue = await desk.now.open();
      await Promise.all(Array.from({ length: 20 }, () => queue.add(aKey('a'), now)));
      const recorder = new Recorder();
      await queue.run(recorder.handler, 2);
      await queue.add(aKey('end'), now);

      await until('the last look', () => recorder.count(aKey('end')) === 1);
      await pause(100);
      expect(recorder.count(aKey('a'))).toBe(1);
    });

    test('hints given while their key is worked are one look afterwards', async () => {
      const queue = await desk.now.open();
      const door = aDoor();
      const recorder = new Recorder(() => door.opened);
      await queue.run(recorder.handler, 4);
      await queue.add(aKey('a'), now);
      await recorder.seen(1);

      await Promise.all(Array.from({ length: 10 }, () => queue.add(aKey('a'), now)));
      await pause(100);
      expect(recorder.looks).toHaveLength(1);
      door.open();

      await recorder.seen(2);
      await pause(150);
      expect(recorder.looks).toHaveLength(2);
      expect(recorder.hasOverlap).toBe(false);
    });

    test('a wake-up given while its key is worked is not overwritten by the later look that the handler asks for', async () => {
      const queue = await desk.now.open();
      const door = aDoor();
      const recorder = new Recorder(async (key) => {
        if (recorder.looks.length > 1) return;
        await door.opened;
        await queue.add(key, { delayMs: 30_000 });
      });
      await queue.run(recorder.handler, 2);
      await queue.add(aKey('a'), now);
      await recorder.seen(1);

      await queue.add(aKey('a'), now);
      door.open();

      await recorder.seen(2, 2_000);
    });

    test('a handler that asks for its own next look gets it', async () => {
      const queue = await desk.now.open();
      const recorder = new Recorder(async (key) => {
        if (recorder.looks.length < 5) await queue.add(key, { delayMs: recorder.looks.length % 2 === 0 ? 0 : 20 });
      });
      await queue.run(recorder.handler, 2);

      await queue.add(aKey('a'), now);

      await recorder.seen(5, 5_000);
      expect(recorder.hasOverlap).toBe(false);
    });

    test('loops that live on their own timers never die', async () => {
      const queue = await desk.now.open();
      const rounds = 8;
      const keys = Array.from({ length: 16 }, (_, i) => aKey(`k${i}`));
      const recorder = new Recorder(async (key) => {
        if (recorder.count(key) < rounds) await queue.add(key, { delayMs: 2 });
      });
      await queue.run(recorder.handler, 8);

      await Promise.all(keys.map((key) => queue.add(key, now)));

      await until('every round of every key', () => keys.every((key) => recorder.count(key) >= rounds), 15_000);
      expect(recorder.hasOverlap).toBe(false);
    });

    test('no hint is lost under a storm: after the last one, a look starts', async () => {
      const queue = await desk.now.open();
      const recorder = new Recorder(() => pause(1));
      await queue.run(recorder.handler, 4);
      const lastMs = new Map<string, number>();
      const storm = async (key: string): Promise<void> => {
        for (let i = 0; i < 25; i += 1) {
          lastMs.set(key, performance.now());
          await queue.add(key, i % 3 === 0 ? { delayMs: 5 } : now);
        }
      };

      await Promise.all(['a', 'b', 'c', 'd', 'e', 'f'].map((name) => storm(aKey(name))));

      for (const [key, atMs] of lastMs) {
        await until(`a look of ${key} after its last hint`, () =>
          recorder.looks.some((look) => look.key === key && look.startMs > atMs),
        );
      }
      expect(recorder.hasOverlap).toBe(false);
    });
  });

  describe('delays', () => {
    test('a delay is kept', async () => {
      const queue = await desk.now.open();
      const recorder = new Recorder();
      await queue.run(recorder.handler, 2);
      const startMs = performance.now();

      await queue.add(aKey('a'), { delayMs: 400 });

      await recorder.seen(1, 3_000);
      const waitedMs = recorder.looks[0]!.startMs - startMs;
      expect(waitedMs).toBeGreaterThanOrEqual(395);
      expect(waitedMs).toBeLessThan(1_500);
    });

    test('timers fire in the order in which they are due', async () => {
      const queue = await desk.now.open();
      const recorder = new Recorder();
      await queue.run(recorder.handler, 1);

      await queue.add(aKey('third'), { delayMs: 700 });
      await queue.add(aKey('first'), { delayMs: 100 });
      await queue.add(aKey('second'), { delayMs: 400 });

      await recorder.seen(3, 4_000);
      expect(recorder.keys()).toEqual(['first', 'second', 'third'].map(aKey));
    });

    desk.deepTest('an earlier time replaces a later one', async () => {
      const queue = await desk.now.open();
      const recorder = new Recorder();
      await queue.run(recorder.handler, 2);
      await queue.add(aKey('a'), { delayMs: 60_000 });
      await pause(50);

      await queue.add(aKey('a'), { delayMs: 200 });

      await recorder.seen(1, 2_000);
      const counts = await (await desk.now.raw()).getJobCounts('delayed');
      expect(counts['delayed']).toBe(0);
    });

    test('a later time does not push back an earlier one', async () => {
      const queue = await desk.now.open();
      const recorder = new Recorder();
      await queue.run(recorder.handler, 2);
      await queue.add(aKey('a'), { delayMs: 300 });

      await queue.add(aKey('a'), { delayMs: 60_000 });

      await recorder.seen(1, 2_000);
    });

    test('of times asked for at once by several instances the earliest stays', async () => {
      const queues = await Promise.all([desk.now.open(), desk.now.open(), desk.now.open()]);
      const keys = Array.from({ length: 12 }, (_, i) => aKey(`k${i}`));
      for (const key of keys) await queues[0].add(key, { delayMs: 90_000 });
      const recorder = new Recorder();
      await queues[0].run(recorder.handler, 4);

      const delays = [50_000, 300, 40_000, 30_000, 20_000, 10_000];
      await Promise.all(keys.flatMap((key) => delays.map((delayMs, i) => queues[i % 3]!.add(key, { delayMs }))));

      await recorder.seen(12, 4_000);
      expect(new Set(recorder.keys()).size).toBe(12);
    });

    test('a hint without delay does not wait for the timer of its key', async () => {
      const queue = await desk.now.open();
      const recorder = new Recorder();
      await queue.run(recorder.handler, 2);
      await queue.add(aKey('a'), { delayMs: 60_000 });

      await queue.add(aKey('a'), now);

      await recorder.seen(1, 2_000);
    });

    desk.deepTest('a timer that is set while an earlier one of its key is firing is not taken for it', async () => {
      const queue = await desk.now.open({ beatEveryMs: 60_000 });
      const raw = await desk.now.raw();
      // Without the canary job of the queue itself.
      await raw.drain(true);
      await queue.add(aKey('a'), { delayMs: 1 });
      const { job, finish } = await desk.now.takeJob();
      expect(job.name).toBe('timer');
      await fireTimer(raw, job, aKey('a'));

      await queue.add(aKey('a'), { delayMs: 60_000 });
      await finish();

      expect(await raw.getJobCounts('delayed', 'prioritized')).toEqual({ delayed: 1, prioritized: 1 });
    });

    test('a timer that fires while its key is worked is a look afterwards', async () => {
      const queue = await desk.now.open();
      const door = aDoor();
      const recorder = new Recorder(() => door.opened);
      await queue.run(recorder.handler, 4);
      await queue.add(aKey('a'), now);
      await recorder.seen(1);
      await queue.add(aKey('a'), { delayMs: 50 });
      await pause(300);
      expect(recorder.looks).toHaveLength(1);

      door.open();

      await recorder.seen(2, 2_000);
      expect(recorder.hasOverlap).toBe(false);
    });

    test('a fraction of a millisecond and a negative delay are taken as they are meant', async () => {
      const queue = await desk.now.open();
      const recorder = new Recorder();
      await queue.run(recorder.handler, 2);

      await queue.add(aKey('a'), { delayMs: -5 });
      await queue.add(aKey('b'), { delayMs: 1.5 });
      await queue.add(aKey('c'), { delayMs: 0.2 });

      await recorder.seen(3, 2_000);
    });
  });

  describe('urgency', () => {
    /** A queue whose one place is taken until the door opens. */
    const blocked = async () => {
      const queue = await desk.now.open();
      const door = aDoor();
      const recorder = new Recorder((key) => (key === aKey('block') ? door.opened : undefined));
      await queue.run(recorder.handler, 1);
      await queue.add(aKey('block'), now);
      await recorder.seen(1);
      for (const name of ['a', 'b', 'c', 'd']) await queue.add(aKey(name), now);
      return { queue, door, recorder };
    };

    test('an urgent hint overtakes what waits', async () => {
      const { queue, door, recorder } = await blocked();

      await queue.add(aKey('rollback'), { delayMs: 0, urgent: true });
      door.open();

      await recorder.seen(6);
      expect(recorder.keys()[1]).toBe(aKey('rollback'));
    });

    test('an urgent hint brings the waiting look of its key forward', async () => {
      const { queue, door, recorder } = await blocked();

      await queue.add(aKey('d'), { delayMs: 0, urgent: true });
      door.open();

      await recorder.seen(5);
      expect(recorder.keys()[1]).toBe(aKey('d'));
      await pause(100);
      expect(recorder.count(aKey('d'))).toBe(1);
    });

    test('an urgent timer overtakes what waits when it fires', async () => {
      const { queue, door, recorder } = await blocked();

      await queue.add(aKey('rollback'), { delayMs: 60, urgent: true });
      await pause(200);
      door.open();

      await recorder.seen(6);
      expect(recorder.keys()[1]).toBe(aKey('rollback'));
    });

    test('an urgent hint to a key that is worked stays urgent though a plain one follows', async () => {
      const queue = await desk.now.open();
      const doors = [aDoor(), aDoor()];
      const recorder = new Recorder((key) => {
        if (key === aKey('block')) return doors[0]!.opened;
        if (key === aKey('hold') && recorder.count(key) === 1) return doors[1]!.opened;
        return undefined;
      });
      await queue.run(recorder.handler, 2);
      await queue.add(aKey('block'), now);
      await queue.add(aKey('hold'), now);
      await recorder.seen(2);
      for (const name of ['a', 'b', 'c', 'd']) await queue.add(aKey(name), now);
      // Only timers run besides the two that are held, so the second place is freed for them, and the looks, last.
      await queue.add(aKey('hold'), { delayMs: 0, urgent: true });
      await queue.add(aKey('hold'), now);
      await pause(400);
      doors[1]!.open();

      await until('the second look of the held key', () => recorder.count(aKey('hold')) >= 2);
      const order = recorder.keys().filter((key) => key !== aKey('block'));
      expect(order.indexOf(aKey('hold'), 1)).toBeLessThanOrEqual(2);
      doors[0]!.open();
      await until('all looks', () => ['a', 'b', 'c', 'd'].every((name) => recorder.count(aKey(name)) === 1));
    });
  });
}
