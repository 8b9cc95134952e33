// The queue on a real PostgreSQL that crashes, drops connections and is opened by several at once; and stores side by side.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { openQueue } from '../../../src/queue/open.ts';
import type { OpenQueue, QueueConfig } from '../../../src/queue/open.ts';
import type { QueueTimings } from '../../../src/queue/store.ts';
import { aKey, FAST, pause, PORTS, Recorder } from '../../conformance/queue/bench.ts';
import { skipPostgres, startPostgres, until, WHY_POSTGRES } from '../../conformance/queue/servers.ts';
import type { PostgresServer } from '../../conformance/queue/servers.ts';

const now = { delayMs: 0 };
const ends: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function open(config: QueueConfig, timings: Partial<QueueTimings> = {}): Promise<OpenQueue> {
  const queue = await openQueue({ ...config, timings: { ...FAST, ...timings } }, PORTS);
  ends.push(() => queue.close(300));
  return queue;
}

describe.skipIf(skipPostgres)(`queue on a failing PostgreSQL${WHY_POSTGRES}`, () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server?.stop());

  test('several processes that open a fresh database at once all get it', async () => {
    const queues = await Promise.all(
      Array.from({ length: 4 }, () => open({ postgresUrl: server.url, queueName: 'fresh' })),
    );

    expect(queues.map((queue) => queue.health())).toEqual(
      queues.map(() => ({ isUp: true, problem: null, rebuilds: 0, store: 'postgres' })),
    );
  });

  test('a crash loses nothing that was added', async () => {
    const queue = await open({ postgresUrl: server.url, queueName: 'crash' });
    await queue.add(aKey('waiting'), now);
    await queue.add(aKey('delayed'), { delayMs: 500 });

    await server.crash();
    await until('health tells', () => !queue.health().isUp);
    await expect(queue.add(aKey('refused'), now)).rejects.toMatchObject({ code: 'IO_QUEUE' });
    await server.restart();
    await until('up again', () => queue.health().isUp, 15_000);
    const recorder = new Recorder();
    await queue.run(recorder.handler, 2);

    await recorder.seen(2, 10_000);
    expect(new Set(recorder.keys())).toEqual(new Set([aKey('waiting'), aKey('delayed')]));
  });

  test('an administrator ends all connections: looks go on, and timers fire in time', async () => {
    const queue = await open({ postgresUrl: server.url, queueName: 'ended' });
    const recorder = new Recorder();
    await queue.run(recorder.handler, 2);
    await queue.add(aKey('a'), now);
    await recorder.seen(1);
    const admin = new Client({ connectionString: server.url });
    await admin.connect();
    ends.push(() => admin.end());

    await admin.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()');
    await until('an add gets through', () =>
      queue.add(aKey('b'), { delayMs: 100 }).then(
        () => true,
        () => false,
      ),
    );

    await until('the look', () => recorder.count(aKey('b')) > 0, 10_000);
  });

  test('a user that does not exist keeps it down, told without the password', async () => {
    const url = new URL(server.url);
    url.username = 'nobody-here';
    url.password = 'planted';

    const queue = await open({ postgresUrl: url.toString() }, { openWaitMs: 500 });

    await until('health tells why', () => queue.health().problem?.includes('nobody-here') ?? false);
    expect(queue.health().isUp).toBe(false);
    expect(queue.health().problem).not.toContain('planted');
  });

  test('stores of different kinds work side by side in one process', async () => {
    const queues = await Promise.all([
      open({ postgresUrl: server.url, queueName: 'side' }),
      open({ embedded: true, queueName: 'side' }),
    ]);
    const recorders = queues.map(() => new Recorder());
    await Promise.all(queues.map((queue, i) => queue.run(recorders[i]!.handler, 1)));

    await Promise.all(queues.map((queue, i) => queue.add(aKey(`k${i}`), { delayMs: 20 })));

    await Promise.all(recorders.map((recorder) => recorder.seen(1)));
    await pause(100);
    expect(recorders.map((recorder) => recorder.keys())).toEqual([[aKey('k0')], [aKey('k1')]]);
  });
});

describe('the embedded store in a folder', () => {
  test('opening it again loses nothing', async () => {
    const dataDir = join(mkdtempSync(join(tmpdir(), 'serin-embedded-')), 'data');
    ends.push(() => rmSync(join(dataDir, '..'), { recursive: true, force: true }));
    const first = await openQueue({ embedded: { dataDir }, timings: FAST }, PORTS);
    await first.add(aKey('a'), now);
    await first.add(aKey('b'), { delayMs: 50 });
    await first.close(500);

    const second = await open({ embedded: { dataDir } });
    const recorder = new Recorder();
    await second.run(recorder.handler, 1);

    await recorder.seen(2, 5_000);
    expect(new Set(recorder.keys())).toEqual(new Set([aKey('a'), aKey('b')]));
  });
});
