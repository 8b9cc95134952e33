// What is taken for a job of ours, and what never is.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isCanaryKey, lookOptions, readJob, timerOptions } from '../../../src/queue/jobs.ts';

describe('isCanaryKey()', () => {
  test.each([
    'serin.dev/shop/web',
    'flagger.app/a/b',
    'serin.dev/shop-1/web.v2',
    `serin.dev/${'n'.repeat(63)}/${'x'.repeat(253)}`,
  ])('takes %s', (key) => expect(isCanaryKey(key)).toBe(true));

  test.each([
    '',
    'web',
    'shop/web',
    'serin.dev/shop/web/more',
    'serin.dev//web',
    'serin.dev/shop/',
    '/shop/web',
    'serin.dev/Shop/web',
    'serin.dev/shop.dev/web',
    'serin.dev/-shop/web',
    'serin.dev/shop/web\n',
    'serin.dev/shop/web ',
    ' serin.dev/shop/web',
    '../shop/web',
    'serin.dev/../web',
    `serin.dev/${'n'.repeat(64)}/web`,
    `serin.dev/shop/${'x'.repeat(254)}`,
  ])('refuses %j', (key) => expect(isCanaryKey(key)).toBe(false));

  test('refuses what is no text', () => {
    for (const key of [null, undefined, 1, {}, [], ['serin.dev/shop/web']]) expect(isCanaryKey(key)).toBe(false);
  });

  test('answers quickly whatever it is given', () => {
    expect(isCanaryKey(`serin.dev/${'a-'.repeat(50_000)}/x`)).toBe(false);
    expect(isCanaryKey(`${'a.'.repeat(240)}/${'-'.repeat(60)}/${'a-'.repeat(120)}!`)).toBe(false);
  });
});

describe('readJob()', () => {
  test('reads the three jobs of ours', () => {
    expect(readJob('look', { key: 'serin.dev/shop/web' })).toEqual({ kind: 'look', key: 'serin.dev/shop/web' });
    expect(readJob('timer', { key: 'serin.dev/shop/web' })).toEqual({ kind: 'timer', key: 'serin.dev/shop/web' });
    expect(readJob('beat', { key: '0123456789abcdef' })).toEqual({ kind: 'beat', id: '0123456789abcdef' });
  });

  test('gives null for any other name and any other data, and never throws', () => {
    expect(readJob('look', { key: 'serin.dev/shop/web', phase: 'Failed' })).toBeNull();
    expect(readJob('beat', { key: 'serin.dev/shop/web' })).toBeNull();
    expect(readJob('__proto__', { key: 'serin.dev/shop/web' })).toBeNull();
    fc.assert(
      fc.property(fc.anything(), fc.anything(), (name, data) => {
        const read = readJob(name, data);
        return read === null || read.kind === 'beat' || isCanaryKey(read.key);
      }),
    );
  });
});

describe('options', () => {
  test('a look uses replace and keepLastIfActive together, no id of its own, one attempt, and leaves nothing', () => {
    expect(lookOptions('serin.dev/shop/web', false)).toEqual({
      attempts: 1,
      priority: 10,
      removeOnComplete: true,
      removeOnFail: true,
      deduplication: { id: 'serin.dev/shop/web', replace: true, keepLastIfActive: true },
    });
  });

  test('urgent looks come before timers, and timers before plain looks', () => {
    const priorities = [lookOptions('a/b/c', true), timerOptions('a/b/c', 5, false), lookOptions('a/b/c', false)].map(
      ({ priority }) => priority!,
    );
    expect(priorities).toEqual(priorities.toSorted((a, b) => a - b));
    expect(new Set(priorities).size).toBe(3);
    expect(timerOptions('a/b/c', 5, true).priority).toBe(priorities[0]);
  });
});
