// The scraping source sits the exam.
import type { TrafficMetrics } from '../../../src/mesh/contract.ts';
import { createScraper } from '../../../src/metrics/scrape.ts';
import { examineSource } from './exam.ts';

const KEY = 'serin.dev/shop/web';
const EVERY_MS = 1_000;
const traffic: TrafficMetrics = {
  requests: { metric: 'requests_total', labels: [], failure: { label: 'code', op: '=~', value: '5.*' } },
  latency: { metric: 'latency', labels: [], unit: 's' },
  scrape: { port: 80, path: '/metrics' },
};

const served = (good: string, bad: string): string =>
  `# TYPE requests_total counter\nrequests_total{code="200"} ${good}\nrequests_total{code="500"} ${bad}\n`;

examineSource({
  name: 'scrape',
  limitMs: 4 * EVERY_MS,
  async measure(url, { http, clock }, calls) {
    const scraper = createScraper({ http, clock });
    scraper.track(KEY, [{ uid: 'a', role: 'canary', url }], traffic, EVERY_MS);
    for (let wanted = 1; wanted <= 2; wanted += 1) {
      // Real sockets get real time; what still has not answered then runs into its time-out.
      await clock.waitReal(() => calls() >= wanted, 'no answer', 500).catch(() => undefined);
      await clock.settle(10);
      if (wanted === 1) await clock.advance(EVERY_MS);
    }
    await clock.settle(10);
    const question = {
      what: { kind: 'builtin' as const, metric: 'request-success-rate' as const, traffic },
      windowMs: EVERY_MS,
      windowText: '1s',
      subject: {
        key: KEY,
        namespace: 'shop',
        name: 'web',
        target: 'web',
        primary: 'web-primary',
        service: 'web',
        ingress: 'web',
        route: 'web',
      },
    };
    const sample = await scraper.measure(question, new AbortController().signal);
    scraper.close();
    return sample;
  },
  good: (percent, call) => served(String(1_000 + call * percent), String(5_000 + call * (100 - percent))),
  nothing: () => served('1000', '5000'),
  numberless: [
    ['no series', '# nothing here\n'],
    ['other series only', 'go_goroutines 12\n'],
    ['NaN', served('NaN', 'NaN')],
    ['infinite', served('+Inf', '-Inf')],
    ['1e309', served('1e309', '1e309')],
    ['no body', ''],
  ],
  unbelievable: [
    ['0x10', served('0x10', '1')],
    ['no value', served('', '1')],
    ['9x', served('9x', '1')],
    ['a body that breaks off', 'requests_total{code="200"} 10'],
    ['labels that do not close', 'requests_total{code="200 10\n'],
    ['20,000 series', Array.from({ length: 20_000 }, (_, at) => `requests_total{n="${at}"} 1\n`).join('')],
    ['more than 4 MiB', '# \n'.repeat(1_500_000)],
  ],
});
