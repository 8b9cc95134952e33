// The controller's HTTP server, asked over a real socket.
import { afterEach, describe, expect, test } from 'vitest';
import { startServer } from '../../../src/server/http.ts';
import type { Problem, RunningServer, ServerOptions } from '../../../src/server/http.ts';
import { silentLog } from '../../../src/telemetry/contract.ts';

let server: RunningServer | null = null;
afterEach(async () => {
  await server?.close();
  server = null;
});

async function start(
  over: Partial<ServerOptions> = {},
): Promise<(path: string, init?: RequestInit) => Promise<Response>> {
  const options: ServerOptions = {
    probes: { live: () => [], ready: () => [] },
    metrics: () => Promise.resolve({ contentType: 'text/plain; version=0.0.4', body: 'up 1\n' }),
    host: '127.0.0.1',
    port: 0,
    log: silentLog,
    ...over,
  };
  const started = await startServer(options);
  server = started;
  return (path, init) => fetch(`http://127.0.0.1:${started.port}${path}`, init);
}

describe('startServer()', () => {
  test('/healthz and /readyz answer 200 while nothing fails', async () => {
    const ask = await start();

    const answers = await Promise.all([ask('/healthz'), ask('/readyz')]);

    expect(answers.map((answer) => answer.status)).toEqual([200, 200]);
    expect(await answers[0].text()).toBe('ok\n');
  });

  test('/readyz answers 503 with the parts that fail while /healthz stays 200', async () => {
    const problems: Problem[] = [{ part: 'caches', message: 'Canaries are not listed yet' }];
    const ask = await start({ probes: { live: () => [], ready: () => problems } });

    const answer = await ask('/readyz');

    expect(answer.status).toBe(503);
    expect(await answer.json()).toEqual({
      status: 'failing',
      problems: [{ part: 'caches', message: 'Canaries are not listed yet' }],
    });
    expect((await ask('/healthz')).status).toBe(200);
    problems.pop();
    expect((await ask('/readyz')).status).toBe(200);
  });

  test('/healthz answers 503 when the loop is dead', async () => {
    const ask = await start({
      probes: { live: () => [{ part: 'loop', message: 'No look for 120 s' }], ready: () => [] },
    });

    expect((await ask('/healthz')).status).toBe(503);
  });

  test('/metrics answers the page with its type', async () => {
    const ask = await start();

    const answer = await ask('/metrics');

    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4');
    expect(await answer.text()).toBe('up 1\n');
  });

  test('anything else is 404 and repeats nothing of the request', async () => {
    const ask = await start();

    for (const path of ['/', '/debug', '/metrics/x', '/%2e%2e/etc/passwd', '/<script>']) {
      const answer = await ask(path);
      expect(answer.status).toBe(404);
      expect(await answer.json()).toEqual({ error: 'not found' });
    }
    expect((await ask('/healthz', { method: 'DELETE' })).status).toBe(404);
  });

  test('a page that cannot be made is a 500 that tells the caller nothing', async () => {
    const lines: unknown[] = [];
    const log = { ...silentLog, error: (message: string, fields?: unknown) => void lines.push(message, fields) };
    const ask = await start({ metrics: () => Promise.reject(new Error('inner detail')), log });

    const answer = await ask('/metrics');

    expect(answer.status).toBe(500);
    expect(await answer.text()).not.toContain('inner detail');
    expect(JSON.stringify(lines)).toContain('inner detail');
  });

  test('close() lets a request under way finish, ends idle connections, and frees the port', async () => {
    const page = Promise.withResolvers<{ contentType: string; body: string }>();
    const ask = await start({ metrics: () => page.promise });
    await (await ask('/healthz')).text();
    const pending = ask('/metrics');
    await new Promise((resolve) => setTimeout(resolve, 50));

    const closed = server!.close();
    page.resolve({ contentType: 'text/plain', body: 'late\n' });

    expect(await (await pending).text()).toBe('late\n');
    await closed;
    await expect(ask('/healthz')).rejects.toThrow();
  });

  test('an address that cannot be had is an error of the start', async () => {
    await start();

    await expect(start({ port: server!.port })).rejects.toThrow();
  });
});
