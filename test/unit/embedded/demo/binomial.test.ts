// The exact two-sided tail of the binomial distribution, against sums of big integers and the ends of its range.
import { describe, expect, it } from 'vitest';
import { binomialPValue } from '../../../../src/embedded/demo/binomial.ts';

/** The same by counting outcomes: `chance` is a tenth, so that the weights of outcomes are whole numbers. */
function countedPValue(hits: number, trials: number, tenths: number): number {
  const weightOf = (count: number): bigint => {
    let ways = 1n;
    for (let i = 1; i <= count; i += 1) ways = (ways * BigInt(trials - i + 1)) / BigInt(i);
    return ways * BigInt(tenths) ** BigInt(count) * BigInt(10 - tenths) ** BigInt(trials - count);
  };
  const sum = (from: number, to: number): bigint => {
    let total = 0n;
    for (let count = from; count <= to; count += 1) total += weightOf(count);
    return total;
  };
  const [below, above] = [sum(0, hits), sum(hits, trials)];
  const smaller = below < above ? below : above;
  const scale = 10n ** 30n;
  return Math.min(1, Number((2n * smaller * scale) / 10n ** BigInt(trials)) / Number(scale));
}

describe('binomialPValue', () => {
  it.each([
    [0, 10, 1],
    [3, 10, 1],
    [10, 10, 1],
    [5, 10, 5],
    [20, 300, 1],
    [61, 316, 4],
    [400, 1000, 4],
    [470, 1000, 4],
  ])('gives %i hits of %i at %i tenths the share of outcomes as far out', (hits, trials, tenths) => {
    const expected = countedPValue(hits, trials, tenths);
    expect(binomialPValue(hits, trials, tenths / 10) / expected).toBeCloseTo(1, 9);
  });

  it('is a probability, largest at the expected count and falling to both sides', () => {
    const values = Array.from({ length: 201 }, (_, hits) => binomialPValue(hits, 200, 0.3));
    expect(values[60]).toBe(1);
    for (let hits = 1; hits <= 55; hits += 1) expect(values[hits]).toBeGreaterThan(values[hits - 1]!);
    for (let hits = 66; hits <= 200; hits += 1) expect(values[hits]).toBeLessThan(values[hits - 1]!);
    expect(values.every((value) => value >= 0 && value <= 1)).toBe(true);
  });

  it('calls a share that was asked for chance, and another one not', () => {
    expect(binomialPValue(43, 400, 0.1)).toBeGreaterThan(0.5);
    expect(binomialPValue(86, 400, 0.1)).toBeLessThan(1e-6);
    expect(binomialPValue(8, 400, 0.1)).toBeLessThan(1e-6);
  });

  it('knows that nothing is chance at weight 0 and at weight 100', () => {
    expect(binomialPValue(0, 500, 0)).toBe(1);
    expect(binomialPValue(1, 500, 0)).toBe(0);
    expect(binomialPValue(500, 500, 1)).toBe(1);
    expect(binomialPValue(499, 500, 1)).toBe(0);
  });

  it('stays finite for many trials and for none', () => {
    expect(binomialPValue(50_000, 100_000, 0.5)).toBe(1);
    expect(binomialPValue(0, 0, 0.5)).toBe(1);
  });

  it('refuses counts that cannot be', () => {
    expect(() => binomialPValue(5, 4, 0.5)).toThrow(RangeError);
    expect(() => binomialPValue(-1, 4, 0.5)).toThrow(RangeError);
    expect(() => binomialPValue(0.5, 4, 0.5)).toThrow(RangeError);
  });
});
