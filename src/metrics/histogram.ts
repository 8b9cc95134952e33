// Quantiles of classic histograms, as Prometheus computes them.

/**
 * The `q`-quantile of cumulative counts by upper bound (`+Inf` is Infinity): linear interpolation within the bucket. A
 * quantile in the last bucket is the upper bound of the last finite one, so that everything slower looks just that slow;
 * choose bounds beyond the threshold. Null without observations, without a +Inf bucket or with fewer than two buckets.
 * The formula: https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile.
 */
export function histogramQuantile(q: number, counts: ReadonlyMap<number, number>): number | null {
  const buckets = [...counts].map(([bound, count]) => ({ bound, count })).sort((a, b) => a.bound - b.bound);
  const last = buckets.at(-1);
  if (last === undefined || last.bound !== Number.POSITIVE_INFINITY || buckets.length < 2) return null;
  // Buckets of several pods need not agree at one moment: a cumulative count never falls.
  for (let at = 1; at < buckets.length; at += 1)
    buckets[at]!.count = Math.max(buckets[at]!.count, buckets[at - 1]!.count);
  if (last.count <= 0) return null;
  const rank = q * last.count;
  const at = buckets.findIndex(({ count }) => count >= rank);
  if (at === buckets.length - 1) return buckets[at - 1]!.bound;
  const { bound, count } = buckets[at]!;
  if (at === 0 && bound <= 0) return bound;
  const below = at === 0 ? { bound: 0, count: 0 } : buckets[at - 1]!;
  return below.bound + (bound - below.bound) * ((rank - below.count) / (count - below.count));
}
