// Jobs per second and latency of a queue store, through the queue's own port.
import { openQueue, type OpenQueue } from '../../src/queue/open.ts';
import { silentLog } from '../../src/telemetry/contract.ts';
import { sleep, systemClock } from '../../src/util/clock.ts';
import { systemRandom } from '../../src/util/random.ts';
import { cpuSeconds, durationsOf, round, type Durations } from './figures.ts';
import type { BenchOptions } from './options.ts';
import type { RunningStore } from './stores.ts';

/** What a store can do, from this process. */
export interface QueueFigures {
  /** From the start of the queue to its first answer. */
  readonly openSeconds: number;
  /** Keys added and handled, different ones, 32 at a time. */
  readonly jobsPerSecond: number;
  /** Processor time of this process for one of them; of the embedded store that holds the store itself. */
  readonly cpuMsPerJob: number;
  /** From add to the start of its look, one at a time. */
  readonly latencyMs: Durations;
  /** How long after its time a delayed look starts. */
  readonly lateMs: Durations;
}

/** As in production. */
const CONCURRENCY = 32;
/** Adds that wait for their answer at a time. */
const WINDOW = 64;
const DELAY_MS = 300;

/** Measures one store. */
export async function measureQueue({ config }: RunningStore, { jobs }: BenchOptions): Promise<QueueFigures> {
  const startMs = performance.now();
  const ports = { clock: systemClock, random: systemRandom, log: silentLog };
  const queue = await openQueue({ ...config, queueName: `bench-${process.pid}` }, ports);
  const openSeconds = round((performance.now() - startMs) / 1_000, 2);
  const handled = new Handled();
  try {
    await queue.run((key) => handled.note(key), CONCURRENCY);
    await addAndWait(queue, handled, keysOf('warm', Math.min(200, jobs)));
    const startedMs = performance.now();
    const startCpu = cpuSeconds();
    await addAndWait(queue, handled, keysOf('job', jobs));
    const seconds = (performance.now() - startedMs) / 1_000;
    const cpuMsPerJob = round(((cpuSeconds() - startCpu) * 1_000) / jobs, 2);
    const some = Math.ceil(jobs / 10);
    const latencyMs = durationsOf(await latencies(queue, handled, some));
    const lateMs = durationsOf(await latenesses(queue, handled, some));
    return { openSeconds, jobsPerSecond: round(jobs / seconds, 0), cpuMsPerJob, latencyMs, lateMs };
  } finally {
    await queue.close(2_000);
  }
}

/** When the look of each key began. */
class Handled {
  readonly #at = new Map<string, PromiseWithResolvers<number>>();

  note(key: string): Promise<void> {
    this.#of(key).resolve(performance.now());
    return Promise.resolve();
  }

  /** Resolves with the time of the key's first look. */
  at(key: string): Promise<number> {
    return this.#of(key).promise;
  }

  #of(key: string): PromiseWithResolvers<number> {
    const known = this.#at.get(key) ?? Promise.withResolvers<number>();
    this.#at.set(key, known);
    return known;
  }
}

const keysOf = (name: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `serin.dev/bench/${name}-${index}`);

async function addAndWait(queue: OpenQueue, handled: Handled, keys: readonly string[]): Promise<void> {
  const left = [...keys].reverse();
  const feed = async (): Promise<void> => {
    for (let key = left.pop(); key !== undefined; key = left.pop()) await queue.add(key, { delayMs: 0 });
  };
  await Promise.all(Array.from({ length: WINDOW }, feed));
  await Promise.all(keys.map((key) => handled.at(key)));
}

async function latencies(queue: OpenQueue, handled: Handled, count: number): Promise<readonly number[]> {
  const samples: number[] = [];
  for (const key of keysOf('single', count)) {
    const addedMs = performance.now();
    await queue.add(key, { delayMs: 0 });
    samples.push((await handled.at(key)) - addedMs);
    await sleep(systemClock, 2);
  }
  return samples;
}

/** Delayed looks, due one every few milliseconds as those of many Canaries are. */
async function latenesses(queue: OpenQueue, handled: Handled, count: number): Promise<readonly number[]> {
  const waiting: Promise<number>[] = [];
  for (const key of keysOf('delayed', count)) {
    const dueMs = performance.now() + DELAY_MS;
    waiting.push(handled.at(key).then((atMs) => atMs - dueMs));
    await queue.add(key, { delayMs: DELAY_MS });
    await sleep(systemClock, 5);
  }
  return Promise.all(waiting);
}
