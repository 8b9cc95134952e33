// The exam's cases on trust: what lies in the store may be lost, doubled or forged, and only timing changes.
import { describe, expect, test } from 'vitest';
import { aDoor, aKey, pause, Recorder } from './bench.ts';
import type { Desk } from './exam.ts';
import { until } from './servers.ts';

const now = { delayMs: 0 };

export function examineTrust(desk: Desk): void {
  describe('trust', () => {
    desk.deepTest('jobs that are not ours are refused and counted, and the others go on', async () => {
      const queue = await desk.now.open();
      const recorder = new Recorder();
      await queue.run(recorder.handler, 2);
      const raw = await desk.now.raw();
      const forge = async (name: string, data: unknown): Promise<void> => {
        await raw.add(name, data as { key: string }, { removeOnComplete: true });
      };

      await forge('look', {});
      await forge('look', { key: 7 });
      await forge('look', { key: 'only-a-name' });
      await forge('look', { key: '../../etc/passwd' });
      await forge('look', { key: 'serin.dev/shop/web/more' });
      await forge('look', { key: `serin.dev/shop/${'x'.repeat(1000)}` });
      await forge('look', { key: aKey('a'), phase: 'Succeeded' });
      await forge('promote', { key: aKey('a') });
      await forge('timer', { key: 'serin.dev/Shop/web' });
      await forge('look', ['serin.dev/shop/web']);
      await queue.add(aKey('good'), now);

      await recorder.seen(1);
      await until('all are refused', () => queue.rejectedJobs() === 10);
      expect(recorder.keys()).toEqual([aKey('good')]);
    });

    desk.deepTest('a forged hint of a real key is a look like any other', async () => {
      const queue = await desk.now.open();
      const recorder = new Recorder();
      await queue.run(recorder.handler, 2);
      const raw = await desk.now.raw();

      await raw.add('look', { key: aKey('a') }, { removeOnComplete: true });

      await recorder.seen(1, 2_000);
    });

    desk.deepTest('a forged timer that never comes does not hold up a real one', async () => {
      const queue = await desk.now.open();
      const recorder = new Recorder();
      await queue.run(recorder.handler, 2);
      const raw = await desk.now.raw();
      const yearMs = 365 * 24 * 3600 * 1000;
      await raw.add('timer', { key: aKey('a') }, { delay: yearMs, deduplication: { id: `${aKey('a')}#timer` } });
      await raw.add('look', { key: aKey('b') }, { delay: yearMs, deduplication: { id: aKey('b') } });

      await queue.add(aKey('a'), { delayMs: 100 });
      await queue.add(aKey('b'), now);

      await recorder.seen(2, 3_000);
    });

    desk.deepTest('doubled jobs of one key are not worked at once', async () => {
      const queue = await desk.now.open();
      const recorder = new Recorder(() => pause(20));
      await queue.run(recorder.handler, 4);
      const raw = await desk.now.raw();

      await Promise.all(
        Array.from({ length: 6 }, () => raw.add('look', { key: aKey('a') }, { removeOnComplete: true })),
      );

      await recorder.seen(6);
      expect(recorder.hasOverlap).toBe(false);
    });

    desk.deepTest('a job holds its key and nothing else', async () => {
      const queue = await desk.now.open();
      await queue.add(aKey('a'), now);
      await queue.add(aKey('a'), { delayMs: 50_000 });
      await queue.add(aKey('a'), { delayMs: 50_000, urgent: true });
      const raw = await desk.now.raw();

      const jobs = await raw.getJobs(['waiting', 'prioritized', 'delayed']);

      const ours = jobs.filter((job) => job.name !== 'beat');
      expect(ours.map((job) => job.data)).toEqual(ours.map(() => ({ key: aKey('a') })));
      expect(ours).toHaveLength(3);
    });

    desk.deepTest('however often it is asked for, a canary has no more than three jobs', async () => {
      const queues = await Promise.all([desk.now.open(), desk.now.open()]);
      const hints = Array.from({ length: 40 }, (_, i) => ({
        delayMs: i % 3 === 0 ? 0 : 20_000 + ((i * 7919) % 30_000),
        urgent: i % 5 === 0,
      }));

      for (const [i, hint] of hints.entries()) await queues[i % 2]!.add(aKey('a'), hint);

      const raw = await desk.now.raw();
      const jobs = await raw.getJobs(['waiting', 'prioritized', 'delayed']);
      expect(jobs.filter((job) => job.name !== 'beat').length).toBeLessThanOrEqual(3);
    });

    desk.deepTest('finished jobs leave nothing behind, whether the handler threw or not', async () => {
      const queue = await desk.now.open();
      const recorder = new Recorder((key) => {
        if (key === aKey('bad')) throw new Error('planted');
      });
      await queue.run(recorder.handler, 2);
      for (const name of ['a', 'b', 'bad']) await queue.add(aKey(name), now);
      await queue.add(aKey('c'), { delayMs: 30 });
      await recorder.seen(4);
      await queue.close(1_000);

      const counts = await (await desk.now.raw()).getJobCounts('completed', 'failed', 'delayed', 'active');

      expect(counts).toEqual({ completed: 0, failed: 0, delayed: 0, active: 0 });
    });

    desk.deepTest('after a flush it goes on with what is added again', async () => {
      const queue = await desk.now.open();
      const door = aDoor();
      const recorder = new Recorder((key) => (key === aKey('held') ? door.opened : undefined));
      await queue.run(recorder.handler, 2);
      await queue.add(aKey('held'), now);
      await recorder.seen(1);
      for (let i = 0; i < 20; i += 1) await queue.add(aKey(`k${i}`), { delayMs: 60_000 });
      const raw = await desk.now.raw();
      await raw.obliterate({ force: true });
      await raw.resume().catch(() => undefined);
      door.open();

      for (let i = 0; i < 20; i += 1) await queue.add(aKey(`k${i}`), { delayMs: 50 });
      await queue.add(aKey('held'), now);

      await until('all looks', () => new Set(recorder.keys()).size === 21 && recorder.count(aKey('held')) >= 2, 10_000);
    });

    desk.deepTest('a deduplication key left behind without its job does not block the next add', async () => {
      const queue = await desk.now.open();
      await queue.add(aKey('a'), now);
      await queue.add(aKey('a'), { delayMs: 60_000 });
      const raw = await desk.now.raw();
      await raw.drain(true);
      const recorder = new Recorder();
      await queue.run(recorder.handler, 1);

      await queue.add(aKey('a'), now);
      await recorder.seen(1, 2_000);
      await queue.add(aKey('a'), { delayMs: 50 });

      await recorder.seen(2, 2_000);
    });

    test('a key that is none, or a delay that is none, is our mistake and never reaches the store', async () => {
      const queue = await desk.now.open();

      await expect(queue.add('web', now)).rejects.toMatchObject({ code: 'BUG' });
      await expect(queue.add(aKey('a'), { delayMs: Number.NaN })).rejects.toMatchObject({ code: 'BUG' });
      await expect(queue.add(aKey('a'), { delayMs: Number.POSITIVE_INFINITY })).rejects.toMatchObject({ code: 'BUG' });
    });
  });
}
