// The HTTP/2 side of the data plane, for gRPC: streams are passed on, message by message, trailers included.
import { connect, constants, createServer } from 'node:http2';
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { Forward } from './choose.ts';
import { changeHeaders, chooseWay, rewritePath } from './choose.ts';
import type { Proxy, ProxyOptions } from './http-proxy.ts';
import { listenOnLoopback } from './listen.ts';
import type { RequestFacts } from './table.ts';
import { parseHost } from './table.ts';
import type { Endpoint, Snapshot } from './view.ts';

const UNIMPLEMENTED = 12;
const UNAVAILABLE = 14;
const ATTEMPTS_MAX = 3;

type Sessions = Map<string, ClientHttp2Session>;

/** Starts the proxy on 127.0.0.1, for clients that speak HTTP/2 without TLS from the first byte, as gRPC's do. */
export async function startGrpcProxy(options: ProxyOptions): Promise<Proxy> {
  const sessions: Sessions = new Map();
  const incoming = new Set<{ destroy(): void }>();
  const stopView = options.view.onChange((snapshot) => dropSessions(sessions, snapshot));
  const server = createServer();
  server.on('session', (session) => {
    incoming.add(session);
    session.on('close', () => incoming.delete(session));
    session.on('error', () => undefined);
  });
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) =>
    handle(options, sessions, stream, headers),
  );
  const port = await listenOnLoopback(server);
  return {
    port,
    stop: () =>
      new Promise((resolve) => {
        stopView();
        for (const session of sessions.values()) session.destroy();
        server.close(() => resolve());
        for (const session of incoming) session.destroy();
      }),
  };
}

/** A session to a pod that left the endpoints takes no new stream and ends with its last one. */
function dropSessions(sessions: Sessions, { addresses }: Snapshot): void {
  for (const [address, session] of sessions) {
    if (addresses.has(address)) continue;
    sessions.delete(address);
    session.close();
  }
}

function handle(
  options: ProxyOptions,
  sessions: Sessions,
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
): void {
  const startMs = options.clock.monotonicMs();
  const facts = factsOf(headers, options.namespace);
  stream.on('error', () => undefined);
  const way = chooseWay(options.view.snapshot(), options.via, facts, options.random);
  const note = (pod: string | null, grpcStatus: number): void =>
    options.counts.note({
      host: facts.host.text,
      service: way.kind === 'refuse' ? way.service : (way.backend.service?.name ?? null),
      pod,
      status: 200,
      grpcStatus,
      durationMs: options.clock.monotonicMs() - startMs,
    });
  if (way.kind === 'refuse') {
    const code = way.status === 404 ? UNIMPLEMENTED : UNAVAILABLE;
    refuse(stream, code, way.reason);
    return note(null, code);
  }
  new Exchange(sessions, stream, headers, way, note).begin();
}

function factsOf(headers: IncomingHttpHeaders, namespace: string): RequestFacts {
  const url = new URL(headers[':path'] ?? '/', 'http://proxy');
  const plain = Object.entries(headers).filter(([name]) => !name.startsWith(':'));
  return {
    host: parseHost(headers[':authority'] ?? headers['host'] ?? '', namespace),
    method: headers[':method'] ?? 'POST',
    path: url.pathname,
    query: url.searchParams,
    headers: Object.fromEntries(plain.map(([name, value]) => [name, String(value)])),
  };
}

/** An answer without messages: headers that are trailers at once. */
function refuse(stream: ServerHttp2Stream, code: number, message: string): void {
  if (stream.destroyed || stream.headersSent) return;
  const status = { 'grpc-status': String(code), 'grpc-message': encodeURIComponent(message) };
  stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...status }, { endStream: true });
}

/** One call on its way: holds what was sent until a pod answers, so that another pod can be tried. */
class Exchange {
  readonly #sessions: Sessions;
  readonly #stream: ServerHttp2Stream;
  readonly #headers: IncomingHttpHeaders;
  readonly #way: Forward;
  readonly #note: (pod: string | null, grpcStatus: number) => void;
  readonly #sent: Buffer[] = [];
  #isEnded = false;
  #upstream: ClientHttp2Stream | null = null;
  #attempt = 0;
  #isNoted = false;

  constructor(
    sessions: Sessions,
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    way: Forward,
    note: (pod: string | null, grpcStatus: number) => void,
  ) {
    this.#sessions = sessions;
    this.#stream = stream;
    this.#headers = headers;
    this.#way = way;
    this.#note = note;
  }

  begin(): void {
    this.#stream.on('data', (chunk: Buffer) => {
      this.#sent.push(chunk);
      this.#upstream?.write(chunk);
    });
    this.#stream.on('end', () => {
      this.#isEnded = true;
      this.#upstream?.end();
    });
    this.#stream.on('aborted', () => this.#upstream?.close(constants.NGHTTP2_CANCEL));
    this.#try();
  }

  #try(): void {
    const endpoint = this.#way.endpoints[this.#attempt % this.#way.endpoints.length];
    if (endpoint === undefined || this.#attempt >= ATTEMPTS_MAX) return this.#fail(endpoint?.pod ?? null);
    this.#attempt += 1;
    const upstream = this.#open(endpoint);
    if (upstream === null) return this.#try();
    this.#upstream = upstream;
    let hasAnswered = false;
    upstream.on('response', (headers, flags) => {
      hasAnswered = true;
      this.#answer(upstream, endpoint, headers, (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0);
    });
    upstream.on('error', () => undefined);
    upstream.on('close', () => {
      // The pod was going away and refused the stream: it has seen nothing.
      if (!hasAnswered && !this.#stream.destroyed) this.#try();
    });
    for (const chunk of this.#sent) upstream.write(chunk);
    if (this.#isEnded) upstream.end();
  }

  #open(endpoint: Endpoint): ClientHttp2Stream | null {
    const changes = [this.#way.rule?.headers.request, this.#way.backend.headers.request];
    const headers = changeHeaders(this.#headers, ...changes.filter((change) => change !== undefined));
    const path = rewritePath(this.#way.rule, this.#headers[':path'] ?? '/');
    try {
      return sessionTo(this.#sessions, endpoint).request({ ...headers, ':path': path });
    } catch {
      this.#sessions.delete(`${endpoint.ip}:${endpoint.port}`);
      return null;
    }
  }

  #answer(upstream: ClientHttp2Stream, endpoint: Endpoint, headers: IncomingHttpHeaders, isWhole: boolean): void {
    if (this.#stream.destroyed) return;
    const changes = [this.#way.rule?.headers.response, this.#way.backend.headers.response];
    const next = {
      ...changeHeaders(headers, ...changes.filter((change) => change !== undefined)),
      'x-serin-backend': this.#way.backend.service?.name ?? '',
    };
    if (isWhole) {
      this.#stream.respond(next, { endStream: true });
      return this.#once(endpoint.pod, Number(headers['grpc-status'] ?? 2));
    }
    let trailers: IncomingHttpHeaders = {};
    upstream.on('trailers', (received) => {
      trailers = received;
    });
    this.#stream.respond(next, { waitForTrailers: true });
    this.#stream.on('wantTrailers', () => {
      this.#stream.sendTrailers({ ...trailers });
      this.#once(endpoint.pod, Number(trailers['grpc-status'] ?? 2));
    });
    upstream.pipe(this.#stream);
    upstream.on('close', () => {
      if (upstream.rstCode !== constants.NGHTTP2_NO_ERROR) {
        this.#stream.close(upstream.rstCode);
        this.#once(endpoint.pod, UNAVAILABLE);
      }
    });
  }

  #fail(pod: string | null): void {
    refuse(this.#stream, UNAVAILABLE, 'upstream connect error');
    this.#once(pod, UNAVAILABLE);
  }

  #once(pod: string | null, grpcStatus: number): void {
    if (this.#isNoted) return;
    this.#isNoted = true;
    this.#note(pod, grpcStatus);
  }
}

function sessionTo(sessions: Sessions, endpoint: Endpoint): ClientHttp2Session {
  const address = `${endpoint.ip}:${endpoint.port}`;
  const held = sessions.get(address);
  if (held !== undefined && !held.closed && !held.destroyed) return held;
  const session = connect(`http://${address}`);
  const forget = (): void => {
    if (sessions.get(address) === session) sessions.delete(address);
  };
  session.on('error', forget);
  session.on('close', forget);
  session.on('goaway', forget);
  sessions.set(address, session);
  return session;
}
