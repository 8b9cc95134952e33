// The PostgreSQL store sits the queue's exam on a real server.
import { PostgresStore } from '../../../src/queue/postgres-store.ts';
import { DEFAULT_TIMINGS } from '../../../src/queue/store.ts';
import { PORTS } from './bench.ts';
import { examineQueue } from './exam.ts';
import { skipPostgres, startPostgres, WHY_POSTGRES } from './servers.ts';

examineQueue(
  `PostgreSQL${WHY_POSTGRES}`,
  async () => {
    const postgres = await startPostgres();
    return {
      config: { postgresUrl: postgres.url },
      store: new PostgresStore({ url: postgres.url }, DEFAULT_TIMINGS, PORTS),
      takeAway: () => postgres.crash(),
      bringBack: () => postgres.restart(),
      close: () => postgres.stop(),
    };
  },
  { isSkipped: skipPostgres },
);
