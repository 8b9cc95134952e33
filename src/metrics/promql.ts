// Writes the built-in checks as PromQL from the one description of a provider's metrics, with every value escaped.
import type { LabelMatch, TrafficMetrics } from '../mesh/contract.ts';
import type { MetricSubject } from './contract.ts';

/** Quotes a text as a PromQL string. */
export function quotePromString(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n').replaceAll('\r', '\\r')}"`;
}

/** A duration as PromQL writes it: the largest unit that needs no fraction. */
export function promDuration(durationMs: number): string {
  const whole = Math.max(1, Math.round(durationMs));
  for (const [unitMs, unit] of [
    [3_600_000, 'h'],
    [60_000, 'm'],
    [1_000, 's'],
  ] as const)
    if (whole % unitMs === 0) return `${whole / unitMs}${unit}`;
  return `${whole}ms`;
}

/** Fills `{{ namespace }}`, `{{ target }}` and `{{ service }}` into the value of a matcher; names are DNS-1123, so that a pattern stays the pattern it was. */
function fillMatcher(value: string, subject: Pick<MetricSubject, 'namespace' | 'target' | 'service'>): string {
  return value.replace(
    /\{\{\s*(namespace|target|service)\s*\}\}/g,
    (_, name: 'namespace' | 'target' | 'service') => subject[name],
  );
}

function selector(metric: string, matches: readonly LabelMatch[], subject: MetricSubject): string {
  const labels = matches.map(({ label, op, value }) => `${label}${op}${quotePromString(fillMatcher(value, subject))}`);
  return `${metric}{${labels.join(',')}}`;
}

/** The name of the histogram's bucket series, however the description names it. */
export function bucketMetric(metric: string): string {
  return metric.endsWith('_bucket') ? metric : `${metric}_bucket`;
}

/**
 * Success in percent. Without traffic there is no answer, because the divisor is filtered; without a failing series
 * there are no failures.
 */
export function successRateQuery(traffic: TrafficMetrics, windowMs: number, subject: MetricSubject): string {
  const { metric, labels, failure } = traffic.requests;
  const window = promDuration(windowMs);
  const failed = `(sum(rate(${selector(metric, [...labels, failure], subject)}[${window}])) or vector(0))`;
  const total = `(sum(rate(${selector(metric, labels, subject)}[${window}])) > 0)`;
  return `100 * (1 - ${failed} / ${total})`;
}

/** The 99th percentile in milliseconds; NaN, hence no data, without traffic. */
export function durationQuery(traffic: TrafficMetrics, windowMs: number, subject: MetricSubject): string {
  const { metric, labels, unit } = traffic.latency;
  const quantile = `histogram_quantile(0.99, sum by (le) (rate(${selector(bucketMetric(metric), labels, subject)}[${promDuration(windowMs)}])))`;
  return unit === 's' ? `1000 * ${quantile}` : quantile;
}
