// The chart and the plain manifests on a real API server: everything is accepted with strict validation, pods by the restricted standard, and an upgrade keeps what it must.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments, stringify } from 'yaml';
import type { KubeObject } from '../../../src/kube/contract.ts';
import { CHART, helm, renderChart } from '../../support/helm.ts';
import { startControlPlane, type ControlPlane } from '../control-plane.ts';
import { ensureParts } from '../parts.ts';
import { operatorCrds, serveCrds } from './vendor-crds.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const VALUES = readdirSync(join(CHART, 'ci')).map((file) => [basename(file, '-values.yaml'), join(CHART, 'ci', file)]);
const COMPONENTS = readdirSync(join(ROOT, 'deploy/components'));
/** Namespaces of which values speak. */
const NAMESPACES = ['monitoring', 'team-a', 'plain'];

let plane: ControlPlane;
let kubectlProgram = '';
const folder = mkdtempSync(join(tmpdir(), 'serin-install-'));

beforeAll(async () => {
  const programs = await ensureParts(['helm', 'kubectl']);
  kubectlProgram = programs.kubectl;
  plane = await startControlPlane();
  await serveCrds(plane.api, operatorCrds());
  for (const name of NAMESPACES) await namespace(name);
});

afterAll(async () => {
  await plane.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** A namespace in which the API server admits restricted pods only. */
async function namespace(name: string): Promise<void> {
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
  await plane.api.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
}

function kubectl(...args: readonly string[]): { readonly status: number | null; readonly said: string } {
  const all = [`--kubeconfig=${plane.kubeconfigOf('admin')}`, ...args];
  const { status, stdout, stderr } = spawnSync(kubectlProgram, all, { encoding: 'utf8' });
  return { status, said: stdout + stderr };
}

/** Asks the API server whether it would admit the pods of these objects; answers with those that it would not. */
async function refusedPods(objects: readonly KubeObject[], where: string): Promise<readonly string[]> {
  const refused: string[] = [];
  for (const { kind, metadata, ...object } of objects) {
    const { template } = (object['spec'] ?? {}) as { template?: { spec: unknown } };
    if (template === undefined || kind === 'CustomResourceDefinition') continue;
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'asked' }, spec: template.spec };
    const path = `/api/v1/namespaces/${where}/pods?dryRun=All&fieldValidation=Strict`;
    const { status, text } = await plane.api.ask({ method: 'POST', path, body: withDefaults(pod) });
    if (status !== 201) refused.push(`${kind} ${metadata.name}: ${text}`);
  }
  return refused;
}

/** Priority classes and accounts are not there to be found. */
function withDefaults(pod: { spec: unknown }): unknown {
  const { priorityClassName: _, serviceAccountName: __, ...spec } = pod.spec as Record<string, unknown>;
  return { ...pod, spec: { restartPolicy: 'Always', ...spec } };
}

describe('the chart', () => {
  it.each(VALUES)('is accepted with the values of %s, field by field', async (name, path) => {
    const where = `serin-${name ?? ''}`;
    await namespace(where);
    const { objects, stderr } = renderChart('-n', where, '-f', path ?? '');
    expect(stderr).toBe('');
    expect(objects.length).toBeGreaterThan(2);
    for (const object of objects) {
      const stored = await plane.api.apply({ ...object, metadata: { namespace: where, ...object.metadata } });
      expect(stored.metadata.uid).toBeDefined();
    }
    expect(await refusedPods(objects, where)).toEqual([]);
  });

  it('is installed, upgraded and uninstalled by helm; the password of its Valkey and the CRDs stay', async () => {
    const access = ['--kubeconfig', plane.kubeconfigOf('admin'), '-n', 'delivery'];
    const sets = ['--set', 'valkey.enabled=true', '--set', 'meshProvider=istio'];
    const secret = async (): Promise<unknown> =>
      (await plane.api.get('/api/v1/namespaces/delivery/secrets/serin-valkey'))?.['data'];
    await removeHandMade();
    expect(helm('install', 'serin', CHART, ...access, '--create-namespace', ...sets)).toMatchObject({ status: 0 });
    const password = await secret();
    expect(password).toEqual({ password: expect.stringMatching(/^.{40,}$/) });
    const more = ['--set', 'replicaCount=3', '--set', 'prometheusRule.enabled=true'];
    expect(helm('upgrade', 'serin', CHART, ...access, ...sets, ...more)).toMatchObject({ status: 0 });
    expect(await secret()).toEqual(password);
    const deployment = async (): Promise<KubeObject | null> =>
      plane.api.get('/apis/apps/v1/namespaces/delivery/deployments/serin');
    expect((await deployment())?.['spec']).toMatchObject({ replicas: 3 });
    // Back to a trial, and to production again.
    expect(helm('upgrade', 'serin', CHART, ...access, '--set', 'meshProvider=istio')).toMatchObject({ status: 0 });
    expect((await deployment())?.['spec']).toMatchObject({ replicas: 1, strategy: { type: 'Recreate' } });
    expect(helm('upgrade', 'serin', CHART, ...access, ...sets)).toMatchObject({ status: 0 });
    expect((await deployment())?.['spec']).toMatchObject({ replicas: 2, strategy: { type: 'RollingUpdate' } });
    // Without a node no hook comes to an end.
    expect(helm('uninstall', 'serin', ...access, '--no-hooks')).toMatchObject({ status: 0 });
    expect(await deployment()).toBeNull();
    const crd = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/canaries.serin.dev';
    expect(await plane.api.get(crd)).not.toBeNull();
  });
});

/** Helm takes over nothing that it has not made. */
async function removeHandMade(): Promise<void> {
  const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
  for (const { metadata } of await plane.api.list(path))
    if (/\.(serin\.dev|flagger\.app)$/.test(metadata.name))
      await plane.api.remove(`${path}/${metadata.name}`, { apiVersion: 'v1', kind: 'DeleteOptions' });
}

describe('plain manifests', () => {
  /** What kustomize makes of a base with components, in a folder of the user's own. */
  const built = (base: string, components: readonly string[]): readonly KubeObject[] => {
    const own = mkdtempSync(join(folder, 'own-'));
    const to = (path: string): string => relative(own, join(ROOT, 'deploy', path));
    const content = { resources: [to(base)], components: components.map((name) => to(`components/${name}`)) };
    writeFileSync(join(own, 'kustomization.yaml'), stringify(content));
    const { status, said } = kubectl('kustomize', own);
    expect([status, status === 0 ? '' : said]).toEqual([0, '']);
    return parseAllDocuments(said).map((document) => document.toJS() as KubeObject);
  };
  const rulesOf = (objects: readonly KubeObject[]): readonly string[] => {
    const rules = objects.find(({ kind }) => kind === 'ClusterRole')?.['rules'] as readonly unknown[];
    return rules.map((rule) => JSON.stringify(rule)).toSorted();
  };
  const argumentsOf = (objects: readonly KubeObject[], name: string): readonly string[] => {
    const deployment = objects.find((object) => object.kind === 'Deployment' && object.metadata.name === name);
    if (deployment === undefined) throw new Error(`Cannot find Deployment ${name}`);
    const { template } = deployment['spec'] as { template: { spec: { containers: { args: string[] }[] } } };
    return (template.spec.containers[0]?.args ?? []).toSorted();
  };

  it.each(['trial', 'production'])('of %s are applied by kubectl, with strict validation', async (base) => {
    const path = join(ROOT, 'deploy', base);
    await removeHandMade();
    const applied = kubectl('apply', '--server-side', '--force-conflicts', '--validate=strict', '-k', path);
    expect([applied.status, applied.said]).toEqual([0, expect.stringContaining('deployment.apps/serin serverside')]);
    expect(await refusedPods(built(base, []), 'plain')).toEqual([]);
    // And without server-side apply, which keeps a copy of the whole in an annotation.
    const again = kubectl('apply', '--validate=strict', '-k', path);
    expect([again.status, again.said]).toEqual([0, expect.stringContaining('deployment.apps/serin ')]);
  });

  it.each(COMPONENTS)('take component %s, and all of it is accepted', async (component) => {
    for (const base of ['trial', 'production'])
      for (const object of built(base, [component]))
        if (object.metadata.namespace === undefined) await plane.api.apply(object);
        else await plane.api.apply({ ...object, metadata: { ...object.metadata, namespace: 'plain' } });
  });

  const providers = COMPONENTS.filter((name) => name.startsWith('provider-')).map((name) => name.slice(9));
  it.each(providers)('for %s have the rights and arguments that the chart renders', (provider) => {
    const chart = renderChart(
      '--set',
      `meshProvider=${provider}`,
      '--set',
      'apiGroups={serin.dev,flagger.app}',
    ).objects;
    // In either order.
    for (const components of [
      ['flagger', `provider-${provider}`],
      [`provider-${provider}`, 'flagger'],
    ]) {
      const plain = built('trial', components);
      expect(rulesOf(plain)).toEqual(rulesOf(chart));
      expect(argumentsOf(plain, 'serin')).toEqual(argumentsOf(chart, 'r-serin'));
    }
  });
});
