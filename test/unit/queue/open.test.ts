// Configurations that cannot work, said before anything is connected, and without what is secret in them.
import { describe, expect, test } from 'vitest';
import { openQueue } from '../../../src/queue/open.ts';
import type { QueueConfig } from '../../../src/queue/open.ts';
import { readPostgresAccess } from '../../../src/queue/postgres-store.ts';
import { readRedisAccess } from '../../../src/queue/redis-store.ts';
import { silentLog } from '../../../src/telemetry/contract.ts';
import { systemClock } from '../../../src/util/clock.ts';
import { systemRandom } from '../../../src/util/random.ts';

const ports = { clock: systemClock, random: systemRandom, log: silentLog };

describe('openQueue()', () => {
  test.each<[string, QueueConfig]>([
    ['no store', {}],
    ['two stores', { redisUrl: 'redis://localhost', postgresUrl: 'postgres://localhost' }],
    ['no URL', { redisUrl: 'not a url with hunter2' }],
    ['another scheme', { redisUrl: 'https://user:hunter2@localhost' }],
    ['a database that is no number', { redisUrl: 'redis://:hunter2@localhost/prod' }],
    ['another scheme for PostgreSQL', { postgresUrl: 'mysql://user:hunter2@localhost' }],
    ['a name that BullMQ cannot take', { redisUrl: 'redis://localhost', queueName: 'a:b' }],
  ])('refuses %s', async (_name, config) => {
    const error = await openQueue(config, ports).catch((thrown: unknown) => thrown);

    expect(error).toMatchObject({ code: 'SPEC_QUEUE', disposition: 'stop' });
    expect(String(error)).not.toContain('hunter2');
  });
});

describe('readRedisAccess()', () => {
  test('takes host, port, database and credentials from the URL', () => {
    expect(readRedisAccess({ url: 'redis://me:p%40ss@redis.example.com:6390/3' })).toEqual({
      host: 'redis.example.com',
      port: 6390,
      db: 3,
      username: 'me',
      password: 'p@ss',
    });
  });

  test('a password with a lone percent sign is taken as it stands', () => {
    expect(readRedisAccess({ url: 'redis://:100%@redis.example.com' })).toMatchObject({ password: '100%' });
  });

  test('credentials given apart win', () => {
    expect(
      readRedisAccess({ url: 'redis://me:old@redis.example.com', username: 'you', password: 'new' }),
    ).toMatchObject({ username: 'you', password: 'new' });
  });

  test('rediss means TLS with the name of the host, or none for an address', () => {
    expect(readRedisAccess({ url: 'rediss://redis.example.com', caPem: 'PEM' }).tls).toEqual({
      servername: 'redis.example.com',
      ca: 'PEM',
    });
    expect(readRedisAccess({ url: 'rediss://127.0.0.1' }).tls).toEqual({});
    expect(readRedisAccess({ url: 'redis://redis.example.com' }).tls).toBeUndefined();
  });

  test('an address of version 6 loses its brackets', () => {
    expect(readRedisAccess({ url: 'redis://[::1]:7000' })).toMatchObject({ host: '::1', port: 7000 });
  });
});

describe('readPostgresAccess()', () => {
  test('credentials given apart win, and are quoted', () => {
    const { connectionString } = readPostgresAccess({
      url: 'postgres://me:old@db.example.com/serin?sslmode=require',
      username: 'you',
      password: 'p@ss/word',
    });

    expect(connectionString).toBe('postgres://you:p%40ss%2Fword@db.example.com/serin?sslmode=require');
  });

  test('an authority of its own turns verification on', () => {
    expect(readPostgresAccess({ url: 'postgres://db.example.com/x', caPem: 'PEM' }).ssl).toEqual({
      ca: 'PEM',
      rejectUnauthorized: true,
    });
  });
});
