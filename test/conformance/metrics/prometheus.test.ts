// Prometheus sits the exam.
import type { Sample } from '../../../src/core/analysis/verdict.ts';
import type { MetricQuestion } from '../../../src/metrics/contract.ts';
import { openPrometheus } from '../../../src/metrics/prometheus.ts';
import { examineSource } from './exam.ts';

const question: MetricQuestion = {
  what: { kind: 'query', query: 'success' },
  windowMs: 60_000,
  windowText: '1m',
  subject: {
    key: 'serin.dev/shop/web',
    namespace: 'shop',
    name: 'web',
    target: 'web',
    primary: 'web-primary',
    service: 'web',
    ingress: 'web',
    route: 'web',
  },
};

/** The virtual clock's now, in seconds. */
const now = Date.UTC(2026, 0, 1) / 1_000;
const answer = (data: unknown, more: object = {}): string => JSON.stringify({ status: 'success', data, ...more });
const series = (value: unknown, time: unknown = now): unknown => ({ metric: {}, value: [time, value] });
const vector = (...result: unknown[]): string => answer({ resultType: 'vector', result });

examineSource({
  name: 'prometheus',
  limitMs: 5_000,
  async measure(url, { http, clock }, calls) {
    const source = openPrometheus(
      { http, clock },
      { address: url, headers: {}, credentials: null, insecureSkipVerify: false },
    );
    let sample: Sample | null = null;
    void source.measure(question, new AbortController().signal).then((given) => {
      sample = given;
    });
    await clock.waitReal(() => sample !== null || calls() > 0, 'no answer', 500).catch(() => clock.advance(5_000));
    await clock.waitReal(() => sample !== null);
    return sample!;
  },
  good: (percent) => vector(series(String(percent))),
  nothing: () => vector(),
  numberless: [
    ['NaN', vector(series('NaN'))],
    ['+Inf', vector(series('+Inf'))],
    ['-Inf', vector(series('-Inf'))],
    ['1e309', vector(series('1e309'))],
    ['stale', vector(series('100', now - 600))],
    ['from the future', vector(series('100', now + 600))],
    ['a scalar NaN', answer({ resultType: 'scalar', result: [now, 'NaN'] })],
  ],
  unbelievable: [
    ['0x10', vector(series('0x10'))],
    ['an empty text', vector(series(''))],
    ['blanks', vector(series(' 7 '))],
    ['9x', vector(series('9x'))],
    ['null', vector(series(null))],
    ['true', vector(series(true))],
    ['a list', vector(series([5]))],
    ['an object', vector(series({}))],
    ['a number that is no text', vector(series(100))],
    ['two series', vector(series('100'), series('100'))],
    ['5,000 series', vector(...Array.from({ length: 5_000 }, () => series('1')))],
    ['a matrix', answer({ resultType: 'matrix', result: [{ metric: {}, values: [[now, '100']] }] })],
    ['a string', answer({ resultType: 'string', result: [now, '100'] })],
    ['a native histogram', vector({ metric: {}, histogram: [now, { count: '1', sum: '1' }] })],
    ['a value of length 1', vector({ metric: {}, value: [now] })],
    ['no time', vector(series('100', null))],
    [
      'an error with 200',
      JSON.stringify({
        status: 'error',
        errorType: 'execution',
        error: 'x',
        data: { resultType: 'scalar', result: [now, '100'] },
      }),
    ],
    ['half a document', vector(series('100')).slice(0, -1)],
    ['a byte order mark', `\ufeff${vector(series('100'))}`],
    ['nested 200,000 deep', `${'['.repeat(200_000)}${']'.repeat(200_000)}`],
    ['no body', ''],
    ['more than 1 MiB', vector(series('100')) + ' '.repeat(1_100_000)],
  ],
});
