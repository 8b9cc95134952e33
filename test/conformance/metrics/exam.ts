// The exam that every metric source sits: value, empty and error are three answers, time-outs are kept, nothing hostile passes.
import type { RequestListener } from 'node:http';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import type { Sample } from '../../../src/core/analysis/verdict.ts';
import { judge } from '../../../src/core/analysis/verdict.ts';
import { createHttpClient } from '../../../src/http/client.ts';
import type { HttpClient } from '../../../src/http/contract.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { atEnd, cleanUp, running, serve, serveRaw, type RunningServer } from '../../unit/http/servers.ts';

/** Everything a source may need. The client's deadlines run on the same clock. */
export interface ExamPorts {
  readonly http: HttpClient;
  readonly clock: VirtualClock;
}

/** One source under examination. */
export interface SourceWorld {
  readonly name: string;
  /** Asks once what a success rate is, after as much time as the source needs. `calls` counts the answers that the client gave, good or bad. */
  measure(url: string, ports: ExamPorts, calls: () => number): Promise<Sample>;
  /** The body of the nth answer (from 1) of a service whose success rate is `percent`, with `extra` characters of ballast. */
  good(percent: number, call: number): string;
  /** The body of an answer of a service without traffic. */
  nothing(call: number): string;
  /** Bodies that must not be believed. */
  readonly unbelievable: readonly (readonly [string, string])[];
  /** Bodies that are well-formed but hold no number. */
  readonly numberless: readonly (readonly [string, string])[];
  /** Longest time that one question may take, in milliseconds. */
  readonly limitMs: number;
}

const SECRETS = ['p4ssw0rd', 's3cret-path', 'tok3n-query'];

/** Runs the exam. */
export function examineSource(world: SourceWorld): void {
  afterEach(cleanUp);

  /** Measures `url` on a virtual clock: what happens on the wire is given real time first, then time is moved on. */
  async function measure(url: string): Promise<{ readonly sample: Sample; readonly tookMs: number }> {
    const clock = new VirtualClock();
    const inner = createHttpClient({ clock, allowLoopback: true });
    atEnd(() => inner.close());
    let calls = 0;
    const http: HttpClient = {
      send: (request) =>
        inner.send(request).finally(() => {
          calls += 1;
        }),
    };
    const sample = await world.measure(url, { http, clock }, () => calls);
    return { sample, tookMs: clock.monotonicMs() };
  }

  async function measureServer(listener: (call: number) => RequestListener): Promise<Sample> {
    let calls = 0;
    const server = await running(
      serve((request, response) => {
        calls += 1;
        listener(calls)(request, response);
      }),
    );
    return (await measure(server.url)).sample;
  }

  const answerWith = (body: (call: number) => string, headers: Record<string, string> = {}): Promise<Sample> =>
    measureServer((call) => (_, response) => void response.writeHead(200, headers).end(body(call)));

  function expectNoPass(sample: Sample, kinds: readonly Sample['kind'][]): void {
    expect(kinds).toContain(sample.kind);
    // Whatever the bounds, this is no pass, and it is no fail either: a broken source must not look like a broken canary.
    for (const bounds of [
      { min: null, max: null },
      { min: 0, max: null },
      { min: null, max: 1e9 },
    ]) {
      expect(['Insufficient', 'Error']).toContain(judge({ name: 'x', ...bounds }, sample).verdict);
    }
    expect(sample.kind === 'value' ? '' : sample.detail).not.toBe('');
  }

  describe(`${world.name}: the three answers`, () => {
    test.each([100, 99, 50, 0])('a value: %i %', async (percent) => {
      const sample = await answerWith((call) => world.good(percent, call));
      expect(sample).toEqual({ kind: 'value', value: expect.closeTo(percent, 9) });
    });

    test('nothing: no traffic is no answer, neither 0 nor 100', async () => {
      expectNoPass(await answerWith((call) => world.nothing(call)), ['empty']);
    });

    test.each(world.numberless)('nothing: %s', async (_, body) => {
      expectNoPass(await answerWith(() => body), ['empty']);
    });

    test.each(world.unbelievable)('an error: %s', async (_, body) => {
      expectNoPass(await answerWith(() => body), ['error']);
    });

    test('packed answers are unpacked', async () => {
      const sample = await measureServer(
        (call) => (_, response) =>
          void response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(world.good(99, call))),
      );
      expect(sample).toEqual({ kind: 'value', value: expect.closeTo(99, 9) });
    });

    test('cookies and an odd content type change nothing', async () => {
      const sample = await answerWith((call) => world.good(99, call), {
        'set-cookie': 'a=b',
        'content-type': 'text/html',
      });
      expect(sample).toEqual({ kind: 'value', value: expect.closeTo(99, 9) });
    });
  });

  describe(`${world.name}: hostile answers`, () => {
    test.each([204, 206, 301, 400, 401, 403, 404, 429, 500, 502, 503])(
      'status %i with a good body is an error',
      async (status) => {
        const sample = await measureServer(
          (call) => (_, response) => void response.writeHead(status, { 'retry-after': '1' }).end(world.good(100, call)),
        );
        expectNoPass(sample, ['error']);
      },
    );

    test.each([
      ['a page', '<html><body>100</body></html>\n'],
      ['a page after blanks', ' \n\t<!DOCTYPE html>\n'],
    ])('%s is an error', async (_, body) => {
      expectNoPass(await answerWith(() => body), ['error']);
    });

    test.each(['http://169.254.169.254/latest/', 'http://127.0.0.1:1/', 'file:///etc/passwd', '//[::1]/'])(
      'a redirect to %s is an error',
      async (location) => {
        const sample = await measureServer(
          (call) => (_, response) => void response.writeHead(302, { location }).end(world.good(100, call)),
        );
        expectNoPass(sample, ['error']);
        expect(sample).toMatchObject({ detail: expect.stringMatching(/leads to another host, scheme or port/) });
      },
    );

    test('a gzip bomb is an error, and cheap', async () => {
      const bomb = gzipSync(Buffer.alloc(200_000_000, ' '));
      const before = process.memoryUsage().rss;
      const sample = await measureServer(
        () => (_, response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb),
      );
      expectNoPass(sample, ['error']);
      expect(process.memoryUsage().rss - before).toBeLessThan(200_000_000);
    });

    test.each<[string, string]>([
      ['closed at once', ''],
      ['not HTTP', 'SSH-2.0-OpenSSH_9.9\r\n'],
      ['a length that lies', `HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n${world.good(100, 2)}`],
      ['chunks that break off', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n'],
    ])('%s is an error', async (_, text) => {
      const server = await running(serveRaw((socket) => socket.end(text)));
      expectNoPass((await measure(server.url)).sample, ['error']);
    });

    test('a closed port is an error', async () => {
      const server = await serve(() => undefined);
      await server.close();
      expectNoPass((await measure(server.url)).sample, ['error']);
    });
  });

  describe(`${world.name}: time and secrets`, () => {
    test.each<[string, (server: RunningServer['sockets'][number]) => void]>([
      ['never answers', () => undefined],
      ['never ends', (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nx')],
    ])('the time-out is kept by a server that %s', async (_, behave) => {
      const server = await running(serveRaw(behave));
      const { sample, tookMs } = await measure(server.url);
      expectNoPass(sample, ['error']);
      expect(tookMs).toBeLessThanOrEqual(world.limitMs);
    });

    test('no error holds credentials, path, query or body', async () => {
      const server = await running(
        serve((_, response) => void response.writeHead(500).end(`b0dy ${SECRETS.join(' ')}`)),
      );
      const raw = await running(serveRaw((socket) => socket.destroy()));
      for (const port of [server.port, raw.port]) {
        const { sample } = await measure(`http://user:p4ssw0rd@127.0.0.1:${port}/s3cret-path?x=tok3n-query`);
        expectNoPass(sample, ['error']);
        for (const secret of [...SECRETS, 'b0dy']) expect(JSON.stringify(sample)).not.toContain(secret);
      }
    });
  });
}
