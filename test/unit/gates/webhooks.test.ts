// Hooks on the wire: payload, verdicts per group, retries on the virtual clock, deadlines, and what people read.
import { afterEach, describe, expect, test } from 'vitest';
import type { Hook } from '../../../src/core/policy.ts';
import type { HookAnswer, HookCall } from '../../../src/gates/contract.ts';
import { computeHookChecksum } from '../../../src/gates/checksum.ts';
import { cleanText, displayUrl } from '../../../src/gates/text.ts';
import { createHookCaller, readRetryAfterMs } from '../../../src/gates/webhooks.ts';
import { createHttpClient } from '../../../src/http/client.ts';
import { systemClock, type Clock } from '../../../src/util/clock.ts';
import { seededRandom, VirtualClock } from '../../support/virtual-clock.ts';
import { bodyOf, cleanUp, running, serve, serveRaw, atEnd, type RunningServer } from '../http/servers.ts';

afterEach(cleanUp);

function aCall(hook: Partial<Hook>, more: Partial<HookCall> = {}): HookCall {
  return {
    hook: {
      name: 'gate',
      type: 'rollout',
      url: 'http://127.0.0.1:1/',
      timeoutMs: 10_000,
      retries: 0,
      disableTls: false,
      muteAlert: false,
      metadata: {},
      ...hook,
    },
    group: 'serin.dev',
    name: 'web',
    namespace: 'shop',
    phase: 'Progressing',
    checksum: 'abc123',
    metadata: {},
    idempotencyKey: 'uid/run/gate/2/7',
    ...more,
  };
}

interface Script {
  readonly status: number;
  readonly body?: string;
  readonly headers?: Record<string, string>;
}

/** A hook that answers as scripted, the last answer again and again, and the requests it got. */
async function aHook(...script: Script[]): Promise<
  RunningServer & {
    readonly requests: { method: string; path: string; headers: Record<string, unknown>; body: string }[];
  }
> {
  const requests: { method: string; path: string; headers: Record<string, unknown>; body: string }[] = [];
  const server = await running(
    serve((request, response) => {
      void bodyOf(request).then((body) => {
        requests.push({ method: request.method ?? '', path: request.url ?? '', headers: request.headers, body });
        const answer = script[Math.min(requests.length, script.length) - 1]!;
        response.writeHead(answer.status, answer.headers ?? {}).end(answer.body ?? '');
      });
    }),
  );
  return { ...server, requests };
}

/** Waits between attempts are virtual; what happens on the wire is real unless `httpClock` says otherwise. */
function aCaller(
  clock: VirtualClock,
  httpClock: Clock = systemClock,
): (call: HookCall, deadlineMs?: number, signal?: AbortSignal) => Promise<HookAnswer> {
  const http = createHttpClient({ clock: httpClock, allowLoopback: true });
  atEnd(() => http.close());
  const caller = createHookCaller({ http, clock, random: seededRandom(1) });
  return (call, deadlineMs = 60_000, signal = new AbortController().signal) => caller.call(call, deadlineMs, signal);
}

/** Lets each wait between two attempts pass until the call ends, and gives back its answer and the waits in milliseconds. */
async function passWaits(
  clock: CountingClock,
  answer: Promise<HookAnswer>,
): Promise<{ readonly answer: HookAnswer; readonly waitsMs: number[] }> {
  const waitsMs: number[] = [];
  let isDone = false;
  void answer.finally(() => {
    isDone = true;
  });
  for (;;) {
    await clock.waitReal(() => isDone || clock.pendingTimers() === 1);
    if (isDone) return { answer: await answer, waitsMs };
    const startedMs = clock.monotonicMs();
    // Stops at the very millisecond in which the timer fires: the next one may already be set when advance() returns.
    const fired = clock.timersFired;
    while (clock.timersFired === fired) await clock.advance(1);
    waitsMs.push(clock.monotonicMs() - startedMs);
  }
}

/** A virtual clock that counts the timers that fired. */
class CountingClock extends VirtualClock {
  timersFired = 0;

  override setTimer(delayMs: number, fire: () => void): () => void {
    return super.setTimer(delayMs, () => {
      this.timersFired += 1;
      fire();
    });
  }
}

describe('createHookCaller()', () => {
  test("sends Flagger's payload, as JSON, with the idempotency key", async () => {
    const hook = await aHook({ status: 200 });
    const call = aCall(
      { url: `${hook.url}/gate/check?x=1`, metadata: { cmd: 'hey -z 1m', eventType: 'mine' } },
      { metadata: { eventMessage: 'New revision detected', eventType: 'Normal', timestamp: '1767225600000' } },
    );
    expect(await aCaller(new VirtualClock())(call)).toEqual({ verdict: 'pass', detail: '' });
    expect(hook.requests).toHaveLength(1);
    expect(hook.requests[0]).toMatchObject({
      method: 'POST',
      path: '/gate/check?x=1',
      headers: { 'content-type': 'application/json', 'idempotency-key': 'uid/run/gate/2/7' },
    });
    expect(hook.requests[0]?.body).toBe(
      '{"name":"web","namespace":"shop","phase":"Progressing","checksum":"abc123","metadata":{"eventMessage":"New revision detected","eventType":"mine","timestamp":"1767225600000","cmd":"hey -z 1m"}}',
    );
  });

  test('leaves metadata out when there is none', async () => {
    const hook = await aHook({ status: 200 });
    await aCaller(new VirtualClock())(aCall({ url: hook.url }));
    expect(JSON.parse(hook.requests[0]?.body ?? '')).toEqual({
      name: 'web',
      namespace: 'shop',
      phase: 'Progressing',
      checksum: 'abc123',
    });
  });

  test.each<[number, Record<string, string>, string, string]>([
    [200, {}, 'pass', 'pass'],
    [201, {}, 'pass', 'pass'],
    [202, {}, 'pass', 'pass'],
    [202, { 'retry-after': '5' }, 'wait', 'pass'],
    [202, { 'retry-after': 'soon' }, 'pass', 'pass'],
    [203, {}, 'pass', 'fail'],
    [204, {}, 'pass', 'fail'],
    [299, {}, 'pass', 'fail'],
    [304, {}, 'fail', 'fail'],
    [400, {}, 'fail', 'fail'],
    [403, {}, 'fail', 'fail'],
    [501, {}, 'fail', 'fail'],
  ])('%i %j: serin.dev %s, flagger.app %s', async (status, headers, serin, flagger) => {
    const hook = await aHook({ status, headers });
    const ask = aCaller(new VirtualClock());
    expect((await ask(aCall({ url: hook.url, retries: 3 }))).verdict).toBe(serin);
    expect((await ask(aCall({ url: hook.url, retries: 3 }, { group: 'flagger.app' }))).verdict).toBe(flagger);
    expect(hook.requests).toHaveLength(2);
  });

  test('follows redirects on the same host only, three at most', async () => {
    const ask = aCaller(new VirtualClock());
    const near = await aHook(
      { status: 307, headers: { location: '/b' } },
      { status: 307, headers: { location: '/c' } },
      { status: 200 },
    );
    expect((await ask(aCall({ url: `${near.url}/a` }))).verdict).toBe('pass');
    expect(near.requests.map(({ method, path }) => `${method} ${path}`)).toEqual(['POST /a', 'POST /b', 'POST /c']);
    const far = await aHook({ status: 302, headers: { location: 'http://169.254.169.254/' } });
    const answer = await ask(aCall({ url: far.url, retries: 2 }));
    expect(answer).toEqual({
      verdict: 'fail',
      isFinal: true,
      detail: `Cannot call "127.0.0.1:${far.port}" for hook: IO_FORBIDDEN_ADDRESS, the redirect (302) leads to another host, scheme or port`,
    });
    const loop = await aHook({ status: 307, headers: { location: '/again' } });
    expect((await ask(aCall({ url: loop.url }))).detail).toMatch(/more than 3 redirects/);
    expect(loop.requests).toHaveLength(4);
  });

  test('a forbidden address is refused at once, without retries', async () => {
    const answer = await aCaller(new VirtualClock())(
      aCall({ url: 'http://user:s3cret@169.254.169.254/latest?k=v', retries: 5 }),
    );
    expect(answer).toEqual({
      verdict: 'fail',
      isFinal: true,
      detail: 'Cannot call "169.254.169.254" for hook: IO_FORBIDDEN_ADDRESS, link-local addresses are not allowed',
    });
  });
});

describe('retries', () => {
  /** Within ten percent, where jitter is. */
  function expectNear(waitsMs: readonly number[], nominalMs: readonly number[]): void {
    expect(waitsMs).toHaveLength(nominalMs.length);
    for (const [index, nominal] of nominalMs.entries()) {
      expect(waitsMs[index]).toBeGreaterThanOrEqual(nominal * 0.9);
      expect(waitsMs[index]).toBeLessThanOrEqual(nominal * 1.1);
    }
  }

  test.each([429, 500, 502, 503, 504])('%i is tried again, after 1, 2, 4… seconds', async (status) => {
    const clock = new CountingClock({ turns: 1 });
    const hook = await aHook({ status }, { status }, { status }, { status: 200 });
    const { answer, waitsMs } = await passWaits(clock, aCaller(clock)(aCall({ url: hook.url, retries: 3 })));
    expect(answer).toEqual({ verdict: 'pass', detail: '' });
    expect(hook.requests).toHaveLength(4);
    expectNear(waitsMs, [1_000, 2_000, 4_000]);
  });

  test('no wait is longer than 30 s', async () => {
    const clock = new CountingClock({ turns: 1 });
    const hook = await aHook(...Array.from({ length: 7 }, () => ({ status: 503 })), { status: 200 });
    const { answer, waitsMs } = await passWaits(clock, aCaller(clock)(aCall({ url: hook.url, retries: 7 }), 600_000));
    expect(answer.verdict).toBe('pass');
    expectNear(waitsMs, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  });

  test('exhausted server errors give the text that Flagger gives, without body, credentials or query', async () => {
    const hook = await aHook({ status: 500, body: 'stack trace' });
    const url = `http://user:pass@127.0.0.1:${hook.port}/gate/check?token=abc`;
    expect(await aCaller(new VirtualClock())(aCall({ url }))).toEqual({
      verdict: 'fail',
      detail: `POST ${hook.url}/gate/check giving up after 1 attempt(s)`,
    });
  });

  test('Retry-After is honoured', async () => {
    const clock = new CountingClock({ turns: 1 });
    const hook = await aHook({ status: 503, headers: { 'retry-after': '17' } }, { status: 200 });
    const { answer, waitsMs } = await passWaits(clock, aCaller(clock)(aCall({ url: hook.url, retries: 1 })));
    expect(answer.verdict).toBe('pass');
    expect(waitsMs).toEqual([17_000]);
  });

  test('a wait that would outlast the total deadline ends the call at once', async () => {
    const clock = new VirtualClock();
    const hook = await aHook({ status: 503, headers: { 'retry-after': '3600' } });
    expect((await aCaller(clock)(aCall({ url: hook.url, retries: 9 }), 30_000)).detail).toMatch(
      /giving up after 1 attempt/,
    );
    expect(clock.monotonicMs()).toBe(0);
    expect(clock.pendingTimers()).toBe(0);
  });

  test('all attempts together keep the total deadline, whatever the time-out of one', async () => {
    const clock = new VirtualClock();
    const silent = await running(serveRaw(() => undefined));
    let answer: HookAnswer | null = null;
    void aCaller(clock, clock)(aCall({ url: silent.url, retries: 100, timeoutMs: 10_000 }), 25_000).then((given) => {
      answer = given;
    });
    await clock.runUntil(() => answer !== null, 60_000);
    expect(clock.monotonicMs()).toBeLessThanOrEqual(25_000);
    expect(answer).toMatchObject({ verdict: 'fail' });
    expect(silent.sockets.length).toBeLessThanOrEqual(3);
  });

  test('connection errors are tried again and say what happened in the end', async () => {
    const clock = new CountingClock({ turns: 1 });
    let connections = 0;
    const flaky = await running(
      serveRaw((socket) => {
        connections += 1;
        if (connections < 3) socket.destroy();
        else socket.end('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
      }),
    );
    const ask = aCaller(clock);
    const { answer } = await passWaits(clock, ask(aCall({ url: flaky.url, retries: 2 })));
    expect(answer.verdict).toBe('pass');
    expect(connections).toBe(3);
    await flaky.close();
    const refused = await ask(aCall({ url: flaky.url }));
    expect(refused.detail).toBe(
      `POST ${flaky.url} giving up after 1 attempt(s): Cannot reach "127.0.0.1:${flaky.port}" for hook: connection refused (ECONNREFUSED)`,
    );
  });

  test('an abort of ours is not an answer of the hook', async () => {
    const clock = new VirtualClock();
    const hook = await aHook({ status: 503 });
    const controller = new AbortController();
    const answer = aCaller(clock)(aCall({ url: hook.url, retries: 5 }), 60_000, controller.signal).catch(
      (error: Error) => error,
    );
    await clock.waitReal(() => hook.requests.length === 1);
    controller.abort();
    expect(await answer).toMatchObject({ code: 'IO_CANCELLED' });
    expect(clock.pendingTimers()).toBe(0);
  });
});

describe('what people read', () => {
  test.each([
    ['the body of a refusal', 'deploy freeze until Monday', 'deploy freeze until Monday'],
    ['one line of it', 'line one\nline two\r\n\tthree', 'line one line two three'],
    ['no control sequences', '\u001b[31mred\u001b[0m\u0007 and \u001b[2Jgone\0', 'red and gone'],
    ['no direction overrides', 'abc\u202Egnp.exe\u2066', 'abcgnp.exe'],
    ['the status when there is no text', ' \n ', 'the hook answered 403'],
  ])('%s', async (_, body, detail) => {
    const hook = await aHook({ status: 403, body });
    expect(await aCaller(new VirtualClock())(aCall({ url: hook.url }))).toEqual({
      verdict: 'fail',
      detail,
      isFinal: true,
    });
  });

  test('at most 256 characters, none cut in half', async () => {
    const hook = await aHook({ status: 400, body: '😀'.repeat(100_000) });
    const { detail } = await aCaller(new VirtualClock())(aCall({ url: hook.url }));
    expect(Array.from(detail)).toHaveLength(256);
    expect(detail.endsWith('😀…')).toBe(true);
    expect(detail.isWellFormed()).toBe(true);
  });

  test('a body beyond all measure is a failure, not a hang', async () => {
    const hook = await aHook({ status: 200, body: 'x'.repeat(2_000_000) });
    expect((await aCaller(new VirtualClock())(aCall({ url: hook.url, retries: 3 }))).detail).toMatch(
      /longer than 1048576 bytes/,
    );
    expect(hook.requests).toHaveLength(1);
  });

  test('cleanText() takes linear time', () => {
    for (const text of ['\u001b['.repeat(500_000), ' '.repeat(1_000_000), '\u001b[0;'.repeat(250_000)]) {
      expect(cleanText(text).length).toBeLessThan(1_000);
    }
  });

  test('displayUrl() drops credentials, query and fragment', () => {
    expect(displayUrl('https://u:p@hooks.test:8443/a/b?c=d#e')).toBe('https://hooks.test:8443/a/b');
    expect(displayUrl('http://hooks.test')).toBe('http://hooks.test');
    expect(displayUrl('not a url')).toBe('an invalid URL');
  });
});

describe('readRetryAfterMs()', () => {
  const now = Date.UTC(2026, 0, 1);
  test.each([
    [undefined, null],
    ['', null],
    ['12', 12_000],
    ['0', 0],
    ['-1', null],
    ['1e3', null],
    ['99999999999', null],
    ['Thu, 01 Jan 2026 00:00:30 GMT', 30_000],
    ['Wed, 31 Dec 2025 23:59:00 GMT', 0],
    ['tomorrow', null],
    ['Thu, 99 Jan 2026 00:00:30 GMT', null],
  ])('%s', (text, expected) => {
    expect(readRetryAfterMs(text, now)).toBe(expected);
  });
});

describe('computeHookChecksum()', () => {
  test('is the same whatever the order, and changes with each input', () => {
    const one = computeHookChecksum({ 'configmap/a': '1', 'secret/b': '2' }, 'rev1');
    expect(one).toMatch(/^[0-9a-f]{16}$/);
    expect(computeHookChecksum({ 'secret/b': '2', 'configmap/a': '1' }, 'rev1')).toBe(one);
    expect(computeHookChecksum({ 'configmap/a': '1', 'secret/b': '3' }, 'rev1')).not.toBe(one);
    expect(computeHookChecksum({ 'configmap/a': '1', 'secret/b': '2' }, 'rev2')).not.toBe(one);
  });
});
