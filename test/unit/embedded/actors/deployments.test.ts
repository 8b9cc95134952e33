// What people see of Deployments in the embedded cluster: pods, revisions, statuses and deadlines.
import { afterEach, describe, expect, it } from 'vitest';
import type { Condition } from '../../../../src/embedded/actors/shapes.ts';
import { asReplicaSet } from '../../../../src/embedded/actors/shapes.ts';
import { DEPLOYMENT, POD } from '../../../../src/kube/kinds.ts';
import { change, makeDeployment, setImage, startTestCluster } from './support.ts';
import type { TestCluster } from './support.ts';

let cluster: TestCluster;
afterEach(() => cluster.stop());

const conditionOf = (type: string): Condition | undefined =>
  cluster.deployment().status?.conditions?.find((condition) => condition.type === type);

describe('deployments', () => {
  it('brings up pods and reports them as the real controller does', async () => {
    cluster = startTestCluster();
    cluster.store.create(makeDeployment('app:1.0.0'));
    await cluster.clock.advance(100);
    expect(conditionOf('Available')).toMatchObject({ status: 'False', reason: 'MinimumReplicasUnavailable' });
    await cluster.clock.advance(2_000);
    const { status, metadata } = cluster.deployment();
    expect(status).toMatchObject({
      observedGeneration: 1,
      replicas: 2,
      updatedReplicas: 2,
      readyReplicas: 2,
      availableReplicas: 2,
    });
    expect(status).not.toHaveProperty('unavailableReplicas');
    expect(conditionOf('Available')).toMatchObject({ status: 'True', reason: 'MinimumReplicasAvailable' });
    expect(conditionOf('Progressing')).toMatchObject({ status: 'True', reason: 'NewReplicaSetAvailable' });
    expect(metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('1');
    const [set] = cluster.sets();
    expect(set?.metadata.name).toBe(`web-${set?.metadata.labels?.['pod-template-hash'] ?? ''}`);
    expect(cluster.pods().every(({ metadata: pod }) => /^web-[a-z0-9]{10}-[a-z0-9]{5}$/.test(pod.name))).toBe(true);
  });

  it('rolls over without falling below what may be missing', async () => {
    cluster = startTestCluster();
    cluster.store.create(makeDeployment('app:1.0.0', { replicas: 4 }));
    await cluster.clock.advance(3_000);
    let fewest = 4;
    let most = 4;
    const stop = cluster.store.watch(POD, () => {
      const pods = cluster.pods().filter(({ metadata }) => metadata.deletionTimestamp === undefined);
      most = Math.max(most, pods.length);
    });
    const stopDeployment = cluster.store.watch(DEPLOYMENT, () => {
      fewest = Math.min(fewest, cluster.deployment().status?.availableReplicas ?? 0);
    });
    setImage(cluster, 'app:2.0.0');
    await cluster.clock.advance(20_000);
    stop();
    stopDeployment();
    // 25 % of 4: one more, one fewer.
    expect(most).toBe(5);
    expect(fewest).toBe(3);
    expect(cluster.deployment().metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('2');
    expect(
      cluster
        .sets()
        .map((set) => asReplicaSet(set).spec.replicas ?? 0)
        .sort((a, b) => a - b),
    ).toEqual([0, 4]);
    expect(cluster.pods()).toHaveLength(4);
    expect(cluster.deployment().status).toMatchObject({ updatedReplicas: 4, availableReplicas: 4 });
  });

  it('goes back to an old ReplicaSet with a new revision', async () => {
    cluster = startTestCluster();
    cluster.store.create(makeDeployment('app:1.0.0'));
    for (const image of ['app:2.0.0', 'app:1.0.0']) {
      await cluster.clock.advance(20_000);
      setImage(cluster, image);
    }
    await cluster.clock.advance(20_000);
    expect(cluster.sets()).toHaveLength(2);
    expect(cluster.deployment().metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('3');
  });

  it('with Recreate has no old pod beside a new one', async () => {
    cluster = startTestCluster();
    cluster.store.create(makeDeployment('app:1.0.0', { strategy: { type: 'Recreate' } }));
    await cluster.clock.advance(3_000);
    setImage(cluster, 'app:2.0.0');
    let images = new Set<string>();
    const stop = cluster.store.watch(POD, () => {
      const now = new Set(
        cluster
          .pods()
          .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
          .map((pod) => JSON.stringify(pod['spec']).match(/app:[\d.]+/)?.[0] ?? ''),
      );
      if (now.size > images.size) images = now;
    });
    await cluster.clock.advance(10_000);
    stop();
    expect(images.size).toBe(1);
    expect(cluster.deployment().status).toMatchObject({ updatedReplicas: 2, availableReplicas: 2 });
  });

  it('exceeds its deadline when a new revision cannot start', async () => {
    cluster = startTestCluster();
    cluster.store.create(makeDeployment('app:1.0.0', { progressDeadlineSeconds: 60 }));
    await cluster.clock.advance(5_000);
    setImage(cluster, 'app:imagepull');
    await cluster.clock.advance(50_000);
    expect(conditionOf('Progressing')).toMatchObject({ status: 'True' });
    await cluster.clock.advance(20_000);
    expect(conditionOf('Progressing')).toMatchObject({ status: 'False', reason: 'ProgressDeadlineExceeded' });
    expect(cluster.deployment().status?.availableReplicas).toBe(2);
    setImage(cluster, 'app:1.0.0');
    await cluster.clock.advance(10_000);
    expect(conditionOf('Progressing')).toMatchObject({ status: 'True', reason: 'NewReplicaSetAvailable' });
  });

  it('counts a pod as available only after minReadySeconds', async () => {
    cluster = startTestCluster();
    cluster.store.create(makeDeployment('app:1.0.0', { minReadySeconds: 10 }));
    await cluster.clock.advance(5_000);
    expect(cluster.deployment().status).toMatchObject({ readyReplicas: 2 });
    expect(cluster.deployment().status?.availableReplicas).toBeUndefined();
    await cluster.clock.advance(10_000);
    expect(cluster.deployment().status).toMatchObject({ availableReplicas: 2 });
  });

  it('scales to zero and back, and removes pods after their grace', async () => {
    cluster = startTestCluster();
    cluster.store.create(makeDeployment('app:1.0.0'));
    await cluster.clock.advance(3_000);
    change(cluster, { replicas: 0 });
    await cluster.clock.advance(100);
    expect(cluster.pods().map(({ metadata }) => metadata.deletionTimestamp !== undefined)).toEqual([true, true]);
    await cluster.clock.advance(2_000);
    expect(cluster.pods()).toEqual([]);
    expect(cluster.actors.podCount()).toBe(0);
    expect(cluster.deployment().status?.replicas).toBeUndefined();
    change(cluster, { replicas: 3 });
    await cluster.clock.advance(3_000);
    expect(cluster.deployment().status).toMatchObject({ availableReplicas: 3 });
  });

  it('keeps as many old ReplicaSets as asked for', async () => {
    cluster = startTestCluster();
    cluster.store.create(makeDeployment('app:1', { revisionHistoryLimit: 1 }));
    for (const image of ['app:2', 'app:3', 'app:4']) {
      await cluster.clock.advance(20_000);
      setImage(cluster, image);
    }
    await cluster.clock.advance(20_000);
    expect(cluster.sets()).toHaveLength(2);
  });

  it('rests when nothing happens', async () => {
    cluster = startTestCluster();
    cluster.store.create(makeDeployment('app:1.0.0'));
    await cluster.clock.advance(5_000);
    const { resourceVersion } = cluster.deployment().metadata;
    let writes = 0;
    const stops = [DEPLOYMENT, POD].map((kind) =>
      cluster.store.watch(kind, () => {
        writes += 1;
      }),
    );
    await cluster.clock.advance(3_600_000);
    for (const stop of stops) stop();
    expect(writes).toBe(0);
    expect(cluster.deployment().metadata.resourceVersion).toBe(resourceVersion);
  });
});

describe('pods', () => {
  it.each([
    ['app:crashloop', 'CrashLoopBackOff'],
    ['app:imagepull', 'ImagePullBackOff'],
  ])('%s waits with %s', async (image, reason) => {
    cluster = startTestCluster();
    cluster.store.create(makeDeployment(image));
    await cluster.clock.advance(3_000);
    for (const pod of cluster.pods()) {
      expect(pod['status']).toMatchObject({
        containerStatuses: [{ ready: false, state: { waiting: { reason } } }],
        conditions: expect.arrayContaining([expect.objectContaining({ type: 'Ready', status: 'False' })]),
      });
    }
  });

  it('counts restarts with a growing back-off', async () => {
    cluster = startTestCluster();
    cluster.store.create(makeDeployment('app:crashloop', { replicas: 1 }));
    await cluster.clock.advance(35_000);
    expect(cluster.pods()[0]?.['status']).toMatchObject({ phase: 'Running', containerStatuses: [{ restartCount: 3 }] });
  });

  it('app:slow-start is ready late', async () => {
    cluster = startTestCluster();
    cluster.store.create(makeDeployment('app:2.0_slow-start@5s'));
    await cluster.clock.advance(5_000);
    expect(cluster.deployment().status?.readyReplicas).toBeUndefined();
    await cluster.clock.advance(2_000);
    expect(cluster.deployment().status?.readyReplicas).toBe(2);
  });

  it('a deleted pod is replaced', async () => {
    cluster = startTestCluster();
    cluster.store.create(makeDeployment('app:1.0.0'));
    await cluster.clock.advance(3_000);
    const victim = cluster.pods()[0]?.metadata.name ?? '';
    cluster.store.remove(POD, 'default', victim, { graceSeconds: 0 });
    await cluster.clock.advance(3_000);
    expect(cluster.pods()).toHaveLength(2);
    expect(cluster.pods().some(({ metadata }) => metadata.name === victim)).toBe(false);
  });

  it('a pod that belongs to nobody runs too', async () => {
    cluster = startTestCluster();
    cluster.store.create({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'alone', namespace: 'default' },
      spec: { containers: [{ name: 'app', image: 'app:1' }] },
    });
    await cluster.clock.advance(3_000);
    expect(cluster.pods()[0]).toMatchObject({ status: { phase: 'Running' } });
  });
});
