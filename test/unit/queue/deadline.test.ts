// Limits: deadlines on a virtual clock, turns, and one task a key.
import { describe, expect, test } from 'vitest';
import { KeyGuard, Turnstile, withDeadline } from '../../../src/queue/deadline.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

describe('withDeadline()', () => {
  test('gives what the work gives, and leaves no timer', async () => {
    const clock = new VirtualClock();

    expect(await withDeadline(clock, 1_000, Promise.resolve(7))).toBe(7);
    await expect(withDeadline(clock, 1_000, Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(clock.pendingTimers()).toBe(0);
  });

  test('rejects with IO_QUEUE at the deadline, and what comes later is dropped', async () => {
    const clock = new VirtualClock();
    const work = Promise.withResolvers<number>();
    const outcome = withDeadline(clock, 1_000, work.promise).catch((error: unknown) => error);

    await clock.advance(1_000);

    expect(await outcome).toMatchObject({ code: 'IO_QUEUE', message: 'no answer in 1000 ms' });
    work.reject(new Error('late'));
    await clock.settle();
  });

  test('an answer that came while our own event loop was held up is still taken', async () => {
    const clock = new VirtualClock();
    const real = clock.monotonicMs.bind(clock);
    const work = Promise.withResolvers<number>();
    const outcome = withDeadline(clock, 1_000, work.promise).catch((error: unknown) => error);
    clock.monotonicMs = () => real() + 3_000;

    await clock.advance(1_000);
    work.resolve(7);

    expect(await outcome).toBe(7);
    expect(clock.pendingTimers()).toBe(0);
  });

  test('a store that does not answer is not waited for longer because we were held up', async () => {
    const clock = new VirtualClock();
    const real = clock.monotonicMs.bind(clock);
    const outcome = withDeadline(clock, 1_000, new Promise(() => undefined)).catch((error: unknown) => error);
    clock.monotonicMs = () => real() + 3_000;

    await clock.advance(1_100);

    expect(await outcome).toMatchObject({ code: 'IO_QUEUE' });
  });
});

describe('Turnstile', () => {
  test('lets so many through at a time, in order, and goes on after failures', async () => {
    const turnstile = new Turnstile(2);
    const doors = Array.from({ length: 5 }, () => Promise.withResolvers<void>());
    const started: number[] = [];
    const passes = doors.map((door, i) =>
      turnstile.pass(false, async () => {
        started.push(i);
        await door.promise;
      }),
    );
    const failed = passes[0]!.catch(() => 'failed');
    await new VirtualClock().settle();
    expect(started).toEqual([0, 1]);

    doors[0]!.reject(new Error('planted'));
    expect(await failed).toBe('failed');
    await new VirtualClock().settle();
    expect(started).toEqual([0, 1, 2]);

    for (const door of doors.slice(1)) door.resolve();
    await Promise.all(passes.slice(1));
    expect(started).toEqual([0, 1, 2, 3, 4]);
  });

  test('urgent tasks that wait go before plain ones', async () => {
    const turnstile = new Turnstile(1);
    const door = Promise.withResolvers<void>();
    const order: string[] = [];
    const say = (word: string) => (): Promise<void> => Promise.resolve(void order.push(word));
    const passes = [
      turnstile.pass(false, () => door.promise),
      turnstile.pass(false, say('plain')),
      turnstile.pass(true, say('urgent')),
      turnstile.pass(true, say('urgent too')),
    ];

    door.resolve();
    await Promise.all(passes);

    expect(order).toEqual(['urgent', 'urgent too', 'plain']);
  });
});

describe('KeyGuard', () => {
  test('runs tasks of one key one after the other and those of others meanwhile', async () => {
    const guard = new KeyGuard();
    const door = Promise.withResolvers<void>();
    const order: string[] = [];
    const first = guard.run('a', async () => {
      order.push('a1');
      await door.promise;
    });
    const second = guard.run('a', () => Promise.resolve(void order.push('a2')));
    await guard.run('b', () => Promise.resolve(void order.push('b')));
    expect(order).toEqual(['a1', 'b']);

    door.resolve();
    await Promise.all([first, second]);

    expect(order).toEqual(['a1', 'b', 'a2']);
  });

  test('a task that fails does not hold up the next of its key', async () => {
    const guard = new KeyGuard();
    const failing = guard.run('a', () => Promise.reject(new Error('planted')));
    const next = guard.run('a', () => Promise.resolve());

    await expect(failing).rejects.toThrow('planted');
    await expect(next).resolves.toBeUndefined();
  });
});
