// The Redis store sits the queue's exam on Valkey, which the chart can bring.
import { RedisStore } from '../../src/queue/redis-store.ts';
import { DEFAULT_TIMINGS } from '../../src/queue/store.ts';
import { PORTS } from '../conformance/queue/bench.ts';
import { examineQueue } from '../conformance/queue/exam.ts';
import { startRedis } from '../conformance/queue/servers.ts';
import { ensureParts } from './parts.ts';
import { hasRealParts } from './suite.ts';

examineQueue(
  'Valkey',
  async () => {
    const { 'valkey-server': program } = await ensureParts(['valkey-server']);
    const valkey = await startRedis(() => [], program);
    return {
      config: { redisUrl: valkey.url },
      store: new RedisStore({ url: valkey.url }, DEFAULT_TIMINGS, PORTS),
      takeAway: () => valkey.stop(),
      bringBack: () => valkey.restart(),
      close: () => valkey.stop(),
    };
  },
  { isSkipped: !hasRealParts(['valkey-server']) },
);
