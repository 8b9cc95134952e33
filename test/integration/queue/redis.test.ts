// The queue on a real Redis that is killed, flushed, stopped, full, wrongly set up, locked, and cut off.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { generate } from 'selfsigned';
import { afterEach, describe, expect, test } from 'vitest';
import { openQueue } from '../../../src/queue/open.ts';
import type { OpenQueue, QueueConfig } from '../../../src/queue/open.ts';
import type { QueueTimings } from '../../../src/queue/store.ts';
import { aKey, FAST, pause, PORTS, Recorder } from '../../conformance/queue/bench.ts';
import { skipRedis, startRedis, until, WHY_REDIS } from '../../conformance/queue/servers.ts';
import type { RedisServer } from '../../conformance/queue/servers.ts';
import { startProxy } from './proxy.ts';

const now = { delayMs: 0 };
const ends: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function redis(options?: (port: number) => readonly string[]): Promise<RedisServer> {
  const server = await startRedis(options);
  ends.push(() => server.stop());
  return server;
}

async function open(config: QueueConfig, timings: Partial<QueueTimings> = {}): Promise<OpenQueue> {
  const queue = await openQueue({ ...config, timings: { ...FAST, ...timings } }, PORTS);
  ends.push(() => queue.close(300));
  return queue;
}

function client(url: string): Redis {
  const connection = new Redis(url);
  connection.on('error', () => undefined);
  ends.push(() => connection.disconnect());
  return connection;
}

const failsFast = async (queue: OpenQueue, limitMs: number): Promise<void> => {
  const startMs = performance.now();
  await expect(queue.add(aKey('refused'), now)).rejects.toMatchObject({ code: 'IO_QUEUE' });
  expect(performance.now() - startMs).toBeLessThan(limitMs);
};

describe.skipIf(skipRedis)(`queue on a failing Redis${WHY_REDIS}`, () => {
  test('kill -9 without persistence: refused at once, then goes on with what is added again', async () => {
    const server = await redis();
    const queue = await open({ redisUrl: server.url });
    const recorder = new Recorder();
    await queue.run(recorder.handler, 2);
    for (let i = 0; i < 20; i += 1) await queue.add(aKey(`k${i}`), { delayMs: 60_000 });

    server.signal('SIGKILL');
    await until('health tells', () => !queue.health().isUp);
    await failsFast(queue, 100);
    await server.restart();
    await until('up again', () => queue.health().isUp, 15_000);
    for (let i = 0; i < 20; i += 1) await queue.add(aKey(`k${i}`), { delayMs: 20 });

    await recorder.seen(20, 15_000);
    expect(new Set(recorder.keys()).size).toBe(20);
  });

  test('an outage longer than a worker waits for jobs: it works again within seconds', async () => {
    const server = await redis();
    const queue = await open({ redisUrl: server.url }, { silentAfterMs: 10_000 });
    const recorder = new Recorder();
    await queue.run(recorder.handler, 2);
    server.signal('SIGKILL');
    await pause(7_000);

    await server.restart();
    await until('up again', () => queue.health().isUp, 10_000);
    await queue.add(aKey('a'), now);

    await recorder.seen(1, 5_000);
  }, 60_000);

  test('FLUSHALL with delayed jobs: nothing runs, no error comes, and what is added again does run', async () => {
    const server = await redis();
    const queue = await open({ redisUrl: server.url });
    const recorder = new Recorder();
    await queue.run(recorder.handler, 2);
    for (let i = 0; i < 50; i += 1) await queue.add(aKey(`k${i}`), { delayMs: 2_000 });

    await client(server.url).flushall();
    await pause(2_500);
    expect(recorder.looks).toHaveLength(0);
    expect(queue.health()).toMatchObject({ isUp: true, rebuilds: 0 });
    for (let i = 0; i < 50; i += 1) await queue.add(aKey(`k${i}`), { delayMs: 10 });

    await recorder.seen(50, 10_000);
  });

  test('SIGSTOP: an add is refused at the deadline, the next at once, and looks go on afterwards', async () => {
    const server = await redis();
    const queue = await open({ redisUrl: server.url }, { commandTimeoutMs: 500 });
    const recorder = new Recorder();
    await queue.run(recorder.handler, 2);
    await queue.add(aKey('a'), now);
    await recorder.seen(1);

    server.signal('SIGSTOP');
    await failsFast(queue, 900);
    await failsFast(queue, 100);
    expect(queue.health().isUp).toBe(false);
    server.signal('SIGCONT');
    await until('up again', () => queue.health().isUp, 10_000);
    await queue.add(aKey('b'), now);

    await until('the look', () => recorder.count(aKey('b')) > 0, 10_000);
  });

  test('connections that hang without an error are made anew', async () => {
    const server = await redis();
    const proxy = await startProxy(server.port);
    ends.push(() => proxy.close());
    const queue = await open(
      { redisUrl: `redis://127.0.0.1:${proxy.port}` },
      { commandTimeoutMs: 300, silentAfterMs: 2_000 },
    );
    const recorder = new Recorder();
    await queue.run(recorder.handler, 2);
    await queue.add(aKey('a'), now);
    await recorder.seen(1);

    proxy.freeze();
    await failsFast(queue, 900);
    await until('up again', () => queue.health().isUp, 10_000);
    await queue.add(aKey('b'), now);

    await until('the look', () => recorder.count(aKey('b')) > 0, 10_000);
    expect(queue.health().rebuilds).toBeGreaterThanOrEqual(1);
  });

  test('a full Redis counts as away, and is used again when there is room', async () => {
    const server = await redis(() => ['--maxmemory', '3mb', '--maxmemory-policy', 'noeviction']);
    const queue = await open({ redisUrl: server.url });
    const recorder = new Recorder();
    await queue.run(recorder.handler, 2);
    const connection = client(server.url);
    await connection.config('SET', 'maxmemory', '1mb');

    await until('an add is refused', () =>
      queue.add(aKey('a'), { delayMs: 50 }).then(
        () => false,
        (error: unknown) => (error as { code?: string }).code === 'IO_QUEUE',
      ),
    );
    await until('health tells why', () => queue.health().problem?.includes('OOM') ?? false);
    expect(queue.health().isUp).toBe(false);
    await connection.config('SET', 'maxmemory', '100mb');
    await until('up again', () => queue.health().isUp);
    await queue.add(aKey('b'), now);

    await until('the look', () => recorder.count(aKey('b')) > 0, 10_000);
  });
});

describe.skipIf(skipRedis)(`queue on a Redis as it is set up${WHY_REDIS}`, () => {
  test.each([
    ['by CONFIG', []],
    ['by INFO where CONFIG is forbidden', ['--rename-command', 'CONFIG', '']],
  ])('an eviction policy that loses jobs is a problem, found %s', async (_name, words) => {
    const server = await redis(() => ['--maxmemory', '50mb', '--maxmemory-policy', 'allkeys-lru', ...words]);

    const queue = await open({ redisUrl: server.url });

    await until('a problem', () => queue.health().problem !== null);
    expect(queue.health()).toMatchObject({ isUp: true });
    expect(queue.health().problem).toContain('maxmemory-policy is allkeys-lru, must be noeviction');
  });

  test('an eviction policy is looked at again and again', async () => {
    const server = await redis(() => ['--maxmemory-policy', 'noeviction']);
    const queue = await open({ redisUrl: server.url }, { inspectEveryMs: 200 });
    expect(queue.health().problem).toBeNull();
    const connection = client(server.url);

    await connection.config('SET', 'maxmemory-policy', 'volatile-ttl');
    await until('a problem', () => queue.health().problem?.includes('volatile-ttl') ?? false);
    await connection.config('SET', 'maxmemory-policy', 'noeviction');

    await until('no problem', () => queue.health().problem === null);
  });

  test('a password from the URL or apart opens it, and user names do', async () => {
    const server = await redis(() => ['--requirepass', 'sesame']);
    await client(`redis://:sesame@127.0.0.1:${server.port}`).acl(
      'SETUSER',
      'serin',
      'on',
      '>apart',
      '~*',
      '&*',
      '+@all',
    );
    const at = `127.0.0.1:${server.port}`;
    const configs: QueueConfig[] = [
      { redisUrl: `redis://:sesame@${at}` },
      { redisUrl: `redis://${at}`, password: 'sesame' },
      { redisUrl: `redis://${at}`, username: 'serin', password: 'apart' },
    ];

    for (const config of configs) expect((await open(config)).health()).toMatchObject({ isUp: true, problem: null });
  });

  test('a wrong password keeps it down, is told without being repeated, and adds are refused at once', async () => {
    const server = await redis(() => ['--requirepass', 'sesame']);

    const queue = await open(
      { redisUrl: server.url, password: 'wrong-plant' },
      { openWaitMs: 800, commandTimeoutMs: 300 },
    );

    expect(queue.health().isUp).toBe(false);
    expect(queue.health().problem).not.toContain('wrong-plant');
    await failsFast(queue, 100);
  });

  test('TLS is verified against the given authority, and refused without it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'serin-tls-'));
    ends.push(() => rmSync(folder, { recursive: true, force: true }));
    const pems = await generate([{ name: 'commonName', value: '127.0.0.1' }], {
      extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }],
    });
    writeFileSync(join(folder, 'cert.pem'), pems.cert);
    writeFileSync(join(folder, 'key.pem'), pems.private);
    const server = await redis((port) => [
      '--port',
      '0',
      '--tls-port',
      String(port),
      '--tls-auth-clients',
      'no',
      '--tls-cert-file',
      join(folder, 'cert.pem'),
      '--tls-key-file',
      join(folder, 'key.pem'),
      '--tls-ca-cert-file',
      join(folder, 'cert.pem'),
    ]);
    const redisUrl = `rediss://127.0.0.1:${server.port}`;

    const trusting = await open({ redisUrl, caPem: pems.cert });
    const doubting = await open({ redisUrl }, { openWaitMs: 800, commandTimeoutMs: 300 });

    const recorder = new Recorder();
    await trusting.run(recorder.handler, 1);
    await trusting.add(aKey('a'), now);
    await recorder.seen(1, 3_000);
    expect(doubting.health().isUp).toBe(false);
  });

  test('a Redis that comes later than the queue is used as soon as it is there', async () => {
    const server = await redis();
    await server.stop();
    const startMs = performance.now();
    const queue = await open({ redisUrl: server.url }, { openWaitMs: 500 });
    expect(performance.now() - startMs).toBeLessThan(1_500);
    const recorder = new Recorder();
    await queue.run(recorder.handler, 1);
    await failsFast(queue, 100);

    await server.restart();
    await until('up', () => queue.health().isUp, 10_000);
    await queue.add(aKey('a'), now);

    await recorder.seen(1, 10_000);
  });
});

describe.skipIf(skipRedis)(`queue shared by processes over Redis${WHY_REDIS}`, () => {
  test('a process killed in the middle of a look: another takes the look over, and what was asked for meanwhile', async () => {
    const server = await redis();
    const queueName = 'killed';
    const queue = await open({ redisUrl: server.url, queueName });
    const child = spawn(process.execPath, [join(import.meta.dirname, 'worker-process.ts'), server.url, queueName], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    ends.push(() => void child.kill('SIGKILL'));
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await queue.add(aKey('a'), now);
    await until('the child looks', () => said.includes(aKey('a')));
    await queue.add(aKey('a'), now);

    child.kill('SIGKILL');
    const recorder = new Recorder();
    await queue.run(recorder.handler, 2);

    await recorder.seen(2, 10_000);
    expect(recorder.keys()).toEqual([aKey('a'), aKey('a')]);
  });

  test('a process stopped in the middle of a look loses it, and hears of it when it goes on', async () => {
    const server = await redis();
    const queue = await open({ redisUrl: server.url }, { lockMs: 1_000 });
    const door = Promise.withResolvers<void>();
    const recorder = new Recorder(
      (_key, look) => (look.signal.addEventListener('abort', () => door.resolve()), door.promise),
    );
    await queue.run(recorder.handler, 2);
    await queue.add(aKey('a'), now);
    await recorder.seen(1);

    const connection = client(server.url);
    const [lock] = await connection.keys('*:lock');
    await connection.set(lock!, 'somebody else');

    await until('the signal aborts', () => recorder.looks[0]!.signal.aborted, 5_000);
  });

  test('queues of different names on one Redis do not see each other', async () => {
    const server = await redis();
    const [one, two] = [
      await open({ redisUrl: server.url, queueName: 'one' }),
      await open({ redisUrl: server.url, queueName: 'two' }),
    ];
    const recorders = [new Recorder(), new Recorder()];
    await one.run(recorders[0]!.handler, 1);
    await two.run(recorders[1]!.handler, 1);

    await one.add(aKey('a'), now);
    await two.add(aKey('b'), now);

    await Promise.all(recorders.map((recorder) => recorder.seen(1)));
    expect(recorders.map((recorder) => recorder.keys())).toEqual([[aKey('a')], [aKey('b')]]);
  });
});
