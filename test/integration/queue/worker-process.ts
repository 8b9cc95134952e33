// A process of its own that works the queue and never ends a look: for tests that kill it. Arguments: Redis URL, queue name.
import { openQueue } from '../../../src/queue/open.ts';
import { silentLog } from '../../../src/telemetry/contract.ts';
import { systemClock } from '../../../src/util/clock.ts';
import { systemRandom } from '../../../src/util/random.ts';

const [redisUrl = '', queueName = ''] = process.argv.slice(2);
const timings = { lockMs: 1_000, stalledEveryMs: 400 };
const queue = await openQueue(
  { redisUrl, queueName, timings },
  { clock: systemClock, random: systemRandom, log: silentLog },
);
await queue.run((key) => {
  process.stdout.write(`${key}\n`);
  return new Promise(() => undefined);
}, 2);
