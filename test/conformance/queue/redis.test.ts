// The Redis store sits the queue's exam on a real server.
import { RedisStore } from '../../../src/queue/redis-store.ts';
import { DEFAULT_TIMINGS } from '../../../src/queue/store.ts';
import { PORTS } from './bench.ts';
import { examineQueue } from './exam.ts';
import { skipRedis, startRedis, WHY_REDIS } from './servers.ts';

examineQueue(
  `Redis${WHY_REDIS}`,
  async () => {
    const redis = await startRedis();
    return {
      config: { redisUrl: redis.url },
      store: new RedisStore({ url: redis.url }, DEFAULT_TIMINGS, PORTS),
      takeAway: () => redis.stop(),
      bringBack: () => redis.restart(),
      close: () => redis.stop(),
    };
  },
  { isSkipped: skipRedis },
);
