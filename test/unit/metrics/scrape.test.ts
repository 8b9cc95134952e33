// The scraping source on a virtual clock: increments, resets, births, windows, blind pods, and that it scrapes only while told to.
import { describe, expect, test } from 'vitest';
import { TransientError } from '../../../src/errors.ts';
import type { HttpClient, HttpRequest } from '../../../src/http/contract.ts';
import type { TrafficMetrics } from '../../../src/mesh/contract.ts';
import type { MetricQuestion, Scraper, ScrapeTarget } from '../../../src/metrics/contract.ts';
import { createScraper } from '../../../src/metrics/scrape.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const KEY = 'serin.dev/shop/web';
const subject = {
  key: KEY,
  namespace: 'shop',
  name: 'web',
  target: 'web',
  primary: 'web-primary',
  service: 'web',
  ingress: 'web',
  route: 'web',
};
const never = new AbortController().signal;

const traffic: TrafficMetrics = {
  requests: {
    metric: 'requests_total',
    labels: [
      { label: 'reporter', op: '=', value: 'destination' },
      { label: 'workload', op: '=~', value: '{{ target }}', isIdentity: true },
    ],
    failure: { label: 'code', op: '=~', value: '5.*' },
  },
  latency: { metric: 'latency', labels: [{ label: 'reporter', op: '=', value: 'destination' }], unit: 's' },
  scrape: { port: 15_020, path: '/stats/prometheus' },
};

/** What one pod would serve: requests by code, and how many were within each latency bound. */
interface Served {
  codes: Record<string, number>;
  buckets?: Record<string, number>;
}

/** Pods by URL, whose counters a test moves, behind the HTTP port. */
class Pods implements HttpClient {
  readonly served = new Map<string, Served | Error | string>();
  readonly scrapes: HttpRequest[] = [];
  #pending = 0;

  target(name: string, role: ScrapeTarget['role'] = 'canary'): ScrapeTarget {
    return { uid: name, role, url: `http://${name}/metrics` };
  }

  serve(name: string, served: Served | Error | string): void {
    this.served.set(`http://${name}/metrics`, served);
  }

  get pending(): number {
    return this.#pending;
  }

  async send(request: HttpRequest): Promise<{ status: number; headers: Record<string, string>; body: string }> {
    this.scrapes.push(request);
    const served = this.served.get(request.url);
    if (served === undefined) {
      this.#pending += 1;
      return await new Promise((_, reject) => {
        request.signal?.addEventListener('abort', () => reject(new TransientError('IO_NETWORK', 'it was cancelled')));
      });
    }
    if (served instanceof Error) throw served;
    return { status: 200, headers: {}, body: typeof served === 'string' ? served : expose(served) };
  }
}

function expose({ codes, buckets = {} }: Served): string {
  const requests = Object.entries(codes).map(
    ([code, count]) => `requests_total{reporter="destination",code="${code}"} ${count}`,
  );
  const latency = Object.entries(buckets).map(
    ([le, count]) => `latency_bucket{reporter="destination",le="${le}"} ${count}`,
  );
  return [...requests, ...latency, 'requests_total{reporter="source",code="500"} 1000000', ''].join('\n');
}

const ask = (
  metric: 'request-success-rate' | 'request-duration' = 'request-success-rate',
  windowMs = 10_000,
): MetricQuestion => ({
  what: { kind: 'builtin', metric, traffic },
  windowMs,
  windowText: '10s',
  subject,
});

function aWorld(): { clock: VirtualClock; pods: Pods; scraper: Scraper; track: (...targets: ScrapeTarget[]) => void } {
  const clock = new VirtualClock();
  const pods = new Pods();
  const scraper = createScraper({ http: pods, clock });
  return { clock, pods, scraper, track: (...targets) => scraper.track(KEY, targets, traffic, 1_000) };
}

describe('success rate and latency', () => {
  test('are of the increments of the window, not of what was before', async () => {
    const { clock, pods, scraper, track } = aWorld();
    pods.serve('a', { codes: { '200': 1_000, '500': 1_000 }, buckets: { '0.1': 500, '1': 2_000, '+Inf': 2_000 } });
    track(pods.target('a'));
    await clock.advance(500);
    pods.serve('a', { codes: { '200': 1_090, '500': 1_010 }, buckets: { '0.1': 590, '1': 2_100, '+Inf': 2_100 } });
    await clock.advance(10_000);
    expect(await scraper.measure(ask(), never)).toEqual({ kind: 'value', value: 90 });
    // 99 % of 100 requests lie 9/10 into the bucket from 100 ms to 1 s.
    expect(await scraper.measure(ask('request-duration'), never)).toEqual({
      kind: 'value',
      value: expect.closeTo(100 + 900 * 0.9, 6),
    });
    await clock.advance(11_000);
    expect(await scraper.measure(ask(), never)).toEqual({ kind: 'empty', detail: 'no requests in the last 10 s' });
    expect(await scraper.measure(ask('request-duration'), never)).toEqual({
      kind: 'empty',
      detail: 'no requests in the last 10 s',
    });
  });

  test('a counter that falls was reset: it counts from zero', async () => {
    const { clock, pods, scraper, track } = aWorld();
    pods.serve('a', { codes: { '200': 1_000 } });
    track(pods.target('a'));
    await clock.advance(1_500);
    pods.serve('a', { codes: { '200': 1_080 } });
    await clock.advance(1_000);
    pods.serve('a', { codes: { '200': 15, '503': 5 } });
    await clock.advance(9_000);
    expect(await scraper.measure(ask('request-success-rate', 12_000), never)).toEqual({ kind: 'value', value: 95 });
  });

  test('a series born between two scrapes counts from zero, so that the first failures are not lost', async () => {
    const { clock, pods, scraper, track } = aWorld();
    pods.serve('a', { codes: { '200': 1_000 } });
    track(pods.target('a'));
    await clock.advance(1_500);
    pods.serve('a', { codes: { '200': 1_060, '500': 40 } });
    await clock.advance(9_000);
    expect(await scraper.measure(ask(), never)).toEqual({ kind: 'value', value: 60 });
  });

  test('a pod that joins later is new and counts from zero; those of the first list may be old', async () => {
    const { clock, pods, scraper, track } = aWorld();
    pods.serve('old', { codes: { '200': 5_000 } });
    pods.serve('new', { codes: { '200': 30, '500': 10 } });
    track(pods.target('old'));
    await clock.advance(2_500);
    track(pods.target('old'), pods.target('new'));
    await clock.advance(8_000);
    expect(await scraper.measure(ask(), never)).toEqual({ kind: 'value', value: 75 });
  });

  test('a series that is missing once goes on where it stood', async () => {
    const { clock, pods, scraper, track } = aWorld();
    pods.serve('a', { codes: { '200': 1_000, '500': 500 } });
    track(pods.target('a'));
    await clock.advance(1_500);
    pods.serve('a', { codes: { '200': 1_050 } });
    await clock.advance(1_000);
    pods.serve('a', { codes: { '200': 1_090, '500': 510 } });
    await clock.advance(8_000);
    expect(await scraper.measure(ask(), never)).toEqual({ kind: 'value', value: 90 });
  });

  test('pods are summed; the primary does not count', async () => {
    const { clock, pods, scraper, track } = aWorld();
    for (const name of ['a', 'b', 'p']) pods.serve(name, { codes: { '200': 0, '500': 0 } });
    track(pods.target('a'), pods.target('b'), pods.target('p', 'primary'));
    await clock.advance(500);
    pods.serve('a', { codes: { '200': 100, '500': 0 } });
    pods.serve('b', { codes: { '200': 50, '500': 50 } });
    pods.serve('p', { codes: { '200': 0, '500': 9_999 } });
    await clock.advance(10_000);
    expect(await scraper.measure(ask(), never)).toEqual({ kind: 'value', value: 75 });
  });

  test('a pod that left counts no more, and one that changed its role is another one', async () => {
    const { clock, pods, scraper, track } = aWorld();
    for (const name of ['a', 'b']) pods.serve(name, { codes: { '200': 0, '500': 0 } });
    track(pods.target('a'), pods.target('b'));
    await clock.advance(500);
    pods.serve('a', { codes: { '200': 0, '500': 100 } });
    pods.serve('b', { codes: { '200': 100, '500': 0 } });
    await clock.advance(10_000);
    expect(await scraper.measure(ask(), never)).toEqual({ kind: 'value', value: 50 });
    track(pods.target('a', 'primary'), pods.target('b'));
    await clock.advance(100);
    expect(await scraper.measure(ask(), never)).toEqual({ kind: 'value', value: 100 });
  });

  test('windows of different length are kept for as long as the longest needs', async () => {
    const { clock, pods, scraper, track } = aWorld();
    pods.serve('a', { codes: { '200': 0, '500': 0 } });
    track(pods.target('a'));
    await clock.advance(500);
    expect(await scraper.measure(ask('request-success-rate', 300_000), never)).toMatchObject({ kind: 'empty' });
    pods.serve('a', { codes: { '200': 50, '500': 50 } });
    await clock.advance(280_000);
    pods.serve('a', { codes: { '200': 150, '500': 50 } });
    await clock.advance(15_000);
    expect(await scraper.measure(ask('request-success-rate', 20_000), never)).toEqual({ kind: 'value', value: 100 });
    await clock.advance(4_500);
    expect(await scraper.measure(ask('request-success-rate', 300_000), never)).toEqual({ kind: 'value', value: 75 });
  });
});

describe('no answer', () => {
  test('before the window has passed, in words', async () => {
    const { clock, pods, scraper, track } = aWorld();
    expect(await scraper.measure(ask(), never)).toEqual({ kind: 'empty', detail: 'nothing has been scraped yet' });
    pods.serve('a', { codes: { '200': 10 } });
    track(pods.target('a'));
    expect(await scraper.measure(ask(), never)).toEqual({ kind: 'empty', detail: 'nothing has been scraped yet' });
    await clock.advance(3_000);
    pods.serve('a', { codes: { '200': 20 } });
    await clock.advance(1_000);
    expect(await scraper.measure(ask(), never)).toEqual({ kind: 'empty', detail: 'no window yet: 4 s of 10 s' });
    await clock.advance(5_000);
    expect(await scraper.measure(ask(), never)).toEqual({ kind: 'value', value: 100 });
  });

  test('without canary pods', async () => {
    const { clock, pods, scraper, track } = aWorld();
    pods.serve('p', { codes: { '200': 10 } });
    track(pods.target('p', 'primary'));
    await clock.advance(20_000);
    expect(await scraper.measure(ask(), never)).toEqual({
      kind: 'empty',
      detail: 'there are no canary pods to scrape',
    });
  });

  test('when most pods are blind it is an error; a minority is left out', async () => {
    const { clock, pods, scraper, track } = aWorld();
    for (const name of ['a', 'b', 'c', 'd']) pods.serve(name, { codes: { '200': 0, '500': 0 } });
    track(...['a', 'b', 'c', 'd'].map((name) => pods.target(name)));
    await clock.advance(500);
    for (const name of ['a', 'b']) pods.serve(name, { codes: { '200': 80, '500': 20 } });
    for (const name of ['c', 'd'])
      pods.serve(
        name,
        new TransientError('IO_NETWORK', `Cannot reach "${name}" for scrape: connection refused (ECONNREFUSED)`),
      );
    await clock.advance(10_000);
    expect(await scraper.measure(ask(), never)).toEqual({ kind: 'value', value: 80 });
    pods.serve('b', '<html>');
    await clock.advance(4_000);
    expect(await scraper.measure(ask(), never)).toEqual({
      kind: 'error',
      detail: expect.stringMatching(/^3 of 4 canary pods cannot be scraped: /),
    });
    pods.serve('a', 'requests_total{reporter="destination",code="200"} oops\n');
    await clock.advance(4_000);
    expect(await scraper.measure(ask(), never)).toEqual({
      kind: 'error',
      detail: '4 of 4 canary pods cannot be scraped: line 1 cannot be read as a sample of requests_total',
    });
  });

  test('one failed scrape of three is nothing', async () => {
    const { clock, pods, scraper, track } = aWorld();
    pods.serve('a', { codes: { '200': 0 } });
    track(pods.target('a'));
    await clock.advance(9_500);
    pods.serve('a', new TransientError('IO_TIMEOUT', 'none within 1000 ms'));
    await clock.advance(1_000);
    pods.serve('a', { codes: { '200': 10 } });
    expect(await scraper.measure(ask(), never)).toMatchObject({ kind: 'empty' });
    await clock.advance(1_000);
    expect(await scraper.measure(ask(), never)).toEqual({ kind: 'value', value: 100 });
  });

  test('to a query, to a window too long, or where a matcher cannot be filled', async () => {
    const { scraper } = aWorld();
    expect(await scraper.measure({ ...ask(), what: { kind: 'query', query: 'up' } }, never)).toMatchObject({
      kind: 'error',
      detail: expect.stringMatching(/needs a Prometheus/),
    });
    expect(await scraper.measure(ask('request-success-rate', 7_200_000), never)).toMatchObject({
      kind: 'error',
      detail: 'scrape keeps windows of at most 60 m',
    });
    const named = {
      ...traffic,
      requests: { ...traffic.requests, labels: [{ label: 'workload', op: '=' as const, value: '{{ target }}' }] },
    };
    scraper.track(KEY, [{ uid: 'a', role: 'canary', url: 'http://a/' }], named, 1_000);
    expect(await scraper.measure(ask(), never)).toEqual({
      kind: 'error',
      detail: 'scrape cannot fill the matcher of label workload, which names a workload',
    });
    const odd = {
      ...traffic,
      requests: { ...traffic.requests, failure: { label: 'code', op: '=~' as const, value: '(' } },
    };
    scraper.track(KEY, [{ uid: 'a', role: 'canary', url: 'http://a/' }], odd, 1_000);
    expect(await scraper.measure(ask(), never)).toMatchObject({
      kind: 'error',
      detail: expect.stringMatching(/Cannot read the pattern/),
    });
  });
});

describe('track()', () => {
  test('scrapes at once and then every interval; the same list changes nothing', async () => {
    const { clock, pods, track } = aWorld();
    pods.serve('a', { codes: {} });
    track(pods.target('a'));
    await clock.settle();
    expect(pods.scrapes).toHaveLength(1);
    for (let second = 0; second < 10; second += 1) {
      track(pods.target('a'));
      await clock.advance(1_000);
    }
    expect(pods.scrapes).toHaveLength(11);
    expect(pods.scrapes[0]).toMatchObject({
      method: 'GET',
      url: 'http://a/metrics',
      timeoutMs: 1_000,
      bytesMax: 4_194_304,
      purpose: 'scrape',
    });
    expect(clock.pendingTimers()).toBe(1);
  });

  test.each<[string, (scraper: Scraper) => void]>([
    ['an empty list', (scraper) => scraper.track(KEY, [], traffic, 1_000)],
    ['forget()', (scraper) => scraper.forget(KEY)],
    ['close()', (scraper) => scraper.close()],
  ])('%s ends it, aborts what is under way and keeps no timer', async (_, end) => {
    const { clock, pods, scraper, track } = aWorld();
    pods.serve('a', { codes: { '200': 1 } });
    track(pods.target('a'), pods.target('silent'));
    await clock.advance(20_000);
    expect(pods.scrapes.filter(({ url }) => url.includes('silent'))).toHaveLength(1);
    end(scraper);
    const before = pods.scrapes.length;
    expect(pods.scrapes.every(({ signal }) => signal?.aborted)).toBe(true);
    await clock.advance(20_000);
    expect(pods.scrapes).toHaveLength(before);
    expect(clock.pendingTimers()).toBe(0);
    expect(await scraper.measure(ask(), never)).toEqual({ kind: 'empty', detail: 'nothing has been scraped yet' });
  });

  test('other metrics start anew', async () => {
    const { clock, pods, scraper, track } = aWorld();
    pods.serve('a', { codes: { '200': 0 } });
    track(pods.target('a'));
    await clock.advance(500);
    pods.serve('a', { codes: { '200': 10 } });
    await clock.advance(10_000);
    expect(await scraper.measure(ask(), never)).toMatchObject({ kind: 'value' });
    scraper.track(KEY, [pods.target('a')], { ...traffic, latency: { ...traffic.latency, unit: 'ms' } }, 1_000);
    await clock.advance(500);
    expect(await scraper.measure(ask(), never)).toMatchObject({ kind: 'empty' });
    expect(clock.pendingTimers()).toBe(1);
  });

  test('canaries do not see each other, and no more than 64 scrapes are under way', async () => {
    const { clock, pods, scraper } = aWorld();
    for (let canary = 0; canary < 100; canary += 1)
      scraper.track(`serin.dev/shop/c${canary}`, [pods.target(`silent-${canary}`)], traffic, 1_000);
    await clock.settle();
    expect(pods.pending).toBe(64);
    scraper.close();
    await clock.settle();
    expect(pods.pending).toBe(64);
  });

  test('keeps no more than the windows need', async () => {
    const { clock, pods, scraper, track } = aWorld();
    pods.serve('a', { codes: { '200': 0 } });
    track(pods.target('a'));
    for (let minute = 0; minute < 60; minute += 1) {
      pods.serve('a', { codes: { '200': minute * 10 } });
      await clock.advance(60_000);
    }
    const before = process.memoryUsage().heapUsed;
    for (let minute = 60; minute < 120; minute += 1) await clock.advance(60_000);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(20_000_000);
    expect(await scraper.measure(ask('request-success-rate', 600_000), never)).toMatchObject({
      kind: 'empty',
      detail: expect.stringMatching(/no window yet: 12[0-9] s of 600 s/),
    });
  });
});
