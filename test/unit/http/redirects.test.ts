// Redirects: within one origin and up to a limit, never to another host, scheme or port.
import { afterEach, describe, expect, test } from 'vitest';
import { client, failureOf, get } from './calls.ts';
import { cleanUp, running, serve, type RunningServer } from './servers.ts';

afterEach(cleanUp);

describe('redirects', () => {
  async function chain(
    location: (hop: number, port: number) => string,
    status = 302,
  ): Promise<RunningServer & { readonly paths: string[] }> {
    const paths: string[] = [];
    const server = await running(
      serve((request, response) => {
        paths.push(`${request.method} ${request.url}`);
        if (request.url === '/end') response.end('end');
        else response.writeHead(status, { location: location(paths.length, server.port) }).end();
      }),
    );
    return { ...server, paths };
  }

  test('are given back as they are when none are allowed', async () => {
    const server = await chain(() => '/end');
    expect((await client().send(get(`${server.url}/start`))).status).toBe(302);
    expect(server.paths).toEqual(['GET /start']);
  });

  test('are followed within the same host, up to the limit', async () => {
    const server = await chain((hop) => (hop < 3 ? `/hop-${hop}` : '/end'));
    expect((await client().send(get(`${server.url}/start`, { redirectsMax: 3 }))).body).toBe('end');
    expect(server.paths).toEqual(['GET /start', 'GET /hop-1', 'GET /hop-2', 'GET /end']);
    const error = await failureOf(
      client().send(get(`${(await chain(() => '/again')).url}/start`, { redirectsMax: 3 })),
    );
    expect(error.message).toMatch(/more than 3 redirects/);
  });

  test.each([
    [302, 'GET /end'],
    [303, 'GET /end'],
    [307, 'POST /end'],
    [308, 'POST /end'],
  ])('%i keeps or drops the method as the RFC says', async (status, last) => {
    const server = await chain(() => '/end', status);
    await client().send({ ...get(`${server.url}/start`, { redirectsMax: 1 }), method: 'POST', body: 'x' });
    expect(server.paths.at(-1)).toBe(last);
  });

  test.each([
    ['metadata', () => 'http://169.254.169.254/latest/meta-data/'],
    ['another port', (port: number) => `http://127.0.0.1:${port + 1}/`],
    ['another scheme', (port: number) => `https://127.0.0.1:${port}/`],
    ['another host', () => 'http://evil.example/'],
    ['a file', () => 'file:///etc/passwd'],
    ['another spelling of another host', () => '//2852039166/'],
    ['nonsense', () => 'http://['],
  ])('to elsewhere are an error, allowed or not: %s', async (_, to) => {
    const server = await chain((__, port) => to(port));
    for (const redirectsMax of [0, 3]) {
      const error = await failureOf(client().send(get(`${server.url}/start`, { redirectsMax })));
      expect(error.message).toBe(
        `Cannot call "127.0.0.1:${server.port}" for test: IO_FORBIDDEN_ADDRESS, the redirect (302) leads to another host, scheme or port`,
      );
    }
    expect(server.paths).toHaveLength(2);
  });
});
