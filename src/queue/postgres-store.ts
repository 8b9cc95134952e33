// The queue's store on PostgreSQL: BullMQ's own backend over pools of ours, in its schema "bullmq".
import { createPostgresBackend, DEFAULT_SCHEMA, runMigrations } from 'bullmq';
import type { BackendFactory } from 'bullmq';
import { Client, Pool } from 'pg';
import type { ClientConfig } from 'pg';
import { InvalidSpecError } from '../errors.ts';
import { isPassingSqlError } from './sql-errors.ts';
import type { LinkRole, QueuePorts, QueueStore, QueueTimings, StoreLink } from './store.ts';

/** How to reach PostgreSQL. Credentials given apart win over those in the URL. */
export interface PostgresAccess {
  /** `postgres://` or `postgresql://`; `?sslmode=…` as libpq knows it. */
  readonly url: string;
  readonly username?: string;
  readonly password?: string;
  /** PEM of the authority to trust; turns TLS with verification on. */
  readonly caPem?: string;
}

/** Adds in flight from one process; each takes one connection. */
const PARALLEL_MAX = 4;
/** A worker's queries, one of which holds LISTEN for as long as it lives. */
const WORKER_CONNECTIONS = 4;
const KEEP_ALIVE_MS = 10_000;
/** Creating the schema takes longer than a command. */
const MIGRATION_TIMEOUT_MS = 60_000;

/** Reads `access` into the options of a connection. Throws InvalidSpecError that does not repeat the URL. */
export function readPostgresAccess(access: PostgresAccess): ClientConfig {
  const path = 'queue.postgresUrl';
  if (!URL.canParse(access.url)) throw new InvalidSpecError('SPEC_QUEUE', path, `Cannot read ${path}: not a URL`);
  const url = new URL(access.url);
  if (url.protocol !== 'postgres:' && url.protocol !== 'postgresql:') {
    throw new InvalidSpecError('SPEC_QUEUE', path, `Cannot read ${path}: the scheme must be postgres or postgresql`);
  }
  // pg lets the URL win over options: what is given apart has to be in the URL.
  if (access.username !== undefined) url.username = encodeURIComponent(access.username);
  if (access.password !== undefined) url.password = encodeURIComponent(access.password);
  return {
    connectionString: url.toString(),
    ...(access.caPem === undefined ? {} : { ssl: { ca: access.caPem, rejectUnauthorized: true } }),
    application_name: 'serin',
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
  };
}

export class PostgresStore implements QueueStore {
  readonly kind = 'postgres';
  readonly parallelMax = PARALLEL_MAX;
  private readonly options: ClientConfig;
  private readonly timings: QueueTimings;
  private readonly ports: QueuePorts;

  constructor(access: PostgresAccess, timings: QueueTimings, ports: QueuePorts) {
    this.options = readPostgresAccess(access);
    this.timings = timings;
    this.ports = ports;
  }

  /** Brings BullMQ's schema up to date; several processes at once wait for each other. */
  async prepare(): Promise<void> {
    const client = new Client({
      ...this.options,
      connectionTimeoutMillis: this.timings.commandTimeoutMs,
      query_timeout: MIGRATION_TIMEOUT_MS,
    });
    client.on('error', (error) =>
      this.ports.log.debug('PostgreSQL connection reports an error', { err: error.message }),
    );
    try {
      await client.connect();
      await runMigrations(client);
    } finally {
      client.end().catch(() => undefined);
    }
  }

  connect(role: LinkRole): StoreLink {
    const isProducer = role === 'producer';
    const { commandTimeoutMs } = this.timings;
    const pool = new Pool({
      ...this.options,
      // BullMQ's statements carry no schema name.
      options: `-c search_path=${DEFAULT_SCHEMA}`,
      max: isProducer ? PARALLEL_MAX + 1 : WORKER_CONNECTIONS,
      connectionTimeoutMillis: isProducer ? commandTimeoutMs : 2 * commandTimeoutMs,
      query_timeout: isProducer ? commandTimeoutMs : 5 * commandTimeoutMs,
    });
    pool.on('error', (error) => this.ports.log.debug('PostgreSQL connection reports an error', { err: error.message }));
    return {
      connection: pool,
      factory: createPostgresBackend as unknown as BackendFactory,
      destroy: () => void pool.end().catch(() => undefined),
    };
  }

  isPassing(error: unknown): boolean {
    return isPassingSqlError(error);
  }

  inspect(): Promise<string | null> {
    return Promise.resolve(null);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
