// parseCanary: what a valid Canary means in each group.
import { describe, expect, it } from 'vitest';
import { parseCanary, type ParsedCanary } from '../../../src/api/parse-canary.ts';
import { errorOf, type Problem } from '../../../src/api/problems.ts';
import { aCanary, aCanaryObject, type Changes } from '../../support/canary-fixtures.ts';

const parse = (changes: Changes, defaultProvider: string | null = null): ParsedCanary =>
  parseCanary(aCanaryObject(changes), { defaultProvider });

function problemsOf(changes: Changes, defaultProvider: string | null = null): readonly Problem[] {
  const parsed = parse(changes, defaultProvider);
  return parsed.kind === 'invalid' ? parsed.problems : [];
}

function notesOf(changes: Changes): readonly string[] {
  const parsed = parse(changes);
  if (parsed.kind === 'invalid') throw errorOf(parsed.problems);
  return parsed.notes.map((note) => note.message);
}

const analysis = (changes: Record<string, unknown>, group: 'serin.dev' | 'flagger.app' = 'serin.dev'): Changes => ({
  group,
  spec: { analysis: changes },
});

describe('a valid Canary', () => {
  it('carries names, ports and defaults resolved', () => {
    const canary = aCanary();
    expect(canary.identity).toEqual({
      group: 'serin.dev',
      apiVersion: 'serin.dev/v1beta1',
      namespace: 'shop',
      name: 'web',
      uid: 'uid-web',
      generation: 1,
    });
    expect(canary.targetRef).toEqual({ apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' });
    expect(canary.service).toMatchObject({
      apexName: 'web',
      port: 80,
      portName: 'http',
      targetPort: 8080,
      timeout: null,
      gateways: [],
      retries: null,
    });
    expect(canary.policy).toMatchObject({
      intervalMs: 10_000,
      threshold: 5,
      insufficientMax: 5,
      errorsMax: 5,
      stepWeightPromotionPercent: 0,
      progressDeadlineMs: 600_000,
      gateDeadlineMs: 7 * 24 * 3_600_000,
      drainMs: 10_000,
      primaryReadyThresholdPercent: 100,
      canaryReadyThresholdPercent: 100,
      skipAnalysis: false,
      suspend: false,
      revertOnDeletion: false,
    });
    expect(canary).toMatchObject({
      provider: 'istio',
      metricsServer: null,
      autoscalerRef: null,
      secretTracking: 'poll',
    });
  });

  it('keeps what belongs to a mesh as the user wrote it, members that we do not know included', () => {
    const trafficPolicy = { loadBalancer: { simple: 'LEAST_REQUEST' }, portLevelSettings: [{ port: { number: 80 } }] };
    const match = [{ uri: { prefix: '/api' }, statPrefix: 'api' }];
    const { service } = aCanary({
      spec: { service: { trafficPolicy, match, retries: { attempts: 3, perTryTimeout: '2s' } } },
    });
    expect(service.trafficPolicy).toEqual(trafficPolicy);
    expect(service.match).toEqual(match);
    expect(service.retries).toEqual({ attempts: 3, perTryTimeout: '2s', retryOn: null });
  });

  it('takes limits of its own for missing data, gates and draining', () => {
    const { policy } = aCanary(analysis({ insufficientLimit: 0, errorLimit: 9, gateTimeout: '2h', drainTime: '0s' }));
    expect(policy).toMatchObject({ insufficientMax: 0, errorsMax: 9, gateDeadlineMs: 7_200_000, drainMs: 0 });
  });

  it("takes the App Mesh scenario: grpc, mesh, backends, under Flagger's provider name", () => {
    const { service, provider } = aCanary({
      group: 'flagger.app',
      spec: {
        provider: 'appmesh',
        service: {
          meshName: 'uiquery-mesh',
          backends: ['users.shop'],
          portName: 'grpc',
          grpc: { serviceName: 'proto.DataService' },
        },
      },
    });
    expect(provider).toBe('appmesh');
    expect(service).toMatchObject({
      meshName: 'uiquery-mesh',
      backends: ['users.shop'],
      grpc: { serviceName: 'proto.DataService', methodName: null },
    });
  });

  it('reads the replicas of the primary autoscaler', () => {
    const autoscalerRef = {
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      name: 'web',
      primaryScalerReplicas: { minReplicas: 2 },
    };
    expect(aCanary({ spec: { autoscalerRef } }).autoscalerRef).toEqual({
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      name: 'web',
      minReplicas: 2,
      maxReplicas: null,
    });
  });

  it('takes null for unset, as the API server stores it', () => {
    expect(
      aCanary({ spec: { service: { match: null, timeout: null }, autoscalerRef: null } }).autoscalerRef,
    ).toBeNull();
  });

  it('is not misled by keys such as __proto__', () => {
    const labels = JSON.parse('{"__proto__": {"polluted": "yes"}, "constructor": "x"}') as Record<string, string>;
    const parsed = parse({ spec: { service: { apex: { labels } } } });
    expect(parsed.kind).toBe('valid');
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(parsed.kind === 'valid' && Object.getPrototypeOf(parsed.canary.service.apex.labels)).toBe(Object.prototype);
  });
});

describe('hooks, alerts and checks', () => {
  it('fills in the type, time-out and severity that Flagger documents', () => {
    const { policy } = aCanary({
      spec: {
        analysis: {
          webhooks: [
            { name: 'load', url: 'http://load.test/' },
            {
              name: 'gate',
              type: 'confirm-promotion',
              url: 'https://gate.test',
              timeout: '1m',
              retries: 2,
              disableTLS: true,
              muteAlert: true,
              metadata: { a: 'b' },
            },
          ],
          alerts: [
            { name: 'a', severity: '', providerRef: { name: 'on-call' } },
            { name: 'b', providerRef: { name: 'x', namespace: 'ops' } },
            { name: 'c', providerRef: { name: 'x', namespace: 'shop' } },
          ],
        },
      },
    });
    expect(policy.hooks).toEqual([
      {
        name: 'load',
        type: 'rollout',
        url: 'http://load.test/',
        timeoutMs: 10_000,
        retries: 0,
        disableTls: false,
        muteAlert: false,
        metadata: {},
      },
      {
        name: 'gate',
        type: 'confirm-promotion',
        url: 'https://gate.test',
        timeoutMs: 60_000,
        retries: 2,
        disableTls: true,
        muteAlert: true,
        metadata: { a: 'b' },
      },
    ]);
    expect(policy.alerts.map(({ severity, provider }) => [severity, provider.namespace])).toEqual([
      ['info', null],
      ['info', 'ops'],
      ['info', null],
    ]);
  });

  it.each([
    { name: 'request-success-rate', metric: { threshold: 99 }, min: 99, max: null },
    { name: 'request-duration', metric: { threshold: 500.9 }, min: null, max: 500 },
    { name: 'request-duration', metric: { thresholdRange: { min: 0.5, max: 500.9 } }, min: 0, max: 500 },
    { name: 'errors', metric: { threshold: 1.5, query: 'x' }, min: null, max: 1.5 },
    { name: 'errors', metric: { threshold: 7, thresholdRange: { min: 1 }, query: 'x' }, min: 1, max: null },
  ])('bounds of $name with $metric', ({ name, metric, min, max }) => {
    expect(aCanary(analysis({ metrics: [{ name, ...metric }] })).policy.checks[0]).toMatchObject({
      name,
      min,
      max,
      windowMs: 60_000,
      windowText: '1m',
    });
  });

  it('takes a missing threshold for 0 in flagger.app, as Flagger does, and refuses it in serin.dev', () => {
    const metrics = [{ name: 'errors', query: 'x' }, { name: 'request-success-rate' }];
    expect(aCanary(analysis({ metrics }, 'flagger.app')).policy.checks.map(({ min, max }) => [min, max])).toEqual([
      [null, 0],
      [0, null],
    ]);
    expect(problemsOf(analysis({ metrics })).map(({ path, code }) => [path, code])).toEqual([
      ['spec.analysis.metrics[0]', 'SPEC_CHECK'],
      ['spec.analysis.metrics[1]', 'SPEC_CHECK'],
    ]);
  });

  it('asks built-in and inline checks before those of templates', () => {
    const metrics = [
      {
        name: 'own',
        templateRef: { name: 't', namespace: 'ops' },
        templateVariables: { dc: 'eu' },
        thresholdRange: { max: 1 },
        interval: '30s',
      },
      { name: 'request-duration', thresholdRange: { max: 500 } },
      { name: 'inline', query: 'up', thresholdRange: { min: 1 } },
    ];
    expect(
      aCanary(analysis({ metrics })).policy.checks.map(({ name, source, windowText }) => [name, source, windowText]),
    ).toEqual([
      ['request-duration', { kind: 'builtin', metric: 'request-duration' }, '1m'],
      ['inline', { kind: 'query', query: 'up' }, '1m'],
      ['own', { kind: 'template', name: 't', namespace: 'ops', variables: { dc: 'eu' } }, '30s'],
    ]);
  });

  it('a template beside a built-in name or a query is two checks in flagger.app and refused in serin.dev', () => {
    const metrics = [
      { name: 'request-duration', templateRef: { name: 't' }, query: 'ignored', thresholdRange: { max: 1 } },
      { name: 'both', query: 'up', templateRef: { name: 't', namespace: 'shop' }, thresholdRange: { max: 1 } },
    ];
    expect(
      aCanary(analysis({ metrics }, 'flagger.app')).policy.checks.map(({ name, source }) => [name, source.kind]),
    ).toEqual([
      ['request-duration', 'builtin'],
      ['both', 'query'],
      ['request-duration', 'template'],
      ['both', 'template'],
    ]);
    expect(problemsOf(analysis({ metrics })).map(({ code }) => code)).toEqual(['SPEC_CHECK', 'SPEC_CHECK']);
  });

  it.each([
    {
      what: 'a metric without a source',
      changes: { metrics: [{ name: 'x', thresholdRange: { max: 1 } }] },
      path: 'spec.analysis.metrics[0]',
      code: 'SPEC_CHECK',
    },
    {
      what: 'bounds that nothing meets',
      changes: { metrics: [{ name: 'request-duration', thresholdRange: { min: 2, max: 1 } }] },
      path: 'spec.analysis.metrics[0].thresholdRange',
      code: 'SPEC_RANGE',
    },
    {
      what: 'a hook without a URL',
      changes: { webhooks: [{ name: 'x', url: 'load.test/' }] },
      path: 'spec.analysis.webhooks[0].url',
      code: 'SPEC_URL',
    },
    {
      what: 'a hook to a file',
      changes: { webhooks: [{ name: 'x', url: 'file:///etc/passwd' }] },
      path: 'spec.analysis.webhooks[0].url',
      code: 'SPEC_URL',
    },
    {
      what: 'an unknown hook type',
      changes: { webhooks: [{ name: 'x', url: 'http://x', type: 'pre-rolout' }] },
      path: 'spec.analysis.webhooks[0].type',
      code: 'SPEC_VALUE',
    },
  ])('refuses $what in both groups', ({ changes, path, code }) => {
    for (const group of ['serin.dev', 'flagger.app'] as const)
      expect(problemsOf(analysis(changes, group))).toMatchObject([{ path, code }]);
  });
});

describe('durations', () => {
  it.each([
    ['1s', 1000],
    ['90s', 90_000],
    ['1m30s', 90_000],
    ['1h', 3_600_000],
    ['', 60_000],
  ])('serin.dev takes interval "%s" for %i ms', (interval, intervalMs) => {
    expect(aCanary(analysis({ interval })).policy.intervalMs).toBe(intervalMs);
  });

  it.each(['500ms', '0s', 'soon', '10', '-5s', '99999999999h'])('serin.dev refuses interval "%s"', (interval) => {
    expect(problemsOf(analysis({ interval }))).toMatchObject([
      { path: 'spec.analysis.interval', code: 'SPEC_DURATION' },
    ]);
  });

  it.each([
    ['1m', 60_000, 0],
    ['10ms', 10_000, 1],
    ['1s', 10_000, 1],
    ['10sx', 60_000, 1],
    ['', 60_000, 0],
  ])('flagger.app reads interval "%s" as Flagger does: %i ms, with %i notes', (interval, intervalMs, notes) => {
    const changes = analysis({ interval }, 'flagger.app');
    expect(aCanary(changes).policy.intervalMs).toBe(intervalMs);
    expect(notesOf(changes)).toHaveLength(notes);
  });

  it('a threshold of nothing is one', () => {
    expect(aCanary(analysis({ threshold: -3 })).policy).toMatchObject({
      threshold: 1,
      insufficientMax: 1,
      errorsMax: 1,
    });
  });
});
