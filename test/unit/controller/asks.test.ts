// Questions that are out: a wait can be broken off, and the next look takes the same asking up instead of asking twice.
import { describe, expect, it } from 'vitest';
import { Asks } from '../../../src/controller/asks.ts';

const SIGNAL = new AbortController().signal;

describe('Asks', () => {
  it('gives the answer', async () => {
    expect(await new Asks().wait('k', 'one', () => Promise.resolve(7), SIGNAL)).toBe(7);
  });

  it('breaks a wait off, and takes the same asking up afterwards', async () => {
    const asks = new Asks();
    const answer = Promise.withResolvers<number>();
    let asked = 0;
    const ask = (): Promise<number> => {
      asked += 1;
      return answer.promise;
    };
    const first = asks.wait('k', 'one', ask, SIGNAL);
    asks.breakOff('k');
    expect(await first).toBeNull();
    const second = asks.wait('k', 'one', ask, SIGNAL);
    answer.resolve(7);
    expect(await second).toBe(7);
    expect(asked).toBe(1);
  });

  it('ends what was asked for another name: an answer for an old revision is never used', async () => {
    const asks = new Asks();
    let isAborted = false;
    const old = asks.wait(
      'k',
      'old',
      (signal) => new Promise(() => signal.addEventListener('abort', () => (isAborted = true))),
      SIGNAL,
    );
    asks.breakOff('k');
    await old;
    expect(await asks.wait('k', 'new', () => Promise.resolve('new'), SIGNAL)).toBe('new');
    expect(isAborted).toBe(true);
  });

  it('passes a failure on to whoever waits', async () => {
    await expect(new Asks().wait('k', 'one', () => Promise.reject(new Error('no')), SIGNAL)).rejects.toThrow('no');
  });
});
