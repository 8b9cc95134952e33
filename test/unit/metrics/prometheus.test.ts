// Prometheus on the wire: exactly what is requested, through the hardened client, and what comes back as a sample.
import type { IncomingMessage } from 'node:http';
import { generate } from 'selfsigned';
import { afterEach, describe, expect, test } from 'vitest';
import { InvalidSpecError, UnsupportedError } from '../../../src/errors.ts';
import { createHttpClient } from '../../../src/http/client.ts';
import type { HttpClient, HttpRequest } from '../../../src/http/contract.ts';
import type { TrafficMetrics } from '../../../src/mesh/contract.ts';
import type { MetricEndpoint, MetricQuestion } from '../../../src/metrics/contract.ts';
import { openMetricSource, readMetricCredentials, renderMetricQuery } from '../../../src/metrics/open.ts';
import { openPrometheus } from '../../../src/metrics/prometheus.ts';
import { durationQuery, promDuration, quotePromString, successRateQuery } from '../../../src/metrics/promql.ts';
import { KNOWN_METRIC_PROVIDERS } from '../../../src/metrics/registry.ts';
import { systemClock } from '../../../src/util/clock.ts';
import { atEnd, cleanUp, running, serve, serveSecure, type RunningServer } from '../http/servers.ts';

afterEach(cleanUp);

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

const istio: TrafficMetrics = {
  requests: {
    metric: 'istio_requests_total',
    labels: [
      { label: 'reporter', op: '=', value: 'destination' },
      { label: 'destination_workload_namespace', op: '=', value: '{{ namespace }}', isIdentity: true },
      { label: 'destination_workload', op: '=~', value: '{{ target }}', isIdentity: true },
    ],
    failure: { label: 'response_code', op: '=~', value: '5.*' },
  },
  latency: { metric: 'app_latency_seconds', labels: [{ label: 'svc', op: '!=', value: 'a"b\\c' }], unit: 's' },
  scrape: { port: 15_020, path: '/stats/prometheus' },
};

const query = (text: string): MetricQuestion => ({
  what: { kind: 'query', query: text },
  windowMs: 60_000,
  windowText: '1m',
  subject,
});
const endpoint = (address: string, more: Partial<MetricEndpoint> = {}): MetricEndpoint => ({
  address,
  headers: {},
  credentials: null,
  insecureSkipVerify: false,
  ...more,
});
const ok = (value: string): string =>
  JSON.stringify({
    status: 'success',
    data: { resultType: 'vector', result: [{ metric: {}, value: [Date.now() / 1_000, value] }] },
  });
const never = new AbortController().signal;

function http(): HttpClient {
  const made = createHttpClient({ clock: systemClock, allowLoopback: true });
  atEnd(() => made.close());
  return made;
}

async function aPrometheus(
  body = ok('42'),
  status = 200,
): Promise<RunningServer & { readonly requests: IncomingMessage[] }> {
  const requests: IncomingMessage[] = [];
  const server = await running(
    serve((request, response) => {
      requests.push(request);
      response.writeHead(status, { 'content-type': 'application/json' }).end(body);
    }),
  );
  return { ...server, requests };
}

describe('openPrometheus()', () => {
  test('asks the instant query API with exactly this request', async () => {
    const server = await aPrometheus();
    const source = openPrometheus({ http: http(), clock: systemClock }, endpoint(server.url));
    expect(await source.measure(query('  sum(rate(x{a="b c"}[1m]))\n  + 1 '), never)).toEqual({
      kind: 'value',
      value: 42,
    });
    expect(server.requests).toHaveLength(1);
    expect(server.requests[0]?.method).toBe('GET');
    expect(server.requests[0]?.url).toBe('/api/v1/query?query=sum%28rate%28x%7Ba%3D%22b+c%22%7D%5B1m%5D%29%29+%2B+1');
    expect(server.requests[0]?.headers).toEqual({
      accept: 'application/json',
      'accept-encoding': 'gzip',
      'user-agent': 'serin',
      connection: 'keep-alive',
      host: `127.0.0.1:${server.port}`,
    });
  });

  test('everything goes through the hardened client, with limits', async () => {
    const sent: HttpRequest[] = [];
    const client: HttpClient = {
      send: async (request) => {
        sent.push(request);
        return { status: 200, headers: {}, body: ok('1') };
      },
    };
    const controller = new AbortController();
    await openPrometheus(
      { http: client, clock: systemClock },
      endpoint('https://prom.test:9090/prefix/', { insecureSkipVerify: true, caPem: 'PEM' }),
    ).measure(query('up'), controller.signal);
    expect(sent).toEqual([
      {
        method: 'GET',
        url: 'https://prom.test:9090/prefix/api/v1/query?query=up',
        headers: { accept: 'application/json' },
        timeoutMs: 5_000,
        insecureTls: true,
        caPem: 'PEM',
        redirectsMax: 3,
        signal: controller.signal,
        purpose: 'metrics',
      },
    ]);
  });

  test.each<[string, Partial<MetricEndpoint>, Record<string, string>]>([
    [
      'basic',
      { credentials: { username: 'alice', password: 's3:cret' } },
      { authorization: `Basic ${Buffer.from('alice:s3:cret').toString('base64')}` },
    ],
    ['bearer', { credentials: { token: 'tok3n\n' } }, { authorization: 'Bearer tok3n' }],
    [
      'bearer before basic',
      { credentials: { token: 'tok3n', username: 'a', password: 'b' } },
      { authorization: 'Bearer tok3n' },
    ],
    [
      'headers of the template',
      { headers: { 'X-Scope-OrgID': ['team-a', 'team-b'], 'x-one': ['1'] } },
      { 'x-scope-orgid': 'team-a, team-b', 'x-one': '1' },
    ],
  ])('authenticates: %s', async (_, more, headers) => {
    const server = await aPrometheus();
    const source = openPrometheus({ http: http(), clock: systemClock }, endpoint(server.url, more));
    for (let call = 0; call < 2; call += 1) await source.measure(query('up'), never);
    // The second request carries no more than the first: headers do not pile up.
    for (const request of server.requests) expect(request.headers).toMatchObject(headers);
    expect(server.requests).toHaveLength(2);
  });

  test('TLS: trusts the authority given, or none when told so', async () => {
    const pem = await generate([{ name: 'commonName', value: 'prometheus' }], {
      keySize: 2048,
      extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }],
    });
    const server = await running(
      serveSecure({ key: pem.private, cert: pem.cert }, (_, response) => void response.end(ok('7'))),
    );
    const ports = { http: http(), clock: systemClock };
    expect(await openPrometheus(ports, endpoint(server.url, { caPem: pem.cert })).measure(query('up'), never)).toEqual({
      kind: 'value',
      value: 7,
    });
    expect(
      await openPrometheus(ports, endpoint(server.url, { insecureSkipVerify: true })).measure(query('up'), never),
    ).toEqual({ kind: 'value', value: 7 });
    expect(await openPrometheus(ports, endpoint(server.url)).measure(query('up'), never)).toMatchObject({
      kind: 'error',
      detail: expect.stringMatching(/self-signed/),
    });
  });

  test.each<[number, string, string]>([
    [
      400,
      JSON.stringify({ status: 'error', errorType: 'bad_data', error: 'invalid parameter "query": 1:5: parse error' }),
      'Prometheus answered 400: bad_data, invalid parameter "query": 1:5: parse error',
    ],
    [
      422,
      JSON.stringify({ status: 'error', errorType: 'execution', error: 'found duplicate series' }),
      'Prometheus answered 422: execution, found duplicate series',
    ],
    [401, 'secret page', 'Prometheus answered 401: check the credentials'],
    [404, '<html>secret page</html>', 'Prometheus answered 404'],
    [503, '{"secret":"page"}', 'Prometheus answered 503: the answer says neither success nor error'],
    [204, '', 'Prometheus answered 204'],
    [206, ok('1'), 'Prometheus answered 206: the answer says neither success nor error'],
  ])('%i is an error, and only words of Prometheus are repeated', async (status, body, detail) => {
    const server = await aPrometheus(body, status);
    expect(
      await openPrometheus({ http: http(), clock: systemClock }, endpoint(server.url)).measure(query('up'), never),
    ).toEqual({ kind: 'error', detail });
  });

  test('what a server echoes of our secrets is removed', async () => {
    const echo = {
      status: 'error',
      errorType: 'bad_data',
      error: `got Bearer tok3n-value, ${Buffer.from('alice:passw0rd').toString('base64')} passw0rd and h34der-value`,
    };
    const server = await aPrometheus(JSON.stringify(echo), 400);
    const headers = { 'x-key': ['h34der-value'] };
    for (const credentials of [{ token: 'tok3n-value' }, { username: 'alice', password: 'passw0rd' }]) {
      const sample = await openPrometheus(
        { http: http(), clock: systemClock },
        endpoint(server.url, { headers, credentials }),
      ).measure(query('up'), never);
      for (const secret of Object.values(credentials).filter((text) => text !== 'alice'))
        expect(JSON.stringify(sample)).not.toContain(secret);
      expect(JSON.stringify(sample)).not.toContain('h34der-value');
    }
  });

  test('an address that cannot be used is an error that says so', async () => {
    const ports = { http: createHttpClient({ clock: systemClock, allowLoopback: false }), clock: systemClock };
    expect(await openPrometheus(ports, endpoint('http://169.254.169.254')).measure(query('up'), never)).toMatchObject({
      kind: 'error',
      detail: expect.stringMatching(/IO_FORBIDDEN_ADDRESS/),
    });
    expect(await openPrometheus(ports, endpoint('')).measure(query('up'), never)).toMatchObject({ kind: 'error' });
  });

  test('an aborted question is an error, not a throw', async () => {
    const server = await aPrometheus();
    const controller = new AbortController();
    controller.abort();
    expect(
      await openPrometheus({ http: http(), clock: systemClock }, endpoint(server.url)).measure(
        query('up'),
        controller.signal,
      ),
    ).toMatchObject({ kind: 'error', detail: expect.stringMatching(/cancelled/) });
  });
});

describe('built-in queries', () => {
  test('success rate in percent, nothing without traffic', () => {
    const labels = 'reporter="destination",destination_workload_namespace="shop",destination_workload=~"web"';
    expect(successRateQuery(istio, 60_000, subject)).toBe(
      `100 * (1 - (sum(rate(istio_requests_total{${labels},response_code=~"5.*"}[1m])) or vector(0)) / (sum(rate(istio_requests_total{${labels}}[1m])) > 0))`,
    );
  });

  test('duration in milliseconds, labels escaped', () => {
    expect(durationQuery(istio, 90_000, subject)).toBe(
      '1000 * histogram_quantile(0.99, sum by (le) (rate(app_latency_seconds_bucket{svc!="a\\"b\\\\c"}[90s])))',
    );
    const inMs = { ...istio, latency: { metric: 'latency_ms_bucket', labels: [], unit: 'ms' as const } };
    expect(durationQuery(inMs, 90_000, subject)).toBe(
      'histogram_quantile(0.99, sum by (le) (rate(latency_ms_bucket{}[90s])))',
    );
  });

  test('are what is asked on the wire', async () => {
    const server = await aPrometheus();
    const source = openPrometheus({ http: http(), clock: systemClock }, endpoint(server.url));
    for (const metric of ['request-success-rate', 'request-duration'] as const)
      await source.measure({ ...query(''), what: { kind: 'builtin', metric, traffic: istio } }, never);
    const asked = server.requests.map((request) => new URL(request.url ?? '', server.url).searchParams.get('query'));
    expect(asked).toEqual([successRateQuery(istio, 60_000, subject), durationQuery(istio, 60_000, subject)]);
  });

  test('durations and strings as PromQL writes them', () => {
    expect([500, 1_000, 90_000, 60_000, 300_000, 7_200_000, 5_400_000, 1_500, 0].map(promDuration)).toEqual([
      '500ms',
      '1s',
      '90s',
      '1m',
      '5m',
      '2h',
      '90m',
      '1500ms',
      '1ms',
    ]);
    expect(quotePromString('a"b\\c\nd')).toBe('"a\\"b\\\\c\\nd"');
  });
});

describe('providers', () => {
  test('only supported types open; others say what is', () => {
    const ports = { http: http(), clock: systemClock };
    expect(openMetricSource(ports, 'prometheus', endpoint('http://prom'))).toHaveProperty('measure');
    for (const { type, isSupported } of KNOWN_METRIC_PROVIDERS) {
      if (!isSupported) expect(() => openMetricSource(ports, type, endpoint('http://prom'))).toThrow(UnsupportedError);
    }
    expect(() => openMetricSource(ports, 'datadog', endpoint('http://prom'))).toThrow(
      'Cannot use metric provider "datadog": not supported yet, must be one of prometheus',
    );
    expect(() => openMetricSource(ports, 'promql', endpoint('http://prom'))).toThrow(InvalidSpecError);
    expect(() => openMetricSource(ports, 'promql', endpoint('http://prom'))).toThrow(
      'Cannot use metric provider "promql": unknown, must be one of prometheus',
    );
    expect(KNOWN_METRIC_PROVIDERS).toHaveLength(11);
  });

  test('credentials come from the keys that Flagger reads', () => {
    expect(readMetricCredentials('prometheus', { token: 't', username: 'u' })).toEqual({ token: 't' });
    expect(readMetricCredentials('prometheus', { username: 'u', password: 'p' })).toEqual({
      username: 'u',
      password: 'p',
    });
    expect(() => readMetricCredentials('prometheus', { username: 'u', passwort: 's3cret' })).toThrow(
      /must hold token, or username and password$/,
    );
  });

  test('queries of flagger.app may hold pieces of queries in variables, those of serin.dev may not', () => {
    const variables = { selector: 'app="web"' };
    expect(
      renderMetricQuery(
        'x{{ "{" }}{{ variables.selector }}}',
        { ...subject, key: 'flagger.app/shop/web' },
        '1m',
        variables,
      ),
    ).toBe('x{app="web"}');
    expect(() => renderMetricQuery('x{{ "{" }}{{ variables.selector }}}', subject, '1m', variables)).toThrow(
      /stands outside quotes/,
    );
  });
});
