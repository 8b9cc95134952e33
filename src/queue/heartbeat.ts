// Proof of life: a canary job goes through the queue again and again, and a worker that shows no sign of life is rebuilt.
import type { CancelTimer } from '../util/clock.ts';
import { jitterMs } from '../util/random.ts';
import { messageOf } from '../errors.ts';
import type { QueuePorts, QueueTimings } from './store.ts';

/** What the heartbeat watches. */
export interface Patient {
  /** Sends this process's canary job, connecting first where needed. True when the one before has been worked. Rejects when the store is away. */
  sendBeat(): Promise<boolean>;
  /** Makes the way to the store anew, after it has been away for several beats. */
  reconnect(): void;
  /** Whether there is a worker that should be alive. */
  hasWorker(): boolean;
  /** All its places are taken: no proof of life can be asked of it. */
  isFull(): boolean;
  rebuildWorker(): Promise<void>;
  /** What is wrong with how the store is set up; null when nothing is. */
  inspect(): Promise<string | null>;
}

/** Rebuilds in a row without a sign of life after which the queue counts as down. */
const ROW_MAX = 3;
/** Failed beats in a row after which connections are made anew: they may hang on a socket that is dead. */
const FAILURES_BEFORE_RECONNECT = 3;

/**
 * A worker may die without a word: `isRunning()` stays true, no error comes, and PING is answered. So life means that
 * this process's worker worked a job, or that it asked for one while the canary job of this process was worked by
 * another. BullMQ hands a job to any process; waiting for one's own canary job would call an idle worker dead.
 */
export class Heartbeat {
  rebuilds = 0;
  private readonly patient: Patient;
  private readonly ports: QueuePorts;
  private readonly timings: QueueTimings;
  private row = 0;
  private awayReason: string | null = 'not connected yet';
  private setupProblem: string | null = null;
  private failures = 0;
  private hasFetched = false;
  private lifeMs: number;
  private inspectAtMs = 0;
  private nextTickMs: number;
  private cancel: CancelTimer = () => undefined;
  private ticking: Promise<void> | null = null;
  private isStopped = false;

  constructor(patient: Patient, ports: QueuePorts, timings: QueueTimings) {
    this.patient = patient;
    this.ports = ports;
    this.timings = timings;
    this.lifeMs = ports.clock.monotonicMs();
    this.nextTickMs = this.lifeMs;
  }

  /** Why the store is away; null while it answers. */
  get reason(): string | null {
    return this.awayReason;
  }

  get isUp(): boolean {
    return this.awayReason === null && this.row < ROW_MAX;
  }

  get problem(): string | null {
    if (this.awayReason !== null) return `Cannot reach the queue store: ${this.awayReason}`;
    if (this.row >= ROW_MAX) return `Cannot work the queue: no job was seen after ${this.row} rebuilds of the worker`;
    return this.setupProblem;
  }

  /** The worker worked a job. */
  noteJob(): void {
    this.lifeMs = this.ports.clock.monotonicMs();
    this.row = 0;
  }

  /** The worker asked for a job and was answered. */
  noteFetch(): void {
    this.hasFetched = true;
  }

  /** The store did not do what was asked: from now on adds fail at once, until a beat gets through. */
  noteAway(error: unknown): void {
    const isNew = this.awayReason === null;
    this.awayReason = describe(error);
    if (!isNew || this.isStopped) return;
    this.ports.log.warn('Queue store is away', { reason: this.awayReason });
    this.schedule(this.timings.probeEveryMs);
  }

  /** Starts a worker's time anew, as after its start. */
  noteStart(): void {
    this.lifeMs = this.ports.clock.monotonicMs();
    this.hasFetched = false;
  }

  /** Beats once, now, or joins the beat under way; never rejects. */
  tick(): Promise<void> {
    this.cancel();
    this.ticking ??= this.beat().finally(() => {
      this.ticking = null;
      if (!this.isStopped)
        this.schedule(this.awayReason === null ? this.timings.beatEveryMs : this.timings.probeEveryMs);
    });
    return this.ticking;
  }

  /** Beats no more. Resolves when the last beat is over. */
  async stop(): Promise<void> {
    this.isStopped = true;
    this.cancel();
    await this.ticking;
  }

  private schedule(delayMs: number): void {
    this.cancel();
    const spreadMs = jitterMs(this.ports.random, delayMs, 0.1);
    this.nextTickMs = this.ports.clock.monotonicMs() + spreadMs;
    this.cancel = this.ports.clock.setTimer(spreadMs, () => void this.tick());
  }

  private async beat(): Promise<void> {
    const { clock, log } = this.ports;
    // A process that was stopped for a while knows nothing of its worker: the silence was its own.
    if (clock.monotonicMs() - this.nextTickMs > this.timings.beatEveryMs) this.noteStart();
    try {
      const isWorked = await this.patient.sendBeat();
      if (this.awayReason !== null) {
        log.info('Queue store answers', {});
        this.awayReason = null;
        this.noteStart();
      }
      this.failures = 0;
      if (isWorked && this.hasFetched) this.noteJob();
      this.hasFetched = false;
    } catch (error) {
      this.noteAway(error);
      this.failures += 1;
      if (this.failures % FAILURES_BEFORE_RECONNECT === 0) this.patient.reconnect();
      return;
    }
    await this.inspect();
    await this.judge();
  }

  private async judge(): Promise<void> {
    const { clock, log } = this.ports;
    if (!this.patient.hasWorker() || this.isStopped) return;
    if (this.patient.isFull()) this.lifeMs = clock.monotonicMs();
    const silentMs = clock.monotonicMs() - this.lifeMs;
    if (silentMs <= this.timings.silentAfterMs) return;
    this.row += 1;
    this.rebuilds += 1;
    const fields = { reason: 'no sign of life', durationMs: Math.round(silentMs) };
    if (this.row < ROW_MAX) log.warn('Rebuilding queue worker', fields);
    else log.error('Rebuilding queue worker, again', fields);
    await this.patient.rebuildWorker();
    this.noteStart();
  }

  private async inspect(): Promise<void> {
    const { clock, log } = this.ports;
    if (clock.monotonicMs() < this.inspectAtMs) return;
    this.inspectAtMs = clock.monotonicMs() + this.timings.inspectEveryMs;
    try {
      const found = await this.patient.inspect();
      if (found !== null && found !== this.setupProblem) log.error('Queue store is set up wrongly', { reason: found });
      this.setupProblem = found;
    } catch (error) {
      log.debug('Cannot ask the queue store how it is set up', { err: messageOf(error) });
    }
  }
}

/** What failed. A failed connection to several addresses has an empty message and only a code. */
function describe(error: unknown): string {
  const text = messageOf(error);
  if (text !== '') return text;
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : 'no answer';
}
