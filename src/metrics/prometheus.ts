// Prometheus as a source: prometheus-query builds the requests, the hardened client sends them, one strict parser reads them.
import { PrometheusDriver, type PrometheusConnectionOptions } from 'prometheus-query';
import type { Sample } from '../core/analysis/verdict.ts';
import { InvalidSpecError, messageOf } from '../errors.ts';
import type { HttpClient, HttpRequest, HttpResponse } from '../http/contract.ts';
import type { Clock } from '../util/clock.ts';
import type { MetricEndpoint, MetricQuestion, MetricSource } from './contract.ts';
import { durationQuery, successRateQuery } from './promql.ts';
import { describeQueryError, readInstantQuery } from './samples.ts';

/** Limit of one query in milliseconds, as Flagger has it. */
const QUERY_TIMEOUT_MS = 5_000;

export interface PrometheusPorts {
  readonly http: HttpClient;
  readonly clock: Clock;
}

/** What prometheus-query's own axios hands to an adapter. */
type DriverRequest = Parameters<NonNullable<PrometheusConnectionOptions['requestInterceptor']>['onFulfilled']>[0];

/** Makes a source for one Prometheus, or anything that speaks its query API. It holds no connection: the client pools them. */
export function openPrometheus(ports: PrometheusPorts, endpoint: MetricEndpoint): MetricSource {
  const redact = createRedactor(endpoint);
  return {
    async measure(question, signal) {
      let response: HttpResponse;
      try {
        response = await queryOnce(ports.http, endpoint, queryOf(question), signal);
      } catch (error) {
        return { kind: 'error', detail: redact(messageOf(error)) };
      }
      const sample = readResponse(response, ports.clock.nowMs());
      return sample.kind === 'value' ? sample : { ...sample, detail: redact(sample.detail) };
    },
  };
}

function queryOf({ what, windowMs, subject }: MetricQuestion): string {
  if (what.kind === 'query') return what.query.replace(/\s+/g, ' ').trim();
  return what.metric === 'request-success-rate'
    ? successRateQuery(what.traffic, windowMs, subject)
    : durationQuery(what.traffic, windowMs, subject);
}

function readResponse({ status, body }: HttpResponse, nowMs: number): Sample {
  if (status === 200) return readInstantQuery(body, nowMs);
  const base = `Prometheus answered ${status}`;
  if (status === 401 || status === 403) return { kind: 'error', detail: `${base}: check the credentials` };
  try {
    return { kind: 'error', detail: `${base}: ${describeQueryError(JSON.parse(body))}` };
  } catch {
    return { kind: 'error', detail: base };
  }
}

/**
 * Sends one instant query. prometheus-query has an axios of its own and reads numbers with parseFloat, so the request
 * leaves through an adapter that is installed on it, the raw answer is kept aside, and the package is given a harmless one.
 */
async function queryOnce(
  http: HttpClient,
  endpoint: MetricEndpoint,
  query: string,
  signal: AbortSignal,
): Promise<HttpResponse> {
  let sent: Promise<HttpResponse> | null = null;
  const driver = new PrometheusDriver({
    endpoint: endpoint.address,
    timeout: QUERY_TIMEOUT_MS,
    requestInterceptor: {
      onFulfilled: (request) => {
        request.adapter = async () => {
          sent = http.send(toHttpRequest(request, endpoint, signal));
          await sent;
          return {
            data: { status: 'success', data: { resultType: 'scalar', result: [] } },
            status: 200,
            statusText: 'OK',
            headers: {},
            config: request,
          };
        };
        return request;
      },
    },
  });
  try {
    await driver.instantQuery(query);
  } catch (error) {
    // The package wraps what the client threw; the original is what `sent` rejects with.
    if (sent === null) throw error instanceof Error ? error : new Error('the query could not be sent');
  }
  return await sent!;
}

function toHttpRequest(request: DriverRequest, endpoint: MetricEndpoint, signal: AbortSignal): HttpRequest {
  const query = new URLSearchParams(request.params as URLSearchParams);
  // Without a time the server evaluates at its own now, as Flagger lets it; ours may differ.
  query.delete('time');
  return {
    method: 'GET',
    url: `${(request.baseURL ?? '').replace(/\/$/, '')}/${request.url ?? ''}?${query.toString()}`,
    headers: headersOf(endpoint),
    timeoutMs: QUERY_TIMEOUT_MS,
    insecureTls: endpoint.insecureSkipVerify,
    ...(endpoint.caPem === undefined ? {} : { caPem: endpoint.caPem }),
    redirectsMax: 3,
    signal,
    purpose: 'metrics',
  };
}

function headersOf(endpoint: MetricEndpoint): Record<string, string> {
  const headers: Record<string, string> = { accept: 'application/json' };
  for (const [name, values] of Object.entries(endpoint.headers)) headers[name.toLowerCase()] = values.join(', ');
  const { token, username, password } = endpoint.credentials ?? {};
  if (token !== undefined) headers['authorization'] = `Bearer ${token.trim()}`;
  else if (username !== undefined && password !== undefined)
    headers['authorization'] = `Basic ${Buffer.from(`${username}:${password}`, 'utf8').toString('base64')}`;
  return headers;
}

/** Removes everything secret that a server might echo. */
function createRedactor(endpoint: MetricEndpoint): (text: string) => string {
  const { token, password } = endpoint.credentials ?? {};
  const credentials = [token, token?.trim(), password, headersOf(endpoint)['authorization']?.split(' ')[1]];
  // Shorter header values are names and numbers, whose removal would only spoil the text.
  const headers = Object.values(endpoint.headers)
    .flat()
    .filter((value) => value.length >= 8);
  const secrets = [...credentials, ...headers].filter(
    (secret) => secret !== undefined && secret.length >= 4,
  ) as string[];
  secrets.sort((a, b) => b.length - a.length);
  return (text) => secrets.reduce((redacted, secret) => redacted.replaceAll(secret, '[redacted]'), text);
}

/**
 * Credentials from a Secret's decoded data: `token`, else `username` and `password`. Throws InvalidSpecError naming the
 * keys it needs, never a value.
 */
export function prometheusCredentials(
  secret: Readonly<Record<string, string>>,
): NonNullable<MetricEndpoint['credentials']> {
  const [token, username, password] = ['token', 'username', 'password'].map((key) =>
    Object.hasOwn(secret, key) ? secret[key] : undefined,
  );
  if (token !== undefined) return { token };
  if (username !== undefined && password !== undefined) return { username, password };
  throw new InvalidSpecError(
    'SPEC_METRIC_SECRET',
    'spec.provider.secretRef',
    'Cannot read the credentials for prometheus: the Secret must hold token, or username and password',
  );
}
