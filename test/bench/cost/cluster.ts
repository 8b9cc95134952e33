// The cluster of the cost bench: a real API server with Istio's CRDs, Canaries by the hundred, and one user for each actor.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { KubeObject } from '../../../src/kube/contract.ts';
import { startControlPlane, type ControlPlane } from '../../real/control-plane.ts';
import type { KubeApi } from '../../real/kube-api.ts';
import type { PartName } from '../../real/parts.ts';
import { readVendorCrds } from '../../support/vendor-crds.ts';
import { until } from '../until.ts';
import { AuditTail } from './audit-tail.ts';
import { startDeploymentActor } from './deployment-actor.ts';

/** The real parts that it is made of. */
export const COST_PARTS: readonly PartName[] = ['etcd', 'kube-apiserver'];
/** The user that the controller is. */
const CONTROLLER = 'serin';
const CRD_FOLDER = join(import.meta.dirname, '..', '..', '..', 'crds');
const CRD_PATH = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const AT_ONCE = 24;
/** Canaries of one namespace. */
const PER_NAMESPACE = 10;

export interface CostPlan {
  readonly intervalSeconds: number;
  readonly steps: number;
  readonly threshold: number;
  readonly metricsServer: string;
}

/** The canary's share from a moment on; milliseconds since the epoch. */
export interface WeightSeen {
  readonly atMs: number;
  readonly percent: number;
}

/** A cluster that runs. */
export interface CostCluster {
  readonly plane: ControlPlane;
  readonly audit: AuditTail;
  readonly kubeconfigPath: string;
  /** By the name of the Canary. */
  readonly phases: ReadonlyMap<string, string>;
  /** By the name of the route, which is that of its Canary. */
  readonly weights: ReadonlyMap<string, readonly WeightSeen[]>;
  /** Adds Deployments and Canaries of these names. Resolves when all Deployments are ready. */
  add(names: readonly string[], plan: CostPlan): Promise<void>;
  /** People change the image of all these targets. */
  setImages(names: readonly string[], image: string): Promise<void>;
  untilPhase(names: readonly string[], phase: string, limitMs: number): Promise<void>;
  stop(): Promise<void>;
}

/** Starts it. Only the controller's requests are audited: those of the actors cost their share of the disk as well. */
export async function startCostCluster(): Promise<CostCluster> {
  const folder = mkdtempSync(join(tmpdir(), 'serin-cost-'));
  const policy = join(folder, 'cost-policy.yaml');
  writeFileSync(policy, JSON.stringify(AUDIT_POLICY));
  const group = ['system:masters'];
  const plane = await startControlPlane({
    folder,
    users: { [CONTROLLER]: group, people: group, deployments: group, witness: group },
    apiServerFlags: [`--audit-policy-file=${policy}`, '--audit-log-maxsize=100000'],
  });
  const ended = new AbortController();
  const as = (user: string): KubeApi => plane.api.as(plane.tokenOf(user));
  const [people, actor, witness] = [as('people'), as('deployments'), as('witness')];
  const phases = new Map<string, string>();
  const weights = new Map<string, WeightSeen[]>();
  try {
    await installKinds(people);
  } catch (error) {
    await plane.stop();
    throw error;
  }
  const followed = [
    startDeploymentActor(actor, ended.signal),
    witness.watch('/apis/serin.dev/v1beta1/canaries', ended.signal, ({ object }) => {
      phases.set(object.metadata.name, (object['status'] as { phase?: string } | undefined)?.phase ?? '');
    }),
    witness.watch('/apis/networking.istio.io/v1/virtualservices', ended.signal, ({ object }) => note(weights, object)),
  ];
  return {
    plane,
    audit: new AuditTail(join(folder, 'audit.log'), CONTROLLER),
    kubeconfigPath: plane.kubeconfigOf(CONTROLLER),
    phases,
    weights,
    async add(names, plan) {
      await addAll(people, names, plan);
      const isReady = async (): Promise<boolean> => {
        const all = await people.list('/apis/apps/v1/deployments?resourceVersion=0');
        return all.every((one) => (one['status'] as { availableReplicas?: number }).availableReplicas !== undefined);
      };
      while (!(await isReady())) await new Promise((resolve) => setTimeout(resolve, 500));
    },
    setImages: (names, image) => each(names, (name) => setImage(people, name, image)),
    async untilPhase(names, phase, limitMs) {
      const waiting = new Set(names);
      const isReached = (): boolean => {
        for (const name of waiting) if (phases.get(name) === phase) waiting.delete(name);
        return waiting.size === 0;
      };
      const first = (): string => [...waiting][0] ?? '';
      await until(
        isReached,
        limitMs,
        () => `${waiting.size} canaries to become ${phase}, such as ${first()} in ${phases.get(first()) ?? 'no phase'}`,
      );
    },
    async stop() {
      ended.abort();
      await plane.stop();
      await Promise.all(followed);
      for (const api of [people, actor, witness]) api.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const AUDIT_POLICY = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [{ level: 'Metadata', users: [CONTROLLER] }, { level: 'None' }],
};

async function each(names: readonly string[], work: (name: string) => Promise<unknown>): Promise<void> {
  const left = [...names].toReversed();
  const one = async (): Promise<void> => {
    for (let name = left.pop(); name !== undefined; name = left.pop()) await work(name);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
}

async function installKinds(api: KubeApi): Promise<void> {
  const ours = readdirSync(CRD_FOLDER).filter((file) => file.startsWith('serin.dev_'));
  const crds = [
    ...ours.map((file) => parse(readFileSync(join(CRD_FOLDER, file), 'utf8')) as KubeObject),
    ...readVendorCrds('istio', 'crd-all.gen.yaml').filter(({ metadata }) => /^(virtual|dest)/.test(metadata.name)),
  ];
  for (const crd of crds) await api.create(CRD_PATH, crd);
  const isServed = async (path: string): Promise<boolean> => (await api.ask({ path })).status === 200;
  for (const path of ['/apis/serin.dev/v1beta1/canaries', '/apis/networking.istio.io/v1/virtualservices'])
    while (!(await isServed(path))) await new Promise((resolve) => setTimeout(resolve, 100));
}

/** Names end with their number, and so tell their namespace. */
const namespaceOf = (name: string): string => `bench-${Math.floor(Number(name.split('-').at(-1)) / PER_NAMESPACE)}`;

async function addAll(api: KubeApi, names: readonly string[], plan: CostPlan): Promise<void> {
  await each([...new Set(names.map(namespaceOf))], (name) =>
    api.create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }),
  );
  await each(names, async (name) => {
    const namespace = namespaceOf(name);
    await api.create(`/apis/apps/v1/namespaces/${namespace}/deployments`, deploymentOf(name));
    await api.create(`/apis/serin.dev/v1beta1/namespaces/${namespace}/canaries`, canaryOf(name, plan));
  });
}

function deploymentOf(name: string): unknown {
  const containers = [{ name: 'app', image: 'app:1', ports: [{ name: 'http', containerPort: 8080 }] }];
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, labels: { app: name } },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: { containers } },
    },
  };
}

function canaryOf(name: string, { intervalSeconds, steps, threshold, metricsServer }: CostPlan): unknown {
  const interval = `${intervalSeconds}s`;
  return {
    apiVersion: 'serin.dev/v1beta1',
    kind: 'Canary',
    metadata: { name },
    spec: {
      provider: 'istio',
      metricsServer,
      targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
      service: { port: 80, targetPort: 8080 },
      progressDeadlineSeconds: 3_600,
      analysis: {
        interval,
        threshold,
        stepWeight: 10,
        maxWeight: steps * 10,
        metrics: [
          { name: 'request-success-rate', interval: '1m', thresholdRange: { min: 99 } },
          { name: 'request-duration', interval: '1m', thresholdRange: { max: 500 } },
        ],
      },
    },
  };
}

async function setImage(api: KubeApi, name: string, image: string): Promise<void> {
  const change = { spec: { template: { spec: { containers: [{ name: 'app', image }] } } } };
  const path = `/apis/apps/v1/namespaces/${namespaceOf(name)}/deployments/${name}`;
  await api.patch(path, change, 'application/strategic-merge-patch+json');
}

function note(weights: Map<string, WeightSeen[]>, route: KubeObject): void {
  const { name } = route.metadata;
  const spec = route['spec'] as { http?: { route?: { destination?: { host?: string }; weight?: number }[] }[] };
  const backends = (spec.http ?? []).flatMap((rule) => rule.route ?? []);
  const percent = backends.find(({ destination }) => destination?.host?.endsWith('-canary') === true)?.weight ?? 0;
  const known = weights.get(name) ?? [];
  weights.set(name, known);
  if (known.at(-1)?.percent !== percent) known.push({ atMs: performance.timeOrigin + performance.now(), percent });
}
