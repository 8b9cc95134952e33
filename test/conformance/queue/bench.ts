// What a case of the queue's examination works with: queues on one store, a recorder of looks, and a raw BullMQ queue.
import { Queue as BullQueue, Worker } from 'bullmq';
import type { IQueueBackend } from 'bullmq';
import { openQueue } from '../../../src/queue/open.ts';
import type { OpenQueue, QueueConfig } from '../../../src/queue/open.ts';
import type { QueueHandler } from '../../../src/queue/contract.ts';
import type { JobData } from '../../../src/queue/jobs.ts';
import type { JobQueue, LookJob } from '../../../src/queue/lanes.ts';
import { KEY_PREFIX } from '../../../src/queue/worker.ts';
import type { QueueStore, QueueTimings } from '../../../src/queue/store.ts';
import { silentLog } from '../../../src/telemetry/contract.ts';
import { systemClock } from '../../../src/util/clock.ts';
import { systemRandom } from '../../../src/util/random.ts';
import { until } from './servers.ts';

export const PORTS = { clock: systemClock, random: systemRandom, log: silentLog };

/** Short enough for a case of a second, long enough for a busy machine. */
export const FAST: Partial<QueueTimings> = {
  // Cases in which a lock has to run out say so; a busy machine must not lose one in the others.
  lockMs: 10_000,
  stalledEveryMs: 400,
  beatEveryMs: 150,
  silentAfterMs: 1_200,
  probeEveryMs: 100,
};

/** A store under examination. Cases use queues of different names on it. */
export interface ExamStore {
  readonly config?: QueueConfig;
  /** The store itself, for a raw queue beside ours. */
  readonly store?: QueueStore;
  /** Opens another instance of a queue that is not made of BullMQ. */
  open?(queueName: string, timings: Partial<QueueTimings>): Promise<OpenQueue>;
  /** Makes the store unreachable, as a crash would; absent where that cannot be undone. */
  takeAway?(): Promise<void>;
  bringBack?(): Promise<void>;
  close(): Promise<void>;
}

/** One look that a handler was asked for. */
export interface Look {
  readonly key: string;
  readonly startMs: number;
  readonly signal: AbortSignal;
  endMs: number | null;
}

/** Records looks; `during` is what the handler does. */
export class Recorder {
  readonly looks: Look[] = [];
  runningMax = 0;
  /** True as soon as two looks of one key ran at once. */
  hasOverlap = false;
  private running = 0;
  private readonly during: (key: string, look: Look) => Promise<void> | void;

  constructor(during: (key: string, look: Look) => Promise<void> | void = () => undefined) {
    this.during = during;
  }

  readonly handler: QueueHandler = async (key, signal) => {
    const look: Look = { key, startMs: performance.now(), endMs: null, signal };
    if (this.looks.some((other) => other.key === key && other.endMs === null)) this.hasOverlap = true;
    this.looks.push(look);
    this.running += 1;
    this.runningMax = Math.max(this.runningMax, this.running);
    try {
      await this.during(key, look);
    } finally {
      this.running -= 1;
      look.endMs = performance.now();
    }
  };

  keys(): string[] {
    return this.looks.map((look) => look.key);
  }

  count(key: string): number {
    return this.looks.filter((look) => look.key === key).length;
  }

  async seen(count: number, limitMs?: number): Promise<void> {
    await until(`${count} looks, seen ${this.looks.length}`, () => this.looks.length >= count, limitMs);
  }
}

/** A door that a handler waits at until a case opens it. */
export function aDoor(): { readonly opened: Promise<void>; open(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: resolve };
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
export const aKey = (name: string): string => `serin.dev/shop/${name}`;

let cases = 0;

/** What one case uses; `clear` ends all of it. */
export class Case {
  readonly queueName: string;
  private readonly exam: ExamStore;
  private readonly opened: OpenQueue[] = [];
  private readonly raws: (() => Promise<void>)[] = [];

  constructor(exam: ExamStore) {
    this.exam = exam;
    cases += 1;
    this.queueName = `exam-${process.pid}-${cases}`;
  }

  /** Another instance of the queue, as another process would have. */
  async open(timings: Partial<QueueTimings> = {}): Promise<OpenQueue> {
    const given = { ...FAST, ...timings };
    const queue =
      (await this.exam.open?.(this.queueName, given)) ??
      (await openQueue({ ...this.exam.config, queueName: this.queueName, timings: given }, PORTS));
    this.opened.push(queue);
    return queue;
  }

  /** The same jobs seen by BullMQ itself: to forge, to count, to flush. */
  async raw(): Promise<JobQueue> {
    const store = this.exam.store!;
    await store.prepare();
    const link = store.connect('producer');
    const queue: JobQueue = new BullQueue<JobData, void, string, JobData, void, string, IQueueBackend>(
      this.queueName,
      { connection: link.connection, prefix: KEY_PREFIX },
      link.factory,
    );
    queue.on('error', () => undefined);
    await queue.waitUntilReady();
    this.raws.push(async () => {
      await queue.close().catch(() => undefined);
      link.destroy();
    });
    return queue;
  }

  /** Takes the next job by hand, and leaves it active until `finish`. */
  async takeJob(): Promise<{ readonly job: LookJob; readonly finish: () => Promise<void> }> {
    const link = this.exam.store!.connect('worker');
    const options = { connection: link.connection, prefix: KEY_PREFIX, autorun: false };
    const worker = new Worker<JobData, void, string, IQueueBackend>(this.queueName, null, options, link.factory);
    worker.on('error', () => undefined);
    this.raws.push(async () => {
      await worker.close().catch(() => undefined);
      link.destroy();
    });
    let job: LookJob | undefined;
    await until('a job can be taken', async () => {
      job = await worker.getNextJob('by-hand', { block: false });
      return job !== undefined;
    });
    const taken = job!;
    return { job: taken, finish: async () => void (await taken.moveToCompleted(undefined, 'by-hand', false)) };
  }

  async clear(): Promise<void> {
    await Promise.all(this.opened.map((queue) => queue.close(300)));
    await Promise.all(this.raws.map((end) => end()));
  }
}

/** The worker inside a queue, to make it die without a word. */
export function workerOf(queue: OpenQueue): { abandon(): void; worker: { pause(doNotWait: boolean): Promise<void> } } {
  return (queue as unknown as { worker: ReturnType<typeof workerOf> }).worker;
}
