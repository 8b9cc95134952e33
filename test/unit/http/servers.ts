// Servers for tests of outgoing calls: real ones on 127.0.0.1, well-behaved and raw.
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { createServer as createRawServer, type AddressInfo, type Server as RawServer, type Socket } from 'node:net';

/** A server that listens, and what a test needs to know of it. */
export interface RunningServer {
  readonly port: number;
  readonly url: string;
  /** Sockets accepted so far. */
  readonly sockets: Socket[];
  close(): Promise<void>;
}

async function listen(server: Server | RawServer, scheme: string): Promise<RunningServer> {
  const sockets: Socket[] = [];
  server.on('connection', (socket: Socket) => sockets.push(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `${scheme}://127.0.0.1:${port}`,
    sockets,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** An HTTP server. */
export function serve(listener: RequestListener): Promise<RunningServer> {
  return listen(createServer(listener), 'http');
}

/** An HTTPS server. */
export function serveSecure(
  pem: { readonly key: string; readonly cert: string },
  listener: RequestListener,
): Promise<RunningServer> {
  return listen(createSecureServer(pem, listener), 'https');
}

/** A TCP server that writes whatever it likes. */
export function serveRaw(onRequest: (socket: Socket) => void): Promise<RunningServer> {
  const server = createRawServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => onRequest(socket));
  });
  return listen(server, 'http');
}

/** The whole body of a request. */
export async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request) body += String(chunk);
  return body;
}

const cleanups: (() => unknown)[] = [];

/** Does `cleanup` when the test ends. */
export function atEnd(cleanup: () => unknown): void {
  cleanups.push(cleanup);
}

/** For afterEach: undoes what the test started, last first. */
export async function cleanUp(): Promise<void> {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
}

/** Waits for a server and closes it when the test ends. */
export async function running<T extends { close(): unknown }>(server: Promise<T>): Promise<T> {
  const made = await server;
  atEnd(() => made.close());
  return made;
}
