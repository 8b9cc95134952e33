// From spec.analysis.metrics as written to checks: one source and two inclusive bounds each.
import type { Check } from '../core/policy.ts';
import type { CanarySpecInput } from './canary-schema.ts';
import { parseDurationMs } from './duration.ts';
import type { ReadingContext } from './later-fields.ts';
import type { Report } from './problems.ts';

type MetricInput = NonNullable<CanarySpecInput['analysis']['metrics']>[number];
type Source = Check['source'];

const WINDOW_DEFAULT = '1m';
const BUILTINS = ['request-success-rate', 'request-duration'] as const;

/**
 * Reads the checks. Order as in Flagger: built-in and inline checks first, then those of templates. In flagger.app a
 * metric with a template beside a built-in name or an inline query is two checks, as it is there; serin.dev refuses it.
 */
export function parseChecks(
  metrics: readonly MetricInput[],
  context: ReadingContext,
  report: Report,
): readonly Check[] {
  const first: Check[] = [];
  const second: Check[] = [];
  metrics.forEach((metric, index) => {
    const path = `spec.analysis.metrics[${index}]`;
    const sources = sourcesOf(metric, context);
    const frame = {
      name: metric.name,
      ...windowOf(metric, path, context, report),
      ...boundsOf(metric, path, context, report),
    };
    if (sources.length === 0) {
      report.add(
        path,
        'SPEC_CHECK',
        `"${metric.name}" says nowhere what to measure, must be named ${BUILTINS.join(' or ')}, or have query or templateRef`,
      );
    }
    if (sources.length > 1 && context.group === 'serin.dev') {
      report.add(
        path,
        'SPEC_CHECK',
        `"${metric.name}" has more than one source, must be a built-in name, or have query, or templateRef`,
      );
    }
    for (const source of sources) (source.kind === 'template' ? second : first).push({ ...frame, source });
  });
  return [...first, ...second];
}

function sourcesOf(metric: MetricInput, context: ReadingContext): readonly Source[] {
  const sources: Source[] = [];
  const builtin = BUILTINS.find((name) => name === metric.name);
  if (builtin !== undefined) sources.push({ kind: 'builtin', metric: builtin });
  // A built-in name wins over an inline query in Flagger; serin.dev refuses both together.
  if (metric.query && (builtin === undefined || context.group === 'serin.dev'))
    sources.push({ kind: 'query', query: metric.query });
  if (metric.templateRef !== undefined) {
    const { name, namespace } = metric.templateRef;
    const isOwn = namespace === undefined || namespace === '' || namespace === context.namespace;
    sources.push({
      kind: 'template',
      name,
      namespace: isOwn ? null : namespace,
      variables: { ...metric.templateVariables },
    });
  }
  return sources;
}

function windowOf(
  metric: MetricInput,
  path: string,
  context: ReadingContext,
  report: Report,
): Pick<Check, 'windowMs' | 'windowText'> {
  const windowText = metric.interval || WINDOW_DEFAULT;
  const windowMs = parseDurationMs(windowText);
  if (windowMs !== null && windowMs >= 1000) return { windowMs, windowText };
  if (context.group === 'serin.dev') {
    report.add(
      `${path}.interval`,
      'SPEC_DURATION',
      `"${windowText}" is not a usable duration, must be such as 30s or 1m and at least 1s`,
    );
  } else {
    const message = `Took ${path}.interval for ${WINDOW_DEFAULT}: "${windowText}" is not a usable duration`;
    context.notes.push({ path: `${path}.interval`, code: 'SPEC_DURATION', message });
  }
  return { windowMs: 60_000, windowText: WINDOW_DEFAULT };
}

/**
 * thresholdRange wins; without it, threshold is the smallest value for the success rate and the largest for everything
 * else (flagger.md §4.2). Flagger takes a missing threshold for 0; serin.dev refuses a check without bounds.
 */
function boundsOf(
  metric: MetricInput,
  path: string,
  context: ReadingContext,
  report: Report,
): Pick<Check, 'min' | 'max'> {
  const bounds = rawBounds(metric);
  if (context.group === 'serin.dev' && bounds.isImplied) {
    report.add(path, 'SPEC_CHECK', `"${metric.name}" has no bound, must have thresholdRange with min, max or both`);
  }
  const { min, max } = bounds;
  if (min !== null && max !== null && min > max) {
    report.add(`${path}.thresholdRange`, 'SPEC_RANGE', `min ${min} is above max ${max}, must be at most max`);
  }
  // Durations are judged in whole milliseconds.
  return metric.name === 'request-duration' ? { min: wholeOrNull(min), max: wholeOrNull(max) } : { min, max };
}

function rawBounds(metric: MetricInput): { min: number | null; max: number | null; isImplied: boolean } {
  const { thresholdRange: range, threshold } = metric;
  if (range !== undefined) {
    return {
      min: range.min ?? null,
      max: range.max ?? null,
      isImplied: range.min === undefined && range.max === undefined,
    };
  }
  const isImplied = threshold === undefined;
  const value = threshold ?? 0;
  return metric.name === 'request-success-rate'
    ? { min: value, max: null, isImplied }
    : { min: null, max: value, isImplied };
}

const wholeOrNull = (bound: number | null): number | null => (bound === null ? null : Math.trunc(bound));
