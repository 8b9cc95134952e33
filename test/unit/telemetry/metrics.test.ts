// The metrics as Prometheus reads them: Flagger's names and labels, our own, and nothing left of a Canary that is gone.
import { describe, expect, test } from 'vitest';
import { createMeters } from '../../../src/telemetry/metrics.ts';
import type { Meters, ShownCanary } from '../../../src/telemetry/metrics.ts';

const aCanary = (over: Partial<ShownCanary> = {}): ShownCanary => ({
  namespace: 'shop',
  name: 'web-canary',
  target: 'web',
  kind: 'Deployment',
  provider: 'istio',
  phase: 'Progressing',
  canaryWeight: 30,
  ...over,
});

const someMeters = (): Meters => createMeters({ version: '0.1.0', meshProvider: 'istio' });
const samples = async (meters: Meters): Promise<string[]> =>
  (await meters.render()).body.split('\n').filter((line) => line !== '' && !line.startsWith('#'));

describe('flagger metrics', () => {
  test('flagger_info names version and mesh provider', async () => {
    expect(await samples(someMeters())).toContain('flagger_info{version="0.1.0",mesh_provider="istio"} 1');
  });

  test('a Canary has status, total and two weights under its target’s name', async () => {
    const meters = someMeters();

    meters.showCanary(aCanary());

    expect(await samples(meters)).toEqual(
      expect.arrayContaining([
        'flagger_canary_total{namespace="shop"} 1',
        'flagger_canary_status{name="web",namespace="shop"} 0',
        'flagger_canary_weight{workload="web-primary",namespace="shop"} 70',
        'flagger_canary_weight{workload="web",namespace="shop"} 30',
      ]),
    );
  });

  test.each([
    ['Progressing', 0],
    ['Failed', 2],
    ['Succeeded', 1],
    ['Initialized', 1],
    ['Promoting', 1],
  ])('the status of %s is %d', async (phase, number) => {
    const meters = someMeters();

    meters.showCanary(aCanary({ phase }));

    expect(await samples(meters)).toContain(`flagger_canary_status{name="web",namespace="shop"} ${number}`);
  });

  test('an ended run counts with strategy and analysis, and its duration reaches into hours', async () => {
    const meters = someMeters();
    const { namespace, name, target } = aCanary();
    meters.showCanary(aCanary());

    meters.countRunEnd({
      namespace,
      name,
      target,
      hasSucceeded: true,
      strategy: 'canary',
      analysis: 'completed',
      durationSeconds: 3_000,
    });
    meters.countRunEnd({
      namespace,
      name,
      target,
      hasSucceeded: false,
      strategy: 'blue-green',
      analysis: 'skipped',
      durationSeconds: 20,
    });

    expect(await samples(meters)).toEqual(
      expect.arrayContaining([
        'flagger_canary_successes_total{name="web",namespace="shop",deployment_strategy="canary",analysis_status="completed"} 1',
        'flagger_canary_failures_total{name="web",namespace="shop",deployment_strategy="blue-green",analysis_status="skipped"} 1',
        'flagger_canary_duration_seconds_bucket{le="1800",name="web",namespace="shop"} 1',
        'flagger_canary_duration_seconds_bucket{le="3600",name="web",namespace="shop"} 2',
        'flagger_canary_duration_seconds_count{name="web",namespace="shop"} 2',
      ]),
    );
  });

  test('a judged check shows its value and counts its verdict', async () => {
    const meters = someMeters();
    meters.showCanary(aCanary());

    meters.countCheck(aCanary(), 'request-success-rate', 'Pass', 99.5);
    meters.countCheck(aCanary(), 'request-success-rate', 'Insufficient', null);
    meters.countCheck(aCanary(), 'latency', 'Error', Number.NaN);

    const seen = await samples(meters);
    expect(seen).toEqual(
      expect.arrayContaining([
        'flagger_canary_metric_analysis{name="web",namespace="shop",metric="request-success-rate"} 99.5',
        'serin_check_value{namespace="shop",name="web-canary",check="request-success-rate"} 99.5',
        'serin_check_verdict_total{namespace="shop",name="web-canary",check="request-success-rate",verdict="Pass"} 1',
        'serin_check_verdict_total{namespace="shop",name="web-canary",check="request-success-rate",verdict="Insufficient"} 1',
        'serin_check_verdict_total{namespace="shop",name="web-canary",check="latency",verdict="Error"} 1',
      ]),
    );
    expect(seen.filter((line) => line.includes('NaN') || line.includes('metric="latency"'))).toEqual([]);
  });

  test('every series of a deleted Canary goes, also when it is told of afterwards', async () => {
    const meters = someMeters();
    const bare = await samples(meters);
    const end = { ...aCanary(), strategy: 'canary', analysis: 'completed', durationSeconds: 5 } as const;
    meters.showCanary(aCanary());
    meters.showCanary(aCanary({ phase: 'Failed', canaryWeight: 0 }));
    meters.countCheck(aCanary(), 'latency', 'Fail', 700);
    meters.countRunEnd({ ...end, hasSucceeded: false });
    meters.countRunEnd({ ...end, hasSucceeded: true });
    expect(await samples(meters)).not.toEqual(bare);

    meters.forgetCanary(aCanary());
    meters.countCheck(aCanary(), 'latency', 'Fail', 700);
    meters.countRunEnd({ ...end, hasSucceeded: false });
    meters.forgetCanary(aCanary());

    expect(await samples(meters)).toEqual(bare);
  });

  test('the total follows Canaries that come and go', async () => {
    const meters = someMeters();
    meters.showCanary(aCanary());
    meters.showCanary(aCanary());
    meters.showCanary(aCanary({ name: 'api', target: 'api' }));
    meters.showCanary(aCanary({ namespace: 'ads' }));

    meters.forgetCanary({ namespace: 'shop', name: 'api' });

    const totals = (await samples(meters)).filter((line) => line.startsWith('flagger_canary_total'));
    expect(totals).toEqual(['flagger_canary_total{namespace="shop"} 1', 'flagger_canary_total{namespace="ads"} 1']);
  });

  test('a Canary made again with another target leaves nothing of the first', async () => {
    const meters = someMeters();
    meters.showCanary(aCanary());

    meters.showCanary(aCanary({ target: 'web-two' }));

    const seen = (await samples(meters)).filter((line) => line.includes('"web"') || line.includes('"web-primary"'));
    expect(seen).toEqual([]);
  });
});

describe('own metrics', () => {
  test('the phase is a set of states, of which one is 1', async () => {
    const meters = someMeters();
    meters.showCanary(aCanary({ phase: 'Progressing' }));

    meters.showCanary(aCanary({ phase: 'Succeeded', provider: 'linkerd' }));

    const seen = await samples(meters);
    expect(seen.filter((line) => line.startsWith('serin_canary_phase'))).toEqual([
      'serin_canary_phase{namespace="shop",name="web-canary",phase="Progressing"} 0',
      'serin_canary_phase{namespace="shop",name="web-canary",phase="Succeeded"} 1',
    ]);
    expect(seen.filter((line) => line.startsWith('serin_canary_info'))).toEqual([
      'serin_canary_info{namespace="shop",name="web-canary",target="web",kind="Deployment",provider="linkerd"} 1',
    ]);
  });

  test('work is counted under its names', async () => {
    const meters = someMeters();

    meters.countLook('acted', 0.02);
    meters.countDecision('breached');
    meters.setOverdueChecks(3);
    meters.setStaleWatches(1);
    meters.setWatchAges([{ resource: 'deployments', ageSeconds: 4.5 }]);
    meters.countKubeRequest({
      verb: 'PATCH',
      resource: 'canaries',
      lane: 'rollback',
      code: 409,
      durationSeconds: 0.03,
    });
    meters.setOutboxPending(2);
    meters.countDelivery('slack', 'delivered');
    meters.countMetricQuery('prometheus', 0.2);
    meters.countHook('rollout', 'passed');

    expect(await samples(meters)).toEqual(
      expect.arrayContaining([
        'serin_looks_total{outcome="acted"} 1',
        'serin_look_duration_seconds_bucket{le="0.025"} 1',
        'serin_decisions_total{signal="breached"} 1',
        'serin_overdue_checks 3',
        'serin_stale_watches 1',
        'serin_watch_age_seconds{resource="deployments"} 4.5',
        'serin_kube_requests_total{verb="PATCH",resource="canaries",lane="rollback",code="409"} 1',
        'serin_kube_request_duration_seconds_count{verb="PATCH",resource="canaries",lane="rollback"} 1',
        'serin_outbox_pending 2',
        'serin_notification_deliveries_total{sink="slack",outcome="delivered"} 1',
        'serin_metric_query_duration_seconds_count{source="prometheus"} 1',
        'serin_hook_requests_total{type="rollout",outcome="passed"} 1',
      ]),
    );
  });

  test('rebuilds of the queue’s worker are counted from the total that health gives', async () => {
    const meters = someMeters();

    meters.setQueue({ isUp: true, rebuilds: 0 });
    meters.setQueue({ isUp: false, rebuilds: 2 });
    meters.setQueue({ isUp: false, rebuilds: 2 });
    meters.setQueue({ isUp: true, rebuilds: 3 });

    expect(await samples(meters)).toEqual(expect.arrayContaining(['serin_queue_up 1', 'serin_queue_rebuilds_total 3']));
  });

  test('a watch that ended leaves no age behind', async () => {
    const meters = someMeters();
    meters.setWatchAges([{ resource: 'pods', ageSeconds: 1 }]);

    meters.setWatchAges([]);

    expect((await samples(meters)).some((line) => line.startsWith('serin_watch_age_seconds'))).toBe(false);
  });

  test('what rarely happens is counted from 0 on, so that its first time is an increase', async () => {
    const meters = someMeters();
    expect(await samples(meters)).toContain('serin_looks_total{outcome="halt"} 0');

    meters.countDelivery('slack', 'failed');

    expect(await samples(meters)).toEqual(
      expect.arrayContaining([
        'serin_notification_deliveries_total{sink="slack",outcome="failed"} 1',
        'serin_notification_deliveries_total{sink="slack",outcome="dropped"} 0',
      ]),
    );
  });

  test('metrics of the process are there when asked for, the lag of the event loop among them', async () => {
    const meters = createMeters({ version: '0.1.0', meshProvider: '', hasProcessMetrics: true });

    const seen = await samples(meters);
    meters.stop();

    expect(seen.some((line) => line.startsWith('process_resident_memory_bytes '))).toBe(true);
    expect(seen.some((line) => /^serin_event_loop_lag_seconds \d/.test(line))).toBe(true);
  });
});

describe('the page', () => {
  test('each name stands once, with its help and type before it, and the type of the page is said', async () => {
    const meters = someMeters();
    for (let i = 0; i < 100; i += 1) {
      const canary = aCanary({ name: `c${i}`, target: `t${i}` });
      meters.showCanary(canary);
      meters.countRunEnd({
        ...canary,
        hasSucceeded: true,
        strategy: 'canary',
        analysis: 'completed',
        durationSeconds: 5,
      });
    }

    const { contentType, body } = await meters.render();

    expect(contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
    const types = body.split('\n').filter((line) => line.startsWith('# TYPE '));
    expect(new Set(types).size).toBe(types.length);
    let family = '';
    for (const line of body.split('\n').filter((text) => text !== '')) {
      if (line.startsWith('# TYPE ')) family = line.split(' ')[2]!;
      else if (!line.startsWith('#')) expect(line.startsWith(family), line).toBe(true);
    }
  });

  test('label values cannot break out of their quotes', async () => {
    const meters = someMeters();

    meters.countDecision('a"} 1\nforged_total{x="\\');

    const { body } = await meters.render();
    expect(body).toContain('serin_decisions_total{signal="a\\"} 1\\nforged_total{x=\\"\\\\"} 1\n');
  });

  test('five thousand Canaries do not hold up the event loop', async () => {
    const meters = someMeters();
    for (let i = 0; i < 5_000; i += 1) {
      const canary = aCanary({ name: `c${i}`, target: `t${i}` });
      meters.showCanary(canary);
      meters.countRunEnd({
        ...canary,
        hasSucceeded: true,
        strategy: 'canary',
        analysis: 'completed',
        durationSeconds: 5,
      });
    }
    let turns = 0;
    let isDone = false;
    const count = (): void => {
      turns += 1;
      if (!isDone) setImmediate(count);
    };
    setImmediate(count);

    await meters.render();
    isDone = true;

    expect(turns).toBeGreaterThan(80);
  });
});
