// The embedded pool keeps clients of one session apart as separate connections would.
import type { PGlite } from '@electric-sql/pglite';
import { describe, expect, test } from 'vitest';
import { EmbeddedPool, EmbeddedSession } from '../../../src/queue/embedded-pool.ts';

/** A session whose statements are only written down. */
function aSession() {
  const sent: string[] = [];
  let notify: (channel: string, payload: string) => void = () => undefined;
  const answer = async (text: string) => {
    await Promise.resolve();
    sent.push(text);
    if (text === 'FAIL') throw new Error('planted');
    return { rows: [{ n: sent.length }], affectedRows: 1 };
  };
  const database = {
    onNotification: (listener: typeof notify) => void (notify = listener),
    exec: async (text: string) => [await answer(text)],
    query: answer,
  } as unknown as PGlite;
  return {
    sent,
    pool: new EmbeddedPool(new EmbeddedSession(database)),
    notify: (channel: string, payload: string) => notify(channel, payload),
  };
}

describe('EmbeddedPool', () => {
  test('a transaction keeps the statements of others out until it ends', async () => {
    const { pool, sent } = aSession();
    const client = await pool.connect();
    await client.query('BEGIN');

    const outside = pool.query('SELECT outside', ['x']);
    await client.query('SELECT inside', ['x']);
    await client.query('COMMIT');
    await outside;

    expect(sent).toEqual(['BEGIN', 'SELECT inside', 'COMMIT', 'SELECT outside']);
  });

  test('a client that is released with a transaction open gives it up', async () => {
    const { pool, sent } = aSession();
    const client = await pool.connect();
    await client.query('BEGIN');

    client.release();
    await pool.query('SELECT 1', ['x']);

    expect(sent).toEqual(['BEGIN', 'ROLLBACK', 'SELECT 1']);
  });

  test('a statement that fails does not hold up the next', async () => {
    const { pool } = aSession();

    await expect(pool.query('FAIL')).rejects.toThrow('planted');
    expect(await pool.query('SELECT 1')).toEqual({ rows: [{ n: 2 }], rowCount: 1 });
  });

  test('notifications reach every client until it is released', async () => {
    const { pool, notify } = aSession();
    const heard: unknown[] = [];
    const clients = await Promise.all([pool.connect(), pool.connect()]);
    for (const client of clients) client.on('notification', (message: unknown) => void heard.push(message));

    notify('bullmq_jobs', 'serin');
    clients[0].release();
    notify('bullmq_jobs', 'serin');

    expect(heard).toEqual([1, 2, 3].map(() => ({ channel: 'bullmq_jobs', payload: 'serin' })));
  });
});
