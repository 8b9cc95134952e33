// The exposition reader: what real proxies write, what hostile ones write, and histograms on top.
import { describe, expect, test } from 'vitest';
import { readExposition } from '../../../src/metrics/exposition.ts';
import { histogramQuantile } from '../../../src/metrics/histogram.ts';

const names = new Set(['requests_total', 'latency_bucket']);

function read(body: string, max = 1_000): unknown {
  const exposition = readExposition(body, names, max);
  if ('problem' in exposition) return exposition.problem;
  return exposition.samples.map(({ name, labels, value }) => [name, Object.fromEntries(labels), value]);
}

describe('readExposition()', () => {
  test('keeps the metrics asked for and passes over the rest', () => {
    const body = [
      '# HELP requests_total Requests.',
      '# TYPE requests_total counter',
      'requests_total{code="200",path="/a b"} 12',
      'requests_total 3',
      'requests_totally{x="y"} 9',
      'other_metric{x="y" broken',
      'latency_bucket{le="+Inf"} 4',
      'go_goroutines 12',
      '',
    ].join('\n');
    expect(read(body)).toEqual([
      ['requests_total', { code: '200', path: '/a b' }, 12],
      ['requests_total', {}, 3],
      ['latency_bucket', { le: '+Inf' }, 4],
    ]);
  });

  test.each<[string, string, unknown]>([
    ['escapes', 'requests_total{a="x\\"y\\\\z\\n"} 1\n', [['requests_total', { a: 'x"y\\z\n' }, 1]]],
    [
      'braces, commas and hashes in values',
      'requests_total{a="}, #{",b="="} 1\n',
      [['requests_total', { a: '}, #{', b: '=' }, 1]],
    ],
    [
      'a trailing comma and blanks',
      'requests_total { a = "x" , b="y", } \t 1\n',
      [['requests_total', { a: 'x', b: 'y' }, 1]],
    ],
    ['no labels in braces', 'requests_total{} 1\n', [['requests_total', {}, 1]]],
    ['timestamps', 'requests_total 1 1767225600000\n', [['requests_total', {}, 1]]],
    ['exemplars', 'requests_total{a="b"} 7 # {trace_id="abc"} 0.67\n', [['requests_total', { a: 'b' }, 7]]],
    ['OpenMetrics', 'requests_total 1.0 1767225600.123\n# EOF\n', [['requests_total', {}, 1]]],
    ['carriage returns', 'requests_total 1\r\n', [['requests_total', {}, 1]]],
    ['exponents', 'requests_total 1.5e+06\n', [['requests_total', {}, 1_500_000]]],
    [
      'NaN and infinities left out',
      'requests_total{a="1"} NaN\nrequests_total{a="2"} +Inf\nrequests_total{a="3"} -Inf\nrequests_total{a="4"} 1e999\n',
      [],
    ],
    ['nothing', '', []],
    [
      'names of the prototype as labels',
      'requests_total{__proto__="x",constructor="y"} 1\n',
      [
        [
          'requests_total',
          Object.fromEntries([
            ['__proto__', 'x'],
            ['constructor', 'y'],
          ]),
          1,
        ],
      ],
    ],
  ])('tolerates %s', (_, body, expected) => {
    expect(read(body)).toEqual(expected);
  });

  test.each([
    ['a page', '<!DOCTYPE html><html></html>\n', /is a page/],
    ['a body that breaks off', 'requests_total 12', /breaks off/],
    ['no value', 'requests_total\t\n', /line 1 cannot be read as a sample of requests_total/],
    ['text for a value', '# x\nrequests_total{} twelve\n', /line 2 cannot/],
    ['hexadecimal', 'requests_total 0x10\n', /cannot be read/],
    ['labels that do not close', 'requests_total{a="x" 1\n', /cannot be read/],
    ['a quote that does not close', 'requests_total{a="x} 1\n', /cannot be read/],
    ['a label twice', 'requests_total{a="x",a="y"} 1\n', /cannot be read/],
    ['no label name', 'requests_total{="x"} 1\n', /cannot be read/],
    ['an endless line', `requests_total{a="${'x'.repeat(100_000)}"} 1\n`, /cannot be read/],
    [
      'too many labels',
      `requests_total{${Array.from({ length: 100 }, (_, at) => `l${at}="x"`).join(',')}} 1\n`,
      /cannot be read/,
    ],
  ])('does not believe a scrape with %s', (_, body, problem) => {
    expect(read(body)).toMatch(problem);
  });

  test('is bounded', () => {
    expect(read('requests_total{a="b"} 1\n'.repeat(1_001))).toBe('more than 1000 series');
  });

  test('reads 4 MiB of what is not asked for without holding up the loop', () => {
    const line =
      'envoy_cluster_upstream_cx_active{envoy_cluster_name="outbound|9080||reviews.shop.svc.cluster.local"} 3\n';
    const body = line.repeat(Math.floor((4 * 1_048_576) / line.length));
    expect(read(body)).toEqual([]);
  });

  test('hostile lines take linear time', () => {
    for (const body of [
      `requests_total{a="${'\\"'.repeat(2_000_000)}\n`,
      `requests_total${' '.repeat(4_000_000)}\n`,
      'requests_total{\n'.repeat(250_000),
      '\n'.repeat(4_000_000),
    ]) {
      // Quadratic work on four million characters would run into the limit of the test.
      expect(read(body)).toBeTruthy();
    }
  });
});

describe('histogramQuantile()', () => {
  const counts = (...pairs: [number, number][]): Map<number, number> => new Map(pairs);

  test.each<[string, number, Map<number, number>, number | null]>([
    ['interpolates within the bucket', 0.5, counts([100, 50], [200, 100], [Infinity, 100]), 100],
    ['interpolates above the first', 0.75, counts([100, 50], [200, 100], [Infinity, 100]), 150],
    ['interpolates from zero', 0.25, counts([100, 50], [200, 100], [Infinity, 100]), 50],
    ['p99', 0.99, counts([0.1, 900], [0.5, 990], [1, 1_000], [Infinity, 1_000]), 0.5],
    ['the last bucket is the last finite bound', 0.99, counts([100, 50], [200, 60], [Infinity, 100]), 200],
    ['bounds in any order', 0.5, counts([Infinity, 100], [200, 100], [100, 50]), 100],
    ['counts that fall are raised', 0.5, counts([100, 60], [200, 50], [Infinity, 100]), 100 * (50 / 60)],
    ['no observations', 0.99, counts([100, 0], [Infinity, 0]), null],
    ['no buckets', 0.99, counts(), null],
    ['no +Inf', 0.99, counts([100, 1], [200, 2]), null],
    ['+Inf alone', 0.99, counts([Infinity, 2]), null],
    ['a first bound at or below zero', 0.1, counts([-5, 50], [10, 100], [Infinity, 100]), -5],
  ])('%s', (_, q, buckets, expected) => {
    const quantile = histogramQuantile(q, buckets);
    if (expected === null) expect(quantile).toBeNull();
    else expect(quantile).toBeCloseTo(expected, 9);
  });
});
