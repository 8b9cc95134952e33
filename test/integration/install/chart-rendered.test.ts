// The chart as helm renders it, for every file of values in charts/serin/ci: what is installed, what is refused.
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { FLAGGER_FLAGS } from '../../../src/config/flagger-flags.ts';
import { readSettings } from '../../../src/config/read-settings.ts';
import type { KubeObject } from '../../../src/kube/contract.ts';
import { CHART, hasHelm, helm, renderChart } from '../../support/helm.ts';
import { controllerRules } from './rights.ts';

interface Container {
  readonly args: readonly string[];
  readonly image: string;
  readonly securityContext: Readonly<Record<string, unknown>>;
  readonly resources: { readonly limits?: unknown; readonly requests?: unknown };
  readonly livenessProbe?: unknown;
  readonly readinessProbe?: unknown;
  readonly env?: readonly {
    readonly name: string;
    readonly valueFrom?: { readonly secretKeyRef?: { name: string } };
  }[];
}
interface PodSpec {
  readonly containers: readonly Container[];
  readonly securityContext: Readonly<Record<string, unknown>>;
  readonly volumes?: readonly Readonly<Record<string, unknown>>[];
  readonly topologySpreadConstraints?: readonly { readonly topologyKey: string }[];
  readonly automountServiceAccountToken: boolean;
}
interface Workload {
  readonly replicas: number;
  readonly strategy: { readonly type: string };
  readonly template: { readonly spec: PodSpec };
}

const VALUES = readdirSync(join(CHART, 'ci')).map((file) => join(CHART, 'ci', file));
const named = (name: string): readonly string[] => ['-f', join(CHART, 'ci', `${name}-values.yaml`)];
const find = (objects: readonly KubeObject[], kind: string, name: string): KubeObject | undefined =>
  objects.find((object) => object.kind === kind && object.metadata.name === name);
const workload = (objects: readonly KubeObject[], name = 'r-serin'): Workload =>
  find(objects, 'Deployment', name)?.['spec'] as Workload;

/** The pods of whatever makes pods. */
function podsOf(objects: readonly KubeObject[]): readonly (readonly [string, PodSpec])[] {
  return objects.flatMap((object) => {
    const spec = object['spec'] as { template?: { spec: PodSpec } } | undefined;
    const pod = object.kind === 'Pod' ? (object['spec'] as PodSpec) : spec?.template?.spec;
    return pod === undefined ? [] : [[`${object.kind} ${object.metadata.name}`, pod] as const];
  });
}

describe.skipIf(!hasHelm())('rendered by helm (needs npm run parts -- helm)', () => {
  it.each(VALUES.map((path) => [basename(path), path]))(
    '%s passes helm lint, and its pods are restricted',
    (_, path) => {
      expect(helm('lint', '--strict', CHART, '-f', path)).toMatchObject({ status: 0 });
      const { objects, stderr } = renderChart('-f', path);
      expect(stderr).toBe('');
      const pods = podsOf(objects);
      expect(pods.length).toBeGreaterThan(0);
      for (const [name, pod] of pods) expect([name, flawsOf(pod)]).toEqual([name, []]);
    },
  );

  it.each(VALUES.map((path) => [basename(path), path]))('%s gives the controller settings that it takes', (_, path) => {
    const [controller] = workload(renderChart('-f', path).objects, nameIn(path)).template.spec.containers;
    const args = controller?.args.slice(1) ?? [];
    const store = controller?.env?.find(({ name }) => name === 'SERIN_REDIS_URL' || name === 'SERIN_POSTGRES_URL');
    const url = store?.name === 'SERIN_REDIS_URL' ? 'redis://store' : 'postgres://store';
    const read = readSettings({ args, env: store === undefined ? {} : { [store.name]: url }, readFile: () => '' });
    expect(read.kind === 'invalid' ? read.problems : []).toEqual([]);
    const flags = args.map((arg) => /^--([a-z-]+)/.exec(arg)?.[1]);
    expect(FLAGGER_FLAGS.filter(({ flag }) => flags.includes(flag))).toEqual([]);
  });

  it('has one replica with the embedded store, and two that are spread and kept available with a shared one', () => {
    const trial = renderChart(...named('trial')).objects;
    expect(workload(trial)).toMatchObject({ replicas: 1, strategy: { type: 'Recreate' } });
    expect(trial.filter(({ kind }) => kind === 'PodDisruptionBudget')).toEqual([]);
    const shared = renderChart(...named('istio-valkey')).objects;
    expect(workload(shared)).toMatchObject({ replicas: 2, strategy: { type: 'RollingUpdate' } });
    expect(find(shared, 'PodDisruptionBudget', 'r-serin')?.['spec']).toMatchObject({ minAvailable: 1 });
    const spread = workload(shared).template.spec.topologySpreadConstraints?.map(({ topologyKey }) => topologyKey);
    expect(spread).toEqual(['kubernetes.io/hostname', 'topology.kubernetes.io/zone']);
    expect(workload(shared).template.spec.containers[0]?.args).toContain('--replica-count=2');
  });

  it('installs the CRDs unchanged but for labels and the mark to keep them', () => {
    const { objects } = renderChart('--set', 'apiGroups={serin.dev,flagger.app}');
    const crds = objects.filter(({ kind }) => kind === 'CustomResourceDefinition');
    expect(crds).toHaveLength(6);
    for (const { metadata, ...crd } of crds) {
      const [plural, group] = [metadata.name.split('.')[0], metadata.name.slice(metadata.name.indexOf('.') + 1)];
      const file = readFileSync(join(CHART, `files/crds/${group}_${plural}.yaml`), 'utf8');
      const { metadata: _, ...source } = parse(file) as KubeObject;
      expect(crd).toEqual(source);
      expect(metadata.annotations?.['helm.sh/resource-policy']).toBe('keep');
    }
  });

  it('grants exactly the rules of the chosen provider and groups, in one namespace where one is asked for', () => {
    const { objects } = renderChart(...named('appmesh-v1beta2-namespaced'));
    const role = find(objects, 'Role', 'r-serin');
    expect(role?.metadata.namespace).toBe('team-a');
    expect(role?.['rules']).toEqual(controllerRules(['appmesh-v1beta2'], ['serin.dev']));
    expect(objects.filter(({ kind }) => kind.startsWith('ClusterRole'))).toEqual([]);
    const both = find(renderChart(...named('both-groups')).objects, 'ClusterRole', 'r-serin');
    const providers = ['appmesh-v1beta1', 'istio', 'gateway-api'];
    expect(both?.['rules']).toEqual(controllerRules(providers, ['serin.dev', 'flagger.app']));
    const owners = find(renderChart(...named('openshift')).objects, 'ClusterRole', 'r-serin');
    expect(owners?.['rules']).toEqual(controllerRules(['istio'], ['serin.dev'], 'owners'));
  });

  it('makes no account, right, CRD or hook where others do', () => {
    const kinds = renderChart(...named('unprivileged')).objects.map(({ kind }) => kind);
    expect(kinds.toSorted()).toEqual(['Deployment', 'Pod', 'Service']);
  });

  it('leaves users to OpenShift', () => {
    for (const [name, { securityContext }] of podsOf(renderChart(...named('openshift')).objects))
      expect([name, Object.keys(securityContext).toSorted()]).toEqual([name, ['runAsNonRoot', 'seccompProfile']]);
  });

  it('takes the password of its Valkey from a Secret that is there, and makes one else', () => {
    const own = renderChart(...named('istio-valkey')).objects;
    expect(find(own, 'Secret', 'r-serin-valkey')).toBeDefined();
    const given = renderChart(...named('both-groups')).objects;
    expect(given.filter(({ kind }) => kind === 'Secret')).toEqual([]);
    for (const name of ['r-serin', 'r-serin-valkey']) {
      const { env = [] } = workload(given, name).template.spec.containers[0] ?? {};
      const password = env.find((variable) => variable.name === 'VALKEY_PASSWORD');
      expect([name, password?.valueFrom?.secretKeyRef?.name]).toEqual([name, 'valkey-password']);
    }
  });

  it('renders the alerts of the rule file, without those left out, and the dashboard as it is', () => {
    interface Group {
      readonly rules: readonly { alert: string; expr: string; labels: object; annotations: Record<string, string> }[];
    }
    const groupsOf = (spec: unknown): readonly Group[] => (spec as { groups: readonly Group[] }).groups;
    const { objects } = renderChart(...named('monitoring'));
    const source = groupsOf(parse(readFileSync(join(CHART, 'files/alerts/serin.yaml'), 'utf8')));
    const wanted = source.flatMap(({ rules }) => rules).filter(({ alert }) => alert !== 'SerinCanaryWaitsForApproval');
    const rendered = groupsOf(find(objects, 'PrometheusRule', 'r-serin')?.['spec']).flatMap(({ rules }) => rules);
    expect(rendered.map(({ alert, expr }) => [alert, expr])).toEqual(wanted.map(({ alert, expr }) => [alert, expr]));
    expect(rendered[0]?.labels).toEqual({ severity: 'warning', team: 'platform' });
    expect(rendered[0]?.annotations['runbook_url']).toBe('https://docs.example/serin/runbook#a-canary-failed');
    const data = find(objects, 'ConfigMap', 'r-serin-dashboard')?.['data'] as Record<string, string>;
    expect(JSON.parse(data['serin.json'] ?? '')).toEqual(
      JSON.parse(readFileSync(join(CHART, 'files/dashboards/serin.json'), 'utf8')),
    );
  });

  it.each([
    [['replicaCount=2'], 'Cannot run 2 replicas on the embedded store'],
    [['queue.store=redis'], 'its address is missing'],
    [['valkey.enabled=true', 'queue.url=redis://a'], 'the queue has one store'],
    [['valkey.enabled=true', 'podDisruptionBudget.minAvailable=2'], 'no node could be drained'],
    [['valkey.enabled=true', 'podDisruptionBudget.minAvailable=100%'], 'no node could be drained'],
    [['serviceMonitor.enabled=true', 'podMonitor.enabled=true'], 'counted twice'],
    [['prometheusRule.enabled=true', 'prometheusRule.disabled={SerinNothing}'], 'must be one of SerinCanaryFailed'],
    [['msteams.url=https://chat.example'], 'Microsoft Teams'],
    [['rbac.providers={contour}'], 'must be one of istio'],
  ])('refuses %j', (sets, message) => {
    const { objects, stderr } = renderChart(...sets.flatMap((set) => ['--set', set]));
    expect(objects).toEqual([]);
    expect(stderr).toContain(message);
  });
});

/** The controller's Deployment: named by the release, and by what nameOverride says. */
const nameIn = (path: string): string => (basename(path).startsWith('everything') ? 'r-delivery' : 'r-serin');

/** What of a pod is against the restricted Pod Security Standard, or against our own rules. */
function flawsOf({ securityContext, containers, volumes = [] }: PodSpec): readonly string[] {
  const flaws: string[] = [];
  if (securityContext['runAsNonRoot'] !== true) flaws.push('may run as root');
  if ((securityContext['seccompProfile'] as { type?: string } | undefined)?.type !== 'RuntimeDefault')
    flaws.push('has no seccomp profile');
  if (volumes.some((volume) => 'hostPath' in volume)) flaws.push('mounts the node');
  for (const { securityContext: own, resources, image } of containers) {
    if (own['allowPrivilegeEscalation'] !== false) flaws.push('may gain privileges');
    if (own['readOnlyRootFilesystem'] !== true) flaws.push('may write to its root');
    if (JSON.stringify(own['capabilities']) !== '{"drop":["ALL"]}') flaws.push('has capabilities');
    if (resources.limits === undefined || resources.requests === undefined) flaws.push('has no resources');
    if (/:latest$|^[^:@]+$/.test(image)) flaws.push(`runs whatever ${image} is`);
  }
  return flaws;
}
