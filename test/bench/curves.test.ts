// The curves that the bench draws hold what was measured.
import { describe, expect, it } from 'vitest';
import { drawChart } from './cost/curves.ts';

describe('drawChart', () => {
  const chart = {
    title: 'Time & more',
    unit: 's',
    curves: [
      {
        name: 'start',
        points: [
          [10, 5],
          [100, 10],
          [1_000, 0],
        ] as const,
      },
    ],
  };

  it('puts larger values higher, and factors of ten equally far apart', () => {
    const [, places = ''] = /<polyline points="([^"]+)"/.exec(drawChart(chart)) ?? [];
    const points = places.split(' ').map((place) => place.split(',').map(Number));
    const [[x1 = 0, y1 = 0] = [], [x2 = 0, y2 = 0] = [], [x3 = 0, y3 = 0] = []] = points;
    expect(x2 - x1).toBe(x3 - x2);
    expect(y2).toBeLessThan(y1);
    expect(y3).toBeGreaterThan(y1);
  });

  it('is one well-formed picture with its title and its key', () => {
    const text = drawChart(chart);
    expect(text).toMatch(/^<svg [^>]+viewBox="0 0 640 320"[^]*<\/svg>\n$/);
    expect(text).toContain('<title>Time &amp; more</title>');
    expect(text).toContain('>start</text>');
  });
});
