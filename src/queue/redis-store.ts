// The queue's store on Redis or Valkey: separate connections for producers and workers, TLS, and the check of the eviction policy.
import { isIP } from 'node:net';
import { createRedisBackend } from 'bullmq';
import { Redis } from 'ioredis';
import { InvalidSpecError } from '../errors.ts';
import { jitterMs } from '../util/random.ts';
import type { LinkRole, QueuePorts, QueueStore, QueueTimings, StoreLink } from './store.ts';

/** How to reach Redis. Credentials given apart win over those in the URL. */
export interface RedisAccess {
  /** `redis://` or `rediss://` with host, port, database, and credentials if wanted. */
  readonly url: string;
  readonly username?: string;
  readonly password?: string;
  /** PEM of the authority to trust besides the system's; only with rediss. */
  readonly caPem?: string;
}

const RECONNECT_FIRST_MS = 100;
const KEEP_ALIVE_MS = 10_000;
/** Redis commands in flight from one process; each is one round trip of a pipeline. */
const PARALLEL_MAX = 256;

/** Where a connection goes. */
export interface RedisTarget {
  readonly host: string;
  readonly port: number;
  readonly db: number;
  readonly username?: string;
  readonly password?: string;
  readonly tls?: { readonly servername?: string; readonly ca?: string };
}

/** Reads `access` into the options of a connection. Throws InvalidSpecError that does not repeat the URL. */
export function readRedisAccess(access: RedisAccess): RedisTarget {
  const path = 'queue.redisUrl';
  if (!URL.canParse(access.url)) throw new InvalidSpecError('SPEC_QUEUE', path, `Cannot read ${path}: not a URL`);
  const url = new URL(access.url);
  if (url.protocol !== 'redis:' && url.protocol !== 'rediss:') {
    throw new InvalidSpecError('SPEC_QUEUE', path, `Cannot read ${path}: the scheme must be redis or rediss`);
  }
  const database = url.pathname.replace(/^\//, '') || '0';
  if (!/^\d{1,5}$/.test(database)) {
    throw new InvalidSpecError('SPEC_QUEUE', path, `Cannot read ${path}: the database must be a number`);
  }
  const host = url.hostname.replace(/^\[|\]$/g, '') || '127.0.0.1';
  const username = access.username ?? decoded(url.username);
  const password = access.password ?? decoded(url.password);
  return {
    host,
    port: url.port === '' ? 6379 : Number(url.port),
    db: Number(database),
    ...(username === '' ? {} : { username }),
    ...(password === '' ? {} : { password }),
    ...(url.protocol === 'rediss:' ? { tls: readTls(host, access.caPem) } : {}),
  };
}

/** A part that is not percent-encoded, such as a password with a lone `%`, is taken as it stands. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The name to ask for and to verify; TLS knows no name that is an address, which is then verified as such. */
function readTls(host: string, caPem: string | undefined): NonNullable<RedisTarget['tls']> {
  return { ...(isIP(host) === 0 ? { servername: host } : {}), ...(caPem === undefined ? {} : { ca: caPem }) };
}

export class RedisStore implements QueueStore {
  readonly kind = 'redis';
  readonly parallelMax = PARALLEL_MAX;
  private readonly target: RedisTarget;
  private readonly timings: QueueTimings;
  private readonly ports: QueuePorts;
  private readonly producers = new Set<Redis>();

  constructor(access: RedisAccess, timings: QueueTimings, ports: QueuePorts) {
    this.target = readRedisAccess(access);
    this.timings = timings;
    this.ports = ports;
  }

  prepare(): Promise<void> {
    return Promise.resolve();
  }

  connect(role: LinkRole): StoreLink {
    const opened: Redis[] = [];
    const watch = (redis: Redis): Redis => {
      opened.push(redis);
      redis.on('error', (error: Error) =>
        this.ports.log.debug('Redis connection reports an error', { err: error.message }),
      );
      hidePolicy(redis);
      return redis;
    };
    const redis = watch(new Redis({ ...this.target, ...this.manners(role) }));
    // BullMQ makes a worker's blocking connection from this one: it must end with it, however stuck it is.
    const duplicate = redis.duplicate.bind(redis);
    redis.duplicate = (override) => watch(duplicate(override));
    if (role === 'producer') this.producers.add(redis);
    return {
      connection: redis,
      factory: createRedisBackend,
      destroy: () => {
        this.producers.delete(redis);
        for (const connection of opened) connection.disconnect();
      },
    };
  }

  isPassing(): boolean {
    return false;
  }

  /** Another policy than noeviction lets Redis drop jobs without a word when its memory is full. */
  async inspect(): Promise<string | null> {
    const [redis] = this.producers;
    if (redis === undefined) return null;
    const policy = (await readPolicyFromConfig(redis)) ?? (await readPolicyFromInfo(redis));
    if (policy === null || policy === 'noeviction') return null;
    return `Redis drops jobs when its memory is full: maxmemory-policy is ${policy}, must be noeviction`;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** How a connection behaves when Redis is away. */
  private manners(role: LinkRole) {
    const { random } = this.ports;
    const { commandTimeoutMs, reconnectMaxMs } = this.timings;
    const isProducer = role === 'producer';
    return {
      // A producer's command fails at once when the connection is down; a worker's waits for ever (BullMQ demands it).
      enableOfflineQueue: !isProducer,
      maxRetriesPerRequest: isProducer ? 0 : null,
      autoResendUnfulfilledCommands: !isProducer,
      connectTimeout: isProducer ? commandTimeoutMs : 2 * commandTimeoutMs,
      keepAlive: KEEP_ALIVE_MS,
      retryStrategy: (times: number): number => {
        const growingMs = RECONNECT_FIRST_MS * 2 ** Math.min(times - 1, 10);
        return Math.min(reconnectMaxMs, jitterMs(random, Math.min(growingMs, reconnectMaxMs), 0.2));
      },
      // After a failover the old master answers READONLY: look for the new one.
      reconnectOnError: (error: Error): 1 | 2 | false => {
        if (!error.message.startsWith('READONLY')) return false;
        return isProducer ? 1 : 2;
      },
    };
  }
}

/** BullMQ asks for all of INFO and prints a policy that it does not like to the console; health tells of it instead. */
function hidePolicy(redis: Redis): void {
  const info = redis.info.bind(redis);
  const withoutPolicy = async (...sections: string[]): Promise<string> => {
    const text = await info(...sections);
    return sections.length === 0 ? text.replace(/^maxmemory_policy:.*$/m, '') : text;
  };
  redis.info = withoutPolicy as typeof redis.info;
}

/** Null where CONFIG is forbidden, as managed Redis has it. */
async function readPolicyFromConfig(redis: Redis): Promise<string | null> {
  try {
    const answer: unknown = await redis.config('GET', 'maxmemory-policy');
    return Array.isArray(answer) && typeof answer[1] === 'string' ? answer[1] : null;
  } catch {
    return null;
  }
}

async function readPolicyFromInfo(redis: Redis): Promise<string | null> {
  const text = await redis.info('memory');
  return /^maxmemory_policy:(\S+)/m.exec(text)?.[1] ?? null;
}
