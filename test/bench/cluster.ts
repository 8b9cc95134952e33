// The cluster of the bench: the embedded API server over HTTPS, its actors, and Canaries by the hundred.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { startActors } from '../../src/embedded/actors/start.ts';
import { openVirtualRunner } from '../../src/embedded/actors/virtual-runner.ts';
import { listenOn } from '../../src/embedded/apiserver/listen.ts';
import { createApiServer, type ApiServer } from '../../src/embedded/apiserver/server.ts';
import type { KubeObject } from '../../src/kube/contract.ts';
import { canaryKind, DEPLOYMENT, NAMESPACE } from '../../src/kube/kinds.ts';
import { systemClock } from '../../src/util/clock.ts';
import { systemRandom } from '../../src/util/random.ts';
import type { BenchOptions } from './options.ts';
import { until } from './until.ts';

/** The user that the controller is to the API server. */
export const CONTROLLER = 'serin';
const CRD_FOLDER = join(import.meta.dirname, '..', '..', 'crds');
const CANARY = canaryKind('serin.dev');

/** How the Canaries of a cluster are made. */
export interface CanaryPlan extends Pick<BenchOptions, 'steps' | 'intervalSeconds' | 'perNamespace'> {
  readonly threshold: number;
  readonly metricsServer: string;
}

/** A cluster that runs. */
export interface BenchCluster {
  readonly api: ApiServer;
  readonly kubeconfigPath: string;
  /** Adds the Deployments and Canaries of these names. */
  add(names: readonly string[], plan: CanaryPlan): void;
  /** People change the image of a target. */
  setImage(name: string, image: string): void;
  phaseOf(name: string): string;
  /** Waits until every named Canary is in the phase. */
  untilPhase(names: readonly string[], phase: string, limitMs: number): Promise<void>;
  stop(): Promise<void>;
}

/** Names of Canaries from the first index to before the last. */
export const namesOf = (from: number, until: number, prefix = 'app'): readonly string[] =>
  Array.from({ length: Math.max(0, until - from) }, (_, index) => `${prefix}-${from + index}`);

/** Starts it with its kubeconfig in `folder`. Pods are ready after a quarter of a second and exist in time only. */
export async function startCluster(folder: string): Promise<BenchCluster> {
  const api = createApiServer({ clock: systemClock, random: systemRandom, kinds: ['istio'] });
  for (const file of readdirSync(CRD_FOLDER))
    api.store.create(parse(readFileSync(join(CRD_FOLDER, file), 'utf8')) as KubeObject, { user: 'admin' });
  const kubeconfigPath = join(folder, 'kubeconfig');
  const listening = await listenOn(api, { tokens: { [systemRandom.id()]: CONTROLLER }, kubeconfigPath });
  const runner = openVirtualRunner({ clock: systemClock, readyAfterMs: 250, goneAfterMs: 50 });
  const base = { store: api.store, clock: systemClock, random: systemRandom, delayMs: 10 };
  const actors = startActors({ ...base, runner, hasEndpoints: false });
  const namespaces = new Map<string, string>();
  const namespaceOf = (name: string): string => namespaces.get(name) ?? 'default';
  const phaseOf = (name: string): string =>
    (api.store.get(CANARY, namespaceOf(name), name)?.['status'] as { phase?: string } | undefined)?.phase ?? '';
  return {
    api,
    kubeconfigPath,
    add(names, plan) {
      for (const name of names) namespaces.set(name, `bench-${Math.floor(namespaces.size / plan.perNamespace)}`);
      for (const namespace of new Set(names.map(namespaceOf))) addNamespace(api, namespace);
      for (const name of names) api.store.create(deploymentOf(namespaceOf(name), name), { user: 'people' });
      for (const name of names) api.store.create(canaryOf(namespaceOf(name), name, plan), { user: 'people' });
    },
    setImage: (name, image) => setImage(api, namespaceOf(name), name, image),
    phaseOf,
    async untilPhase(names, phase, limitMs) {
      const waiting = new Set(names);
      await until(
        () => {
          for (const name of waiting) if (phaseOf(name) === phase) waiting.delete(name);
          return waiting.size === 0;
        },
        limitMs,
        () =>
          `${waiting.size} of ${names.length} canaries to become ${phase}, such as ${[...waiting][0] ?? ''} in ${phaseOf([...waiting][0] ?? '')}`,
      );
    },
    async stop() {
      actors.stop();
      api.close();
      await listening.close();
    },
  };
}

function addNamespace(api: ApiServer, name: string): void {
  if (api.store.get(NAMESPACE, null, name) !== null) return;
  api.store.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, { user: 'people' });
}

function deploymentOf(namespace: string, name: string): KubeObject {
  const containers = [{ name: 'app', image: 'app:1', ports: [{ name: 'http', containerPort: 8080 }] }];
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace, labels: { app: name } },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: { containers } },
    },
  };
}

function canaryOf(
  namespace: string,
  name: string,
  { steps, intervalSeconds, threshold, metricsServer }: CanaryPlan,
): KubeObject {
  const interval = `${intervalSeconds}s`;
  return {
    apiVersion: 'serin.dev/v1beta1',
    kind: 'Canary',
    metadata: { name, namespace },
    spec: {
      provider: 'istio',
      metricsServer,
      targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
      service: { port: 80, targetPort: 8080 },
      progressDeadlineSeconds: 600,
      analysis: {
        interval,
        threshold,
        stepWeight: 10,
        maxWeight: steps * 10,
        metrics: [{ name: 'request-success-rate', interval: '30s', thresholdRange: { min: 99 } }],
      },
    },
  };
}

function setImage(api: ApiServer, namespace: string, name: string, image: string): void {
  const change = (draft: KubeObject): void => {
    const { containers } = (draft['spec'] as { template: { spec: { containers: { image: string }[] } } }).template.spec;
    for (const container of containers) container.image = image;
  };
  api.store.mutate(DEPLOYMENT, namespace, name, change, { user: 'people' });
}
