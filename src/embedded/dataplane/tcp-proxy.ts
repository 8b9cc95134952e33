// The TCP side of the data plane: a real proxy that splits connections by the view. Each listener stands for one Service's address.
import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';
import { chooseConnection } from './choose.ts';
import type { Proxy, ProxyOptions } from './http-proxy.ts';
import { listenOnLoopback } from './listen.ts';
import { parseHost } from './table.ts';
import type { Endpoint } from './view.ts';

/** Limit of one attempt to connect to a pod. */
const CONNECT_MS = 2_000;

/** Starts a listener on 127.0.0.1 for connections to `host`, such as `web.shop:5432`. */
export async function startTcpProxy(options: ProxyOptions, host: string): Promise<Proxy> {
  const open = new Set<Socket>();
  const server = createServer((client) => {
    open.add(client);
    client.on('close', () => open.delete(client));
    client.on('error', () => client.destroy());
    carry(options, host, client).catch(() => client.destroy());
  });
  const port = await listenOnLoopback(server);
  return {
    port,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of open) socket.destroy();
      }),
  };
}

/** Carries one connection to where the route of this moment sends it: connections that exist are never moved. */
async function carry(options: ProxyOptions, authority: string, client: Socket): Promise<void> {
  const startMs = options.clock.monotonicMs();
  const host = parseHost(authority, options.namespace);
  const note = (service: string | null, pod: string | null, status: number): void =>
    options.counts.note({
      host: host.text,
      service,
      pod,
      status,
      grpcStatus: null,
      durationMs: options.clock.monotonicMs() - startMs,
    });
  const way = chooseConnection(options.view.snapshot(), options.via, host, options.random);
  if (way.kind === 'refuse') {
    client.destroy();
    return note(way.service, null, way.status);
  }
  const service = way.backend.service?.name ?? null;
  for (const endpoint of way.endpoints) {
    const upstream = await reach(endpoint);
    if (upstream === null) continue;
    join(client, upstream);
    upstream.on('close', () => note(service, endpoint.pod, 200));
    return;
  }
  client.destroy();
  note(service, null, 503);
}

/** A connection to a pod; null when it takes none, as one that has just ended. */
function reach({ ip, port }: Endpoint): Promise<Socket | null> {
  return new Promise((resolve) => {
    const socket = connect({ host: ip, port, timeout: CONNECT_MS });
    const fail = (): void => {
      socket.destroy();
      resolve(null);
    };
    socket.once('error', fail);
    socket.once('timeout', fail);
    socket.once('connect', () => {
      socket.setTimeout(0);
      socket.off('error', fail);
      resolve(socket);
    });
  });
}

/** Bytes go both ways until one side ends; half-closed connections stay half-closed. */
function join(client: Socket, upstream: Socket): void {
  upstream.on('error', () => upstream.destroy());
  upstream.on('close', () => client.destroySoon());
  client.on('close', () => upstream.destroySoon());
  client.pipe(upstream);
  upstream.pipe(client);
}
