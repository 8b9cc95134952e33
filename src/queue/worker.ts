// One BullMQ worker: takes jobs, refuses those that are not ours, and runs the handler, one look a key at a time.
import { WaitingError, Worker } from 'bullmq';
import type { BackendFactory, IQueueBackend } from 'bullmq';
import type { CanaryKey, QueueHandler } from './contract.ts';
import { messageOf } from '../errors.ts';
import { sleep } from '../util/clock.ts';
import { jitterMs } from '../util/random.ts';
import { withDeadline } from './deadline.ts';
import type { KeyGuard } from './deadline.ts';
import { readJob } from './jobs.ts';
import type { JobData } from './jobs.ts';
import type { LookJob } from './lanes.ts';
import type { QueuePorts, QueueStore, QueueTimings, StoreLink } from './store.ts';

/** Redis keys begin with it; the braces keep all of them in one slot of a cluster. Other stores ignore it. */
export const KEY_PREFIX = '{serin}';

/** A job may be lost by its worker any number of times: a crash of ours is no fault of the canary. */
const STALLED_MAX = 1_000_000;
/** Pause after an error of the connection; BullMQ's default of 15 s would add to every outage. */
const RETRY_PAUSE_MS = 1_000;
/** Pause after any other failed fetch, without which a store that refuses at once is asked in a busy loop. */
const FETCH_PAUSE_MS = 500;
/** How long looks that were cut short have to give their jobs back. */
const HAND_BACK_MS = 500;

/** What a worker tells and asks the queue. */
export interface WorkerHooks {
  readonly handler: QueueHandler;
  /** A due timer becomes a look. */
  fire(job: LookJob, key: CanaryKey): Promise<void>;
  noteFetch(): void;
  noteJob(): void;
  noteRejected(name: string): void;
}

export interface WorkerSettings {
  readonly queueName: string;
  readonly concurrency: number;
  readonly timings: QueueTimings;
  readonly guard: KeyGuard;
}

/** A running worker with its own connections. */
export class JobWorker {
  private readonly hooks: WorkerHooks;
  private readonly settings: WorkerSettings;
  private readonly ports: QueuePorts;
  private readonly link: StoreLink;
  private readonly worker: Worker<JobData, void, string, IQueueBackend>;
  private readonly looks = new Map<string, AbortController>();
  private isHandingBack = false;

  constructor(store: QueueStore, settings: WorkerSettings, hooks: WorkerHooks, ports: QueuePorts) {
    this.hooks = hooks;
    this.settings = settings;
    this.ports = ports;
    this.link = store.connect('worker');
    const { timings, concurrency, queueName } = settings;
    this.worker = new Worker<JobData, void, string, IQueueBackend>(
      queueName,
      (job, token) => this.process(job, token ?? ''),
      {
        connection: this.link.connection,
        prefix: KEY_PREFIX,
        concurrency,
        lockDuration: timings.lockMs,
        stalledInterval: timings.stalledEveryMs,
        maxStalledCount: STALLED_MAX,
        runRetryDelay: RETRY_PAUSE_MS,
        removeOnComplete: { count: 0 },
        removeOnFail: { count: 0 },
      },
      this.watchFetches(this.link.factory),
    );
    // Without a listener an error of a connection would end the process. The heartbeat judges by life, not by errors.
    this.worker.on('error', (error) => ports.log.debug('Queue worker reports an error', { err: messageOf(error) }));
    this.worker.on('lockRenewalFailed', (jobIds) => {
      for (const jobId of jobIds) this.looks.get(jobId)?.abort(new Error('The lock of the look was lost'));
    });
  }

  /** All places are taken by looks. */
  get isFull(): boolean {
    return this.looks.size >= this.settings.concurrency;
  }

  /**
   * Takes no more jobs, waits for the looks that run, at most `graceMs`, then aborts their signals and gives their jobs
   * back, so that another process takes them at once and not only when their locks run out.
   */
  async close(graceMs: number): Promise<void> {
    const { clock } = this.ports;
    const closed = this.worker.close();
    const isInTime = await withDeadline(clock, graceMs, closed).then(
      () => true,
      () => false,
    );
    if (!isInTime) {
      this.isHandingBack = true;
      for (const look of this.looks.values()) look.abort(new Error('The queue is closing'));
      await withDeadline(clock, HAND_BACK_MS, closed).catch(() => undefined);
    }
    this.link.destroy();
  }

  /** Leaves everything as it is and ends the connections. Looks that run go on until they end; their locks run out. */
  abandon(): void {
    this.worker.close(true).catch(() => undefined);
    this.link.destroy();
  }

  private async process(job: LookJob, token: string): Promise<void> {
    this.hooks.noteJob();
    const read = readJob(job.name, job.data);
    if (read === null) this.hooks.noteRejected(job.name);
    else if (read.kind === 'timer') await this.hooks.fire(job, read.key);
    else if (read.kind === 'look') await this.look(job, token, read.key);
  }

  private async look(job: LookJob, token: string, key: CanaryKey): Promise<void> {
    const controller = new AbortController();
    const jobId = job.id ?? '';
    this.looks.set(jobId, controller);
    try {
      // A second job of a key is here only when the first has lost its lock, after a flush, or when it was forged.
      await this.settings.guard.run(key, () => this.handle(key, controller.signal));
    } finally {
      this.looks.delete(jobId);
    }
    this.hooks.noteJob();
    if (this.isHandingBack && controller.signal.aborted) {
      await job.moveToWait(token);
      throw new WaitingError();
    }
  }

  private async handle(key: CanaryKey, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    try {
      await this.hooks.handler(key, signal);
    } catch (error) {
      this.ports.log.error('Look failed', { canary: key, err: messageOf(error) });
    }
  }

  /** The factory of a backend that tells of each fetch which was answered, and rests after one which was not. */
  private watchFetches(factory: BackendFactory): BackendFactory {
    const { clock, random } = this.ports;
    return (name, options, kind) => {
      const backend = factory(name, options, kind);
      const fetch = backend.moveToActive.bind(backend);
      backend.moveToActive = async (token, workerName) => {
        try {
          const found = await fetch(token, workerName);
          this.hooks.noteFetch();
          return found;
        } catch (error) {
          await sleep(clock, jitterMs(random, FETCH_PAUSE_MS, 0.2));
          throw error;
        }
      };
      return backend;
    };
  }
}
