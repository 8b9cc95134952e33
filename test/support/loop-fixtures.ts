// The app of the loop tests: Deployment and Canary shop in namespace web, changed by what a test is about.
import type { KubeObject } from '../../src/kube/contract.ts';
import { isObject } from '../../src/util/json.ts';
import { LoopWorld, type LoopWorldOptions } from './loop-world.ts';

/** What differs from the fixture. `spec` is merged deeply; a member that is undefined takes the default away. */
export interface Differences {
  readonly group?: 'serin.dev' | 'flagger.app';
  readonly name?: string;
  readonly namespace?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly analysis?: Readonly<Record<string, unknown>>;
}

/** Canary shop: Istio, steps 20, 40, 60 every 10 s, threshold 3, one success-rate check asked of prometheus.sim. */
export function shopCanary(differences: Differences = {}): KubeObject {
  const { group = 'serin.dev', name = 'shop', namespace = 'web', annotations, spec = {}, analysis = {} } = differences;
  const base = {
    provider: 'istio',
    metricsServer: 'http://prometheus.sim:9090',
    targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'shop' },
    service: { port: 80, targetPort: 8080 },
    progressDeadlineSeconds: 120,
    analysis: {
      interval: '10s',
      threshold: 3,
      stepWeight: 20,
      maxWeight: 60,
      metrics: [{ name: 'request-success-rate', interval: '30s', thresholdRange: { min: 99 } }],
    },
  };
  return {
    apiVersion: `${group}/v1beta1`,
    kind: 'Canary',
    metadata: { name, namespace, ...(annotations === undefined ? {} : { annotations: { ...annotations } }) },
    spec: merge(merge(base, spec), { analysis }),
  };
}

/** Deployment shop with two pods. `podSpec` is merged into the pod's spec. */
export function shopDeployment(image = 'app:1', changes: DeploymentChanges = {}): KubeObject {
  const { name = 'shop', namespace = 'web', replicas = 2, podSpec = {}, spec = {}, labels = {} } = changes;
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace, labels: { ...labels } },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: merge({ containers: [{ name: 'app', image, ports: [{ name: 'http', containerPort: 8080 }] }] }, podSpec),
      },
      ...spec,
    },
  };
}

interface DeploymentChanges {
  readonly name?: string;
  readonly namespace?: string;
  readonly replicas?: number;
  readonly podSpec?: Readonly<Record<string, unknown>>;
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly labels?: Readonly<Record<string, string>>;
}

/** What a furnished world begins with. */
export interface Furnished extends LoopWorldOptions {
  readonly canary?: Differences;
  readonly deployment?: DeploymentChanges;
  /** Objects that are there before the Canary. */
  readonly objects?: readonly KubeObject[];
}

/** A world in which shop runs app:1, one replica of the controller is up, and the Canary is Initialized. */
export async function initializedShop(options: Furnished = {}): Promise<LoopWorld> {
  const world = await runningShop(options);
  world.apply(shopCanary(options.canary));
  await world.untilPhaseOf('Initialized', options.canary?.group);
  // Until what was announced is acknowledged, and nothing is left to do.
  await world.clock.advance(5_000);
  return world;
}

/** The same before there is a Canary. */
export async function runningShop(options: Furnished = {}): Promise<LoopWorld> {
  const world = new LoopWorld(options);
  for (const object of options.objects ?? []) world.apply(object);
  world.apply(shopDeployment('app:1', options.deployment));
  await world.boot();
  await world.clock.advance(4_000);
  return world;
}

export function merge(
  base: Record<string, unknown>,
  changes: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const merged = { ...base };
  for (const [key, value] of Object.entries(changes)) {
    const before = merged[key];
    if (value === undefined) delete merged[key];
    else merged[key] = isObject(before) && isObject(value) ? merge(before, value) : value;
  }
  return merged;
}

/** A ConfigMap or Secret. */
export function configObject(
  kind: 'ConfigMap' | 'Secret',
  name: string,
  data: Readonly<Record<string, string>>,
  annotations: Readonly<Record<string, string>> = {},
): KubeObject {
  const encoded =
    kind === 'ConfigMap'
      ? { ...data }
      : Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]));
  return {
    apiVersion: 'v1',
    kind,
    metadata: { name, namespace: 'web', annotations: { ...annotations } },
    ...(kind === 'Secret' ? { type: 'Opaque' } : {}),
    data: encoded,
  };
}
