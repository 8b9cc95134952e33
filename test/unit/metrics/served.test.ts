// Requests that both sides served: told for a window that was seen as a whole, and not at all otherwise.
import { beforeEach, expect, it } from 'vitest';
import type { TrafficMetrics } from '../../../src/mesh/contract.ts';
import type { Scraper, ScrapeTarget } from '../../../src/metrics/contract.ts';
import { createScraper } from '../../../src/metrics/scrape.ts';
import { ScriptedHttp } from '../../support/loop-http.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const KEY = 'serin.dev/shop/web';
const TRAFFIC: TrafficMetrics = {
  requests: { metric: 'requests_total', labels: [], failure: { label: 'code', op: '=~', value: '5.*' } },
  latency: { metric: 'latency', labels: [], unit: 's' },
  scrape: { port: 15_020, path: '/stats/prometheus' },
};

let clock: VirtualClock;
let http: ScriptedHttp;
let scraper: Scraper;
const counts: Record<string, number> = {};

const target = (name: string, role: ScrapeTarget['role']): ScrapeTarget => ({
  uid: name,
  role,
  url: `http://${name}/stats/prometheus`,
});

function serve(name: string, count: number): void {
  counts[name] = count;
  http.on(name, () => ({ status: 200, body: `requests_total{code="200"} ${counts[name]}\n` }));
}

beforeEach(() => {
  clock = new VirtualClock();
  http = new ScriptedHttp(clock);
  scraper = createScraper({ http, clock });
  serve('primary', 1_000);
  serve('canary', 500);
});

const track = (...targets: ScrapeTarget[]): void => scraper.track(KEY, targets, TRAFFIC, 1_000);
const both = (): void => track(target('primary', 'primary'), target('canary', 'canary'));

it('are the increments of the window', async () => {
  both();
  await clock.advance(3_500);
  serve('primary', 1_070);
  serve('canary', 530);
  await clock.advance(5_000);
  expect(scraper.served(KEY, 8_000)).toEqual({ primary: 70, canary: 30 });
  expect(scraper.served(KEY, 2_000)).toEqual({ primary: 0, canary: 0 });
});

it('are not told before the window is full, for one side only, or for nobody', async () => {
  expect(scraper.served(KEY, 2_000)).toBeNull();
  both();
  await clock.advance(1_500);
  expect(scraper.served(KEY, 2_000)).toBeNull();
  track(target('canary', 'canary'));
  await clock.advance(10_000);
  expect(scraper.served(KEY, 2_000)).toBeNull();
  scraper.forget(KEY);
  expect(scraper.served(KEY, 2_000)).toBeNull();
});

it('are not told while a pod cannot be read: it may serve what nobody sees', async () => {
  both();
  await clock.advance(10_000);
  http.on('canary', () => ({ status: 503, body: '' }));
  await clock.advance(2_000);
  expect(scraper.served(KEY, 2_000)).toEqual({ primary: 0, canary: 0 });
  await clock.advance(3_000);
  expect(scraper.served(KEY, 2_000)).toBeNull();
});
