// Serves an ApiServer over HTTPS on 127.0.0.1 and writes the kubeconfig by which kubectl and the controller reach it.
import { createServer, type Server } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import type { TLSSocket } from 'node:tls';
import { generate } from 'selfsigned';
import { answerFailure } from './media.ts';
import { unauthorized } from './handle.ts';
import { kubeconfigText } from './kubeconfig.ts';
import { PROTOBUF } from './protobuf.ts';
import type { ApiServer } from './server.ts';
import { StatusFailure } from './status.ts';
import type { ApiResponse } from './types.ts';

/** How to listen. */
export interface ListenOptions {
  /** 0, the default, takes a free port. */
  readonly port?: number;
  /** Tokens and the users that they stand for; `{ 'admin-token': 'admin' }` when left out. */
  readonly tokens?: Readonly<Record<string, string>>;
  /** Where to write a kubeconfig with the first token; nowhere when left out. */
  readonly kubeconfigPath?: string;
}

/** A server that listens. */
export interface Listening {
  /** `https://127.0.0.1:port`. */
  readonly url: string;
  /** The certificate in PEM, which is its own authority. */
  readonly caPem: string;
  /** A kubeconfig for one of the tokens. */
  kubeconfig(token?: string): string;
  /** Cuts all connections, as a crash of the server does, and goes on listening. */
  cutConnections(): void;
  /** Stops listening and cuts all connections. */
  close(): Promise<void>;
}

/** What is read of a body before the connection is refused; a little over the server's own limit. */
const BODY_BYTES_MAX = 4 * 1024 * 1024;

/** Listens on 127.0.0.1. */
export async function listenOn(api: ApiServer, options: ListenOptions = {}): Promise<Listening> {
  const tokens = new Map(Object.entries(options.tokens ?? { 'admin-token': 'admin' }));
  const { key, certificate } = await makeCertificate();
  const server = createServer({
    key,
    cert: certificate,
    requestCert: true,
    rejectUnauthorized: false,
    ca: certificate,
  });
  server.keepAliveTimeout = 60_000;
  server.requestTimeout = 0;
  const sockets = new Set<TLSSocket>();
  server.on('secureConnection', (socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
  });
  server.on('request', (incoming, outgoing) => {
    void serve(api, tokens, incoming, outgoing);
  });
  server.listen(options.port ?? 0, '127.0.0.1');
  await once(server, 'listening');
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const firstToken = [...tokens.keys()][0] ?? '';
  const kubeconfig = (token = firstToken): string =>
    kubeconfigText(url, certificate, token, tokens.get(token) ?? 'user');
  if (options.kubeconfigPath !== undefined) await writeFile(options.kubeconfigPath, kubeconfig(), { mode: 0o600 });
  const cutConnections = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return { url, caPem: certificate, kubeconfig, cutConnections, close: () => closeServer(server, cutConnections) };
}

async function closeServer(server: Server, cutConnections: () => void): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  cutConnections();
  await closed;
}

async function makeCertificate(): Promise<{ key: string; certificate: string }> {
  const made = await generate([{ name: 'commonName', value: 'serin-embedded-apiserver' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', digitalSignature: true, keyCertSign: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 2, value: 'kubernetes.default.svc' },
          { type: 7, ip: '127.0.0.1' },
        ],
      },
    ],
  });
  return { key: made.private, certificate: made.cert };
}

async function serve(
  api: ApiServer,
  tokens: ReadonlyMap<string, string>,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const ended = new AbortController();
  outgoing.once('close', () => ended.abort());
  try {
    const user = userOf(tokens, incoming);
    if (user === null) return await send(outgoing, unauthorized());
    const body = await readAll(incoming);
    const response = await api.handle({
      method: incoming.method ?? 'GET',
      path: incoming.url ?? '/',
      headers: plainHeaders(incoming),
      body,
      user,
      signal: ended.signal,
    });
    return await send(outgoing, response);
  } catch (error) {
    if (error instanceof StatusFailure && !outgoing.headersSent) return await send(outgoing, answerFailure(error));
    outgoing.destroy();
  }
  return undefined;
}

/** The user of a bearer token or of a client certificate; null when there is neither. */
function userOf(tokens: ReadonlyMap<string, string>, incoming: IncomingMessage): string | null {
  const header = incoming.headers.authorization ?? '';
  const token = /^Bearer (.+)$/i.exec(header)?.[1];
  if (token !== undefined) return tokens.get(token) ?? null;
  const path = incoming.url ?? '';
  const socket = incoming.socket as TLSSocket;
  if (socket.authorized) {
    const name = socket.getPeerCertificate().subject?.CN;
    return typeof name === 'string' ? name : null;
  }
  return /^\/(healthz|livez|readyz|version)\b/.test(path) ? 'system:anonymous' : null;
}

function plainHeaders(incoming: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(incoming.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return headers;
}

async function readAll(incoming: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of incoming as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > BODY_BYTES_MAX) {
      throw new StatusFailure(413, 'RequestEntityTooLarge', 'Request entity too large: limit is 3145728');
    }
    parts.push(part);
  }
  // Protobuf is not text: its bytes travel as characters.
  const isBinary = (incoming.headers['content-type'] ?? '').startsWith(PROTOBUF);
  return Buffer.concat(parts).toString(isBinary ? 'latin1' : 'utf8');
}

async function send(outgoing: ServerResponse, response: ApiResponse): Promise<void> {
  if (typeof response.body === 'string') {
    // Protobuf is not text: its bytes travel as characters.
    const isBinary = response.headers['content-type']?.endsWith('protobuf') === true;
    const bytes = Buffer.from(response.body, isBinary ? 'latin1' : 'utf8');
    outgoing.writeHead(response.status, { ...response.headers, 'content-length': bytes.length });
    outgoing.end(bytes);
    return;
  }
  outgoing.writeHead(response.status, response.headers);
  outgoing.flushHeaders();
  for await (const text of response.body) {
    if (outgoing.destroyed) break;
    if (!outgoing.write(text)) await drained(outgoing);
  }
  outgoing.end();
}

/** Resolves when a slow reader has caught up, or is gone; leaves no listener behind. */
async function drained(outgoing: ServerResponse): Promise<void> {
  const over = new AbortController();
  const options = { signal: over.signal };
  try {
    await Promise.race([once(outgoing, 'drain', options), once(outgoing, 'close', options)]);
  } finally {
    over.abort();
  }
}
