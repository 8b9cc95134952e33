// The readiness matrix of Flagger (U19), and trouble that is seen before any deadline.
import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../../src/kube/contract.ts';
import { findTrouble, judgeReadiness } from '../../../src/workload/readiness.ts';
import { stored } from './little-kube.ts';

interface Numbers {
  readonly replicas?: number;
  readonly total?: number;
  readonly updated?: number;
  readonly available?: number;
  readonly generation?: number;
  readonly observed?: number;
  readonly conditions?: readonly Record<string, unknown>[];
}

function aDeployment({
  replicas = 4,
  total = 4,
  updated = 4,
  available = 4,
  generation = 2,
  observed = 2,
  conditions = [],
}: Numbers): KubeObject {
  return stored({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', generation },
    spec: { replicas },
    status: {
      observedGeneration: observed,
      replicas: total,
      updatedReplicas: updated,
      availableReplicas: available,
      conditions,
    },
  });
}

describe('readiness', () => {
  it.each<[string, Numbers, number, string]>([
    ['all there', {}, 100, ''],
    [
      'an old generation',
      { observed: 1 },
      100,
      'waiting for the rollout to begin: the newest generation has not been observed',
    ],
    ['not all updated', { updated: 3 }, 100, '3 of 4 pods are of the new template'],
    ['old pods left', { total: 5 }, 100, '1 old pods are pending termination'],
    ['one not available', { available: 3 }, 100, '3 of 4 pods are available, 4 must be'],
    ['half is enough', { available: 2 }, 50, ''],
    ['less than half', { available: 1 }, 50, '1 of 4 pods are available, 2 must be'],
    ['rounded down', { replicas: 3, total: 3, updated: 3, available: 1 }, 50, ''],
    ['one at least', { replicas: 1, total: 1, updated: 1, available: 0 }, 50, '0 of 1 pods are available, 1 must be'],
    ['a threshold of 0 still needs one', { available: 0 }, 0, '0 of 4 pods are available, 1 must be'],
    ['scaled to zero', { replicas: 0, total: 0, updated: 0, available: 0 }, 100, 'scaled to 0'],
  ])('%s', (_, numbers, threshold, expected) => {
    expect(judgeReadiness(aDeployment(numbers), threshold)).toEqual({ isReady: expected === '', notReady: expected });
  });

  it('takes a Deployment without a status as not ready', () => {
    const bare = stored({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' }, spec: {} });
    expect(judgeReadiness(bare, 100).isReady).toBe(false);
  });
});

describe('trouble', () => {
  const condition = (type: string, status: string, reason: string): Record<string, unknown> => ({
    type,
    status,
    reason,
    message: `why ${reason}`,
  });

  it.each([
    ['Progressing', 'False', 'ProgressDeadlineExceeded', 'ProgressDeadlineExceeded'],
    ['ReplicaFailure', 'True', 'FailedCreate', 'FailedCreate'],
    ['Progressing', 'True', 'ReplicaSetUpdated', null],
    ['ReplicaFailure', 'False', 'FailedCreate', null],
    ['Available', 'False', 'MinimumReplicasUnavailable', null],
  ] as const)('condition %s=%s %s', (type, status, reason, expected) => {
    const found = findTrouble(aDeployment({ conditions: [condition(type, status, reason)] }), []);
    expect(found).toEqual(expected === null ? null : { reason: expected, message: `why ${reason}` });
  });

  it('of a generation before is none of this one', () => {
    const old = aDeployment({
      observed: 1,
      conditions: [condition('Progressing', 'False', 'ProgressDeadlineExceeded')],
    });
    expect(findTrouble(old, [])).toBeNull();
  });

  const pod = (
    container: Record<string, unknown>,
    member = 'containerStatuses',
    deletionTimestamp?: string,
  ): KubeObject =>
    stored({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'web-1-a', ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }) },
      status: {
        [member]: [
          { name: 'fine', state: { running: {} }, restartCount: 9 },
          { name: 'app', restartCount: 0, ...container },
        ],
      },
    });
  const waiting = (reason: string): Record<string, unknown> => ({ state: { waiting: { reason, message: 'because' } } });

  it.each([
    ['CrashLoopBackOff', 'CrashLoopBackOff'],
    ['ImagePullBackOff', 'ImagePullBackOff'],
    ['ErrImagePull', 'ImagePullBackOff'],
    ['InvalidImageName', 'ImagePullBackOff'],
    ['CreateContainerConfigError', 'CreateContainerError'],
    ['CreateContainerError', 'CreateContainerError'],
    ['ContainerCreating', null],
    ['PodInitializing', null],
    ['constructor', null],
  ] as const)('a container that waits with %s', (reason, expected) => {
    const found = findTrouble(aDeployment({}), [pod(waiting(reason))]);
    const message = `container "app" of pod web-1-a: ${reason}: because`;
    expect(found).toEqual(expected === null ? null : { reason: expected, message });
  });

  it('is seen at init containers too, and not at pods that are going away', () => {
    expect(findTrouble(aDeployment({}), [pod(waiting('CrashLoopBackOff'), 'initContainerStatuses')])?.reason).toBe(
      'CrashLoopBackOff',
    );
    expect(
      findTrouble(aDeployment({}), [pod(waiting('CrashLoopBackOff'), 'containerStatuses', '2026-01-01T00:00:00Z')]),
    ).toBeNull();
  });

  it('is a container that keeps ending in an error, but not one that ended once or well', () => {
    const ended = (exitCode: number, restartCount: number): Record<string, unknown> => ({
      state: { terminated: { exitCode } },
      restartCount,
    });
    expect(findTrouble(aDeployment({}), [pod(ended(1, 3))])?.message).toBe(
      'container "app" of pod web-1-a: ended with exit code 1 after 3 restarts',
    );
    expect(findTrouble(aDeployment({}), [pod(ended(1, 0))])).toBeNull();
    expect(findTrouble(aDeployment({}), [pod(ended(0, 5))])).toBeNull();
  });
});
