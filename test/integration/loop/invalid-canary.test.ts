// Bad input: an invalid Canary gets one condition and one Event that say what, where and what would be right, and nothing else is written.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canaryKind } from '../../../src/kube/kinds.ts';
import { shopCanary, shopDeployment, type Differences } from '../../support/loop-fixtures.ts';
import { LoopWorld } from '../../support/loop-world.ts';

/** What is wrong, and the words that must be in the condition: the place, and what would be right. */
interface Case {
  readonly what: string;
  readonly wrong: Differences;
  readonly says: readonly string[];
}

const spec = (changes: Record<string, unknown>): Differences => ({ spec: changes });
const analysis = (changes: Record<string, unknown>): Differences => ({ analysis: changes });
const check = (changes: Record<string, unknown>): Differences =>
  analysis({ metrics: [{ name: 'request-success-rate', interval: '30s', thresholdRange: { min: 99 }, ...changes }] });
const hook = (changes: Record<string, unknown>): Differences =>
  analysis({ webhooks: [{ name: 'load', url: 'http://hook.sim/', ...changes }] });
const ref = (kind: string, apiVersion = 'v1') => ({ apiVersion, kind, name: 'other' });
const LATER = 'comes in a later release';

const UNKNOWN_NAMES: readonly Case[] = [
  {
    what: 'an unknown provider',
    wrong: spec({ provider: 'isto' }),
    says: ['spec.provider', '"isto" is unknown', 'istio'],
  },
  {
    what: 'no provider at all',
    wrong: spec({ provider: undefined }),
    says: ['spec.provider', 'must be one of', 'istio'],
  },
  {
    what: 'an unknown target kind',
    wrong: spec({ targetRef: { kind: 'Deploymnt' } }),
    says: ['spec.targetRef.kind', 'Deployment'],
  },
  {
    what: 'an unknown autoscaler',
    wrong: spec({ autoscalerRef: ref('Scaler') }),
    says: ['spec.autoscalerRef.kind', 'HorizontalPodAutoscaler'],
  },
  {
    what: 'a check that is neither built in nor asked of anything',
    wrong: check({ name: 'error-rate' }),
    says: ['spec.analysis.metrics[0]', 'request-success-rate', 'query or templateRef'],
  },
  {
    what: 'an unknown webhook type',
    wrong: hook({ type: 'before' }),
    says: ['spec.analysis.webhooks[0].type', 'pre-rollout'],
  },
  {
    what: 'an unknown severity',
    wrong: analysis({ alerts: [{ name: 'a', severity: 'fatal', providerRef: { name: 'x' } }] }),
    says: ['spec.analysis.alerts[0].severity', 'error'],
  },
  {
    what: 'an unknown way to follow Secrets',
    wrong: spec({ configTracking: { secrets: 'watch' } }),
    says: ['spec.configTracking.secrets', 'poll, off'],
  },
  {
    what: 'an unknown traffic distribution',
    wrong: spec({ service: { trafficDistribution: 'Near' } }),
    says: ['spec.service.trafficDistribution', 'PreferClose'],
  },
];

const LATER_FIELDS: readonly Case[] = [
  {
    what: 'a query where there is nobody to ask',
    wrong: {
      spec: { metricsServer: 'scrape' },
      analysis: { metrics: [{ name: 'errors', interval: '30s', thresholdRange: { max: 1 }, query: 'errors' }] },
    },
    says: ['spec.analysis.metrics', '"errors"', 'spec.metricsServer'],
  },
  {
    what: 'analysis.match',
    wrong: analysis({ match: [{ headers: { x: { exact: 'y' } } }] }),
    says: ['spec.analysis.match', LATER],
  },
  { what: 'analysis.mirror', wrong: analysis({ mirror: true }), says: ['spec.analysis.mirror', LATER] },
  { what: 'analysis.mirrorWeight', wrong: analysis({ mirrorWeight: 10 }), says: ['spec.analysis.mirrorWeight', LATER] },
  {
    what: 'service.mirror',
    wrong: spec({ service: { mirror: [{ backendRef: { name: 'x', port: 80 } }] } }),
    says: ['spec.service.mirror', LATER],
  },
  {
    what: 'sessionAffinity',
    wrong: analysis({ sessionAffinity: { cookieName: 'c' } }),
    says: ['spec.analysis.sessionAffinity', LATER],
  },
  {
    what: 'sessionAffinity with one cookie for both',
    wrong: analysis({ sessionAffinity: { cookieName: 'c', primaryCookieName: 'c' } }),
    says: ['spec.analysis.sessionAffinity', LATER],
  },
  {
    what: 'iterations on a mesh',
    wrong: analysis({ stepWeight: undefined, maxWeight: undefined, iterations: 5 }),
    says: ['spec.analysis.iterations', 'stepWeight', 'provider kubernetes'],
  },
  {
    what: 'a ScaledObject',
    wrong: spec({ autoscalerRef: ref('ScaledObject', 'keda.sh/v1alpha1') }),
    says: ['spec.autoscalerRef', 'HorizontalPodAutoscaler'],
  },
  {
    what: 'a DaemonSet',
    wrong: spec({ targetRef: { kind: 'DaemonSet' } }),
    says: ['spec.targetRef.kind', LATER, 'Deployment'],
  },
  {
    what: 'a StatefulSet',
    wrong: spec({ targetRef: { kind: 'StatefulSet' } }),
    says: ['spec.targetRef.kind', LATER, 'Deployment'],
  },
  {
    what: 'a Service as target',
    wrong: spec({ targetRef: { kind: 'Service', apiVersion: 'v1' } }),
    says: ['spec.targetRef.kind', LATER, 'Deployment'],
  },
  {
    what: 'a Knative Service',
    wrong: spec({ targetRef: { kind: 'Service', apiVersion: 'serving.knative.dev/v1' } }),
    says: ['spec.targetRef.kind', 'Knative', LATER],
  },
  {
    what: 'provider knative with a Deployment',
    wrong: spec({ provider: 'knative' }),
    says: ['spec.provider', LATER, 'istio'],
  },
  {
    what: 'ingressRef',
    wrong: spec({ ingressRef: ref('Ingress', 'networking.k8s.io/v1') }),
    says: ['spec.ingressRef', LATER],
  },
  { what: 'routeRef', wrong: spec({ routeRef: ref('ApisixRoute') }), says: ['spec.routeRef', LATER] },
  {
    what: 'upstreamRef',
    wrong: spec({ upstreamRef: { ...ref('Upstream'), namespace: 'gloo' } }),
    says: ['spec.upstreamRef', LATER],
  },
  {
    what: 'a built-in check of TCP, which nothing counts requests of',
    wrong: spec({ service: { appProtocol: 'tcp' } }),
    says: ['"request-success-rate"', 'has no "request-success-rate" for tcp', 'must have templateRef'],
  },
  {
    what: 'a built-in check of a port that Istio takes for TCP by its name',
    wrong: spec({ service: { portName: 'tcp-db' } }),
    says: ['"request-success-rate"', 'has no "request-success-rate" for tcp', 'must have templateRef'],
  },
  ...[
    'apisix',
    'contour',
    'gloo',
    'kuma',
    'linkerd',
    'nginx',
    'skipper',
    'traefik',
    'smi:v1alpha1',
    'smi:v1alpha3',
  ].flatMap((provider): Case[] => [
    { what: `provider ${provider}`, wrong: spec({ provider }), says: ['spec.provider', provider, 'must be one of'] },
  ]),
];

const VALUES: readonly Case[] = [
  {
    what: 'an interval that is no duration',
    wrong: analysis({ interval: 'often' }),
    says: ['spec.analysis.interval', '"often"', '30s'],
  },
  { what: 'an interval in ISO form', wrong: analysis({ interval: 'P1D' }), says: ['spec.analysis.interval', '30s'] },
  { what: 'an interval of nothing', wrong: analysis({ interval: '0s' }), says: ['spec.analysis.interval', '1s'] },
  { what: 'a negative interval', wrong: analysis({ interval: '-1s' }), says: ['spec.analysis.interval'] },
  { what: 'a step of 101', wrong: analysis({ stepWeight: 101 }), says: ['spec.analysis.stepWeight', '1 to 100'] },
  { what: 'a step of 0', wrong: analysis({ stepWeight: 0 }), says: ['spec.analysis.stepWeight', '1 to 100'] },
  {
    what: 'a step as text',
    wrong: analysis({ stepWeight: '20' }),
    says: ['spec.analysis.stepWeight', '"20"', 'number'],
  },
  { what: 'half a step', wrong: analysis({ stepWeight: 2.5 }), says: ['spec.analysis.stepWeight', '2.5'] },
  {
    what: 'weights that fall',
    wrong: analysis({ stepWeight: undefined, stepWeights: [20, 10] }),
    says: ['spec.analysis.stepWeights[1]', 'larger'],
  },
  { what: 'two ways to step', wrong: analysis({ stepWeights: [10] }), says: ['spec.analysis', 'exactly one'] },
  { what: 'no way to step', wrong: analysis({ stepWeight: undefined }), says: ['spec.analysis', 'exactly one'] },
  {
    what: 'a minimum above the maximum',
    wrong: check({ thresholdRange: { min: 99, max: 1 } }),
    says: ['spec.analysis.metrics[0].thresholdRange'],
  },
  {
    what: 'a check without a bound',
    wrong: check({ thresholdRange: {} }),
    says: ['spec.analysis.metrics[0]', 'min, max or both'],
  },
  {
    what: 'a metrics server that is no URL',
    wrong: spec({ metricsServer: 'prometheus:9090' }),
    says: ['spec.metricsServer', 'http'],
  },
  {
    what: 'a hook that is no URL',
    wrong: hook({ url: 'file:///etc/passwd' }),
    says: ['spec.analysis.webhooks[0].url', 'http'],
  },
  {
    what: 'a readiness threshold of 0',
    wrong: analysis({ canaryReadyThreshold: 0 }),
    says: ['spec.analysis.canaryReadyThreshold', '1 to 100'],
  },
  { what: 'a port out of range', wrong: spec({ service: { port: 70_000 } }), says: ['spec.service.port', '65535'] },
  { what: 'no service', wrong: spec({ service: undefined }), says: ['spec.service', 'port'] },
  { what: 'no analysis', wrong: { spec: { analysis: 'none' } }, says: ['spec.analysis'] },
  {
    what: 'a name that overflows',
    wrong: spec({ service: { name: 'a'.repeat(60) } }),
    says: ['spec.service.name', '63'],
  },
  {
    what: 'names with a newline',
    wrong: spec({ service: { name: 'a\nlevel=error' } }),
    says: ['spec.service.name', 'lower-case'],
  },
  {
    what: 'names of the prototype',
    wrong: hook({ metadata: { constructor: 5 } }),
    says: ['spec.analysis.webhooks[0].metadata'],
  },
];

const CASES = [...UNKNOWN_NAMES, ...LATER_FIELDS, ...VALUES].map((one, index) => ({ ...one, name: `bad-${index}` }));

describe('an invalid Canary', () => {
  let world: LoopWorld;
  let mark: number;

  beforeAll(async () => {
    world = new LoopWorld({ hasLenientCrds: true });
    await world.boot();
    mark = world.mark();
    for (const { name, wrong } of CASES) world.apply(named(wrong, name));
    await world.clock.advance(600_000);
  });
  afterAll(() => world.close());

  it.each(CASES)('$what: one condition and one Event, and no other write', ({ name, says }) => {
    const { conditions = [] } = world.status(name);
    expect(conditions.map(({ type, status }) => `${type}=${status}`)).toEqual(['Ready=False']);
    const [ready] = conditions;
    for (const words of says) expect(ready!.message).toContain(words);
    expect(ready).toMatchObject({ reason: expect.stringMatching(/^[A-Z][A-Za-z]+$/), observedGeneration: 1 });
    const events = world.eventsSeen.filter(({ canary }) => canary === name);
    expect(events).toHaveLength(1);
    expect(events[0]!.type).toBe('Warning');
    for (const words of says) expect(events[0]!.note).toContain(words);
    expect(world.attempts(mark).filter((write) => write.split(' ').includes(name))).toEqual([
      `update canaries.serin.dev/status ${name}`,
    ]);
    expect(world.status(name)).toMatchObject({ phase: '', observedGeneration: 1 });
  });

  it('writes nothing but these conditions and Events', () => {
    const kinds = new Set(world.attempts(mark).map((write) => write.split(' ').slice(0, 2).join(' ')));
    expect([...kinds].sort()).toEqual(['create events.events.k8s.io', 'update canaries.serin.dev/status']);
    expect(world.attempts(mark)).toHaveLength(2 * CASES.length);
  });

  it('is healed by itself once the spec is fixed', async () => {
    for (const { name } of CASES) {
      if (isServed(name)) world.apply(shopDeployment('app:1', { name, replicas: 1 }));
      const fixed = named({}, name);
      world.changeCanary((draft) => {
        draft.spec = fixed['spec'] as Record<string, unknown>;
      }, name);
    }
    const waiting = CASES.filter(({ name }) => !isServed(name));
    await world.until(
      'all are Initialized, or wait for a target that is not there',
      () =>
        CASES.every(({ name }) => !isServed(name) || world.phase(name) === 'Initialized') &&
        waiting.every(({ name }) => world.phase(name) === 'Initializing'),
    );
    for (const { name } of CASES) {
      const ready = world.condition('Ready', name);
      expect(ready).toMatchObject({ status: isServed(name) ? 'True' : 'False', observedGeneration: 2 });
      if (!isServed(name)) expect(ready!.message).toContain('the target does not exist');
    }
  });
});

/** Some are followed to the end; for the others it is enough that the spec is accepted. */
const isServed = (name: string): boolean => UNKNOWN_NAMES.some((_, index) => name === `bad-${index}`);

/** Each Canary of the table has a target of its own. */
function named(wrong: Differences, name: string): ReturnType<typeof shopCanary> {
  const canary = shopCanary({ ...wrong, name });
  const { targetRef } = canary['spec'] as { targetRef: { name: string } };
  targetRef.name = name;
  return canary;
}

describe('the shipped CRD', () => {
  const refusedByServer = CASES.filter(({ what }) =>
    [
      'a step of 101',
      'two ways to step',
      'weights that fall',
      'an unknown target kind',
      'a port out of range',
    ].includes(what),
  );

  it.each(refusedByServer)('refuses $what at once', ({ wrong, name }) => {
    const world = new LoopWorld();
    expect(() => world.apply(named(wrong, name))).toThrow(/spec/);
    expect(world.get(canaryKind('serin.dev'), name)).toBeNull();
    world.close();
  });
});
