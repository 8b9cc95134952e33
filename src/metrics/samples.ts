// The strict reader of Prometheus answers: a finite number, nothing, or an error; never NaN, never a throw, never a guess.
import type { Sample } from '../core/analysis/verdict.ts';
import { isObject } from '../util/json.ts';

/** A sample older than this is no evidence about now, in milliseconds. */
const SAMPLE_AGE_MAX_MS = 5 * 60_000;
/** Clocks may differ by this much, in milliseconds. */
const CLOCK_SKEW_MAX_MS = 60_000;

const DECIMAL = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,4})?$/;
const NOT_A_NUMBER = /^[+-]?nan$/i;
const INFINITE = /^[+-]?inf(?:inity)?$/i;

/** Reads a decimal number: `finite` is its value; otherwise what it is instead. No hexadecimal, no white space, no coercion. */
export function readNumber(text: unknown): { readonly finite: number } | { readonly not: 'NaN' | 'Inf' | 'a number' } {
  if (typeof text !== 'string') return { not: 'a number' };
  if (NOT_A_NUMBER.test(text)) return { not: 'NaN' };
  if (INFINITE.test(text)) return { not: 'Inf' };
  // The length bounds the work; no writer of numbers needs more digits.
  if (text.length > 400 || !DECIMAL.test(text)) return { not: 'a number' };
  const value = Number(text);
  return Number.isFinite(value) ? { finite: value } : { not: 'Inf' };
}

function error(detail: string): Sample {
  return { kind: 'error', detail };
}

function empty(detail: string): Sample {
  return { kind: 'empty', detail };
}

/**
 * Reads the body of an instant query (https://prometheus.io/docs/prometheus/latest/querying/api/). A vector of one series
 * and a scalar are values; no series, NaN, ±Inf and stale samples are empty; everything else is an error.
 */
export function readInstantQuery(body: string, nowMs: number): Sample {
  let answer: unknown;
  try {
    answer = JSON.parse(body);
  } catch {
    return error(/^\s*</.test(body) ? 'the answer is a page, not JSON' : 'the answer is not JSON');
  }
  if (!isObject(answer)) return error('the answer is not an object');
  if (answer['status'] !== 'success') return error(`the query failed: ${describeQueryError(answer)}`);
  const data = answer['data'];
  if (!isObject(data)) return error('the answer has no data');
  const { resultType, result } = data;
  if (resultType === 'scalar') return readPoint(result, nowMs);
  if (resultType === 'matrix' || resultType === 'string')
    return error(`the query returned a ${resultType}, must return a vector of one series or a scalar`);
  if (resultType !== 'vector' || !Array.isArray(result)) return error('the answer has no result that is known');
  if (result.length === 0) return empty('the query returned no series');
  if (result.length > 1)
    return error(`the query returned ${result.length} series, must return one; aggregate them, for example with sum()`);
  const series: unknown = result[0];
  if (!isObject(series)) return error('the series is not an object');
  if (series['value'] === undefined && series['histogram'] !== undefined) {
    return error(
      'the query returned a native histogram, must return a number; use histogram_quantile() or histogram_fraction()',
    );
  }
  return readPoint(series['value'], nowMs);
}

/** The error kinds of the API: nothing else of an answer that is not a success is repeated. */
const ERROR_TYPES = new Set([
  'bad_data',
  'execution',
  'timeout',
  'canceled',
  'internal',
  'unavailable',
  'not_found',
  'not_acceptable',
]);

/** What a failed query says of itself, when it is Prometheus that speaks; empty words otherwise. */
export function describeQueryError(answer: unknown): string {
  if (!isObject(answer) || answer['status'] !== 'error') return 'the answer says neither success nor error';
  const type = answer['errorType'];
  if (typeof type !== 'string' || !ERROR_TYPES.has(type)) return 'of an unknown kind';
  const text = answer['error'];
  // Line breaks and control characters would forge log lines.
  return typeof text === 'string' && text !== ''
    ? `${type}, ${text.replace(/[\s\p{Cc}\p{Cf}]+/gu, ' ').slice(0, 200)}`
    : type;
}

function readPoint(point: unknown, nowMs: number): Sample {
  if (!Array.isArray(point) || point.length !== 2) return error('the sample is not a pair of time and value');
  const [seconds, text] = point as [unknown, unknown];
  if (typeof seconds !== 'number' || !Number.isFinite(seconds)) return error('the sample has no time');
  const number = readNumber(text);
  if ('not' in number) {
    if (number.not === 'a number') return error('the value of the sample is not a number');
    return empty(number.not === 'NaN' ? 'the value is NaN: no data, or a division by zero' : 'the value is infinite');
  }
  const ageMs = nowMs - seconds * 1_000;
  if (ageMs > SAMPLE_AGE_MAX_MS) return empty(`the sample is stale: ${Math.round(ageMs / 1_000)} s old`);
  if (ageMs < -CLOCK_SKEW_MAX_MS)
    return empty(`the sample is ${Math.round(-ageMs / 1_000)} s in the future: the clocks differ`);
  return { kind: 'value', value: number.finite };
}
