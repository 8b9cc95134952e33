// The queue on BullMQ, whatever its store: hints in, looks out, one worker a key, and a worker that is known to be alive.
import { Queue as BullQueue } from 'bullmq';
import type { IQueueBackend } from 'bullmq';
import type { CanaryKey, Hint, Queue, QueueHandler, QueueHealth } from './contract.ts';
import { BugError, messageOf, TransientError } from '../errors.ts';
import { sleep } from '../util/clock.ts';
import { KeyGuard, Turnstile, withDeadline } from './deadline.ts';
import { Heartbeat } from './heartbeat.ts';
import { beatOptions, isCanaryKey, JOB } from './jobs.ts';
import type { JobData } from './jobs.ts';
import { addLook, addTimer, fireTimer } from './lanes.ts';
import type { JobQueue } from './lanes.ts';
import { JobWorker, KEY_PREFIX } from './worker.ts';
import type { QueuePorts, QueueStore, QueueTimings, StoreLink } from './store.ts';

/** BullMQ's event stream is not read by us; it keeps no more than so many entries. */
const EVENTS_KEPT = 100;

interface Producer {
  readonly queue: JobQueue;
  readonly link: StoreLink;
}

interface Work {
  readonly handler: QueueHandler;
  readonly concurrency: number;
}

export class BullMqQueue implements Queue {
  private readonly store: QueueStore;
  private readonly queueName: string;
  private readonly timings: QueueTimings;
  private readonly ports: QueuePorts;
  private readonly heartbeat: Heartbeat;
  private readonly turnstile: Turnstile;
  private readonly guard = new KeyGuard();
  private readonly instanceId: string;
  private readonly firstAnswer = Promise.withResolvers<void>();
  private producer: Producer | null = null;
  private worker: JobWorker | null = null;
  private work: Work | null = null;
  private isPrepared = false;
  private lastBeatId: string | null = null;
  private rejected = 0;
  private closing: Promise<void> | null = null;
  private isClosed = false;

  constructor(store: QueueStore, queueName: string, timings: QueueTimings, ports: QueuePorts) {
    this.store = store;
    this.queueName = queueName;
    this.timings = timings;
    this.ports = ports;
    this.instanceId = ports.random.id();
    this.turnstile = new Turnstile(store.parallelMax);
    this.heartbeat = new Heartbeat(
      {
        sendBeat: () => this.sendBeat(),
        reconnect: () => this.dropProducer(),
        hasWorker: () => this.worker !== null,
        isFull: () => this.worker?.isFull ?? false,
        rebuildWorker: () => this.rebuildWorker(),
        inspect: () => withDeadline(ports.clock, timings.commandTimeoutMs, store.inspect()),
      },
      ports,
      timings,
    );
  }

  /** Begins to connect. Resolves when the store has answered, or when it has not for `openWaitMs`: it goes on trying. */
  async open(): Promise<void> {
    void this.heartbeat.tick();
    const enough = new AbortController();
    await Promise.race([this.firstAnswer.promise, sleep(this.ports.clock, this.timings.openWaitMs, enough.signal)]);
    enough.abort();
  }

  async add(key: CanaryKey, hint: Hint): Promise<void> {
    if (!isCanaryKey(key))
      throw new BugError(`Cannot add "${String(key)}" to the queue: a key must be group/namespace/name`);
    if (!Number.isFinite(hint.delayMs)) throw new BugError(`Cannot add "${key}" to the queue: the delay is not finite`);
    const isUrgent = hint.urgent ?? false;
    await this.ask(`Cannot add "${key}" to the queue`, isUrgent, (queue) =>
      hint.delayMs < 1 ? addLook(queue, key, isUrgent) : addTimer(queue, key, hint.delayMs, isUrgent),
    );
  }

  run(handler: QueueHandler, concurrency: number): Promise<void> {
    if (this.work !== null) throw new BugError('Cannot run the queue: it runs already');
    this.work = { handler, concurrency };
    if (this.heartbeat.reason === null) this.startWorker(this.work);
    return Promise.resolve();
  }

  health(): QueueHealth {
    return {
      isUp: this.heartbeat.isUp && this.closing === null,
      problem: this.closing === null ? this.heartbeat.problem : 'The queue is closed',
      rebuilds: this.heartbeat.rebuilds,
      store: this.store.kind,
    };
  }

  /** Jobs refused so far because they were not ours. */
  rejectedJobs(): number {
    return this.rejected;
  }

  close(graceMs: number): Promise<void> {
    this.closing ??= this.shutDown(graceMs);
    return this.closing;
  }

  private async shutDown(graceMs: number): Promise<void> {
    const { clock } = this.ports;
    // Looks that still run may add hints: producers go last.
    await Promise.all([
      this.worker?.close(graceMs),
      withDeadline(clock, graceMs, this.heartbeat.stop()).catch(() => undefined),
    ]);
    this.isClosed = true;
    this.worker = null;
    this.dropProducer();
    await this.store.close();
  }

  /** Runs `act` on the producer. Rejects with TransientError IO_QUEUE at once while the store is away. */
  private ask(what: string, isUrgent: boolean, act: (queue: JobQueue) => Promise<void>): Promise<void> {
    return this.turnstile.pass(isUrgent, async () => {
      if (this.isClosed) throw new TransientError('IO_QUEUE', `${what}: the queue is closed`);
      const reason = this.heartbeat.reason;
      if (this.producer === null || reason !== null)
        throw new TransientError('IO_QUEUE', `${what}: ${reason ?? 'not connected'}`);
      const { queue } = this.producer;
      try {
        await this.send(() => act(queue));
      } catch (error) {
        this.heartbeat.noteAway(error);
        throw new TransientError('IO_QUEUE', `${what}: ${messageOf(error)}`, { cause: error });
      }
    });
  }

  /** Within the time of a command, and once more when the store lost a race: what is added twice does no harm. */
  private send<T>(act: () => Promise<T>): Promise<T> {
    const sent = act().catch((error: unknown) => {
      if (!this.store.isPassing(error)) throw error;
      return act();
    });
    return withDeadline(this.ports.clock, this.timings.commandTimeoutMs, sent);
  }

  private async sendBeat(): Promise<boolean> {
    if (!this.isPrepared) await this.store.prepare();
    this.isPrepared = true;
    this.producer ??= this.openProducer();
    const data = { key: this.instanceId };
    const { queue } = this.producer;
    const job = await this.send(() => queue.add(JOB.beat, data, beatOptions(this.instanceId)));
    const isWorked = this.lastBeatId !== null && job.id !== this.lastBeatId;
    this.lastBeatId = job.id ?? null;
    if (this.work !== null && this.worker === null && this.closing === null) this.startWorker(this.work);
    this.firstAnswer.resolve();
    return isWorked;
  }

  private openProducer(): Producer {
    const link = this.store.connect('producer');
    const streams = { events: { maxLen: EVENTS_KEPT } };
    const queue: JobQueue = new BullQueue<JobData, void, string, JobData, void, string, IQueueBackend>(
      this.queueName,
      { connection: link.connection, prefix: KEY_PREFIX, streams },
      link.factory,
    );
    queue.on('error', (error) => this.ports.log.debug('Queue producer reports an error', { err: messageOf(error) }));
    return { queue, link };
  }

  private dropProducer(): void {
    const dropped = this.producer;
    this.producer = null;
    dropped?.queue.close().catch(() => undefined);
    dropped?.link.destroy();
  }

  private startWorker(work: Work): void {
    const { heartbeat } = this;
    const settings = {
      queueName: this.queueName,
      timings: this.timings,
      guard: this.guard,
      concurrency: work.concurrency,
    };
    heartbeat.noteStart();
    this.worker = new JobWorker(
      this.store,
      settings,
      {
        handler: work.handler,
        // A timer that waits holds a place of the worker: it does not wait behind plain hints.
        fire: (job, key) =>
          this.ask(`Cannot turn the timer of "${key}" into a look`, true, (queue) => fireTimer(queue, job, key)),
        noteFetch: () => heartbeat.noteFetch(),
        noteJob: () => heartbeat.noteJob(),
        noteRejected: (name) => this.noteRejected(name),
      },
      this.ports,
    );
  }

  private rebuildWorker(): Promise<void> {
    this.worker?.abandon();
    this.worker = null;
    this.dropProducer();
    this.producer = this.openProducer();
    if (this.work !== null) this.startWorker(this.work);
    return Promise.resolve();
  }

  private noteRejected(name: string): void {
    this.rejected += 1;
    // The content is somebody else's and stays out of the log.
    this.ports.log.warn('Refusing a queue job that is not ours', { reason: name.slice(0, 40) });
  }
}
