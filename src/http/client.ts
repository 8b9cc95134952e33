// The one hardened HTTP client: every outgoing call that is not the API server's, guarded, bounded in time and size.
import type { IncomingMessage } from 'node:http';
import axios, { type AxiosInstance, type AxiosRequestConfig, type AxiosResponse } from 'axios';
import type { RefusedError } from '../errors.ts';
import type { Log } from '../telemetry/contract.ts';
import type { Clock } from '../util/clock.ts';
import { AgentPools, createPair, createTunnelAgent, credentialsOf, type Trust } from './agents.ts';
import type { HttpClient, HttpRequest, HttpResponse } from './contract.ts';
import { cancelled, describeFailure, timedOut, tooLarge } from './failures.ts';
import { createUrlGuard, hostnameOf, refuse, type GuardOptions, type UrlGuard } from './guard.ts';
import { createLookupMaker, systemResolve, type LookupMaker, type ResolveName } from './lookup.ts';

/** What one call came to, for metrics. */
export interface RequestOutcome {
  readonly purpose: string;
  /** Status of the answer, or the code of the error. */
  readonly outcome: number | string;
  readonly durationMs: number;
}

export interface HttpClientOptions extends GuardOptions {
  readonly clock: Clock;
  readonly log?: Log;
  /** Called once for each call, after it ended. */
  readonly onRequest?: (outcome: RequestOutcome) => void;
  /** Resolves names; the system's resolver by default. */
  readonly resolve?: ResolveName;
}

/** A client that holds connections. */
export interface ClosableHttpClient extends HttpClient {
  /** Closes kept connections; calls under way fail. */
  close(): void;
}

const BYTES_MAX_DEFAULT = 1_048_576;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** Headers that belong to the connection, and would let a resource reshape the request. */
const FORBIDDEN_HEADERS =
  /^(connection|content-length|expect|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade)$/i;

/** Makes the client. Proxies of the environment are not used; a proxy is used only where a request names one. */
export function createHttpClient(options: HttpClientOptions): ClosableHttpClient {
  return new HardenedClient(options);
}

class HardenedClient implements ClosableHttpClient {
  readonly #options: HttpClientOptions;
  readonly #guard: UrlGuard;
  readonly #lookups: LookupMaker;
  readonly #pools = new AgentPools();
  readonly #axios: AxiosInstance;

  constructor(options: HttpClientOptions) {
    this.#options = options;
    this.#guard = createUrlGuard(options);
    this.#lookups = createLookupMaker(this.#guard, options.resolve ?? systemResolve, options.clock);
    this.#axios = axios.create({
      adapter: 'http',
      proxy: false,
      maxRedirects: 0,
      responseType: 'stream',
      transformRequest: [],
      transformResponse: [],
      validateStatus: () => true,
    });
  }

  close(): void {
    this.#pools.close();
  }

  async send(request: HttpRequest): Promise<HttpResponse> {
    const startedMs = this.#options.clock.monotonicMs();
    let host = 'unknown';
    let outcome: number | string = 'UNKNOWN';
    try {
      const url = this.#guard.check(request.url, request.purpose);
      host = url.host;
      const response = await this.#withinDeadline(request, host, (signal) => this.#follow(url, request, signal));
      outcome = response.status;
      return response;
    } catch (error) {
      const failure = describeFailure(error, host, request.purpose);
      outcome = failure.code;
      throw failure;
    } finally {
      const durationMs = this.#options.clock.monotonicMs() - startedMs;
      this.#options.onRequest?.({ purpose: request.purpose, outcome, durationMs });
      this.#options.log?.debug('HTTP call ended', { purpose: request.purpose, host, outcome, durationMs });
    }
  }

  /** Runs `work` until it ends, the deadline passes or the caller gives up; whatever `work` still does then is ignored. */
  async #withinDeadline<T>(request: HttpRequest, host: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const controller = new AbortController();
    const { promise: ended, reject } = Promise.withResolvers<never>();
    const stop = (error: Error): void => {
      reject(error);
      controller.abort();
    };
    const onAbort = (): void => stop(cancelled(host, request.purpose));
    if (request.signal?.aborted === true) throw cancelled(host, request.purpose);
    request.signal?.addEventListener('abort', onAbort, { once: true });
    const cancelTimer = this.#options.clock.setTimer(request.timeoutMs, () =>
      stop(timedOut(host, request.purpose, request.timeoutMs)),
    );
    try {
      return await Promise.race([work(controller.signal), ended]);
    } finally {
      cancelTimer();
      request.signal?.removeEventListener('abort', onAbort);
      // Ends what a call that failed half-way left open.
      controller.abort();
    }
  }

  async #follow(start: URL, request: HttpRequest, signal: AbortSignal): Promise<HttpResponse> {
    let url = start;
    let { method, body } = request;
    for (let hops = 0; ; hops += 1) {
      const response = await this.#exchangeAgain(url, { ...request, method, body }, signal);
      const location = response.headers['location'];
      if (!REDIRECTS.has(response.status) || location === undefined) return response;
      const next = URL.canParse(location, url) ? new URL(location, url) : null;
      if (next === null || next.protocol !== url.protocol || next.host !== url.host) {
        throw refuse(
          url.host,
          request.purpose,
          `the redirect (${response.status}) leads to another host, scheme or port`,
        );
      }
      const redirectsMax = request.redirectsMax ?? 0;
      if (redirectsMax === 0) return response;
      if (hops >= redirectsMax) throw refuse(url.host, request.purpose, `more than ${redirectsMax} redirects`);
      // As every client does: 307 and 308 keep method and body, the others become GET (RFC 9110 §15.4).
      if (response.status < 307 && method !== 'GET') [method, body] = ['GET', undefined];
      next.username = url.username;
      next.password = url.password;
      url = next;
    }
  }

  /** A GET that met a kept connection which the server was just closing is sent once more. */
  async #exchangeAgain(url: URL, request: Exchange, signal: AbortSignal): Promise<HttpResponse> {
    try {
      return await this.#exchange(url, request, signal);
    } catch (error) {
      if (request.method !== 'GET' || signal.aborted || !isStaleSocket(error)) throw error;
      return await this.#exchange(url, request, signal);
    }
  }

  async #exchange(url: URL, request: Exchange, signal: AbortSignal): Promise<HttpResponse> {
    await this.#lookups.checkLiteral(url, request.purpose);
    let refusal: RefusedError | null = null;
    const onRefusal = (error: RefusedError): void => {
      refusal = error;
    };
    const route = await this.#routeOf(url, request, signal, onRefusal);
    const bytesMax = request.bytesMax ?? BYTES_MAX_DEFAULT;
    try {
      const response: AxiosResponse<IncomingMessage> = await this.#axios.request({
        url: url.href,
        method: request.method,
        headers: headersOf(request, url),
        ...(request.body === undefined ? {} : { data: Buffer.from(request.body, 'utf8') }),
        signal,
        ...route,
      });
      return {
        status: response.status,
        headers: flatten(response.headers),
        body: await readBody(response.data, bytesMax, url.host, request.purpose),
      };
    } catch (error) {
      throw refusal ?? error;
    }
  }

  /** Agents, lookup and proxy of one exchange. */
  async #routeOf(
    url: URL,
    request: Exchange,
    signal: AbortSignal,
    onRefusal: (error: RefusedError) => void,
  ): Promise<AxiosRequestConfig> {
    const trust: Trust = { isInsecure: request.insecureTls === true, caPem: request.caPem ?? null };
    if (request.proxyUrl === undefined) {
      const agents = request.method === 'GET' ? this.#pools.keptFor(trust) : createPair(trust);
      return {
        httpAgent: agents.http,
        httpsAgent: agents.https,
        lookup: this.#lookups.lookupFor(url, request.purpose, onRefusal) as never,
      };
    }
    const proxy = this.#guard.check(request.proxyUrl, `the proxy of ${request.purpose}`);
    await this.#lookups.checkLiteral(proxy, request.purpose);
    const lookup = this.#lookups.lookupFor(proxy, request.purpose, onRefusal);
    if (url.protocol === 'https:') return { httpsAgent: createTunnelAgent(proxy, lookup, trust, signal) };
    const agents = createPair(trust);
    return {
      httpAgent: agents.http,
      httpsAgent: agents.https,
      lookup: lookup as never,
      proxy: {
        protocol: proxy.protocol,
        host: hostnameOf(proxy),
        port: Number(proxy.port) || (proxy.protocol === 'https:' ? 443 : 80),
        ...(proxy.username === '' ? {} : { auth: credentialsOf(proxy) }),
      },
    };
  }
}

/** A request whose body may have been dropped on the way. */
type Exchange = Omit<HttpRequest, 'body'> & { readonly body: string | undefined };

function isStaleSocket(error: unknown): boolean {
  if (!axios.isAxiosError(error) || error.response !== undefined) return false;
  const { reusedSocket } = (error.request ?? {}) as { reusedSocket?: boolean };
  return reusedSocket === true && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
}

function headersOf(request: Exchange, url: URL): Record<string, string> {
  const headers: Record<string, string> = { 'user-agent': 'serin', accept: '*/*', 'accept-encoding': 'gzip' };
  for (const [name, value] of Object.entries(request.headers ?? {})) {
    if (!/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(name))
      throw refuse(url.host, request.purpose, 'a header has a name that is not allowed');
    if (FORBIDDEN_HEADERS.test(name)) throw refuse(url.host, request.purpose, `the header "${name}" is not allowed`);
    if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value))
      throw refuse(url.host, request.purpose, `the header "${name}" holds characters that are not allowed`);
    headers[name.toLowerCase()] = value;
  }
  return headers;
}

function flatten(headers: AxiosResponse['headers']): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && value !== null)
      flat[name.toLowerCase()] = Array.isArray(value) ? value.join(', ') : String(value);
  }
  return flat;
}

async function readBody(stream: IncomingMessage, bytesMax: number, host: string, purpose: string): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    // Leaving the loop destroys the stream, and with it the connection.
    if (bytes > bytesMax) throw tooLarge(host, purpose, bytesMax);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
