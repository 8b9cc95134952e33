// The log: one JSON object a line, levels, inherited fields, and no secret in any of it.
import { describe, expect, test } from 'vitest';
import { BugError, TransientError } from '../../../src/errors.ts';
import { createLog } from '../../../src/telemetry/log.ts';
import type { LogLevel } from '../../../src/telemetry/log.ts';

function aLog(level: LogLevel = 'debug') {
  const text: string[] = [];
  const clock = {
    nowMs: () => Date.UTC(2026, 0, 2, 3, 4, 5, 6),
    monotonicMs: () => 0,
    setTimer: () => () => undefined,
  };
  const log = createLog({ level, clock, write: (line) => text.push(line) });
  return {
    log,
    text: () => text.join(''),
    lines: () => text.map((line) => JSON.parse(line) as Record<string, unknown>),
  };
}

describe('createLog()', () => {
  test('writes one JSON object a line, with level, time and message', () => {
    const { log, text, lines } = aLog();

    log.info('Promoting canary', { canary: 'shop/web', durationMs: 12 });

    expect(text().endsWith('\n')).toBe(true);
    expect(lines()).toEqual([
      {
        level: 'info',
        time: '2026-01-02T03:04:05.006Z',
        message: 'Promoting canary',
        canary: 'shop/web',
        durationMs: 12,
      },
    ]);
  });

  test('leaves out what is below its level', () => {
    const { log, lines } = aLog('warn');

    log.debug('a');
    log.info('b');
    log.warn('c');
    log.error('d');

    expect(lines().map((line) => line['message'])).toEqual(['c', 'd']);
  });

  test('child() inherits fields, and its own win', () => {
    const { log, lines } = aLog();

    log
      .child({ canary: 'shop/web', phase: 'Progressing' })
      .child({ lookId: 'x' })
      .info('Decided', { signal: 'breached' });

    expect(lines()[0]).toMatchObject({ canary: 'shop/web', phase: 'Progressing', lookId: 'x', signal: 'breached' });
  });

  test('names an error by type, code and message, with a stack only where it is our mistake', () => {
    const { log, lines } = aLog();

    log.warn('Look failed', { err: new TransientError('IO_TIMEOUT', 'no answer in 5 s') });
    log.error('Look failed', { err: new BugError('weights sum to 110') });

    expect(lines()[0]!['err']).toEqual({ type: 'TransientError', code: 'IO_TIMEOUT', message: 'no answer in 5 s' });
    expect(lines()[1]!['err']).toMatchObject({
      type: 'BugError',
      code: 'BUG',
      stack: expect.stringContaining('log.test.ts') as unknown,
    });
  });

  test('a field cannot take the place of the line’s own', () => {
    const { log, lines } = aLog();

    log.info('real', { message: 'forged', level: 'fatal', time: 'never' });

    expect(lines()[0]).toMatchObject({
      message: 'real',
      level: 'info',
      message_: 'forged',
      level_: 'fatal',
      time_: 'never',
    });
  });

  test('what a line cannot hold does not break it', () => {
    const { log, lines } = aLog();
    const ring: Record<string, unknown> = {};
    ring['self'] = ring;

    log.info('odd', {
      ring,
      big: 10n,
      nan: Number.NaN,
      fn: () => 1,
      when: new Date(0),
      bad: new Date(Number.NaN),
      map: new Map([['a', 1]]),
      bytes: new Uint8Array(3),
      none: undefined,
    });

    expect(lines()[0]).toMatchObject({
      big: '10',
      nan: 'NaN',
      fn: '[function]',
      when: '1970-01-01T00:00:00.000Z',
      bad: 'invalid date',
      map: { a: 1 },
      bytes: '[bytes]',
    });
  });

  test('a text of attackers cannot begin a line of its own, nor fill the disk', () => {
    const { log, text, lines } = aLog();

    log.info('Refusing', { reason: 'x\n{"level":"error","message":"forged"}', long: 'y'.repeat(1e6) });

    expect(text().trimEnd().split('\n')).toHaveLength(1);
    expect(String(lines()[0]!['long']).length).toBeLessThanOrEqual(4_096);
  });
});

describe('secrets', () => {
  const planted = {
    password: 'plant-01',
    redisPassword: 'plant-02',
    token: 'plant-03',
    slackToken: 'plant-04',
    apiKey: 'plant-05',
    api_key: 'plant-06',
    authorization: 'Bearer plant-07',
    clientSecret: 'plant-08',
    cookie: 'plant-09',
    privateKey: 'plant-10',
    passphrase: 'plant-11',
    credentials: { user: 'plant-12', list: ['plant-13'] },
    secrets: ['plant-14', { value: 'plant-15' }],
  };
  const config = {
    ...planted,
    queue: {
      redisUrl: 'rediss://default:plant-16@redis.example.com:6380/2',
      nested: { deep: { Password: 'plant-17' } },
    },
    slack: { address: 'https://hooks.slack.example.com/services/T000/B000/plant-18' },
    prometheus: { address: 'https://prometheus.example.com/api?token=plant-19' },
    headers: [{ name: 'X', Authorization: 'plant-20' }],
    note: 'sent with Basic cGxhbnQtMjE= to the server',
    both: 'see https://user:plant-22@one.example.com/x and postgres://u:plant-23@two.example.com/db',
    error: new Error('connect failed for amqp://guest:plant-24@host/vhost'),
    header: 'authorization: Bearer plant-25-abcdefgh',
    map: new Map([['token', 'plant-26']]),
  };

  test('logging a config with secrets shows none of them, and what is no secret', () => {
    const { log, text } = aLog();

    log.info('Starting', { config });
    log.child(planted).info('As a child');
    log.info('With https://user:plant-27@example.com/plant-28 in the message', planted);

    expect(text()).not.toMatch(/plant-\d\d/);
    expect(text()).not.toContain('cGxhbnQtMjE');
    expect(text()).toContain('rediss://redis.example.com:6380/[redacted]');
    expect(text()).toContain('https://prometheus.example.com/[redacted]');
  });

  test('flags about secrets stay readable', () => {
    const { log, lines } = aLog();

    log.info('Starting', { hasPassword: true, configTrackingSecrets: false });

    expect(lines()[0]).toMatchObject({ hasPassword: true, configTrackingSecrets: false });
  });
});
