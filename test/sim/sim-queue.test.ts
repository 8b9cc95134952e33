// The simulation's queue sits the queue's exam, so that what the simulation shows holds for the real stores too.
import type { Queue } from '../../src/queue/contract.ts';
import { systemClock } from '../../src/util/clock.ts';
import { systemRandom } from '../../src/util/random.ts';
import { examineQueue } from '../conformance/queue/exam.ts';
import { ProcessLife } from './process-life.ts';
import { openSimQueue, SimStore } from './sim-queue.ts';

examineQueue(
  'the simulation',
  () => {
    const stores = new Map<string, SimStore>();
    const open = (name: string): Promise<Queue & { rejectedJobs(): number }> => {
      const store = stores.get(name) ?? new SimStore(systemClock, systemRandom);
      stores.set(name, store);
      const queue = openSimQueue(store, new ProcessLife(systemClock, 0));
      return Promise.resolve({ ...queue, rejectedJobs: () => 0 });
    };
    return Promise.resolve({ open, close: () => Promise.resolve() });
  },
  { isShallow: true },
);
