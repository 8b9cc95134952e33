// How probable a share of requests is, given the weight that the route asked for.

/**
 * The probability, two-sided, of a count as far out as `hits` among `trials` independent trials of probability
 * `chance`: twice the smaller exact tail of the binomial distribution, at most 1. Counts outside 0…trials are RangeErrors.
 */
export function binomialPValue(hits: number, trials: number, chance: number): number {
  if (!Number.isInteger(hits) || !Number.isInteger(trials) || hits < 0 || hits > trials)
    throw new RangeError(`Cannot judge ${hits} hits of ${trials} trials: must be whole, from 0 to the trials`);
  if (chance <= 0) return hits === 0 ? 1 : 0;
  if (chance >= 1) return hits === trials ? 1 : 0;
  const below = sumOf(0, hits, trials, chance);
  const above = sumOf(hits, trials, trials, chance);
  return Math.min(1, 2 * Math.min(below, above));
}

/** The probability of `from` to `to` hits, both included; summed from the smallest term, in logarithms. */
function sumOf(from: number, to: number, trials: number, chance: number): number {
  const logs = logFactorials(trials);
  const terms: number[] = [];
  for (let hits = from; hits <= to; hits += 1) {
    const ways = logs[trials]! - logs[hits]! - logs[trials - hits]!;
    terms.push(Math.exp(ways + hits * Math.log(chance) + (trials - hits) * Math.log1p(-chance)));
  }
  return terms.sort((a, b) => a - b).reduce((sum, term) => sum + term, 0);
}

/** Natural logarithms of 0! to `max`!. */
function logFactorials(max: number): readonly number[] {
  const logs = [0];
  for (let n = 1; n <= max; n += 1) logs.push(logs[n - 1]! + Math.log(n));
  return logs;
}
