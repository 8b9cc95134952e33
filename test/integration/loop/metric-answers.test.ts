// Whatever a metric source answers: never a pass, never a hang, and the run ends by itself with a reason.
import { describe, expect, it } from 'vitest';
import { TransientError } from '../../../src/errors.ts';
import type { Reply } from '../../support/loop-http.ts';
import { initializedShop } from '../../support/loop-fixtures.ts';
import type { LoopWorld } from '../../support/loop-world.ts';

const nowS = Date.UTC(2026, 0, 1) / 1_000;
const ok = (body: string, headers: Record<string, string> = {}): Reply => ({
  status: 200,
  headers: { 'content-type': 'application/json', ...headers },
  body,
});
const data = (resultType: string, result: unknown): Reply =>
  ok(JSON.stringify({ status: 'success', data: { resultType, result } }));
const value = (text: unknown): Reply => data('vector', [{ metric: {}, value: [nowS, text] }]);
const series = (count: number): Reply =>
  data(
    'vector',
    Array.from({ length: count }, (_, index) => ({ metric: { pod: `${index}` }, value: [nowS, '100'] })),
  );
const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`;

/** reliability.md 9.2, as far as an answer is text: each is neither a number within bounds nor a reason to wait for ever. */
const ANSWERS: readonly { what: string; reply: () => Reply }[] = [
  { what: 'NaN', reply: () => value('NaN') },
  { what: '+Inf', reply: () => value('+Inf') },
  { what: '-Inf', reply: () => value('-Inf') },
  { what: 'a number beyond all numbers', reply: () => value('1e309') },
  { what: 'a hexadecimal number', reply: () => value('0x64') },
  { what: 'an empty text', reply: () => value('') },
  { what: 'a number between blanks', reply: () => value(' 100 ') },
  { what: 'a number with a tail', reply: () => value('100x') },
  { what: 'null', reply: () => value(null) },
  { what: 'true', reply: () => value(true) },
  { what: 'an empty list', reply: () => value([]) },
  { what: 'a number in a list', reply: () => value([100]) },
  { what: 'an object', reply: () => value({}) },
  { what: 'a number of JSON', reply: () => value(100) },
  { what: 'no series', reply: () => data('vector', []) },
  { what: 'two series', reply: () => series(2) },
  { what: 'ten thousand series', reply: () => series(10_000) },
  { what: 'a matrix', reply: () => data('matrix', [{ metric: {}, values: [[nowS, '100']] }]) },
  { what: 'a string', reply: () => data('string', [nowS, '100']) },
  {
    what: 'a native histogram',
    reply: () => data('vector', [{ metric: {}, histogram: [nowS, { count: '1', sum: '100' }] }]),
  },
  { what: 'a value without its number', reply: () => data('vector', [{ metric: {}, value: [nowS] }]) },
  {
    what: 'an error with status 200',
    reply: () => ok(JSON.stringify({ status: 'error', errorType: 'timeout', error: 'query timed out' })),
  },
  { what: 'a value from two hours ago', reply: () => data('vector', [{ metric: {}, value: [nowS - 7_200, '100'] }]) },
  { what: 'a value from tomorrow', reply: () => data('vector', [{ metric: {}, value: [nowS + 86_400, '100'] }]) },
  { what: 'a value without a time', reply: () => data('vector', [{ metric: {}, value: [null, '100'] }]) },
  { what: 'nothing at all', reply: () => ok('') },
  { what: 'status 204', reply: () => ({ status: 204 }) },
  { what: 'status 206', reply: () => ({ status: 206, body: '{"status":"succ' }) },
  { what: 'half an answer', reply: () => ok('{"status":"success","data":{"resultType":"vector","result":[{"met') },
  {
    what: 'an HTML page with status 200',
    reply: () => ok('<html><body>100</body></html>', { 'content-type': 'text/html' }),
  },
  { what: 'a login page', reply: () => ({ status: 302, headers: { location: '/login' } }) },
  { what: 'JSON null', reply: () => ok('null') },
  { what: 'a bare number', reply: () => ok('100') },
  { what: 'a byte order mark', reply: () => ok('\uFEFF{"status":"success"}') },
  {
    what: 'JSON two hundred thousand deep',
    reply: () => ok(`{"status":"success","data":{"resultType":"vector","result":${nested(200_000)}}}`),
  },
  {
    what: 'a prototype',
    reply: () => ok('{"__proto__":{"status":"success"},"data":{"resultType":"vector","result":[]}}'),
  },
  { what: 'more than a mebibyte', reply: () => ok(`{"x":"${'y'.repeat(2_000_000)}"}`) },
  { what: 'status 429', reply: () => ({ status: 429, headers: { 'retry-after': '86400' } }) },
  { what: 'status 500', reply: () => ({ status: 500, body: 'oops' }) },
  { what: 'status 503 with a page', reply: () => ({ status: 503, body: '<html>busy</html>' }) },
  {
    what: 'a connection that breaks',
    reply: () => new TransientError('IO_NETWORK', 'Cannot reach prometheus.sim: connection reset'),
  },
  { what: 'silence', reply: () => 'hang' },
];

describe('a metric answer', () => {
  it.each(ANSWERS)('$what: never a pass; rolled back within the limit with a reason', async ({ reply }) => {
    const world = await initializedShop();
    world.http.on('prometheus.sim', reply);
    const startMs = world.clock.monotonicMs();
    world.setImage('app:2');
    await world.untilPhase('Failed');
    expect(world.image('shop-primary')).toBe('app:1');
    expect(world.trail.filter((word) => /\/(40|60)$|Promoting/.test(word))).toEqual([]);
    expect(['NoData', 'MetricSourceError']).toContain(world.condition('Ready')?.reason);
    expect(world.status().failedChecks).toBe(0);
    // Three checks 10 s apart that may each take 5 s, the canary's start, and the drain.
    expect(world.clock.monotonicMs() - startMs).toBeLessThan(70_000);
    expect(verdicts(world)).not.toContain('Pass');
    expect(Object.getOwnPropertyNames(Object.prototype)).not.toContain('status');
    world.close();
  });

  it('says in the status what the source said, and counts apart from failed checks', async () => {
    const world = await initializedShop();
    world.http.on('prometheus.sim', () => value('NaN'));
    world.setImage('app:2');
    await world.until('a first answer', () => verdicts(world).includes('Insufficient'));
    expect(world.status().run?.run).toMatchObject({ insufficientInRow: 1, failedChecks: 0 });
    expect(world.status().run?.run?.['checks']).toMatchObject([
      { name: 'request-success-rate', verdict: 'Insufficient', value: null, min: 99 },
    ]);
    await world.clock.advance(2_000);
    expect(world.events()).toContainEqual(
      expect.stringMatching(/^NoData: Halt advancement no values found for istio metric request-success-rate /),
    );
    world.close();
  });

  it('that is good again resets the count of no data, and the run goes on', async () => {
    const world = await initializedShop();
    let asked = 0;
    world.http.on('prometheus.sim', () => {
      asked += 1;
      return asked % 3 === 0
        ? data('vector', [{ metric: {}, value: [world.clock.nowMs() / 1_000, '100'] }])
        : data('vector', []);
    });
    world.setImage('app:2');
    await world.untilPhase('Succeeded');
    expect(asked).toBe(9);
    expect(world.image('shop-primary')).toBe('app:2');
    world.close();
  });

  it('exactly on the bound passes; the next number below fails and spends the budget', async () => {
    const world = await initializedShop();
    let text = '99';
    world.http.on('prometheus.sim', () => data('vector', [{ metric: {}, value: [world.clock.nowMs() / 1_000, text] }]));
    world.setImage('app:2');
    await world.untilWeight(40);
    text = '98.99999999999999';
    await world.untilPhase('Failed');
    expect(world.status().failedChecks).toBe(3);
    expect(world.condition('Ready')).toMatchObject({ reason: 'FailedChecks' });
    expect(world.events()).toContain('MetricFailed: Halt shop.web advancement success rate 99.00% < 99%');
    world.close();
  });

  it('a source that hangs for one check does not keep a new revision, an abort or a deletion waiting', async () => {
    const world = await initializedShop({ canary: { analysis: { interval: '60s' } } });
    world.http.on('prometheus.sim', () => 'hang');
    world.setImage('app:2');
    await world.untilWeight(20);
    await world.until('the question is out', () => world.http.to('prometheus.sim').length > 0);
    const askedAtMs = world.clock.monotonicMs();
    world.setImage('app:3');
    await world.untilWeight(0);
    expect(world.clock.monotonicMs() - askedAtMs).toBeLessThan(1_000);
    world.close();
  });

  it('an interval in which one of two checks has no answer and the other fails counts as failed', async () => {
    const metrics = [
      { name: 'request-success-rate', interval: '30s', thresholdRange: { min: 99 } },
      { name: 'errors', interval: '30s', thresholdRange: { max: 1 }, query: 'errors' },
    ];
    const world = await initializedShop({ canary: { analysis: { metrics } } });
    world.http.on('prometheus.sim', (_, url) =>
      url.search.includes('query=errors')
        ? data('vector', [{ metric: {}, value: [world.clock.nowMs() / 1_000, '5'] }])
        : data('vector', []),
    );
    world.setImage('app:2');
    await world.untilPhase('Failed');
    expect(world.condition('Ready')).toMatchObject({ reason: 'FailedChecks' });
    expect(world.events()).toContain('MetricFailed: Halt shop.web advancement errors 5.00 > 1');
    world.close();
  });

  it('limits of their own: insufficientLimit and errorLimit, 0 for none', async () => {
    const world = await initializedShop({
      canary: { spec: { progressDeadlineSeconds: 3_600 }, analysis: { insufficientLimit: 5, errorLimit: 2 } },
    });
    world.http.on('prometheus.sim', () => data('vector', []));
    world.setImage('app:2');
    await world.untilPhase('Failed');
    expect(world.http.to('prometheus.sim')).toHaveLength(5);
    world.http.on('prometheus.sim', () => ({ status: 500 }));
    world.setImage('app:3');
    await world.untilWeight(20);
    await world.until('rolled back', () => world.phase() === 'Failed');
    expect(world.http.to('prometheus.sim')).toHaveLength(7);
    world.close();
  });
});

function verdicts(world: LoopWorld): readonly string[] {
  const all = world.commits.flatMap(({ kind, after }) => {
    if (kind.kind !== 'Canary') return [];
    const run = (after?.['status'] as { run?: { run?: { checks?: { verdict: string }[] } | null } } | undefined)?.run;
    return run?.run?.checks?.map(({ verdict }) => verdict) ?? [];
  });
  return [...new Set(all)];
}
