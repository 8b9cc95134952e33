// Tells which series of a scrape count: as requests, as failures, as latency buckets.
import type { LabelMatch, TrafficMetrics } from '../mesh/contract.ts';
import type { ExposedSample } from './exposition.ts';
import { compilePattern } from './pattern.ts';
import { bucketMetric } from './promql.ts';
import { readNumber } from './samples.ts';

/** What one sample counts as. `bound` is the upper bound of its bucket, Infinity for the last; null when it is none. */
export interface Counted {
  readonly isRequest: boolean;
  readonly isFailure: boolean;
  readonly bound: number | null;
}

/** Chooses the series that the built-in checks need. */
export interface SeriesChooser {
  /** Names to read; everything else in a scrape is passed over. */
  readonly names: ReadonlySet<string>;
  choose(sample: ExposedSample): Counted | null;
}

type LabelTest = (labels: ReadonlyMap<string, string>) => boolean;

/** Verdicts that one matcher remembers; label values are few, and hostile ones must not fill the memory. */
const REMEMBERED_MAX = 1_000;

/**
 * Makes the chooser. Matchers that name the workload or pod are left out, because one pod is read at a time. Throws
 * InvalidSpecError for a pattern that cannot be read.
 */
export function createSeriesChooser(traffic: TrafficMetrics): SeriesChooser {
  const { requests, latency } = traffic;
  const bucket = bucketMetric(latency.metric);
  const isOfRequests = compileMatches(requests.labels);
  const isFailure = compileMatches([requests.failure]);
  const isOfLatency = compileMatches(latency.labels);
  return {
    names: new Set([requests.metric, bucket]),
    choose({ name, labels }) {
      const isRequest = name === requests.metric && isOfRequests(labels);
      const bound = name === bucket && isOfLatency(labels) ? readBound(labels.get('le')) : null;
      if (!isRequest && bound === null) return null;
      return { isRequest, isFailure: isRequest && isFailure(labels), bound };
    },
  };
}

/** The label of a matcher that needs a name which a scrape does not know, although it is not marked as one; null when all are fine. */
export function findUnscrapable(traffic: TrafficMetrics): string | null {
  const all = [...traffic.requests.labels, traffic.requests.failure, ...traffic.latency.labels];
  return all.find((match) => match.isIdentity !== true && match.value.includes('{{'))?.label ?? null;
}

function readBound(le: string | undefined): number | null {
  const number = readNumber(le);
  if ('finite' in number) return number.finite;
  return number.not === 'Inf' && !le!.startsWith('-') ? Number.POSITIVE_INFINITY : null;
}

function compileMatches(matches: readonly LabelMatch[]): LabelTest {
  const tests = matches.filter((match) => match.isIdentity !== true).map(compileMatch);
  return (labels) => tests.every((test) => test(labels));
}

function compileMatch({ label, op, value }: LabelMatch): LabelTest {
  // An absent label is an empty one, as in PromQL.
  if (op === '=') return (labels) => (labels.get(label) ?? '') === value;
  if (op === '!=') return (labels) => (labels.get(label) ?? '') !== value;
  const matches = compilePattern(value);
  const remembered = new Map<string, boolean>();
  return (labels) => {
    const text = labels.get(label) ?? '';
    let isMatch = remembered.get(text);
    if (isMatch === undefined) {
      isMatch = matches(text);
      if (remembered.size < REMEMBERED_MAX) remembered.set(text, isMatch);
    }
    return isMatch === (op === '=~');
  };
}
