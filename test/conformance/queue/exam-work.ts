// The exam's cases on work: one worker a key, several instances, limits, failures, and ends.
import { describe, expect, test } from 'vitest';
import { aDoor, aKey, pause, Recorder, workerOf } from './bench.ts';
import type { Desk } from './exam.ts';
import { until } from './servers.ts';

const now = { delayMs: 0 };

export function examineWork(desk: Desk): void {
  describe('work', () => {
    test('no more looks than the limit run at once, and as many as it allows', async () => {
      const queue = await desk.now.open();
      const recorder = new Recorder(() => pause(40));
      for (let i = 0; i < 12; i += 1) await queue.add(aKey(`k${i}`), now);

      await queue.run(recorder.handler, 3);

      await recorder.seen(12);
      expect(recorder.runningMax).toBe(3);
    });

    test('one worker a key: two instances never work a key at once', async () => {
      const queues = await Promise.all([desk.now.open(), desk.now.open()]);
      const recorder = new Recorder(() => pause(3));
      await Promise.all(queues.map((queue) => queue.run(recorder.handler, 4)));
      const keys = ['a', 'b', 'c'].map(aKey);

      for (let i = 0; i < 20; i += 1) {
        await Promise.all(keys.map((key, j) => queues[(i + j) % 2]!.add(key, i % 4 === 0 ? { delayMs: 3 } : now)));
      }

      await until('every key was worked', () => keys.every((key) => recorder.count(key) >= 2));
      await pause(100);
      expect(recorder.hasOverlap).toBe(false);
    });

    test('two instances share the work', async () => {
      const queues = await Promise.all([desk.now.open(), desk.now.open()]);
      const recorders = [new Recorder(() => pause(15)), new Recorder(() => pause(15))];
      for (let i = 0; i < 24; i += 1) await queues[0].add(aKey(`k${i}`), now);

      await Promise.all(queues.map((queue, i) => queue.run(recorders[i]!.handler, 2)));

      await until('all looks', () => recorders[0]!.looks.length + recorders[1]!.looks.length >= 24);
      expect(recorders[0]!.looks.length).toBeGreaterThan(0);
      expect(recorders[1]!.looks.length).toBeGreaterThan(0);
      expect(new Set(recorders.flatMap((recorder) => recorder.keys())).size).toBe(24);
    });

    test('a hint of one instance is worked by another', async () => {
      const [producer, consumer] = await Promise.all([desk.now.open(), desk.now.open()]);
      const recorder = new Recorder();
      await consumer.run(recorder.handler, 1);

      await producer.add(aKey('a'), now);
      await producer.add(aKey('b'), { delayMs: 50 });

      await recorder.seen(2, 2_000);
    });

    test('a handler that throws stops neither its key nor the others', async () => {
      const queue = await desk.now.open();
      const recorder = new Recorder((key) => {
        if (key === aKey('bad')) throw new Error('planted');
      });
      await queue.run(recorder.handler, 1);

      await queue.add(aKey('bad'), now);
      await queue.add(aKey('good'), now);
      await recorder.seen(2);
      await queue.add(aKey('bad'), now);

      await recorder.seen(3);
      expect(recorder.keys()).toEqual(['bad', 'good', 'bad'].map(aKey));
    });

    test('what a handler threw is not tried again by the queue', async () => {
      const queue = await desk.now.open();
      const recorder = new Recorder(() => {
        throw new Error('planted');
      });
      await queue.run(recorder.handler, 2);

      await queue.add(aKey('a'), now);
      await recorder.seen(1);
      await pause(400);

      expect(recorder.looks).toHaveLength(1);
    });

    desk.deepTest('a look whose process died is taken over by another', async () => {
      const short = { lockMs: 1_000 };
      const [dying, heir] = await Promise.all([desk.now.open(short), desk.now.open(short)]);
      const never = aDoor();
      const lost = new Recorder(() => never.opened);
      await dying.run(lost.handler, 1);
      await dying.add(aKey('a'), now);
      await lost.seen(1);
      await dying.add(aKey('a'), now);
      workerOf(dying).abandon();
      const recorder = new Recorder();

      await heir.run(recorder.handler, 1);

      // Twice: the look that was lost, and the one asked for while it ran.
      await until('both looks', () => recorder.count(aKey('a')) >= 2, 8_000);
      never.open();
    });

    desk.deepTest('a look that is taken over by the same process waits until the first has ended', async () => {
      const queue = await desk.now.open();
      const door = aDoor();
      const recorder: Recorder = new Recorder(() => (recorder.looks.length === 1 ? door.opened : undefined));
      await queue.run(recorder.handler, 3);
      await queue.add(aKey('a'), now);
      await recorder.seen(1);

      const raw = await desk.now.raw();
      await raw.add('look', { key: aKey('a') }, { removeOnComplete: true });
      await pause(200);
      expect(recorder.looks).toHaveLength(1);
      door.open();

      await recorder.seen(2, 2_000);
      expect(recorder.hasOverlap).toBe(false);
    });
  });

  describe('ends', () => {
    test('close() waits for the looks that run', async () => {
      const queue = await desk.now.open();
      const recorder = new Recorder(() => pause(200));
      await queue.run(recorder.handler, 1);
      await queue.add(aKey('a'), now);
      await recorder.seen(1);

      await queue.close(5_000);

      expect(recorder.looks[0]!.endMs).not.toBeNull();
      expect(recorder.looks[0]!.signal.aborted).toBe(false);
    });

    test('close() takes no more jobs', async () => {
      const queue = await desk.now.open();
      const recorder = new Recorder(() => pause(100));
      await queue.run(recorder.handler, 1);
      for (const name of ['a', 'b', 'c']) await queue.add(aKey(name), now);
      await recorder.seen(1);

      await queue.close(5_000);
      const seen = recorder.looks.length;
      await pause(150);

      expect(seen).toBeLessThan(3);
      expect(recorder.looks).toHaveLength(seen);
    });

    test('close() aborts what runs when the grace is over, and another instance takes it at once', async () => {
      const [leaving, heir] = await Promise.all([desk.now.open({ lockMs: 30_000 }), desk.now.open({ lockMs: 30_000 })]);
      const cut = new Recorder(
        (_key, look) => new Promise((resolve) => look.signal.addEventListener('abort', () => resolve())),
      );
      await leaving.run(cut.handler, 1);
      await leaving.add(aKey('a'), now);
      await cut.seen(1);
      const recorder = new Recorder();
      const startMs = performance.now();

      await leaving.close(200);
      const tookMs = performance.now() - startMs;
      await heir.run(recorder.handler, 1);

      await recorder.seen(1, 3_000);
      expect(cut.looks[0]!.signal.aborted).toBe(true);
      expect(tookMs).toBeGreaterThanOrEqual(190);
      expect(tookMs).toBeLessThan(1_500);
    });

    test('close() returns though a handler never does', async () => {
      const queue = await desk.now.open();
      const recorder = new Recorder(() => new Promise(() => undefined));
      await queue.run(recorder.handler, 1);
      await queue.add(aKey('a'), now);
      await recorder.seen(1);
      const startMs = performance.now();

      await queue.close(100);

      expect(performance.now() - startMs).toBeLessThan(2_000);
    });

    test('close() lets the looks that run add hints', async () => {
      const queue = await desk.now.open();
      const recorder = new Recorder(async (key) => {
        await pause(100);
        await queue.add(key, { delayMs: 100 });
      });
      await queue.run(recorder.handler, 1);
      await queue.add(aKey('a'), now);
      await recorder.seen(1);
      await queue.close(3_000);
      const later = await desk.now.open();
      const second = new Recorder();

      await later.run(second.handler, 1);

      await second.seen(1, 3_000);
    });

    test('closing and opening again loses nothing that was due', async () => {
      const first = await desk.now.open();
      await first.add(aKey('waiting'), now);
      await first.add(aKey('due-meanwhile'), { delayMs: 100 });
      await first.add(aKey('due-later'), { delayMs: 700 });
      await first.close(1_000);
      await pause(200);
      const second = await desk.now.open();
      const recorder = new Recorder();
      const startMs = performance.now();

      await second.run(recorder.handler, 2);

      await recorder.seen(3, 4_000);
      expect(new Set(recorder.keys())).toEqual(new Set(['waiting', 'due-meanwhile', 'due-later'].map(aKey)));
      const later = recorder.looks.find((look) => look.key === aKey('due-later'))!;
      expect(later.startMs - startMs).toBeGreaterThan(200);
    });

    test('a closed queue refuses hints with IO_QUEUE and is not up', async () => {
      const queue = await desk.now.open();
      await queue.close(100);

      await expect(queue.add(aKey('a'), now)).rejects.toMatchObject({ code: 'IO_QUEUE', disposition: 'backoff' });
      expect(queue.health().isUp).toBe(false);
    });
  });
}
