// parseCanary: strategies, and every class of what is refused.
import { describe, expect, it } from 'vitest';
import { parseCanary, type ParsedCanary } from '../../../src/api/parse-canary.ts';
import { errorOf, type Problem } from '../../../src/api/problems.ts';
import { compileSteps } from '../../../src/core/steps.ts';
import { InvalidSpecError, UnsupportedError } from '../../../src/errors.ts';
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

describe('strategies', () => {
  const weights = (changes: Changes): readonly number[] =>
    compileSteps(aCanary(changes).policy.plan).flatMap((step) => (step.kind === 'weight' ? [step.weightPercent] : []));

  it.each([
    { steps: { stepWeight: 20, maxWeight: 50 }, expected: [20, 40, 50] },
    { steps: { stepWeight: 50, maxWeight: undefined }, expected: [50, 100] },
    { steps: { stepWeight: 100, maxWeight: 50 }, expected: [50] },
    { steps: { stepWeight: undefined, maxWeight: undefined, stepWeights: [1, 2, 10, 80] }, expected: [1, 2, 10, 80] },
  ])('steps $steps', ({ steps, expected }) => {
    expect(weights(analysis(steps))).toEqual(expected);
  });

  it('flagger.app cuts weights at 100, as Flagger does; serin.dev refuses them', () => {
    const list = { stepWeight: undefined, maxWeight: undefined, stepWeights: [1, 2, 10, 200] };
    expect(weights(analysis(list, 'flagger.app'))).toEqual([1, 2, 10, 100]);
    expect(weights(analysis({ stepWeight: 60, maxWeight: 200 }, 'flagger.app'))).toEqual([60, 100]);
    expect(problemsOf(analysis(list))).toMatchObject([{ path: 'spec.analysis.stepWeights[3]', code: 'SPEC_RANGE' }]);
  });

  it.each([
    {
      what: 'a step of nothing, which would promote without traffic',
      changes: { stepWeight: 0 },
      path: 'spec.analysis.stepWeight',
    },
    { what: 'an empty list', changes: { stepWeight: undefined, stepWeights: [] }, path: 'spec.analysis.stepWeights' },
    {
      what: 'a list that falls',
      changes: { stepWeight: undefined, stepWeights: [50, 10] },
      path: 'spec.analysis.stepWeights[1]',
    },
    {
      what: 'a weight twice',
      changes: { stepWeight: undefined, stepWeights: [10, 10] },
      path: 'spec.analysis.stepWeights[1]',
    },
    { what: 'two ways to step', changes: { iterations: 5 }, path: 'spec.analysis' },
    { what: 'no way to step', changes: { stepWeight: undefined }, path: 'spec.analysis' },
    { what: 'a negative hand-back', changes: { stepWeightPromotion: -1 }, path: 'spec.analysis.stepWeightPromotion' },
  ])('refuses $what in both groups', ({ changes, path }) => {
    for (const group of ['serin.dev', 'flagger.app'] as const)
      expect(problemsOf(analysis(changes, group))).toMatchObject([{ path }]);
  });

  it('skipAnalysis has no steps', () => {
    expect(compileSteps(aCanary({ spec: { skipAnalysis: true } }).policy.plan)).toEqual([]);
  });

  it("provider kubernetes is blue/green: its iterations, or Flagger's ten with a note", () => {
    const withIterations = aCanary({
      spec: { provider: 'kubernetes', analysis: { stepWeight: undefined, maxWeight: undefined, iterations: 3 } },
    });
    expect(withIterations.policy.plan).toMatchObject({ strategy: 'blue-green', iterations: 3 });
    const withSteps = { spec: { provider: 'kubernetes' } };
    expect(aCanary(withSteps).policy.plan).toMatchObject({
      strategy: 'blue-green',
      iterations: 10,
      stepWeightPercent: 0,
    });
    expect(notesOf(withSteps)).toEqual([
      'Took spec.analysis.iterations for 10: provider kubernetes cannot shift traffic in steps, so the run is blue/green',
    ]);
  });

  it('blue/green on a mesh is refused with what would be right', () => {
    expect(problemsOf(analysis({ stepWeight: undefined, iterations: 5 }))).toMatchObject([
      {
        path: 'spec.analysis.iterations',
        code: 'CAPABILITY_STRATEGY',
        message: expect.stringContaining('must be stepWeight or stepWeights, or provider kubernetes'),
      },
    ]);
  });

  it('drops match on provider kubernetes in flagger.app with a note, and refuses it everywhere else', () => {
    const match = [{ headers: { canary: { exact: 'yes' } } }];
    const blueGreen = { stepWeight: undefined, maxWeight: undefined, iterations: 3, match };
    expect(notesOf({ group: 'flagger.app', spec: { provider: 'kubernetes', analysis: blueGreen } })).toEqual([
      'Ignored spec.analysis.match: provider kubernetes cannot split traffic by header',
    ]);
    expect(problemsOf({ spec: { provider: 'kubernetes', analysis: blueGreen } })).toMatchObject([
      { path: 'spec.analysis.match', code: 'SPEC_UNSUPPORTED_FIELD' },
    ]);
  });
});

describe('names of ports that Kubernetes does not take', () => {
  it.each([
    { service: { portName: 'HTTP' }, path: 'spec.service.portName' },
    { service: { portName: 'web_1' }, path: 'spec.service.portName' },
    { service: { targetPort: 'Http' }, path: 'spec.service.targetPort' },
    { service: { targetPort: 'longer-than-fifteen' }, path: 'spec.service.targetPort' },
    { service: { targetPort: '8080' }, path: 'spec.service.targetPort' },
  ])('$service', ({ service, path }) => {
    expect(problemsOf({ spec: { service } })).toMatchObject([{ path, code: 'SPEC_NAME' }]);
  });

  it('but takes those that it does', () => {
    expect(
      problemsOf({ spec: { service: { portName: 'http-web-longer-than-fifteen', targetPort: 'grpc-1' } } }),
    ).toEqual([]);
  });
});

describe('what is read only together with something that is not there', () => {
  const changes = (group: 'serin.dev' | 'flagger.app'): Changes => ({
    group,
    spec: {
      autoscalerRef: {
        apiVersion: 'autoscaling/v2',
        kind: 'HorizontalPodAutoscaler',
        name: 'web',
        primaryScalerQueries: { load: 'up' },
      },
      analysis: {
        metrics: [{ name: 'request-duration', thresholdRange: { max: 500 }, templateVariables: { dc: 'eu' } }],
      },
    },
  });
  const paths = ['spec.autoscalerRef.primaryScalerQueries', 'spec.analysis.metrics[0].templateVariables'];

  it('is refused in serin.dev', () => {
    expect(problemsOf(changes('serin.dev')).map(({ path }) => path)).toEqual(paths);
  });

  it('is dropped in flagger.app, as Flagger drops it, and said', () => {
    expect(notesOf(changes('flagger.app'))).toEqual(paths.map((path) => expect.stringContaining(`Ignored ${path}: `)));
  });
});

describe('what is refused, with a condition that says so', () => {
  const reference = (kind: string) => ({ apiVersion: 'v1', kind, name: 'x' });

  it.each([
    {
      path: 'spec.analysis.match',
      spec: { analysis: { match: [{ headers: { a: { exact: 'b' } } }] } },
      code: 'SPEC_UNSUPPORTED_FIELD',
    },
    { path: 'spec.analysis.mirror', spec: { analysis: { mirror: true } }, code: 'SPEC_UNSUPPORTED_FIELD' },
    { path: 'spec.analysis.mirrorWeight', spec: { analysis: { mirrorWeight: 20 } }, code: 'SPEC_UNSUPPORTED_FIELD' },
    {
      path: 'spec.analysis.sessionAffinity',
      spec: { analysis: { sessionAffinity: { cookieName: 'a' } } },
      code: 'SPEC_UNSUPPORTED_FIELD',
    },
    {
      path: 'spec.service.mirror',
      spec: { service: { mirror: [{ backendRef: { name: 'x', port: 80 } }] } },
      code: 'SPEC_UNSUPPORTED_FIELD',
    },
    { path: 'spec.ingressRef', spec: { ingressRef: reference('Ingress') }, code: 'SPEC_UNSUPPORTED_FIELD' },
    { path: 'spec.routeRef', spec: { routeRef: reference('ApisixRoute') }, code: 'SPEC_UNSUPPORTED_FIELD' },
    {
      path: 'spec.upstreamRef',
      spec: { upstreamRef: { ...reference('Upstream'), namespace: 'other' } },
      code: 'SPEC_UNSUPPORTED_FIELD',
    },
    { path: 'spec.autoscalerRef', spec: { autoscalerRef: reference('ScaledObject') }, code: 'CAPABILITY_AUTOSCALER' },
    { path: 'spec.autoscalerRef.kind', spec: { autoscalerRef: reference('Hpa') }, code: 'SPEC_VALUE' },
    { path: 'spec.targetRef.kind', spec: { targetRef: { kind: 'DaemonSet' } }, code: 'CAPABILITY_TARGET' },
    { path: 'spec.targetRef.kind', spec: { targetRef: { kind: 'StatefulSet' } }, code: 'CAPABILITY_TARGET' },
    {
      path: 'spec.targetRef.kind',
      spec: { targetRef: { kind: 'Service', apiVersion: 'v1' } },
      code: 'CAPABILITY_TARGET',
    },
    {
      path: 'spec.targetRef.kind',
      spec: { targetRef: { kind: 'Service', apiVersion: 'serving.knative.dev/v1' } },
      code: 'CAPABILITY_TARGET',
    },
    { path: 'spec.targetRef.kind', spec: { targetRef: { kind: 'Deploymnt' } }, code: 'SPEC_VALUE' },
    { path: 'spec.provider', spec: { provider: 'nginx' }, code: 'CAPABILITY_PROVIDER' },
    { path: 'spec.provider', spec: { provider: 'smi:v1alpha3' }, code: 'CAPABILITY_PROVIDER' },
    { path: 'spec.provider', spec: { provider: 'isto' }, code: 'SPEC_PROVIDER' },
    { path: 'spec.metricsServer', spec: { metricsServer: 'prometheus:9090' }, code: 'SPEC_URL' },
    { path: 'spec.service.timeout', spec: { service: { timeout: 'long' } }, code: 'SPEC_DURATION' },
    { path: 'spec.service.grpc.methodName', spec: { service: { grpc: { methodName: 'Get' } } }, code: 'SPEC_VALUE' },
    { path: 'spec.service.targetPort', spec: { service: { targetPort: 70_000 } }, code: 'SPEC_RANGE' },
    { path: 'spec.service', spec: { service: undefined }, code: 'SPEC_MISSING' },
    { path: 'spec.service.name', spec: { service: { name: 'Web_1' } }, code: 'SPEC_NAME' },
    { path: 'spec.service.name', spec: { service: { name: 'w'.repeat(56) } }, code: 'SPEC_NAME' },
    {
      path: 'spec.targetRef.name',
      spec: { service: { name: 'web' }, targetRef: { name: 'w'.repeat(56) } },
      code: 'SPEC_NAME',
    },
    {
      path: 'spec.analysis.primaryReadyThreshold',
      spec: { analysis: { primaryReadyThreshold: 0 } },
      code: 'SPEC_RANGE',
    },
    {
      path: 'spec.analysis.primaryReadyThreshold',
      spec: { analysis: { primaryReadyThreshold: 101 } },
      code: 'SPEC_RANGE',
    },
    { path: 'spec.progressDeadlineSeconds', spec: { progressDeadlineSeconds: 0 }, code: 'SPEC_RANGE' },
    { path: 'spec.analysis.threshold', spec: { analysis: { threshold: 'five' } }, code: 'SPEC_TYPE' },
    { path: 'spec.analysis.threshold', spec: { analysis: { threshold: undefined } }, code: 'SPEC_MISSING' },
    { path: 'spec.analysis', spec: { analysis: undefined }, code: 'SPEC_MISSING' },
    {
      path: 'spec.service.hosts',
      spec: { service: { hosts: Array.from({ length: 513 }, (_, index) => `h${index}`) } },
      code: 'SPEC_SIZE',
    },
    { path: 'spec.service.hosts[0]', spec: { service: { hosts: ['h'.repeat(300)] } }, code: 'SPEC_SIZE' },
    {
      path: 'spec.service.apex.labels',
      spec: {
        service: { apex: { labels: Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`k${index}`, 'v'])) } },
      },
      code: 'SPEC_VALUE',
    },
    {
      path: 'spec.service.corsPolicy.allowOrigins[0]',
      spec: { service: { corsPolicy: { allowOrigins: [{}] } } },
      code: 'SPEC_VALUE',
    },
    { path: 'spec.configTracking.secrets', spec: { configTracking: { secrets: 'watch' } }, code: 'SPEC_VALUE' },
  ])('$path ($code)', ({ path, spec, code }) => {
    const problems = problemsOf({ spec });
    expect(problems.map((problem) => [problem.path, problem.code])).toEqual([[path, code]]);
    expect(problems[0]!.message).toMatch(new RegExp(`^Cannot use ${path.replace(/[[\].]/g, '\\$&')}: .*must `));
  });

  it('a provider that is missing everywhere, with the known ones; the one of the controller counts otherwise', () => {
    const unset = { spec: { provider: undefined } };
    expect(problemsOf(unset)[0]).toMatchObject({
      code: 'SPEC_PROVIDER',
      message: expect.stringContaining('kubernetes, smi'),
    });
    expect(parse(unset, 'istio').kind).toBe('valid');
    expect(problemsOf(unset, 'contour')[0]).toMatchObject({ code: 'CAPABILITY_PROVIDER' });
  });

  it('a group that is not ours', () => {
    expect(
      parseCanary({ ...aCanaryObject(), apiVersion: 'argoproj.io/v1alpha1' }, { defaultProvider: null }),
    ).toMatchObject({
      kind: 'invalid',
      problems: [{ path: 'apiVersion', code: 'SPEC_VALUE' }],
    });
  });

  it.each([{}, { spec: null }, { spec: 'x' }, { spec: [] }, { spec: { analysis: [], targetRef: 'web' } }])(
    'an object that is no Canary at all: %j',
    (members) => {
      const parsed = parseCanary(
        { apiVersion: 'serin.dev/v1beta1', kind: 'Canary', metadata: { name: 'web' }, ...members },
        { defaultProvider: null },
      );
      expect(parsed.kind).toBe('invalid');
    },
  );

  it('lists every problem, the first leads, and says in one error what would be right', () => {
    const problems = problemsOf({ spec: { provider: 'nginx', analysis: { interval: 'soon', mirror: true } } });
    expect(problems.map(({ path }) => path)).toEqual([
      'spec.provider',
      'spec.analysis.mirror',
      'spec.analysis.interval',
    ]);
    const error = errorOf(problems);
    expect(error).toBeInstanceOf(UnsupportedError);
    expect(error.message).toContain('must be such as 30s');
    expect(errorOf(problems.slice(1))).toBeInstanceOf(InvalidSpecError);
  });
});
