// The request limit: order of the lanes, the bucket, and who goes first when the server asks us to slow down.
import { describe, expect, it } from 'vitest';
import type { Lane } from '../../../src/kube/contract.ts';
import { IN_FLIGHT_MAX, Limiter } from '../../../src/kube/limiter.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const signal = new AbortController().signal;

function queue(limiter: Limiter, lanes: readonly Lane[], order: string[], holds = false): void {
  for (const [at, lane] of lanes.entries()) {
    void limiter.acquire(lane, signal).then((release) => {
      order.push(`${lane}${at}`);
      if (!holds) release();
      return order;
    });
  }
}

describe('Limiter', () => {
  it('keeps the rate, with a burst of one second', async () => {
    const clock = new VirtualClock();
    const limiter = new Limiter(clock, 10);
    const order: string[] = [];
    queue(
      limiter,
      Array.from({ length: 30 }, () => 'progress'),
      order,
    );
    await clock.settle();
    expect(order.length).toBe(10);
    await clock.advance(1_000);
    expect(order.length).toBe(20);
    await clock.advance(1_000);
    expect(order.length).toBe(30);
    expect(clock.pendingTimers()).toBe(0);
  });

  it('lets a rollback out at once though everybody else waits, then progress, then resync', async () => {
    const clock = new VirtualClock();
    const limiter = new Limiter(clock, 2);
    const order: string[] = [];
    queue(limiter, ['resync', 'resync', 'resync', 'progress', 'resync', 'progress', 'rollback'], order);
    await clock.settle();
    expect(order).toEqual(['resync0', 'resync1', 'rollback6']);

    await clock.advance(10_000);
    expect(order.slice(3)).toEqual(['progress3', 'progress5', 'resync2', 'resync4']);
  });

  it('bounds what rollbacks borrow to one burst', async () => {
    const clock = new VirtualClock();
    const limiter = new Limiter(clock, 10);
    const order: string[] = [];
    queue(
      limiter,
      Array.from({ length: 100 }, () => 'rollback'),
      order,
    );
    await clock.settle();
    expect(order.length).toBe(20);
    await clock.advance(1_000);
    expect(order.length).toBe(30);
  });

  it('does not starve resync for ever', async () => {
    const clock = new VirtualClock();
    const limiter = new Limiter(clock, 10);
    const order: string[] = [];
    queue(limiter, ['resync', ...Array.from({ length: 60 }, (): Lane => 'progress')], [], false);
    queue(limiter, ['resync', ...Array.from({ length: 200 }, (): Lane => 'progress')], order);
    await clock.advance(10_000);
    expect(order).toContain('resync0');
  });

  it('leaves sockets for the lanes above', async () => {
    const clock = new VirtualClock();
    const limiter = new Limiter(clock, 1_000);
    const order: string[] = [];
    queue(
      limiter,
      Array.from({ length: 100 }, () => 'resync'),
      order,
      true,
    );
    await clock.settle();
    expect(order.length).toBe(IN_FLIGHT_MAX.resync);
    queue(
      limiter,
      Array.from({ length: 100 }, () => 'progress'),
      order,
      true,
    );
    await clock.settle();
    expect(order.length).toBe(IN_FLIGHT_MAX.progress);
    queue(limiter, ['rollback'], order, true);
    await clock.settle();
    expect(order.at(-1)).toBe('rollback0');
  });

  it('while the server asks us to wait only rollbacks go, and nobody passes one that was refused', async () => {
    const clock = new VirtualClock();
    const limiter = new Limiter(clock, 1_000);
    const order: string[] = [];
    limiter.backOff(5_000);
    queue(limiter, ['progress', 'resync', 'rollback'], order);
    await clock.settle();
    expect(order).toEqual(['rollback2']);

    const letGo = limiter.holdForRollback();
    await clock.advance(6_000);
    expect(order).toEqual(['rollback2']);
    letGo();
    letGo();
    await clock.settle();
    expect(order).toEqual(['rollback2', 'progress0', 'resync1']);
  });

  it('an aborted wait leaves the queue', async () => {
    const clock = new VirtualClock();
    const limiter = new Limiter(clock, 1);
    await limiter.acquire('progress', signal);
    const controller = new AbortController();
    const waiting = limiter.acquire('progress', controller.signal);
    controller.abort();
    await expect(waiting).rejects.toThrow();
    expect(limiter.waiting().progress).toBe(0);
    expect(clock.pendingTimers()).toBe(0);
    await expect(limiter.acquire('rollback', controller.signal)).rejects.toThrow();
  });
});
