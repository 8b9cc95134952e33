// A clock that stands still until a test moves it: timers fire in order, and everything they start settles in between.
import { clampDelayMs } from '../../src/util/clock.ts';
import type { Clock } from '../../src/util/clock.ts';

/** Options of a virtual clock. */
export interface VirtualClockOptions {
  /** Wall time at the start, in milliseconds since the epoch; 2026-01-01T00:00:00Z by default. */
  readonly startMs?: number;
  /** Turns of the event loop between two timers; each drains all microtasks. 2 by default; more for chains of I/O. */
  readonly turns?: number;
}

const START_MS = Date.UTC(2026, 0, 1);
// Taken once, so that a test which replaces the globals cannot stop the clock.
const nextTurn = setImmediate;
const realTimer = setTimeout;
const realNowMs = (): number => performance.now();

interface Timer {
  readonly atMs: number;
  readonly order: number;
  fire: (() => void) | null;
}

/**
 * The Clock port in virtual time. `nowMs` and `monotonicMs` move only in `advance` and `runUntil`; timers due at the
 * same time fire in the order in which they were set. An error thrown by a timer rejects the call that moved the clock.
 */
export class VirtualClock implements Clock {
  readonly #turns: number;
  readonly #heap: Timer[] = [];
  #elapsedMs = 0;
  #wallOffsetMs: number;
  #order = 0;
  #pending = 0;

  constructor(options: VirtualClockOptions = {}) {
    this.#wallOffsetMs = options.startMs ?? START_MS;
    this.#turns = options.turns ?? 2;
  }

  nowMs(): number {
    return this.#wallOffsetMs + this.#elapsedMs;
  }

  monotonicMs(): number {
    return this.#elapsedMs;
  }

  setTimer(delayMs: number, fire: () => void): () => void {
    this.#order += 1;
    this.#pending += 1;
    const timer: Timer = { atMs: this.#elapsedMs + clampDelayMs(delayMs), order: this.#order, fire };
    push(this.#heap, timer);
    return () => {
      if (timer.fire === null) return;
      timer.fire = null;
      this.#pending -= 1;
    };
  }

  /** Timers that are set and have neither fired nor been cancelled: 0 when nothing leaks. */
  pendingTimers(): number {
    return this.#pending;
  }

  /** Moves wall time alone, as an administrator or NTP would; timers and monotonic time do not notice. */
  jumpWall(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }

  /** Lets everything that is already due settle, without moving time. */
  async settle(turns = this.#turns): Promise<void> {
    for (let turn = 0; turn < turns; turn += 1) await new Promise<void>((resolve) => void nextTurn(resolve));
  }

  /** Moves time by `byMs`, firing every timer on the way, also those set on the way. */
  async advance(byMs: number): Promise<void> {
    const untilMs = this.#elapsedMs + byMs;
    await this.settle();
    while (await this.#fireNext(untilMs));
    this.#elapsedMs = untilMs;
    await this.settle();
  }

  /**
   * Moves time from timer to timer until `isDone` holds; never further than `limitMs`. Throws when it does not come
   * true by then. While no timer is set it turns the event loop, so that real I/O can arrive, for at most 5 s of real time.
   */
  async runUntil(isDone: () => boolean, limitMs: number): Promise<void> {
    const untilMs = this.#elapsedMs + limitMs;
    await this.settle();
    while (!isDone()) {
      if (await this.#fireNext(untilMs)) continue;
      await this.waitReal(isDone, `nothing more happens within ${limitMs} ms of virtual time`);
    }
  }

  /** Turns the event loop, without moving time, until `isDone` holds: for tests that mix virtual time with real sockets. */
  async waitReal(isDone: () => boolean, what = 'the condition did not come true', limitMs = 5_000): Promise<void> {
    const startMs = realNowMs();
    while (!isDone()) {
      if (realNowMs() - startMs > limitMs) throw new Error(`Cannot go on: ${what}`);
      await new Promise<void>((resolve) => void realTimer(resolve, 1));
    }
  }

  async #fireNext(untilMs: number): Promise<boolean> {
    while (this.#heap[0] !== undefined && this.#heap[0].fire === null) pop(this.#heap);
    const timer = this.#heap[0];
    if (timer === undefined || timer.atMs > untilMs) return false;
    pop(this.#heap);
    this.#elapsedMs = Math.max(this.#elapsedMs, timer.atMs);
    const fire = timer.fire;
    timer.fire = null;
    this.#pending -= 1;
    fire?.();
    await this.settle();
    return true;
  }
}

const isBefore = (a: Timer, b: Timer): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);

function push(heap: Timer[], timer: Timer): void {
  let at = heap.length;
  heap.push(timer);
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!isBefore(timer, heap[parent]!)) break;
    heap[at] = heap[parent]!;
    at = parent;
  }
  heap[at] = timer;
}

function pop(heap: Timer[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1;
    if (!isBefore(heap[child]!, last)) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = last;
}

/** A reproducible source of randomness (mulberry32): the same seed gives the same numbers. */
export function seededRandom(seed: number): { next(): number; id(): string } {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const word = (): string =>
    Math.floor(next() * 2 ** 32)
      .toString(16)
      .padStart(8, '0');
  return { next, id: () => word() + word() };
}
