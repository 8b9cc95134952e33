// The client against a hostile server over real HTTP: what it repeats, who goes first, and when it gives up.
import { describe, expect, it } from 'vitest';
import { RefusedError, TransientError } from '../../../src/errors.ts';
import type { Lane } from '../../../src/kube/contract.ts';
import { refOf } from '../../../src/kube/kinds.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { until } from './examine-kube.ts';
import { A, METADATA, PATCH, WIDGET_A, errorOf, failure, open, send, settled } from './hostile-server.ts';
import { WIDGET } from './little-server.ts';

describe('repeating', () => {
  it('a read is tried three times, on failures and on resets', async () => {
    const { client, seen } = await open((request, response, attempt) => {
      if (attempt === 1) return request.socket.resetAndDestroy();
      return attempt === 2 ? send(response, 503, {}) : send(response, 200, WIDGET_A);
    });

    expect((await client.get(A))?.metadata.uid).toBe('u');
    expect(seen.length).toBe(3);
  });

  it('and no more than three times', async () => {
    const { client, seen } = await open((_, response) => send(response, 500, {}));

    expect(await errorOf(client.get(A))).toBeInstanceOf(TransientError);
    expect(seen.length).toBe(3);
  });

  it('a write that was reset is not repeated', async () => {
    const { client, seen } = await open((request) => request.socket.resetAndDestroy());

    expect((await errorOf(client.patch(A, PATCH))).message).toContain('whether it was done is unknown');
    expect(seen.length).toBe(1);
  });

  it('a write that met 429 is repeated after Retry-After: the server did nothing', async () => {
    const clock = new VirtualClock();
    const { client, seen } = await open(
      (_, response, attempt) =>
        attempt === 1 ? send(response, 429, {}, { 'retry-after': '7' }) : send(response, 200, WIDGET_A),
      { clock },
    );
    const writing = client.patch(A, PATCH);
    await clock.waitReal(() => seen.length === 1 && clock.pendingTimers() >= 2);
    await settled(clock);
    await clock.advance(6_900);
    expect(seen.length).toBe(1);
    await clock.advance(1_600);
    await writing;
    expect(seen.length).toBe(2);
  });

  it('a wait that is longer than the call may last is handed up', async () => {
    const { client, seen } = await open((_, response) => send(response, 429, {}, { 'retry-after': '7200' }));
    const error = await errorOf(client.patch(A, PATCH));

    expect((error as TransientError).retryAfterMs).toBe(60_000);
    expect(seen.length).toBe(1);
  });

  it('401: the credentials are read again, once', async () => {
    const refused: boolean[] = [];
    const authorize = (headers: Record<string, string>, isRefused: boolean): Promise<void> => {
      refused.push(isRefused);
      headers['authorization'] = isRefused ? 'Bearer new' : 'Bearer old';
      return Promise.resolve();
    };
    const { client, seen } = await open(
      (request, response) =>
        request.headers.authorization === 'Bearer new' ? send(response, 200, WIDGET_A) : send(response, 401, {}),
      { authorize },
    );
    await client.patch(A, PATCH);
    expect(refused).toEqual([false, true]);
    expect(seen.length).toBe(2);
  });

  it('401 for good is a RefusedError after two tries', async () => {
    const { client, seen } = await open((_, response) => send(response, 401, failure(401, 'Unauthorized')), {
      authorize: () => Promise.resolve(),
    });

    expect(await errorOf(client.get(A))).toBeInstanceOf(RefusedError);
    expect(seen.length).toBe(2);
  });

  it('while the server asks us to slow down, a rollback goes first and its retry passes everybody', async () => {
    const clock = new VirtualClock();
    const { client, seen } = await open(
      (request, response, attempt) => {
        if (attempt <= 2) return send(response, 429, {}, { 'retry-after': '1' });
        const name = request.url!.split('/').at(-1)!;
        send(response, 200, { ...WIDGET_A, metadata: { ...METADATA, name } });
      },
      { clock },
    );
    const ask = (name: string, lane: Lane): Promise<unknown> => client.get(refOf(WIDGET, 'shop', name), { lane });
    const asked = (): string[] => seen.map(({ line }) => line.split('/').at(-1)!);
    const calls = [ask('first', 'progress')];
    await clock.waitReal(() => seen.length === 1);
    await settled(clock);
    calls.push(ask('resync', 'resync'), ask('progress', 'progress'), ask('rollback', 'rollback'));
    await clock.waitReal(() => seen.length === 2);
    await settled(clock);
    // Only the rollback was let out, and it was refused as well: the others wait until it is through.
    expect(asked()).toEqual(['first', 'rollback']);

    while (seen.length < 6) await clock.advance(50).then(() => settled(clock));
    await Promise.all(calls);
    expect(asked().slice(2, 3)).toEqual(['rollback']);
    expect(asked().slice(3).toSorted()).toEqual(['first', 'progress', 'resync']);
  });
});

describe('limits on a virtual clock', () => {
  it('a silent server: 10 s for the headers, three times for a read, once for a write', async () => {
    const clock = new VirtualClock();
    const { client, seen } = await open(() => undefined, { clock });
    const reading = errorOf(client.get(A));
    const writing = errorOf(client.patch(A, PATCH));
    await clock.waitReal(() => seen.length === 2);
    await clock.advance(9_999);
    expect(seen.length).toBe(2);
    await clock.advance(2);
    expect((await writing).message).toBe(
      'Cannot patch Widget shop/a: the server did not answer within 10 s; whether it was done is unknown',
    );
    await clock.advance(1_000);
    await clock.waitReal(() => seen.length === 3);
    await clock.advance(12_000);
    await clock.waitReal(() => seen.length === 4);
    await clock.advance(10_001);

    expect((await reading).code).toBe('IO_TIMEOUT');
    expect(clock.pendingTimers()).toBe(0);
  });

  it('a body that trickles: 30 s', async () => {
    const clock = new VirtualClock();
    let responses = 0;
    const { client } = await open(
      (_, response) => {
        responses += 1;
        response.writeHead(200, { 'content-type': 'application/json' });
        response.write('{');
      },
      { clock },
    );
    const writing = errorOf(client.patch(A, PATCH));
    await clock.waitReal(() => responses === 1);
    await settled(clock);
    await clock.advance(30_001);

    expect((await writing).message).toContain('the answer was not complete within 30 s');
    expect(clock.pendingTimers()).toBe(0);
  });

  it('a call that waits for its turn for a minute is given up unsent', async () => {
    const clock = new VirtualClock();
    const { client, seen } = await open((_, response) => send(response, 200, WIDGET_A), {
      clock,
      requestsPerSecond: 0.01,
    });
    await client.get(A);
    const second = errorOf(client.get(A));
    await clock.advance(60_001);

    expect((await second).code).toBe('IO_TIMEOUT');
    expect(seen.length).toBe(1);
  });

  it('the caller may give up at any time', async () => {
    const controller = new AbortController();
    const { client, seen } = await open(() => undefined);
    const reading = errorOf(client.get(A, { signal: controller.signal }));
    await until(() => seen.length === 1);
    controller.abort();

    expect((await reading).code).toBe('IO_ABORTED');
    expect((await errorOf(client.get(A, { signal: controller.signal }))).code).toBe('IO_ABORTED');
    expect(seen.length).toBe(1);
  });

  it('a watch that is half-open ends after 90 s without a byte', async () => {
    const clock = new VirtualClock();
    let isOpen = false;
    const { client } = await open(
      (_, response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.flushHeaders();
        isOpen = true;
      },
      { clock },
    );
    const watching = errorOf(
      (async () => {
        const options = { resourceVersion: '1', timeoutSeconds: 300, signal: new AbortController().signal };
        for await (const _ of client.watch(WIDGET, null, options));
      })(),
    );
    await clock.waitReal(() => isOpen);
    await settled(clock);
    await clock.advance(90_001);

    expect((await watching).message).toContain('not a byte came within 90 s');
    expect(clock.pendingTimers()).toBe(0);
  });

  it('a watch that is reset in the middle of an event ends with an error, and what came before is shown', async () => {
    const { client } = await open((request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write(`${JSON.stringify({ type: 'ADDED', object: WIDGET_A })}\n{"type":"MODI`, () => {
        setTimeout(() => request.socket.resetAndDestroy(), 20);
      });
    });
    const seen: string[] = [];
    const watching = (async () => {
      const options = { resourceVersion: '1', timeoutSeconds: 300, signal: new AbortController().signal };
      for await (const event of client.watch(WIDGET, null, options)) seen.push(event.type);
    })();

    expect((await errorOf(watching)).code).toBe('IO_NETWORK');
    expect(seen).toEqual(['ADDED']);
  });
});
