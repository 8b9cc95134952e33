// What one pod served, scrape by scrape: increments of its counters, resets handled, kept for as long as a window needs.
import type { ExposedSample } from './exposition.ts';
import type { SeriesChooser } from './scrape-series.ts';

/** Increments over some time. Buckets are cumulative counts by upper bound. */
export interface Increments {
  requests: number;
  failures: number;
  readonly buckets: Map<number, number>;
}

interface Block extends Increments {
  /** When the scrape that ended it was answered. */
  readonly atMs: number;
}

/** Series whose last value is remembered; beyond it, those that the pod no longer shows are forgotten. */
const SERIES_MAX = 20_000;

/** Nothing yet. */
export function noIncrements(): Increments {
  return { requests: 0, failures: 0, buckets: new Map() };
}

/** Adds `more` to `sum`. */
export function addIncrements(sum: Increments, more: Increments): void {
  sum.requests += more.requests;
  sum.failures += more.failures;
  for (const [bound, count] of more.buckets) sum.buckets.set(bound, (sum.buckets.get(bound) ?? 0) + count);
}

/**
 * The window of one pod. The increment of a series is the sum over consecutive samples of v − previous, or v where v fell
 * (a restart). A series that shows up between two scrapes was born there and counts from zero: the failures of a new pod
 * are born with its first failure, and a rate would lose them. What a pod counted before it was first seen is unknown and
 * not counted, unless the pod itself is new.
 */
export class PodWindow {
  readonly #chooser: SeriesChooser;
  readonly #isNew: boolean;
  readonly #last = new Map<string, number>();
  #blocks: Block[] = [];
  #sinceMs: number | null = null;

  constructor(chooser: SeriesChooser, isNew: boolean) {
    this.#chooser = chooser;
    this.#isNew = isNew;
  }

  /** From when on everything is known, in monotonic milliseconds; null before the first scrape. */
  get sinceMs(): number | null {
    return this.#sinceMs;
  }

  /** Takes a scrape that was answered at `atMs` and forgets what is older than `retainMs`. */
  add(atMs: number, samples: readonly ExposedSample[], retainMs: number): void {
    const isFirst = this.#sinceMs === null;
    const block: Block = { atMs, ...noIncrements() };
    const seen = new Set<string>();
    for (const sample of samples) {
      const counted = this.#chooser.choose(sample);
      if (counted === null || sample.value < 0) continue;
      const key = keyOf(sample);
      // A series that stands twice in one scrape cannot be told apart: the first counts.
      if (seen.has(key)) continue;
      seen.add(key);
      const previous = this.#last.get(key) ?? (isFirst && !this.#isNew ? sample.value : 0);
      this.#last.set(key, sample.value);
      const increment = sample.value < previous ? sample.value : sample.value - previous;
      if (counted.isRequest) block.requests += increment;
      if (counted.isFailure) block.failures += increment;
      if (counted.bound !== null) block.buckets.set(counted.bound, (block.buckets.get(counted.bound) ?? 0) + increment);
    }
    // All of a new pod's life is known: before its first scrape it had served nothing that is not in it.
    this.#sinceMs ??= this.#isNew ? Number.NEGATIVE_INFINITY : atMs;
    this.#blocks.push(block);
    this.#forget(atMs - retainMs, seen);
  }

  /** The increments after `fromMs`: the base of each series is its last sample at or before that moment. */
  sumAfter(fromMs: number): Increments {
    const sum = noIncrements();
    for (const block of this.#blocks) if (block.atMs > fromMs) addIncrements(sum, block);
    return sum;
  }

  #forget(beforeMs: number, seen: ReadonlySet<string>): void {
    const kept = this.#blocks.findIndex(({ atMs }) => atMs > beforeMs);
    if (kept > 0) {
      this.#sinceMs = this.#blocks[kept - 1]!.atMs;
      this.#blocks = this.#blocks.slice(kept);
    }
    // A series that is missing once may come back: it is forgotten only when there are too many.
    if (this.#last.size <= SERIES_MAX) return;
    for (const key of this.#last.keys()) if (!seen.has(key)) this.#last.delete(key);
  }
}

function keyOf({ name, labels }: ExposedSample): string {
  return JSON.stringify([name, ...[...labels].sort(([a], [b]) => (a < b ? -1 : 1))]);
}
