// The hardened client through a proxy: absolute form for http, CONNECT for https, and the guard before both.
import { createServer, request as sendRequest, type IncomingMessage } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { generate } from 'selfsigned';
import { afterEach, describe, expect, test } from 'vitest';
import { createHttpClient } from '../../../src/http/client.ts';
import { systemClock } from '../../../src/util/clock.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { client, get } from './calls.ts';
import { cleanUp, running, serve, serveRaw, serveSecure, type RunningServer } from './servers.ts';

afterEach(cleanUp);

interface Proxy {
  readonly url: string;
  readonly port: number;
  readonly seen: string[];
  close(): void;
}

/** A forward proxy that notes what it is asked, and sends everything to `port` on 127.0.0.1. */
async function startProxy(port: () => number, answerConnect = 200): Promise<Proxy> {
  const seen: string[] = [];
  const sockets = new Set<Socket>();
  const note = (request: IncomingMessage): void => {
    seen.push(
      `${request.method} ${request.url} host=${request.headers.host} auth=${request.headers['proxy-authorization'] ?? 'none'}`,
    );
  };
  const server = createServer((request, response) => {
    note(request);
    const { pathname } = new URL(request.url ?? '');
    sendRequest({ host: '127.0.0.1', port: port(), path: pathname }, (answer) => answer.pipe(response)).end();
  });
  server.on('connection', (socket) => sockets.add(socket));
  server.on('connect', (request, socket: Socket) => {
    note(request);
    socket.on('error', () => undefined);
    if (answerConnect !== 200) {
      socket.end(`HTTP/1.1 ${answerConnect} No\r\ncontent-length: 6\r\n\r\nsecret`);
      return;
    }
    const upstream = connect(port(), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      upstream.pipe(socket).pipe(upstream);
    });
    upstream.on('error', () => socket.destroy());
    sockets.add(upstream);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port: own } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${own}`,
    port: own,
    seen,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

describe('proxyUrl', () => {
  test.each([
    ['p%40ss', 'p@ss'],
    ['50%off', '50%off'],
  ])('http goes to the proxy in absolute form, with its credentials: %s', async (written, meant) => {
    const server = await running(serve((request, response) => void response.end(`hello from ${request.url}`)));
    const proxy = await running(startProxy(() => server.port));
    const proxyUrl = proxy.url.replace('http://', `http://user:${written}@`);
    expect((await client().send(get('http://somewhere.example/a?b=c', { proxyUrl }))).body).toBe('hello from /a');
    expect(proxy.seen).toEqual([
      `GET http://somewhere.example/a?b=c host=somewhere.example auth=Basic ${Buffer.from(`user:${meant}`).toString('base64')}`,
    ]);
  });

  test('https goes through a tunnel, in which the certificate is verified for the target', async () => {
    const pem = await generate([{ name: 'commonName', value: 'hooks.test' }], {
      keySize: 2048,
      extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'hooks.test' }] }],
    });
    const server = await running(
      serveSecure(
        { key: pem.private, cert: pem.cert },
        (request, response) => void response.end(`hello ${request.method} ${request.url}`),
      ),
    );
    const proxy = await running(startProxy(() => server.port));
    const request = {
      ...get('https://hooks.test/path?token=abc', { proxyUrl: proxy.url, caPem: pem.cert }),
      method: 'POST' as const,
      body: '{}',
    };
    expect((await client().send(request)).body).toBe('hello POST /path?token=abc');
    expect(proxy.seen).toEqual(['CONNECT hooks.test:443 host=hooks.test:443 auth=none']);
    await expect(client().send({ ...request, url: 'https://other.test/' })).rejects.toThrow(
      /the certificate is for another host/,
    );
    const { caPem: _, ...untrusting } = request;
    await expect(client().send(untrusting)).rejects.toMatchObject({ code: 'IO_TLS' });
  });

  test.each([403, 407, 500])('a proxy that refuses with %i is an error without its words', async (status) => {
    const proxy = await running(startProxy(() => 1, status));
    await expect(client().send(get('https://hooks.test/', { proxyUrl: proxy.url }))).rejects.toThrow(
      'Cannot reach "hooks.test" for test: the proxy refused the connection (EPROXY)',
    );
  });

  test('a proxy that never answers costs the deadline, and no connection is kept', async () => {
    const clock = new VirtualClock();
    const silent: RunningServer = await running(serveRaw(() => undefined));
    const http = createHttpClient({ clock, allowLoopback: true });
    const failure = http.send(get('https://hooks.test/', { proxyUrl: silent.url })).catch((error: Error) => error);
    await clock.waitReal(() => silent.sockets[0]?.bytesRead !== undefined && silent.sockets[0].bytesRead > 0);
    await clock.advance(5_000);
    expect(await failure).toMatchObject({ code: 'IO_TIMEOUT' });
    await clock.waitReal(() => silent.sockets[0]!.destroyed);
  });

  test('the guard looks at the target and at the proxy', async () => {
    const proxy = await running(startProxy(() => 1));
    await expect(client().send(get('http://169.254.169.254/', { proxyUrl: proxy.url }))).rejects.toThrow(
      /IO_FORBIDDEN_ADDRESS, link-local/,
    );
    await expect(
      client({ allowLoopback: false }).send(get('http://somewhere.example/', { proxyUrl: proxy.url })),
    ).rejects.toThrow(/for the proxy of test: IO_FORBIDDEN_ADDRESS, loopback/);
    await expect(client().send(get('https://hooks.test/', { proxyUrl: 'http://169.254.169.254:80/' }))).rejects.toThrow(
      /link-local/,
    );
    await expect(client().send(get('https://hooks.test/', { proxyUrl: 'socks5://127.0.0.1:1080' }))).rejects.toThrow(
      /scheme must be http or https/,
    );
    expect(proxy.seen).toEqual([]);
  });

  test('a name of the proxy that leads to a forbidden address is refused', async () => {
    const http = createHttpClient({
      clock: systemClock,
      allowLoopback: true,
      resolve: async () => [{ address: '169.254.169.254', family: 4 }],
    });
    await expect(http.send(get('https://hooks.test/', { proxyUrl: 'http://proxy.example:3128' }))).rejects.toThrow(
      /IO_FORBIDDEN_ADDRESS, link-local/,
    );
    await expect(http.send(get('http://hooks.test/', { proxyUrl: 'http://proxy.example:3128' }))).rejects.toThrow(
      /IO_FORBIDDEN_ADDRESS, link-local/,
    );
  });
});
