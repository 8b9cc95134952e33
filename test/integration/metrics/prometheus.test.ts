// A real Prometheus that scrapes a real application: built-in queries, templates, TLS and credentials give the right numbers.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generate } from 'selfsigned';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Sample } from '../../../src/core/analysis/verdict.ts';
import { createHttpClient } from '../../../src/http/client.ts';
import type { TrafficMetrics } from '../../../src/mesh/contract.ts';
import type { MetricEndpoint, MetricQuestion, MetricSource, Scraper } from '../../../src/metrics/contract.ts';
import { createScraper, openPrometheus, renderMetricQuery } from '../../../src/metrics/open.ts';
import { systemClock } from '../../../src/util/clock.ts';
import { serve, type RunningServer } from '../../unit/http/servers.ts';

const isAvailable = spawnSync('prometheus', ['--version']).status === 0;
const mustRun = process.env['CI'] === 'true';

/** The bcrypt hash of "test". */
const PASSWORD_HASH = '$2b$12$hNf2lSsxfm0.i4a.1kVpSOVyBCfIB51VRjgBUyv6kdnyTlgWj81Ay';
const subject = {
  key: 'serin.dev/shop/web',
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
    metric: 'istio_requests_total',
    labels: [
      { label: 'reporter', op: '=', value: 'destination' },
      { label: 'destination_workload_namespace', op: '=', value: '{{ namespace }}', isIdentity: true },
      { label: 'destination_workload', op: '=', value: '{{ target }}', isIdentity: true },
    ],
    failure: { label: 'response_code', op: '=~', value: '5.*' },
  },
  latency: {
    metric: 'istio_request_duration_milliseconds',
    labels: [
      { label: 'reporter', op: '=', value: 'destination' },
      { label: 'destination_workload', op: '=', value: '{{ target }}', isIdentity: true },
    ],
    unit: 'ms',
  },
  scrape: { port: 15_020, path: '/stats/prometheus' },
};

/** An application that gets traffic at every scrape: 90 % successes; 98 of 100 requests within 50 ms, the rest within 100 ms. */
function anApplication(): Promise<RunningServer> {
  let scrapes = 0;
  return serve((_, response) => {
    scrapes += 1;
    const labels = 'reporter="destination",destination_workload_namespace="shop",destination_workload="web"';
    const lines = [
      '# TYPE istio_requests_total counter',
      `istio_requests_total{${labels},response_code="200"} ${scrapes * 90}`,
      `istio_requests_total{${labels},response_code="503"} ${scrapes * 10}`,
      `istio_requests_total{${labels.replace('"web"', '"idle"')},response_code="200"} 7`,
      '# TYPE istio_request_duration_milliseconds histogram',
      `istio_request_duration_milliseconds_bucket{${labels},le="50"} ${scrapes * 98}`,
      `istio_request_duration_milliseconds_bucket{${labels},le="100"} ${scrapes * 100}`,
      `istio_request_duration_milliseconds_bucket{${labels},le="+Inf"} ${scrapes * 100}`,
      `istio_request_duration_milliseconds_sum{${labels}} ${scrapes * 3_000}`,
      `istio_request_duration_milliseconds_count{${labels}} ${scrapes * 100}`,
    ];
    response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' }).end(`${lines.join('\n')}\n`);
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe.skipIf(!isAvailable && !mustRun)('a real Prometheus (needs the program prometheus)', () => {
  const http = createHttpClient({ clock: systemClock, allowLoopback: true });
  let folder = '';
  let process_: ChildProcess | null = null;
  let application: RunningServer;
  let idle: RunningServer;
  let scraper: Scraper;
  let endpoint: MetricEndpoint;

  const open = (more: Partial<MetricEndpoint> = {}): MetricSource =>
    openPrometheus({ http, clock: systemClock }, { ...endpoint, ...more });
  const builtin = (metric: 'request-success-rate' | 'request-duration', target = 'web'): MetricQuestion => ({
    what: { kind: 'builtin', metric, traffic },
    windowMs: 5_000,
    windowText: '5s',
    subject: { ...subject, target },
  });
  const query = (text: string): Promise<Sample> =>
    open().measure({ what: { kind: 'query', query: text }, windowMs: 5_000, windowText: '5s', subject }, never);

  /** Asks again, a few times a second, until the answer is a value: Prometheus needs two scrapes. */
  async function untilValue(ask: () => Promise<Sample>): Promise<Sample> {
    const endsAtMs = Date.now() + 30_000;
    let sample = await ask();
    while (sample.kind !== 'value' && Date.now() < endsAtMs) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      sample = await ask();
    }
    return sample;
  }

  beforeAll(async () => {
    if (!isAvailable) throw new Error('Cannot run: the program prometheus is not installed');
    folder = await mkdtemp(join(tmpdir(), 'serin-prometheus-'));
    [application, idle] = [
      await anApplication(),
      await serve(
        (_, response) => void response.end('istio_requests_total{reporter="destination",response_code="200"} 5\n'),
      ),
    ];
    const pem = await generate([{ name: 'commonName', value: 'prometheus' }], {
      keySize: 2048,
      extensions: [
        { name: 'basicConstraints', cA: true },
        { name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] },
      ],
    });
    const port = await freePort();
    await writeFile(join(folder, 'key.pem'), pem.private);
    await writeFile(join(folder, 'cert.pem'), pem.cert);
    await writeFile(
      join(folder, 'web.yml'),
      `tls_server_config:\n  cert_file: cert.pem\n  key_file: key.pem\nbasic_auth_users:\n  alice: ${PASSWORD_HASH}\n`,
    );
    await writeFile(
      join(folder, 'prometheus.yml'),
      `global:\n  scrape_interval: 1s\n  scrape_timeout: 1s\nscrape_configs:\n  - job_name: app\n    static_configs:\n      - targets: ['127.0.0.1:${application.port}']\n`,
    );
    process_ = spawn(
      'prometheus',
      [
        '--config.file=prometheus.yml',
        '--web.config.file=web.yml',
        `--web.listen-address=127.0.0.1:${port}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        '--log.level=error',
      ],
      { cwd: folder, stdio: 'ignore' },
    );
    endpoint = {
      address: `https://127.0.0.1:${port}`,
      headers: {},
      credentials: { username: 'alice', password: 'test' },
      insecureSkipVerify: false,
      caPem: pem.cert,
    };
    scraper = createScraper({ http, clock: systemClock });
    scraper.track(subject.key, [{ uid: 'a', role: 'canary', url: `${application.url}/metrics` }], traffic, 500);
    expect(await untilValue(() => query('vector(1)'))).toEqual({ kind: 'value', value: 1 });
    expect(await untilValue(() => open().measure(builtin('request-success-rate'), never))).toMatchObject({
      kind: 'value',
    });
  });

  afterAll(async () => {
    scraper?.close();
    http.close();
    await application?.close();
    await idle?.close();
    const child = process_;
    if (child !== null && child.exitCode === null) {
      const exited = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await exited;
    }
    if (folder !== '') await rm(folder, { recursive: true, force: true });
  });

  test('request-success-rate is the share of successes in percent', async () => {
    expect(await open().measure(builtin('request-success-rate'), never)).toEqual({
      kind: 'value',
      value: expect.closeTo(90, 6),
    });
  });

  test('request-duration is the 99th percentile in milliseconds', async () => {
    expect(await untilValue(() => open().measure(builtin('request-duration'), never))).toEqual({
      kind: 'value',
      value: expect.closeTo(75, 6),
    });
  });

  test('the scraping source gives the same numbers for the same application', async () => {
    for (const [metric, value] of [
      ['request-success-rate', 90],
      ['request-duration', 75],
    ] as const) {
      expect(await untilValue(() => scraper.measure(builtin(metric), never))).toEqual({
        kind: 'value',
        value: expect.closeTo(value, 6),
      });
    }
  });

  test('no traffic and no series are no data, neither 0 nor 100', async () => {
    for (const target of ['idle', 'absent']) {
      for (const metric of ['request-success-rate', 'request-duration'] as const)
        expect(await open().measure(builtin(metric, target), never), `${metric} of ${target}`).toMatchObject({
          kind: 'empty',
        });
    }
    scraper.track('serin.dev/shop/idle', [{ uid: 'b', role: 'canary', url: `${idle.url}/metrics` }], traffic, 500);
    const ask = (): Promise<Sample> =>
      scraper.measure(
        { ...builtin('request-success-rate'), windowMs: 1_000, subject: { ...subject, key: 'serin.dev/shop/idle' } },
        never,
      );
    await expect
      .poll(async () => await ask(), { timeout: 10_000 })
      .toEqual({ kind: 'empty', detail: 'no requests in the last 1 s' });
  });

  test('templates with variables, hostile ones among them', async () => {
    const template = `
      100 * sum(rate(istio_requests_total{
        destination_workload_namespace="{{ namespace }}",
        destination_workload="{{ target }}",
        response_code=~"{{ variables.codes }}"
      }[{{ interval }}])) / sum(rate(istio_requests_total{destination_workload="{{ target }}"}[{{ interval }}]))`;
    const render = (codes: string): string => renderMetricQuery(template, subject, '5s', { codes });
    expect(await query(render('5..'))).toEqual({ kind: 'value', value: expect.closeTo(10, 6) });
    for (const codes of ['"} or vector(100) #', '5..\\', 'a\nb', "'"]) {
      // The query is still the same query: it finds no such code, and never becomes vector(100).
      expect((await query(render(codes))).kind, codes).not.toBe('value');
    }
  });

  test('answers that are no number', async () => {
    expect(await query('0/0')).toMatchObject({ kind: 'empty', detail: expect.stringMatching(/NaN/) });
    expect(await query('1/0')).toMatchObject({ kind: 'empty', detail: expect.stringMatching(/infinite/) });
    expect(await query('vector(0)/vector(0)')).toMatchObject({ kind: 'empty' });
    expect(await query('scalar(absent_metric)')).toMatchObject({ kind: 'empty' });
    expect(await query('istio_requests_total')).toMatchObject({
      kind: 'error',
      detail: expect.stringMatching(/3 series, must return one/),
    });
    expect(await query('up[5s]')).toMatchObject({ kind: 'error', detail: expect.stringMatching(/returned a matrix/) });
    expect(await query('"text"')).toMatchObject({ kind: 'error', detail: expect.stringMatching(/returned a string/) });
    expect(await query('sum(')).toMatchObject({
      kind: 'error',
      detail: expect.stringMatching(/^Prometheus answered 400: bad_data, .*parse error/),
    });
    expect(await query('time()')).toMatchObject({ kind: 'value' });
  });

  test('wrong credentials and an unknown authority are errors without secrets', async () => {
    const ask = (source: MetricSource): Promise<Sample> => source.measure(builtin('request-success-rate'), never);
    expect(await ask(open({ credentials: { username: 'alice', password: 'wr0ng-passw0rd' } }))).toEqual({
      kind: 'error',
      detail: 'Prometheus answered 401: check the credentials',
    });
    expect(await ask(open({ credentials: null }))).toEqual({
      kind: 'error',
      detail: 'Prometheus answered 401: check the credentials',
    });
    const { caPem: _, ...untrusting } = endpoint;
    expect(await ask(openPrometheus({ http, clock: systemClock }, untrusting))).toMatchObject({
      kind: 'error',
      detail: expect.stringMatching(/the certificate is self-signed/),
    });
    expect(
      await ask(openPrometheus({ http, clock: systemClock }, { ...untrusting, insecureSkipVerify: true })),
    ).toMatchObject({ kind: 'value' });
  });
});
