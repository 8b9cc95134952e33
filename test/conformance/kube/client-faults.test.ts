// The client against a hostile server over real HTTP: what it sends, and what it believes of the answers.
import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { ConflictError, RefusedError, TransientError, UnsupportedError } from '../../../src/errors.ts';
import type { RequestSeen } from '../../../src/kube/call.ts';
import { createKubeClient } from '../../../src/kube/client.ts';
import { SECRET, refOf } from '../../../src/kube/kinds.ts';
import { systemClock } from '../../../src/util/clock.ts';
import { seededRandom } from '../../support/virtual-clock.ts';
import { until } from './examine-kube.ts';
import { A, METADATA, PATCH, WIDGET_A, closers, errorOf, failure, open, send } from './hostile-server.ts';
import type { Answerer } from './hostile-server.ts';
import { LittleServer, WIDGET, serveLittle } from './little-server.ts';
import { openUndici } from './open-undici.ts';

describe('what goes over the wire', () => {
  it('each write names its content type, its field manager and its fence', async () => {
    const { client, seen } = await open((_, response) => send(response, 200, WIDGET_A));
    await client.create({ ...WIDGET_A, metadata: { name: 'a', namespace: 'shop' } }, WIDGET);
    await client.patch(A, PATCH);
    await client.apply({ ...WIDGET_A, metadata: { ...METADATA, managedFields: [{}] } }, WIDGET);
    await client.replaceStatus({ ...WIDGET_A, status: {} }, WIDGET);
    await client.remove(A, 'u', '7', { lane: 'rollback' });
    const base = '/apis/examine.serin.dev/v1/namespaces/shop/widgets';

    expect(seen.map(({ line, headers }) => `${line} ${headers['content-type']}`)).toEqual([
      `POST ${base}?fieldManager=serin application/json`,
      `PATCH ${base}/a?fieldManager=serin application/json-patch+json`,
      `PATCH ${base}/a?fieldManager=serin&force=true application/apply-patch+yaml`,
      `PUT ${base}/a/status?fieldManager=serin application/json`,
      `DELETE ${base}/a application/json`,
    ]);
    expect(JSON.parse(seen[1]!.body)).toEqual(PATCH);
    expect(JSON.parse(seen[2]!.body)).toEqual({ ...WIDGET_A, metadata: METADATA });
    expect(JSON.parse(seen[4]!.body)).toMatchObject({ preconditions: { uid: 'u', resourceVersion: '7' } });
  });

  it('1,000 reads, 32 at a time, use few connections', async () => {
    const { client, server } = await open((_, response) => send(response, 200, WIDGET_A), {
      requestsPerSecond: 100_000,
    });
    for (let batch = 0; batch < 1_000 / 32; batch += 1)
      await Promise.all(Array.from({ length: 32 }, () => client.get(A)));

    expect(server.connections()).toBeLessThanOrEqual(64);
  });

  it('1,000 reads one after the other use one or two connections', async () => {
    const { client, server } = await open((_, response) => send(response, 200, WIDGET_A), {
      requestsPerSecond: 100_000,
    });
    for (let at = 0; at < 1_000; at += 1) await client.get(A);

    expect(server.connections()).toBeLessThanOrEqual(2);
  });

  it('200 watches take no connection away from the other requests', async () => {
    const little = new LittleServer();
    little.write('a');
    const server = await serveLittle(little);
    const transport = openUndici(server.url);
    closers.push(
      () => server.close(),
      () => transport.close(),
    );
    const client = createKubeClient({ transport, clock: systemClock, random: seededRandom(1) });
    const controller = new AbortController();
    const watching = Array.from({ length: 200 }, async () => {
      const options = { resourceVersion: '100', timeoutSeconds: 300, signal: controller.signal };
      for await (const _ of client.watch(WIDGET, null, options));
    }).map((watch) => watch.catch((error: unknown) => error as TransientError));
    await until(() => little.watchCount === 200);

    expect((await client.get(A))?.metadata.name).toBe('a');
    controller.abort();
    const ended = await Promise.all(watching);
    expect(new Set(ended.map((error) => (error as TransientError).code))).toEqual(new Set(['IO_ABORTED']));
    await until(() => little.watchCount === 0);
  });

  it('tells of each request: verb, kind, lane, status', async () => {
    const told: RequestSeen[] = [];
    const { client } = await open(
      (_, response, attempt) => (attempt === 1 ? send(response, 500, {}) : send(response, 200, WIDGET_A)),
      { onRequest: (seen) => told.push(seen) },
    );
    await client.get(A, { lane: 'rollback' });

    expect(told).toMatchObject([
      { verb: 'get', kind: 'Widget', lane: 'rollback', status: 500 },
      { verb: 'get', kind: 'Widget', lane: 'rollback', status: 200 },
    ]);
  });
});

describe('answers that are not to be believed', () => {
  it.each<[string, Answerer, string]>([
    [
      'an HTML page with 200',
      (_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Log in</html>'),
      'IO_PROTOCOL',
    ],
    [
      'JSON that is cut off',
      (_, response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{"kind":'),
      'IO_PROTOCOL',
    ],
    ['an empty object', (_, response) => send(response, 200, {}), 'IO_PROTOCOL'],
    ['another kind', (_, response) => send(response, 200, { ...WIDGET_A, kind: 'Pod' }), 'IO_PROTOCOL'],
    [
      'another object',
      (_, response) => send(response, 200, { ...WIDGET_A, metadata: { ...METADATA, name: 'b' } }),
      'IO_PROTOCOL',
    ],
    [
      'another namespace',
      (_, response) => send(response, 200, { ...WIDGET_A, metadata: { ...METADATA, namespace: 'x' } }),
      'IO_PROTOCOL',
    ],
    [
      'no version',
      (_, response) => send(response, 200, { ...WIDGET_A, metadata: { ...METADATA, resourceVersion: '' } }),
      'IO_PROTOCOL',
    ],
    [
      'bytes that are not UTF-8',
      (_, response) =>
        response.writeHead(200, { 'content-type': 'application/json' }).end(Buffer.from([0x22, 0xff, 0x22])),
      'IO_PROTOCOL',
    ],
    ['5 MiB', (_, response) => send(response, 200, { ...WIDGET_A, junk: 'x'.repeat(5 * 2 ** 20) }), 'IO_TOO_LARGE'],
    ['a redirect', (_, response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(), 'IO_REDIRECT'],
    ['an end in the middle', (_, response) => cutOff(response), 'IO_NETWORK'],
    ['a reset', (request) => request.socket.resetAndDestroy(), 'IO_NETWORK'],
    [
      'a 404 that is not about the object, from a server that says it serves the kind',
      littleButHtml404(),
      'IO_PROTOCOL',
    ],
  ])('%s is a TransientError', async (_, answer, code) => {
    const { client } = await open(answer);
    const error = await errorOf(client.get(A));

    expect(error).toBeInstanceOf(TransientError);
    expect(error.code).toBe(code);
    expect(error.message).toContain('Cannot get Widget shop/a');
  });

  it('a 404 from a server that knows no API groups is neither "absent" nor "not served"', async () => {
    const { client } = await open((_, response) => response.writeHead(404).end('<html>'));

    expect(await errorOf(client.get(A))).toBeInstanceOf(TransientError);
    expect(await errorOf(client.remove(A, 'u', '7'))).toBeInstanceOf(TransientError);
  });
});

describe('errors', () => {
  const cases: [number, string, unknown][] = [
    [409, 'Conflict', ConflictError],
    [409, 'AlreadyExists', ConflictError],
    [403, 'Forbidden', RefusedError],
    [413, 'RequestEntityTooLarge', RefusedError],
    [422, 'Invalid', RefusedError],
    [400, 'BadRequest', RefusedError],
    [500, 'InternalError', TransientError],
    [503, 'ServiceUnavailable', TransientError],
    [504, 'Timeout', TransientError],
  ];
  it.each(cases)('%i %s on a write: sent once, and the error says what comes next', async (code, reason, type) => {
    const { client, seen } = await open((_, response) => send(response, code, failure(code, reason, 'because')));
    const error = await errorOf(client.patch(A, PATCH));

    expect(error).toBeInstanceOf(type);
    expect(seen.length).toBe(1);
    if (code >= 500) expect(error.message).toContain('whether it was done is unknown');
    if (error instanceof RefusedError)
      expect(error.message).toBe(`Cannot patch Widget shop/a: the server refused with ${code} ${reason}: because`);
  });

  it('404 on a write to an object that has gone is a ConflictError: the observation is out of date', async () => {
    const { client } = await open((_, response) => send(response, 404, failure(404, 'NotFound')));

    expect(await errorOf(client.patch(A, PATCH))).toBeInstanceOf(ConflictError);
  });

  it('a kind that is not served is UnsupportedError for a read, and nothing to remove', async () => {
    const { client } = await open((request, response) => {
      if (request.url === '/apis') return send(response, 200, { kind: 'APIGroupList', groups: [] });
      response.writeHead(404, { 'content-type': 'text/plain' }).end('404 page not found\n');
    });

    expect(await errorOf(client.get(A))).toBeInstanceOf(UnsupportedError);
    expect(await errorOf(client.list(WIDGET, null))).toBeInstanceOf(UnsupportedError);
    await client.remove(A, 'u', '7');
  });

  it('hold no header, no body and no control character, and for Secrets nothing that the server said', async () => {
    const message = `value "hunter2"\n\u001b[31mforged\u2028line ${'x'.repeat(1_000)}`;
    const { client } = await open(
      (_, response) => send(response, 422, failure(422, 'Invalid', message), { 'x-token': 'sesame' }),
      { authorize: (headers) => Promise.resolve(void (headers['authorization'] = 'Bearer sesame')) },
    );
    const widget = await errorOf(client.patch(A, PATCH));
    const secret = await errorOf(client.get(refOf(SECRET, 'shop', 'a')));

    expect(JSON.stringify([widget.message, secret.message])).not.toContain('sesame');
    // oxlint-disable-next-line no-control-regex
    expect(widget.message).not.toMatch(/[\u0000-\u001f\u2028]/);
    expect(widget.message.length).toBeLessThan(450);
    expect(secret.message).toBe('Cannot get Secret shop/a: the server refused with 422 Invalid');
  });
});

function cutOff(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
  response.write('{"kind":', () => response.destroy());
}

function littleButHtml404(): Answerer {
  const little = new LittleServer();
  return (request, response) => {
    const url = new URL(request.url ?? '/', 'http://little');
    if (url.pathname.includes('/namespaces/')) {
      response.writeHead(404, { 'content-type': 'text/html' }).end('<html>');
      return;
    }
    void little.handle({ method: 'GET', url, headers: {}, body: '' }).then((reply) => {
      response.writeHead(reply.status, reply.headers).end(reply.body);
    });
  };
}
