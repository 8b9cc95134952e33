// The controller's own HTTP server: health, readiness and metrics. No secrets, no writes, no authentication.
import fastify from 'fastify';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { messageOf } from '../errors.ts';
import type { Log } from '../telemetry/contract.ts';

/** Something that does not work. */
export interface Problem {
  /** The part that does not: queue, caches, loop… */
  readonly part: string;
  /** What is wrong with it, for people; holds no secret. */
  readonly message: string;
}

/** What the probes ask. Both answer at once, from memory. */
export interface ServerProbes {
  /** Why the process should be restarted: its event loop or its control loop is dead. Empty when it lives. */
  live(): readonly Problem[];
  /** Why it cannot do its work yet, or no more: caches not synced, queue away without a fallback. Empty when it can. */
  ready(): readonly Problem[];
}

export interface ServerOptions {
  readonly probes: ServerProbes;
  /** The page of `/metrics`. */
  readonly metrics: () => Promise<{ readonly contentType: string; readonly body: string }>;
  /** Address to listen on; all of them by default, since the kubelet calls the pod's. */
  readonly host?: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly log: Log;
}

export interface RunningServer {
  readonly port: number;
  /** Takes no more connections and ends when the requests under way are answered. */
  close(): Promise<void>;
}

const REQUEST_TIMEOUT_MS = 10_000;
/** No request of ours has a body. */
const BODY_BYTES_MAX = 1_024;

/** Starts the server. Rejects when the address cannot be listened on. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const server = fastify({
    logger: false,
    requestTimeout: REQUEST_TIMEOUT_MS,
    bodyLimit: BODY_BYTES_MAX,
    // close() ends idle keep-alive connections, which a kubelet or a Prometheus holds open for minutes.
    forceCloseConnections: 'idle',
  });
  addRoutes(server, options);
  await listen(server, options);
  const address = server.server.address();
  const port = typeof address === 'object' && address !== null ? address.port : options.port;
  options.log.info('Serving health and metrics', { port });
  return { port, close: () => server.close() };
}

/** Listens on the given address, or on all: of both families, and of version 4 where the node has no version 6. */
async function listen(server: FastifyInstance, { host, port }: ServerOptions): Promise<void> {
  try {
    await server.listen({ port, host: host ?? '::' });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (host !== undefined || (code !== 'EAFNOSUPPORT' && code !== 'EADDRNOTAVAIL')) throw error;
    await server.listen({ port, host: '0.0.0.0' });
  }
}

function addRoutes(server: FastifyInstance, { probes, metrics, log }: ServerOptions): void {
  server.get('/healthz', (_request, reply) => answer(reply, probes.live()));
  server.get('/readyz', (_request, reply) => answer(reply, probes.ready()));
  server.get('/metrics', async (_request, reply) => {
    const page = await metrics();
    return reply.header('content-type', page.contentType).send(page.body);
  });
  server.setNotFoundHandler((_request, reply) => reply.code(404).type('application/json').send({ error: 'not found' }));
  server.setErrorHandler((error, request, reply) => {
    // What went wrong is for the log; the caller may be anybody in the cluster.
    log.error('Cannot answer a request', { path: request.routeOptions.url ?? 'unknown', err: messageOf(error) });
    return reply.code(500).type('application/json').send({ error: 'internal error' });
  });
}

/** 200 with `ok`, or 503 with the parts that fail. */
function answer(reply: FastifyReply, problems: readonly Problem[]): FastifyReply {
  if (problems.length === 0) return reply.code(200).type('text/plain; charset=utf-8').send('ok\n');
  const failing = problems.map(({ part, message }) => ({ part, message }));
  return reply
    .code(503)
    .type('application/json')
    .header('cache-control', 'no-store')
    .send({ status: 'failing', problems: failing });
}
