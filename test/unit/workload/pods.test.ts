// Whose pods are whose, which are new, and where they are scraped.
import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../../src/kube/contract.ts';
import type { WorkloadFound } from '../../../src/workload/contract.ts';
import { deploymentNameOf, podsOf, scrapeTargets } from '../../../src/workload/pods.ts';
import { projectPod } from '../../../src/workload/projections.ts';
import { littleKube, stored } from './little-kube.ts';

const owner = (kind: string, name: string): Record<string, unknown> => ({
  apiVersion: 'apps/v1',
  kind,
  name,
  uid: `uid-of-${name}`,
  controller: true,
});

function aDeployment(name: string, number = '2', status: Record<string, unknown> = {}): KubeObject {
  return stored({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, annotations: { 'deployment.kubernetes.io/revision': number } },
    status: { observedGeneration: 1, replicas: 2, updatedReplicas: 1, ...status },
  });
}

const aSet = (deployment: string, hash: string, number: string): KubeObject =>
  stored({
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: `${deployment}-${hash}`,
      ownerReferences: [owner('Deployment', deployment)],
      annotations: { 'deployment.kubernetes.io/revision': number },
    },
  });

const aPod = (
  set: string,
  id: string,
  changes: { ip?: string; phase?: string; annotations?: Record<string, string>; deleted?: boolean } = {},
): KubeObject =>
  stored({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `${set}-${id}`,
      labels: { 'pod-template-hash': set.slice(set.lastIndexOf('-') + 1) },
      annotations: changes.annotations ?? {},
      ownerReferences: [owner('ReplicaSet', set)],
      ...(changes.deleted === true ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}),
    },
    status: { podIP: changes.ip ?? '10.0.0.1', phase: changes.phase ?? 'Running' },
  });

const names = (pods: readonly KubeObject[]): string[] => pods.map((pod) => pod.metadata.name);

describe('podsOf', () => {
  const pods = [aPod('web-old', 'a'), aPod('web-new', 'b'), aPod('web-api-new', 'c'), aPod('web-primary-new', 'd')];

  it('goes by the ReplicaSets and takes the newest by its number', () => {
    const kube = littleKube(aSet('web', 'old', '1'), aSet('web', 'new', '2'), aSet('web-api', 'new', '2'), ...pods);
    const { all, newest } = podsOf(kube.cache, aDeployment('web'));
    expect(names(all)).toEqual(['web-old-a', 'web-new-b']);
    expect(names(newest)).toEqual(['web-new-b']);
  });

  it('knows no newest pods while the controller has not seen the newest generation', () => {
    const kube = littleKube(aSet('web', 'old', '1'), aSet('web', 'new', '2'), ...pods);
    expect(podsOf(kube.cache, aDeployment('web', '2', { observedGeneration: 0 })).newest).toEqual([]);
  });

  it('goes by names, and by what Progressing says, where ReplicaSets are not watched', () => {
    const kube = littleKube(...pods);
    const conditions = [
      {
        type: 'Progressing',
        status: 'True',
        reason: 'ReplicaSetUpdated',
        message: 'ReplicaSet "web-new" is progressing.',
      },
    ];
    expect(names(podsOf(kube.cache, aDeployment('web', '2', { conditions })).newest)).toEqual(['web-new-b']);
    expect(names(podsOf(kube.cache, aDeployment('web')).newest)).toEqual([]);
    expect(names(podsOf(kube.cache, aDeployment('web', '2', { updatedReplicas: 2 })).newest)).toEqual([
      'web-old-a',
      'web-new-b',
    ]);
  });

  it('tells the Deployment of a pod by name', () => {
    expect(pods.map(deploymentNameOf)).toEqual(['web', 'web', 'web-api', 'web-primary']);
    expect(deploymentNameOf(stored({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'alone' } }))).toBeNull();
  });
});

describe('scrapeTargets', () => {
  const found = (...deployments: KubeObject[]): WorkloadFound =>
    ({
      objects: new Map(deployments.map((object) => [`Deployment/${object.metadata.name}`, object])),
    }) as unknown as WorkloadFound;
  const both = { target: 'web', primary: 'web-primary' };
  const defaults = { port: 15_020, path: '/stats/prometheus' };

  it('names running pods of primary and target, of the target only the newest, as they are after projection', () => {
    const kube = littleKube(
      aSet('web', 'old', '1'),
      aSet('web', 'new', '2'),
      aSet('web-primary', 'p', '2'),
      ...[
        aPod('web-old', 'a'),
        aPod('web-new', 'b', {
          ip: 'fd00::7',
          annotations: {
            'prometheus.io/port': '9797',
            'prometheus.io/path': 'metrics?format=text',
            'prometheus.io/scheme': 'https',
          },
        }),
        aPod('web-new', 'c', { phase: 'Pending' }),
        aPod('web-new', 'd', { ip: '' }),
        aPod('web-new', 'e', { deleted: true }),
        aPod('web-new', 'f', { annotations: { 'prometheus.io/port': '99999' } }),
        aPod('web-primary-p', 'g', {
          ip: '10.0.0.9',
          annotations: { 'prometheus.io/port': 'x', 'prometheus.io/path': '@evil.example/' },
        }),
        aPod('other-x', 'h'),
      ].map(projectPod),
    );
    expect(scrapeTargets(kube.cache, found(aDeployment('web'), aDeployment('web-primary')), both, defaults)).toEqual([
      { uid: 'uid-of-web-new-b', role: 'canary', url: 'https://[fd00::7]:9797/metrics?format=text' },
      { uid: 'uid-of-web-primary-p-g', role: 'primary', url: 'http://10.0.0.9:15020/@evil.example/' },
    ]);
  });
});
