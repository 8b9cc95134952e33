// PGlite behind the interface of `pg` that BullMQ's PostgreSQL backend speaks: a pool whose clients share one session.
import { EventEmitter } from 'node:events';
import type { PGlite } from '@electric-sql/pglite';

/** What BullMQ reads of an answer of `pg`. */
interface Answer<Row> {
  rows: Row[];
  rowCount: number | null;
}

/** A message of NOTIFY as `pg` gives it. */
interface Notification {
  readonly channel: string;
  readonly payload: string;
}

/**
 * The one session of a PGlite. A transaction that a client opens keeps the others out until it ends, as separate
 * connections would; LISTEN holds for the session, and every client hears every message (BullMQ looks at the channel).
 */
export class EmbeddedSession {
  readonly listeners = new Set<(message: Notification) => void>();
  private readonly database: PGlite;
  private holder: object | null = null;
  private tail: Promise<unknown> = Promise.resolve();
  private freed = Promise.withResolvers<void>();

  constructor(database: PGlite) {
    this.database = database;
    database.onNotification((channel, payload) => {
      for (const listener of this.listeners) listener({ channel, payload });
    });
  }

  async query<Row>(client: object, text: string, values: readonly unknown[]): Promise<Answer<Row>> {
    while (this.holder !== null && this.holder !== client) await this.freed.promise;
    const verb = /^\s*(\w+)/.exec(text)?.[1]?.toUpperCase();
    if (verb === 'BEGIN') this.holder = client;
    // In order: the session answers one statement at a time.
    const answer = this.tail.then(() => this.send<Row>(text, values));
    this.tail = answer.catch(() => undefined);
    try {
      return await answer;
    } finally {
      if (verb === 'COMMIT' || verb === 'ROLLBACK') this.free(client);
    }
  }

  /** Ends the transaction that a client left open. */
  async release(client: object): Promise<void> {
    if (this.holder === client) await this.query(client, 'ROLLBACK', []);
  }

  private free(client: object): void {
    if (this.holder !== client) return;
    this.holder = null;
    this.freed.resolve();
    this.freed = Promise.withResolvers<void>();
  }

  private async send<Row>(text: string, values: readonly unknown[]): Promise<Answer<Row>> {
    // Only the simple protocol takes several statements in one text, as migrations have them; it takes no values.
    const results =
      values.length === 0 ? await this.database.exec(text) : [await this.database.query(text, [...values])];
    const last = results.at(-1);
    return { rows: (last?.rows ?? []) as Row[], rowCount: last?.affectedRows ?? null };
  }
}

/** A client of the pool. */
export class EmbeddedClient extends EventEmitter {
  private readonly session: EmbeddedSession;
  private readonly hear = (message: Notification): void => {
    this.emit('notification', message);
  };

  constructor(session: EmbeddedSession) {
    super();
    // One wait for a job is one listener, and a process may have many workers.
    this.setMaxListeners(0);
    this.session = session;
    session.listeners.add(this.hear);
  }

  query<Row>(text: string, values: readonly unknown[] = []): Promise<Answer<Row>> {
    return this.session.query<Row>(this, text, values);
  }

  release(): void {
    this.session.listeners.delete(this.hear);
    void this.session.release(this).catch(() => undefined);
  }
}

/** The pool. Statements outside a client are each a transaction of their own. */
export class EmbeddedPool extends EventEmitter {
  /** Tells BullMQ that the session cannot break unnoticed, so that an idle worker need not ask again and again. */
  readonly options = { keepAlive: true };
  private readonly session: EmbeddedSession;

  constructor(session: EmbeddedSession) {
    super();
    this.session = session;
  }

  query<Row>(text: string, values: readonly unknown[] = []): Promise<Answer<Row>> {
    return this.session.query<Row>({}, text, values);
  }

  connect(): Promise<EmbeddedClient> {
    return Promise.resolve(new EmbeddedClient(this.session));
  }

  end(): Promise<void> {
    return Promise.resolve();
  }
}
