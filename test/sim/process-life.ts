// The life of one simulated process: it runs, is paused with everything in flight, goes on with its old memory, or dies.
import type { CancelTimer, Clock } from '../../src/util/clock.ts';

/** How long after a pause the timers of a process fire that came due in it, in milliseconds. */
const TIMERS_LATE_MS = 2_000;

/** Gates everything that reaches a process: timers, answers, watch events. */
export class ProcessLife {
  readonly #world: Clock;
  readonly #skewMs: number;
  #state: 'running' | 'paused' | 'dead' = 'running';
  #held: (() => void)[] = [];
  readonly #onDeath: (() => void)[] = [];

  constructor(world: Clock, skewMs: number) {
    this.#world = world;
    this.#skewMs = skewMs;
  }

  get isDead(): boolean {
    return this.#state === 'dead';
  }

  get isRunning(): boolean {
    return this.#state === 'running';
  }

  /** The process's own clock: skewed, silent while paused, silent for ever once dead. */
  readonly clock: Clock = {
    nowMs: () => Math.floor(this.#world.nowMs() + this.#skewMs),
    monotonicMs: () => this.#world.monotonicMs(),
    setTimer: (delayMs, fire): CancelTimer => {
      let isCancelled = false;
      const run = (): void => (isCancelled ? undefined : fire());
      const cancel = this.#world.setTimer(delayMs, () => this.#fire(run));
      return () => {
        isCancelled = true;
        cancel();
      };
    },
  };

  /** Lets something reach the process: at once, after the pause, or never. */
  deliver(arrive: () => void): void {
    if (this.#state === 'running') arrive();
    else if (this.#state === 'paused') this.#held.push(arrive);
  }

  /**
   * A timer that came due while the process was paused fires a while after it goes on: as on a machine that was suspended,
   * whose monotonic time stood still, so that what was about to be sent is sent and answered before its time limit.
   */
  #fire(run: () => void): void {
    if (this.#state === 'paused')
      this.#held.push(() => void this.#world.setTimer(TIMERS_LATE_MS, () => this.deliver(run)));
    else this.deliver(run);
  }

  /** Resolves with `value` when the process can see it. */
  reach<T>(value: T): Promise<T> {
    return new Promise((resolve) => this.deliver(() => resolve(value)));
  }

  /** Rejects when the process can see it. */
  refuse(error: Error): Promise<never> {
    return new Promise((_, reject) => this.deliver(() => reject(error)));
  }

  pause(forMs: number): void {
    if (this.#state !== 'running') return;
    this.#state = 'paused';
    this.#world.setTimer(forMs, () => this.resume());
  }

  resume(): void {
    if (this.#state !== 'paused') return;
    this.#state = 'running';
    const held = this.#held;
    this.#held = [];
    for (const arrive of held) this.deliver(arrive);
  }

  onDeath(work: () => void): void {
    this.#onDeath.push(work);
  }

  die(): void {
    if (this.#state === 'dead') return;
    this.#state = 'dead';
    this.#held = [];
    for (const work of this.#onDeath) work();
  }
}
