// Builders of the three kinds for tests: a small valid object, changed by what the test is about.
import { parseCanary } from '../../src/api/parse-canary.ts';
import type { Canary } from '../../src/api/types.ts';
import type { KubeObject, ObjectMeta } from '../../src/kube/contract.ts';
import { isObject } from '../../src/util/json.ts';

/** What a test changes. `spec` is merged deeply; a member that is undefined takes the default away. */
export interface Changes {
  readonly group?: 'serin.dev' | 'flagger.app';
  readonly name?: string;
  readonly namespace?: string;
  readonly metadata?: Partial<ObjectMeta>;
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: Readonly<Record<string, unknown>>;
}

/** A valid Canary: Deployment `web` in namespace `shop` behind istio, steps 10, 20 … 50 every 10 s, one success-rate check. */
export function aCanaryObject(changes: Changes = {}): KubeObject {
  const name = changes.name ?? 'web';
  return anObject(
    'Canary',
    { ...changes, name },
    {
      provider: 'istio',
      targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
      service: { port: 80, targetPort: 8080 },
      analysis: {
        interval: '10s',
        threshold: 5,
        stepWeight: 10,
        maxWeight: 50,
        metrics: [{ name: 'request-success-rate', interval: '1m', thresholdRange: { min: 99 } }],
      },
    },
  );
}

/** The Canary of `aCanaryObject`, parsed. Throws with the problems when the changes make it invalid. */
export function aCanary(changes: Changes = {}, defaultProvider: string | null = null): Canary {
  const parsed = parseCanary(aCanaryObject(changes), { defaultProvider });
  if (parsed.kind === 'invalid') throw new Error(parsed.problems.map((problem) => problem.message).join('; '));
  return parsed.canary;
}

/** A valid MetricTemplate `latency` asked of a Prometheus. */
export function aMetricTemplateObject(changes: Changes = {}): KubeObject {
  return anObject(
    'MetricTemplate',
    { ...changes, name: changes.name ?? 'latency' },
    {
      provider: { type: 'prometheus', address: 'http://prometheus.monitoring:9090' },
      query: 'avg(latency{workload="{{ target }}"}[{{ interval }}])',
    },
  );
}

/** A valid AlertProvider `on-call` of type slack with an address. */
export function anAlertProviderObject(changes: Changes = {}): KubeObject {
  return anObject(
    'AlertProvider',
    { ...changes, name: changes.name ?? 'on-call' },
    {
      type: 'slack',
      channel: 'deliveries',
      address: 'https://hooks.slack.example/services/T0/B0/x',
    },
  );
}

function anObject(kind: string, changes: Changes & { name: string }, spec: Record<string, unknown>): KubeObject {
  const { group = 'serin.dev', name, namespace = 'shop', metadata = {}, status } = changes;
  return {
    apiVersion: `${group}/v1beta1`,
    kind,
    metadata: { name, namespace, uid: `uid-${name}`, generation: 1, resourceVersion: '1', ...metadata },
    spec: merge(spec, changes.spec ?? {}),
    ...(status === undefined ? {} : { status: { ...status } }),
  };
}

function merge(base: Record<string, unknown>, changes: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const merged = { ...base };
  for (const [key, value] of Object.entries(changes)) {
    const before = merged[key];
    if (value === undefined) delete merged[key];
    else merged[key] = isObject(before) && isObject(value) ? merge(before, value) : value;
  }
  return merged;
}
