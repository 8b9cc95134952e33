// Connections of the hardened client: keep-alive pools per trust setting, and tunnels through a proxy.
import { Agent as HttpAgent, request as requestPlain } from 'node:http';
import { Agent as HttpsAgent, request as requestSecure } from 'node:https';
import type { LookupFunction } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls, getCACertificates } from 'node:tls';
import { hostnameOf, portOf } from './guard.ts';

/** Whom a TLS connection trusts. */
export interface Trust {
  readonly isInsecure: boolean;
  /** PEM of an authority besides the system's; null for none. */
  readonly caPem: string | null;
}

/** Both agents of one trust setting. */
export interface AgentPair {
  readonly http: HttpAgent;
  readonly https: HttpsAgent;
}

/** Sockets to one origin; further calls wait, within their deadline. */
const SOCKETS_PER_ORIGIN_MAX = 128;
/** An idle socket is closed after this long, in milliseconds. */
const IDLE_MS = 30_000;
/** Trust settings whose pools are kept; the one used least recently makes room. */
const POOLS_MAX = 64;

function tlsOptionsOf(trust: Trust): { rejectUnauthorized: boolean; ca?: string[] } {
  const ca = trust.caPem === null ? {} : { ca: [...getCACertificates('default'), trust.caPem] };
  return { rejectUnauthorized: !trust.isInsecure, ...ca };
}

/** Pools of kept connections, one pair for each trust setting, so that a connection that was not verified is never reused for a call that must be. */
export class AgentPools {
  readonly #pools = new Map<string, AgentPair>();

  /** The pools for GETs. */
  keptFor(trust: Trust): AgentPair {
    const key = JSON.stringify([trust.isInsecure, trust.caPem]);
    const kept = this.#pools.get(key);
    this.#pools.delete(key);
    const pair = kept ?? createPair(trust, true);
    this.#pools.set(key, pair);
    // The pool that falls out is not destroyed, for a call may be under way in it: its idle sockets close by themselves.
    for (const oldest of this.#pools.keys()) if (this.#pools.size > POOLS_MAX) this.#pools.delete(oldest);
    return pair;
  }

  close(): void {
    for (const { http, https } of this.#pools.values()) {
      http.destroy();
      https.destroy();
    }
    this.#pools.clear();
  }
}

/**
 * A new pair. Without `isKept` it serves one call on a connection of its own: what must not be repeated must not meet a
 * socket that the server is just closing.
 */
export function createPair(trust: Trust, isKept = false): AgentPair {
  // A finite maxSockets would make Node ask for keep-alive, so it is set for kept pools only.
  const pooling = isKept
    ? ({
        keepAlive: true,
        maxSockets: SOCKETS_PER_ORIGIN_MAX,
        // Checks of many Canaries come at once, an interval apart: what they opened serves the next ones.
        maxFreeSockets: SOCKETS_PER_ORIGIN_MAX,
        timeout: IDLE_MS,
        scheduling: 'lifo',
      } as const)
    : { keepAlive: false };
  return { http: new HttpAgent(pooling), https: new HttpsAgent({ ...pooling, ...tlsOptionsOf(trust) }) };
}

/** Makes an agent for one HTTPS call through `proxy` (CONNECT, RFC 9110 §9.3.6). The proxy sees host and port, nothing else. */
export function createTunnelAgent(proxy: URL, lookup: LookupFunction, trust: Trust, signal: AbortSignal): HttpsAgent {
  const agent = new HttpsAgent({ keepAlive: false, ...tlsOptionsOf(trust) });
  agent.createConnection = (options, callback) => {
    const host = options.host ?? '';
    openTunnel(
      proxy,
      `${host.includes(':') ? `[${host}]` : host}:${String(options.port ?? 443)}`,
      lookup,
      trust,
      signal,
    ).then(
      (socket) => {
        const servername =
          options.servername === undefined || options.servername === '' ? {} : { servername: options.servername };
        callback?.(
          null,
          connectTls({ socket, host, ...servername, ...tlsOptionsOf(trust), ALPNProtocols: ['http/1.1'] }),
        );
      },
      (error: Error) => callback?.(error, undefined as never),
    );
    return undefined;
  };
  return agent;
}

function openTunnel(
  proxy: URL,
  target: string,
  lookup: LookupFunction,
  trust: Trust,
  signal: AbortSignal,
): Promise<Duplex> {
  const { promise, resolve, reject } = Promise.withResolvers<Duplex>();
  const authorization = proxyAuthorizationOf(proxy);
  const send = proxy.protocol === 'https:' ? requestSecure : requestPlain;
  const request = send({
    method: 'CONNECT',
    host: hostnameOf(proxy),
    port: portOf(proxy),
    path: target,
    headers: { host: target, ...(authorization === null ? {} : { 'proxy-authorization': authorization }) },
    lookup,
    signal,
    agent: false,
    ...(proxy.protocol === 'https:' ? tlsOptionsOf(trust) : {}),
  });
  request.once('connect', (response, socket) => {
    if (response.statusCode !== undefined && response.statusCode >= 200 && response.statusCode < 300)
      return resolve(socket);
    socket.destroy();
    reject(Object.assign(new Error('the proxy refused'), { code: 'EPROXY', status: response.statusCode }));
  });
  // A proxy that answers CONNECT like a page: its body is of no interest.
  request.once('response', (response) => {
    response.destroy();
    reject(Object.assign(new Error('the proxy refused'), { code: 'EPROXY', status: response.statusCode }));
  });
  request.once('error', reject);
  request.end();
  return promise;
}

/** The credentials in a URL as they are meant; a part that is not percent-encoded, such as a lone `%`, is taken as it stands. */
export function credentialsOf({ username, password }: URL): { username: string; password: string } {
  return { username: decoded(username), password: decoded(password) };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The Basic credentials in a proxy's URL; null when it holds none. */
function proxyAuthorizationOf(proxy: URL): string | null {
  if (proxy.username === '' && proxy.password === '') return null;
  const { username, password } = credentialsOf(proxy);
  const text = `${username}:${password}`;
  return `Basic ${Buffer.from(text, 'utf8').toString('base64')}`;
}
