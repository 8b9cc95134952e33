// Sums up samples: percentiles, rates and sizes as the bench prints them.

/** How long something took, in milliseconds. */
export interface Durations {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Percentiles by nearest rank; zeros without samples. */
export function durationsOf(samplesMs: readonly number[]): Durations {
  const sorted = [...samplesMs].sort((a, b) => a - b);
  const rank = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
  return { count: sorted.length, p50: round(rank(0.5), 1), p99: round(rank(0.99), 1), max: round(rank(1), 1) };
}

/** `p50 1.2 ms, p99 3.4 ms, max 5.6 ms (n = 40)`. */
export function durationText({ count, p50, p99, max }: Durations): string {
  return `p50 ${p50} ms, p99 ${p99} ms, max ${max} ms (n = ${count})`;
}

/** With at most `digits` digits after the point. */
export const round = (value: number, digits: number): number => Number(value.toFixed(digits));

export const mebibytes = (bytes: number): number => round(bytes / 1_048_576, 0);

/** Processor time that this process has used, in seconds. */
export function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
