// The transport over real sockets: undici over HTTP/1.1 with kept connections, watches apart from requests.
import { Agent, ProxyAgent } from 'undici';
import type { Dispatcher } from 'undici';
import { UnsupportedError } from '../errors.ts';
import { sameJson } from '../util/json.ts';
import type { KubeTransport, TransportRequest, TransportResponse } from './transport.ts';

/** How TLS is spoken with the cluster. Certificates and keys are PEM. */
export interface TlsSettings {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly serverName?: string;
  /** True skips the verification of the server's certificate. */
  readonly isInsecure?: boolean;
}

/** Where the cluster is. */
export interface UndiciTransportOptions {
  /** Base URL; a path in it (as behind Rancher) is kept. */
  readonly server: string;
  readonly tls?: TlsSettings;
  /** HTTP proxy of the kubeconfig's cluster entry. */
  readonly proxyUrl?: string;
  /** Sockets for requests; watches have their own, one each. 64 by default. */
  readonly socketsMax?: number;
}

/** The transport, with the way to change certificates while it runs. */
export interface UndiciTransport extends KubeTransport {
  /** Takes other TLS settings for new connections; what is under way ends on the old ones. Nothing happens when they are the same. */
  useTls(tls: TlsSettings): void;
}

const CONNECT_LIMIT_MS = 5_000;
// Shorter than the API server's 90 s, so that we are the ones who close an idle connection and no write races with its end.
const IDLE_LIMIT_MS = 55_000;
const TCP_KEEP_ALIVE_MS = 30_000;
const SOCKETS_MAX = 64;

/** Makes the transport of one cluster; connects on the first request. Throws UnsupportedError for a proxy that is not HTTP. */
export function createUndiciTransport(options: UndiciTransportOptions): UndiciTransport {
  const { origin, pathname } = new URL(options.server);
  const prefix = pathname.replace(/\/+$/, '');
  let tls = options.tls ?? {};
  let pools = openPools(options, tls);
  return {
    useTls(next) {
      if (next === tls || sameJson(next, tls)) return;
      tls = next;
      const old = pools;
      pools = openPools(options, tls);
      for (const pool of Object.values(old)) pool.close().catch(() => undefined);
    },
    request: (request) => send(request.isStream ? pools.streams : pools.requests, origin, prefix, request),
    async close() {
      await Promise.all(Object.values(pools).map((pool) => pool.destroy()));
    },
  };
}

interface Pools {
  readonly requests: Dispatcher;
  readonly streams: Dispatcher;
}

function openPools(options: UndiciTransportOptions, tls: TlsSettings): Pools {
  return {
    requests: openPool(options, tls, options.socketsMax ?? SOCKETS_MAX),
    streams: openPool(options, tls, null),
  };
}

function openPool(options: UndiciTransportOptions, tls: TlsSettings, connections: number | null): Dispatcher {
  const tlsOptions = {
    ...(tls.ca === undefined ? {} : { ca: tls.ca }),
    ...(tls.cert === undefined ? {} : { cert: tls.cert }),
    ...(tls.key === undefined ? {} : { key: tls.key }),
    ...(tls.serverName === undefined ? {} : { servername: tls.serverName }),
    ...(tls.isInsecure ? { rejectUnauthorized: false } : {}),
  };
  const shared = {
    connections,
    // One HTTP/2 connection would carry everything, and its end would fail all that is under way (reliability.md C17).
    allowH2: false,
    pipelining: 1,
    keepAliveTimeout: IDLE_LIMIT_MS,
    keepAliveMaxTimeout: IDLE_LIMIT_MS,
    // Time limits live above, on the injected clock.
    headersTimeout: 0,
    bodyTimeout: 0,
  };
  const connect = { timeout: CONNECT_LIMIT_MS, keepAlive: true, keepAliveInitialDelay: TCP_KEEP_ALIVE_MS };
  if (options.proxyUrl === undefined) return new Agent({ ...shared, connect: { ...connect, ...tlsOptions } });
  const { protocol } = new URL(options.proxyUrl);
  if (protocol !== 'http:' && protocol !== 'https:') {
    throw new UnsupportedError(
      'CAPABILITY_PROXY',
      `Cannot reach the API server through a proxy of type "${protocol}", must be http: or https:`,
    );
  }
  return new ProxyAgent({ ...shared, uri: options.proxyUrl, requestTls: { ...connect, ...tlsOptions } });
}

async function send(
  pool: Dispatcher,
  origin: string,
  prefix: string,
  request: TransportRequest,
): Promise<TransportResponse> {
  const answer = await pool.request({
    origin,
    path: prefix + request.path,
    method: request.method,
    headers: request.headers,
    body: request.body ?? null,
    signal: request.signal,
  });
  // An abort between two reads is an 'error' event, which without a listener would end the process.
  answer.body.on('error', () => undefined);
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(answer.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return { status: answer.statusCode, headers, body: answer.body as AsyncIterable<Uint8Array> };
}
