// The virtual clock that all tests lean on: order, settling, cancelling, errors.
import { describe, expect, it } from 'vitest';
import { sleep } from '../../../src/util/clock.ts';
import { VirtualClock, seededRandom } from '../../support/virtual-clock.ts';

describe('VirtualClock', () => {
  it('fires timers in order of time, then of setting, also those set on the way', async () => {
    const clock = new VirtualClock();
    const order: string[] = [];
    const note = (name: string) => () => void order.push(`${name}@${clock.monotonicMs()}`);
    clock.setTimer(20, note('c'));
    clock.setTimer(10, note('a'));
    clock.setTimer(10, () => {
      note('b')();
      clock.setTimer(5, note('nested'));
    });
    await clock.advance(20);

    expect(order).toEqual(['a@10', 'b@10', 'nested@15', 'c@20']);
    expect(clock.pendingTimers()).toBe(0);
  });

  it('lets promises and macrotasks settle between two timers', async () => {
    const clock = new VirtualClock();
    const order: string[] = [];
    void sleep(clock, 10)
      .then(() => new Promise<void>((resolve) => void setImmediate(resolve)))
      .then(() => sleep(clock, 5))
      .then(() => order.push(`chain@${clock.monotonicMs()}`));
    clock.setTimer(12, () => order.push('12'));
    clock.setTimer(16, () => order.push('16'));
    await clock.advance(30);

    expect(order).toEqual(['12', 'chain@15', '16']);
  });

  it('holds thousands of timers in order', async () => {
    const clock = new VirtualClock({ turns: 1 });
    const random = seededRandom(7);
    const fired: number[] = [];
    const cancels = Array.from({ length: 2_000 }, () => {
      const delayMs = Math.floor(random.next() * 1_000);
      return clock.setTimer(delayMs, () => fired.push(clock.monotonicMs()));
    });
    for (const cancel of cancels.slice(0, 500)) cancel();
    for (const cancel of cancels.slice(0, 500)) cancel();
    expect(clock.pendingTimers()).toBe(1_500);
    await clock.advance(1_000);

    expect(fired.length).toBe(1_500);
    expect(fired).toEqual(fired.toSorted((a, b) => a - b));
  });

  it('wall time may jump without timers noticing', async () => {
    const clock = new VirtualClock({ startMs: 1_000_000 });
    let hasFired = false;
    clock.setTimer(100, () => (hasFired = true));
    clock.jumpWall(-3_600_000);
    await clock.advance(99);
    expect([hasFired, clock.nowMs(), clock.monotonicMs()]).toEqual([false, 1_000_000 - 3_600_000 + 99, 99]);
    await clock.advance(1);
    expect(hasFired).toBe(true);
  });

  it('runUntil stops as soon as the condition holds, and says when it never does', async () => {
    const clock = new VirtualClock();
    let count = 0;
    const tick = (): void => {
      count += 1;
      clock.setTimer(100, tick);
    };
    tick();
    await clock.runUntil(() => count === 4, 10_000);
    expect(clock.monotonicMs()).toBe(300);
    await expect(clock.waitReal(() => false, 'it never happens', 20)).rejects.toThrow('it never happens');
  });

  it('an error in a timer reaches whoever moves the clock', async () => {
    const clock = new VirtualClock();
    clock.setTimer(1, () => {
      throw new Error('mine');
    });
    await expect(clock.advance(1)).rejects.toThrow('mine');
    expect(() => clock.setTimer(Number.NaN, () => undefined)).toThrow(RangeError);
  });

  it('the same seed gives the same randomness', () => {
    const [a, b] = [seededRandom(3), seededRandom(3)];
    expect(Array.from({ length: 5 }, () => [a.next(), a.id()])).toEqual(
      Array.from({ length: 5 }, () => [b.next(), b.id()]),
    );
    expect(seededRandom(4).id()).toMatch(/^[0-9a-f]{16}$/);
  });
});
