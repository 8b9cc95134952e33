// The HTTP/1.1 side of the data plane: a real proxy that keeps connections to pods and splits requests by the view.
import { Agent, createServer, request as startRequest } from 'node:http';
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Clock } from '../../util/clock.ts';
import type { Random } from '../../util/random.ts';
import type { Forward } from './choose.ts';
import { changeHeaders, chooseWay, rewritePath } from './choose.ts';
import type { Counts } from './counts.ts';
import { listenOnLoopback } from './listen.ts';
import type { Entrance, RequestFacts } from './table.ts';
import { parseHost } from './table.ts';
import type { Endpoint, Snapshot, View } from './view.ts';

export interface ProxyOptions {
  readonly view: View;
  readonly via: Entrance;
  readonly clock: Clock;
  readonly random: Random;
  readonly counts: Counts;
  /** The namespace of clients: where host names without dots are looked up. */
  readonly namespace: string;
}

/** A listening proxy. */
export interface Proxy {
  readonly port: number;
  stop(): Promise<void>;
}

const BODY_BYTES_MAX = 10 * 1024 * 1024;
const TIMEOUT_DEFAULT_MS = 15_000;
/** Attempts on other pods when a connection cannot be made: nothing was sent, so nothing is done twice. */
const ATTEMPTS_MAX = 3;
const HOP_HEADERS = ['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade', 'te'];

/** Starts the proxy on 127.0.0.1. */
export async function startHttpProxy(options: ProxyOptions): Promise<Proxy> {
  const agents = new Map<string, Agent>();
  const stopView = options.view.onChange((snapshot) => dropAgents(agents, snapshot));
  const server = createServer((request, response) => {
    // A client that goes away in the middle of its request is no error of ours.
    handle(options, agents, request, response).catch(() => response.destroy());
  });
  server.keepAliveTimeout = 0;
  const port = await listenOnLoopback(server);
  return {
    port,
    stop: () =>
      new Promise((resolve) => {
        stopView();
        for (const agent of agents.values()) agent.destroy();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Pods that left the endpoints get no new request; connections in use finish, idle ones are closed. */
function dropAgents(agents: Map<string, Agent>, { addresses }: Snapshot): void {
  for (const [address, agent] of agents) {
    if (addresses.has(address)) continue;
    agents.delete(address);
    for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
  }
}

async function handle(
  options: ProxyOptions,
  agents: Map<string, Agent>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const startMs = options.clock.monotonicMs();
  const facts = factsOf(request, options.namespace);
  const note = (service: string | null, pod: string | null, status: number): void =>
    options.counts.note({
      host: facts.host.text,
      service,
      pod,
      status,
      grpcStatus: null,
      durationMs: options.clock.monotonicMs() - startMs,
    });
  const body = await readBody(request);
  if (body === null) {
    response.writeHead(413).end();
    return note(null, null, 413);
  }
  const way = chooseWay(options.view.snapshot(), options.via, facts, options.random);
  if (way.kind === 'refuse') {
    response.writeHead(way.status, { 'content-type': 'text/plain' }).end(way.reason);
    return note(way.service, null, way.status);
  }
  const answered = await forward(way, agents, request, body);
  const service = way.backend.service?.name ?? null;
  if ('failure' in answered) {
    response.writeHead(answered.failure, { 'content-type': 'text/plain' }).end('upstream connect error');
    return note(service, answered.pod, answered.failure);
  }
  const { answer, pod } = answered;
  const status = answer.statusCode ?? 502;
  const changes = [way.rule?.headers.response, way.backend.headers.response].filter((change) => change !== undefined);
  response.writeHead(status, {
    ...changeHeaders(withoutHop(answer.headers), ...changes),
    'x-serin-backend': service ?? '',
  });
  answer.pipe(response);
  answer.on('end', () => note(service, pod, status));
  answer.on('error', () => {
    note(service, pod, 502);
    response.destroy();
  });
}

function factsOf(request: IncomingMessage, namespace: string): RequestFacts {
  const url = new URL(request.url ?? '/', 'http://proxy');
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : (value ?? ''),
    ]),
  );
  const host = parseHost(request.headers.host ?? '', namespace);
  return { host, method: request.method ?? 'GET', path: url.pathname, query: url.searchParams, headers };
}

/** The whole body, so that a request can go to another pod; null when it is too large. */
async function readBody(request: IncomingMessage): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

type Answered =
  | { readonly answer: IncomingMessage; readonly pod: string }
  | { readonly failure: number; readonly pod: string };

async function forward(
  way: Forward,
  agents: Map<string, Agent>,
  request: IncomingMessage,
  body: Buffer,
): Promise<Answered> {
  let last: Answered = { failure: 503, pod: '' };
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const endpoint = way.endpoints[attempt % way.endpoints.length];
    if (endpoint === undefined) break;
    const result = await sendTo(endpoint, way, agents, request, body);
    if (!('isUnsent' in result)) return result;
    last = { failure: 503, pod: endpoint.pod };
  }
  return last;
}

/** Sends to one pod. `isUnsent`: the pod cannot have seen the request, or closed an idle connection under it. */
function sendTo(
  endpoint: Endpoint,
  way: Forward,
  agents: Map<string, Agent>,
  request: IncomingMessage,
  body: Buffer,
): Promise<Answered | { readonly isUnsent: true }> {
  const changes = [way.rule?.headers.request, way.backend.headers.request].filter((change) => change !== undefined);
  const headers = changeHeaders(withoutHop(request.headers), ...changes);
  return new Promise((resolve) => {
    const upstream = startRequest({
      host: endpoint.ip,
      port: endpoint.port,
      method: request.method ?? 'GET',
      path: rewritePath(way.rule, request.url ?? '/'),
      headers: { ...headers, 'content-length': body.length },
      agent: agentOf(agents, endpoint),
      timeout: way.rule?.timeoutMs ?? TIMEOUT_DEFAULT_MS,
    });
    let isTimedOut = false;
    upstream.on('response', (answer) => resolve({ answer, pod: endpoint.pod }));
    upstream.on('timeout', () => {
      isTimedOut = true;
      upstream.destroy();
    });
    upstream.on('error', (error: NodeJS.ErrnoException) => {
      const isUnsent = error.code === 'ECONNREFUSED' || (upstream.reusedSocket && error.code === 'ECONNRESET');
      if (isUnsent && !isTimedOut) resolve({ isUnsent: true });
      else resolve({ failure: isTimedOut ? 504 : 502, pod: endpoint.pod });
    });
    upstream.end(body);
  });
}

function agentOf(agents: Map<string, Agent>, endpoint: Endpoint): Agent {
  const address = `${endpoint.ip}:${endpoint.port}`;
  const held = agents.get(address) ?? new Agent({ keepAlive: true });
  agents.set(address, held);
  return held;
}

function withoutHop(headers: OutgoingHttpHeaders): Record<string, string | string[]> {
  const kept = Object.entries(headers).filter(([name]) => !HOP_HEADERS.includes(name));
  return Object.fromEntries(kept.map(([name, value]) => [name, Array.isArray(value) ? value : String(value ?? '')]));
}
