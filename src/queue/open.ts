// Opens the queue on the store that the configuration names.
import type { Queue } from './contract.ts';
import { InvalidSpecError } from '../errors.ts';
import { BullMqQueue } from './bullmq.ts';
import { EmbeddedStore } from './embedded-store.ts';
import type { EmbeddedDatabase } from './embedded-store.ts';
import { PostgresStore } from './postgres-store.ts';
import { RedisStore } from './redis-store.ts';
import { DEFAULT_TIMINGS } from './store.ts';
import type { QueuePorts, QueueStore, QueueTimings } from './store.ts';

/** Exactly one of `redisUrl`, `postgresUrl` and `embedded` names the store. */
export interface QueueConfig {
  /** Redis or Valkey: `redis://` or, with TLS, `rediss://`. */
  readonly redisUrl?: string;
  readonly postgresUrl?: string;
  /** PGlite inside the process; only for one replica. In memory, in a folder, or one that others use as well. */
  readonly embedded?: true | { readonly dataDir?: string; readonly database?: EmbeddedDatabase };
  /** Wins over the user name in the URL. */
  readonly username?: string;
  /** Wins over the password in the URL. */
  readonly password?: string;
  /** PEM of the authority that signed the store's certificate. */
  readonly caPem?: string;
  /** Installations that share a store need different names; `serin` by default. */
  readonly queueName?: string;
  readonly timings?: Partial<QueueTimings>;
}

/** The queue, and what else is known of it. */
export interface OpenQueue extends Queue {
  /** Jobs refused so far because they were not ours. */
  rejectedJobs(): number;
}

/**
 * Opens the queue. Resolves when the store has answered, or when it has not for `timings.openWaitMs`: the queue is then
 * not up, its adds fail at once, and it goes on connecting. Throws InvalidSpecError SPEC_QUEUE for a configuration that
 * cannot work, and whatever keeps the embedded store from starting.
 */
export async function openQueue(config: QueueConfig, ports: QueuePorts): Promise<OpenQueue> {
  const timings = { ...DEFAULT_TIMINGS, ...config.timings };
  const queueName = config.queueName ?? 'serin';
  if (!/^[A-Za-z0-9._-]{1,60}$/.test(queueName)) {
    throw new InvalidSpecError(
      'SPEC_QUEUE',
      'queue.queueName',
      'Cannot read queue.queueName: 1 to 60 letters, digits, dots and dashes',
    );
  }
  const store = chooseStore(config, timings, ports);
  // What is inside the process either starts or never will.
  if (store.kind === 'embedded') await store.prepare();
  const queue = new BullMqQueue(store, queueName, timings, ports);
  await queue.open();
  return queue;
}

function chooseStore(config: QueueConfig, timings: QueueTimings, ports: QueuePorts): QueueStore {
  const { redisUrl, postgresUrl, embedded } = config;
  if ([redisUrl, postgresUrl, embedded].filter((given) => given !== undefined).length !== 1) {
    throw new InvalidSpecError(
      'SPEC_QUEUE',
      'queue',
      'Cannot open the queue: exactly one of redisUrl, postgresUrl and embedded must be given',
    );
  }
  const access = {
    ...(config.username === undefined ? {} : { username: config.username }),
    ...(config.password === undefined ? {} : { password: config.password }),
    ...(config.caPem === undefined ? {} : { caPem: config.caPem }),
  };
  if (redisUrl !== undefined) return new RedisStore({ url: redisUrl, ...access }, timings, ports);
  if (postgresUrl !== undefined) return new PostgresStore({ url: postgresUrl, ...access }, timings, ports);
  const place = typeof embedded === 'object' ? embedded : {};
  return new EmbeddedStore(place.database ?? null, place.dataDir);
}
