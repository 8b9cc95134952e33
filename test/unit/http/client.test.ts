// The hardened client on the wire: limits of time and size, rebinding, keep-alive, and what errors say.
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { client, failureOf, get } from './calls.ts';
import { atEnd, bodyOf, cleanUp, running, serve, serveRaw } from './servers.ts';

afterEach(cleanUp);

describe('createHttpClient()', () => {
  test('sends method, path, headers and body byte for byte, and gives back any status', async () => {
    const seen: { method?: string | undefined; url?: string | undefined; headers: unknown; body: string }[] = [];
    const server = await running(
      serve((request, response) => {
        void bodyOf(request).then((body) => {
          seen.push({ method: request.method, url: request.url, headers: request.headers, body });
          response.writeHead(418, { 'X-Answer': 'Tea', 'set-cookie': ['a=1', 'b=2'] }).end('short and stout');
        });
      }),
    );
    const body = ' {"spaces": "kept", "ü": 1}\n';
    const response = await client().send({
      ...get(`${server.url}/a/b?c=d%20e&c=f`),
      method: 'POST',
      body,
      headers: { 'Content-Type': 'application/json', 'X-One': '1' },
    });
    expect(response).toMatchObject({
      status: 418,
      body: 'short and stout',
      headers: { 'x-answer': 'Tea', 'set-cookie': 'a=1, b=2' },
    });
    expect(seen).toEqual([
      {
        method: 'POST',
        url: '/a/b?c=d%20e&c=f',
        body,
        headers: {
          accept: '*/*',
          'accept-encoding': 'gzip',
          'content-type': 'application/json',
          'content-length': String(Buffer.byteLength(body)),
          'user-agent': 'serin',
          'x-one': '1',
          connection: 'close',
          host: `127.0.0.1:${server.port}`,
        },
      },
    ]);
  });

  test('sends credentials of the URL as Basic', async () => {
    const server = await running(serve((request, response) => void response.end(request.headers.authorization)));
    const { body } = await client().send(get(`http://alice:s%40crt@127.0.0.1:${server.port}/`));
    expect(body).toBe(`Basic ${Buffer.from('alice:s@crt').toString('base64')}`);
  });

  test('refuses headers that would reshape the request', async () => {
    const server = await running(serve((_, response) => void response.end()));
    for (const headers of [
      { 'Transfer-Encoding': 'chunked' },
      { 'content-length': '1' },
      { 'x-a': 'b\r\nx-c: d' },
      { 'x y': '1' },
      { 'Proxy-Authorization': 'x' },
      { 'x-a': '漢' },
    ]) {
      expect((await failureOf(client().send(get(server.url, { headers })))).message).toMatch(/IO_FORBIDDEN_ADDRESS/);
    }
    expect(server.sockets).toHaveLength(0);
  });

  test('reuses connections for GET, and none for POST', async () => {
    const server = await running(serve((_, response) => void response.end('ok')));
    const http = client();
    for (let call = 0; call < 3; call += 1) await http.send(get(server.url));
    expect(server.sockets).toHaveLength(1);
    await http.send({ ...get(server.url), method: 'POST', body: '{}' });
    expect(server.sockets).toHaveLength(2);
  });

  test('repeats a GET once when the server just closed the kept connection', async () => {
    let requests = 0;
    const server = await running(
      serve((request, response) => {
        requests += 1;
        if (requests === 2) request.socket.destroy();
        else response.end(String(requests));
      }),
    );
    const http = client();
    expect((await http.send(get(server.url))).body).toBe('1');
    expect((await http.send(get(server.url))).body).toBe('3');
  });

  test('reports each call once, with its purpose and never its URL', async () => {
    const server = await running(serve((_, response) => void response.writeHead(503).end()));
    const outcomes: unknown[] = [];
    const http = client({ onRequest: (outcome) => outcomes.push(outcome) });
    await http.send(get(server.url));
    await failureOf(http.send(get('http://169.254.169.254/')));
    expect(outcomes).toMatchObject([
      { purpose: 'test', outcome: 503 },
      { purpose: 'test', outcome: 'REFUSED' },
    ]);
  });
});

describe('limits of time', () => {
  test.each([
    ['before the header', (): void => undefined],
    [
      'in the header, a byte at a time',
      (write: (text: string) => void): void => drip(write, 'HTTP/1.1 200 OK\r\nx-slow: yes\r\n'),
    ],
    [
      'in the body, a byte at a time',
      (write: (text: string) => void): void => (
        write('HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n'),
        drip(write, 'x'.repeat(50))
      ),
    ],
    [
      'in chunks for ever',
      (write: (text: string) => void): void => (
        write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n'),
        drip(write, '1\r\nx\r\n'.repeat(20))
      ),
    ],
    [
      'informational answers for ever',
      (write: (text: string) => void): void => drip(write, 'HTTP/1.1 102 Processing\r\n\r\n'.repeat(5)),
    ],
  ])('the deadline covers the whole call: %s', async (_, behave) => {
    const clock = new VirtualClock();
    const server = await running(serveRaw((socket) => behave((text) => socket.writable && socket.write(text))));
    const http = client({ clock });
    const failure = failureOf(http.send(get(`${server.url}/secret-path?token=abc`, { timeoutMs: 700 })));
    await clock.waitReal(() => server.sockets.length === 1 && server.sockets[0]!.bytesRead > 0);
    await clock.advance(699);
    expect(clock.pendingTimers()).toBe(1);
    await clock.advance(1);
    const error = await failure;
    expect(error.code).toBe('IO_TIMEOUT');
    expect(error.message).toBe(`Cannot get an answer from "127.0.0.1:${server.port}" for test: none within 700 ms`);
    expect(clock.pendingTimers()).toBe(0);
    await clock.waitReal(() => server.sockets[0]!.destroyed, 'the client kept the connection');
  });

  function drip(write: (text: string) => void, text: string): void {
    let at = 0;
    const timer = setInterval(() => {
      write(text[at] ?? '');
      at += 1;
    }, 2);
    atEnd(() => clearInterval(timer));
  }

  test('name resolution that hangs is covered too', async () => {
    const clock = new VirtualClock();
    const http = client({ clock, resolve: () => new Promise(() => undefined) });
    const failure = failureOf(http.send(get('http://slow.example/', { timeoutMs: 100 })));
    await clock.advance(100);
    expect((await failure).code).toBe('IO_TIMEOUT');
  });

  test("the caller's signal ends the call at once", async () => {
    const server = await running(serveRaw(() => undefined));
    const controller = new AbortController();
    const failure = failureOf(client().send(get(server.url, { signal: controller.signal })));
    setTimeout(() => controller.abort(), 20);
    expect((await failure).message).toMatch(/it was cancelled/);
    expect((await failureOf(client().send(get(server.url, { signal: controller.signal })))).message).toMatch(
      /it was cancelled/,
    );
  });
});

describe('limits of size', () => {
  test.each([
    ['a long body', (): Buffer => Buffer.alloc(50_000), {}],
    ['a gzip bomb', (): Buffer => gzipSync(Buffer.alloc(200_000_000)), { 'content-encoding': 'gzip' }],
  ])('stops reading: %s', async (_, body, headers) => {
    const server = await running(
      serve((__, response) => void response.writeHead(200, headers as Record<string, string>).end(body())),
    );
    const before = process.memoryUsage().rss;
    const error = await failureOf(client().send(get(server.url, { bytesMax: 10_000, timeoutMs: 20_000 })));
    expect(error.code).toBe('IO_TOO_LARGE');
    expect(error.message).toMatch(/longer than 10000 bytes/);
    expect(process.memoryUsage().rss - before).toBeLessThan(150_000_000);
  });

  test('a body that never ends costs the limit and a connection, no more', async () => {
    const server = await running(
      serveRaw((socket) => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        const pump = (): void => {
          while (socket.writable && socket.write(Buffer.alloc(65_536)));
        };
        socket.on('drain', pump);
        pump();
      }),
    );
    expect((await failureOf(client().send(get(server.url)))).code).toBe('IO_TOO_LARGE');
  });

  test('accepts exactly the limit', async () => {
    const server = await running(serve((_, response) => void response.end(Buffer.alloc(10_000, 'x'))));
    expect((await client().send(get(server.url, { bytesMax: 10_000 }))).body).toHaveLength(10_000);
  });

  test('unpacks gzip', async () => {
    const server = await running(
      serve((_, response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('packed'))),
    );
    expect((await client().send(get(server.url))).body).toBe('packed');
  });
});

describe('answers that are not HTTP', () => {
  const network = /Cannot reach "127\.0\.0\.1:\d+" for test: .+ \([A-Z_]+\)$/;
  test.each([
    ['nothing', ''],
    ['HTTP/0.9', '<html>hello</html>'],
    ['another protocol', '220 mail.example ESMTP\r\n'],
    ['a header too large', `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(100_000)}\r\n\r\n`],
    [
      '10,000 headers',
      `HTTP/1.1 200 OK\r\n${Array.from({ length: 10_000 }, (_, at) => `x-${at}: y\r\n`).join('')}\r\n`,
    ],
    ['a Content-Length that lies', 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort'],
    ['chunks that break off', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab'],
    ['broken gzip', 'HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 5\r\n\r\nhello'],
  ])('%s', async (_, text) => {
    const server = await running(serveRaw((socket) => socket.end(text)));
    const error = await failureOf(client().send(get(`${server.url}/path`)));
    expect(error.code).toBe('IO_NETWORK');
    expect(error.message).toMatch(network);
  });

  test('invalid UTF-8 is read as replacement characters, never thrown', async () => {
    const server = await running(serve((_, response) => void response.end(Buffer.from([0x7b, 0xff, 0xfe, 0x7d]))));
    expect((await client().send(get(server.url))).body).toBe('{��}');
  });

  test('a closed port says so', async () => {
    const server = await serve(() => undefined);
    await server.close();
    expect((await failureOf(client().send(get(server.url)))).message).toBe(
      `Cannot reach "127.0.0.1:${server.port}" for test: connection refused (ECONNREFUSED)`,
    );
  });
});

describe('names', () => {
  test('are resolved once, and the socket goes to that address', async () => {
    const server = await running(serve((request, response) => void response.end(request.headers.host)));
    const asked: string[] = [];
    const http = client({
      resolve: async (hostname) => {
        asked.push(hostname);
        return [{ address: '127.0.0.1', family: 4 }];
      },
    });
    expect((await http.send(get(`http://prometheus.test:${server.port}/`))).body).toBe(
      `prometheus.test:${server.port}`,
    );
    expect(asked).toEqual(['prometheus.test']);
  });

  test.each([
    ['metadata', ['169.254.169.254']],
    ['good and bad together', ['127.0.0.1', '169.254.169.254']],
    ['mapped', ['::ffff:169.254.169.254']],
    ['the API server', ['10.96.0.1']],
    ['the API server, by the address of its name', ['10.0.0.99']],
    ['unspecified', ['0.0.0.0']],
  ])('that lead to a forbidden address are refused: %s', async (_, addresses) => {
    const trap = await running(serve((__, response) => void response.end('reached')));
    const http = client({
      deniedHosts: ['10.96.0.1', 'api.example.com'],
      resolve: async (hostname) =>
        hostname === 'api.example.com'
          ? [{ address: '10.0.0.99', family: 4 }]
          : addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    });
    const error = await failureOf(http.send(get(`http://evil.example:${trap.port}/`)));
    expect(error.message).toMatch(/^Cannot call "evil\.example" for test: IO_FORBIDDEN_ADDRESS, /);
    expect(trap.sockets).toHaveLength(0);
  });

  test('the API server is refused by the address of its name even when a URL holds the address', async () => {
    const http = client({
      deniedHosts: ['api.example.com'],
      resolve: async () => [{ address: '10.0.0.99', family: 4 }],
    });
    expect((await failureOf(http.send(get('http://10.0.0.99/')))).message).toMatch(/API server/);
  });

  test('that answer good, then bad, never reach the bad one', async () => {
    const trap = await running(serve((_, response) => void response.end('reached')));
    let asked = 0;
    const http = client({
      allowLoopback: false,
      allowedHosts: [],
      resolve: async () => {
        asked += 1;
        return [{ address: asked % 2 === 1 ? '10.255.255.1' : '127.0.0.1', family: 4 }];
      },
    });
    for (let call = 0; call < 6; call += 1)
      await failureOf(http.send(get(`http://rebind.example:${trap.port}/`, { timeoutMs: 50 })));
    expect(asked).toBeGreaterThanOrEqual(6);
    expect(trap.sockets).toHaveLength(0);
  });

  test('that do not resolve say so', async () => {
    const http = client({ resolve: () => Promise.reject(Object.assign(new Error('no'), { code: 'ENOTFOUND' })) });
    expect((await failureOf(http.send(get('http://nowhere.example/x')))).message).toBe(
      'Cannot reach "nowhere.example" for test: the name does not resolve (ENOTFOUND)',
    );
  });

  test("the environment's proxies are not used", async () => {
    const proxy = await running(serve((_, response) => void response.end('proxied')));
    const server = await running(serve((_, response) => void response.end('direct')));
    process.env['HTTP_PROXY'] = proxy.url;
    process.env['http_proxy'] = proxy.url;
    atEnd(() => (delete process.env['HTTP_PROXY'], delete process.env['http_proxy']));
    expect((await client().send(get(server.url))).body).toBe('direct');
  });
});

describe('errors', () => {
  test('hold no path, query, credentials, header or body, nor does anything they carry', async () => {
    const secrets = ['p4ssw0rd', 'tok3n', 's3cretpath', 'h34der', 'b0dy'];
    const server = await running(serveRaw((socket) => socket.destroy()));
    const url = `http://user:p4ssw0rd@127.0.0.1:${server.port}/s3cretpath?token=tok3n`;
    const error = await failureOf(
      client().send({ ...get(url), method: 'POST', body: 'b0dy', headers: { authorization: 'Bearer h34der' } }),
    );
    const { inspect } = await import('node:util');
    const everything = inspect(error, { depth: 10, showHidden: true }) + JSON.stringify(error);
    for (const secret of secrets) expect(everything).not.toContain(secret);
    expect(error.cause).toBeUndefined();
  });
});
