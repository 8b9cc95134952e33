// The queue's store inside the process: PGlite, a PostgreSQL in WebAssembly. For the demo, development and trials with one replica.
import { createPostgresBackend, DEFAULT_SCHEMA, runMigrations } from 'bullmq';
import type { BackendFactory } from 'bullmq';
import { EmbeddedPool, EmbeddedSession } from './embedded-pool.ts';
import { isPassingSqlError } from './sql-errors.ts';
import type { QueueStore, StoreLink } from './store.ts';

/** One PGlite. Costs about 400 MB and some seconds to start, so queues of one process share it. */
export interface EmbeddedDatabase {
  readonly session: EmbeddedSession;
  close(): Promise<void>;
}

/** One session serves all: more in flight would only wait inside. */
const PARALLEL_MAX = 4;

/** Starts PGlite, in memory or in the folder `dataDir`, and brings BullMQ's schema into it. Loads the package only now. */
export async function openEmbeddedDatabase(dataDir?: string): Promise<EmbeddedDatabase> {
  const { PGlite } = await import('@electric-sql/pglite');
  const database = await PGlite.create(dataDir === undefined ? {} : { dataDir });
  const session = new EmbeddedSession(database);
  const client = await new EmbeddedPool(session).connect();
  await runMigrations(client);
  await client.query(`SET search_path TO ${DEFAULT_SCHEMA}`);
  client.release();
  return { session, close: () => database.close() };
}

export class EmbeddedStore implements QueueStore {
  readonly kind = 'embedded';
  readonly parallelMax = PARALLEL_MAX;
  private readonly dataDir: string | undefined;
  private database: EmbeddedDatabase | null;
  private readonly isOwner: boolean;

  /** Uses `database`, which its owner closes, or starts one of its own when first needed. */
  constructor(database: EmbeddedDatabase | null, dataDir?: string) {
    this.database = database;
    this.isOwner = database === null;
    this.dataDir = dataDir;
  }

  async prepare(): Promise<void> {
    this.database ??= await openEmbeddedDatabase(this.dataDir);
  }

  connect(): StoreLink {
    if (this.database === null) throw new Error('The embedded store is not prepared');
    return {
      connection: new EmbeddedPool(this.database.session),
      factory: createPostgresBackend as unknown as BackendFactory,
      destroy: () => undefined,
    };
  }

  isPassing(error: unknown): boolean {
    return isPassingSqlError(error);
  }

  inspect(): Promise<string | null> {
    return Promise.resolve(null);
  }

  async close(): Promise<void> {
    if (this.isOwner) await this.database?.close();
  }
}
