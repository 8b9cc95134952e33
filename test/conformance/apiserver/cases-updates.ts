// Cases: replacing, generations, status and scale.
import type { ApiCase } from './case-runner.ts';
import {
  CONFIG_MAPS,
  DEPLOYMENTS,
  MERGE,
  STALE,
  configMap,
  deployment,
  failure,
  get,
  of,
  patch,
  post,
  put,
} from './case-kit.ts';

/** The cases of this file. */
export const UPDATE_CASES: readonly ApiCase[] = [
  of(
    'replace at the right version',
    [
      post(CONFIG_MAPS, configMap('a', { k: '1' })),
      put(`${CONFIG_MAPS}/a`, configMap('a', { k: '2' }, { resourceVersion: '{{0.metadata.resourceVersion}}' })),
    ],
    200,
    { data: { k: '2' } },
  ),
  of(
    'replace at a stale version',
    [
      post(CONFIG_MAPS, configMap('a', { k: '1' })),
      put(`${CONFIG_MAPS}/a`, configMap('a', { k: '2' }, { resourceVersion: '1' })),
    ],
    409,
    failure('Conflict', `Operation cannot be fulfilled on configmaps "a": ${STALE}`, {
      code: 409,
      details: { name: 'a', kind: 'configmaps' },
    }),
  ),
  of(
    'replace a built-in kind without a version',
    [post(CONFIG_MAPS, configMap('a', { k: '1' })), put(`${CONFIG_MAPS}/a`, configMap('a', { k: '2' }))],
    200,
    { data: { k: '2' } },
  ),
  of(
    'replace what is missing',
    [put(`${CONFIG_MAPS}/a`, configMap('a'))],
    404,
    failure('NotFound', 'configmaps "a" not found', { details: { name: 'a', kind: 'configmaps' } }),
  ),
  of(
    'replace under another name',
    [post(CONFIG_MAPS, configMap('a')), put(`${CONFIG_MAPS}/a`, configMap('b'))],
    400,
    failure('BadRequest', 'the name of the object (b) does not match the name on the URL (a)'),
  ),
  of(
    'replace with another uid',
    [post(CONFIG_MAPS, configMap('a')), put(`${CONFIG_MAPS}/a`, configMap('a', {}, { uid: 'x' }))],
    409,
    {
      reason: 'Conflict',
      message: '/Precondition failed: UID in precondition: x, UID in object meta: {{0.metadata.uid}}$/',
    },
  ),
  of(
    'replace with the same keeps the version',
    [post(CONFIG_MAPS, configMap('a', { k: '1' })), put(`${CONFIG_MAPS}/a`, configMap('a', { k: '1' }))],
    200,
    { metadata: { resourceVersion: '{{0.metadata.resourceVersion}}' } },
  ),
  of(
    'replace keeps creation time and uid',
    [
      post(CONFIG_MAPS, configMap('a')),
      put(`${CONFIG_MAPS}/a`, configMap('a', { k: '1' }, { creationTimestamp: '2001-01-01T00:00:00Z' })),
    ],
    200,
    { metadata: { uid: '{{0.metadata.uid}}', creationTimestamp: '{{0.metadata.creationTimestamp}}' } },
  ),
  of('replace the collection', [put(CONFIG_MAPS, configMap('a'))], 405, { reason: 'MethodNotAllowed' }),
  of(
    'a new spec is a new generation',
    [post(DEPLOYMENTS, deployment('a')), patch(`${DEPLOYMENTS}/a`, MERGE, { spec: { replicas: 3 } })],
    200,
    { metadata: { generation: 2 }, spec: { replicas: 3 } },
  ),
  of(
    'labels are no new generation',
    [post(DEPLOYMENTS, deployment('a')), patch(`${DEPLOYMENTS}/a`, MERGE, { metadata: { labels: { x: 'y' } } })],
    200,
    { metadata: { generation: 1, labels: { x: 'y' } } },
  ),
  of(
    'annotations of a Deployment are a new generation',
    [post(DEPLOYMENTS, deployment('a')), patch(`${DEPLOYMENTS}/a`, MERGE, { metadata: { annotations: { x: 'y' } } })],
    200,
    { metadata: { generation: 2 } },
  ),
  of(
    'the main resource does not take status',
    [post(DEPLOYMENTS, deployment('a')), patch(`${DEPLOYMENTS}/a`, MERGE, { status: { replicas: 7 } })],
    200,
    { status: { replicas: '{{absent}}' }, metadata: { resourceVersion: '{{0.metadata.resourceVersion}}' } },
  ),
  of(
    'the status subresource does not take spec',
    [
      post(DEPLOYMENTS, deployment('a')),
      patch(`${DEPLOYMENTS}/a/status`, MERGE, {
        spec: { replicas: 7 },
        status: { replicas: 2, observedGeneration: 1 },
      }),
    ],
    200,
    { spec: { replicas: 1 }, status: { replicas: 2, observedGeneration: 1 }, metadata: { generation: 1 } },
  ),
  of(
    'a status write may carry annotations but no labels of a Deployment',
    [
      post(DEPLOYMENTS, deployment('a')),
      patch(`${DEPLOYMENTS}/a/status`, MERGE, {
        metadata: { annotations: { x: 'y' }, labels: { q: 'r' } },
        status: { replicas: 2 },
      }),
    ],
    200,
    { metadata: { annotations: { x: 'y' }, labels: '{{absent}}' } },
  ),
  of(
    'status at a stale version',
    [
      post(DEPLOYMENTS, deployment('a')),
      patch(`${DEPLOYMENTS}/a/status`, MERGE, { metadata: { resourceVersion: '1' }, status: { replicas: 2 } }),
    ],
    409,
    { reason: 'Conflict' },
  ),
  of('scale is read', [post(DEPLOYMENTS, deployment('a', { replicas: 2 })), get(`${DEPLOYMENTS}/a/scale`)], 200, {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name: 'a', uid: '{{0.metadata.uid}}', resourceVersion: '{{0.metadata.resourceVersion}}' },
    spec: { replicas: 2 },
    status: { replicas: 0, selector: 'app=a' },
  }),
  of(
    'scale is patched',
    [
      post(DEPLOYMENTS, deployment('a')),
      patch(`${DEPLOYMENTS}/a/scale`, MERGE, { spec: { replicas: 5 } }),
      get(`${DEPLOYMENTS}/a`),
    ],
    200,
    { spec: { replicas: 5 }, metadata: { generation: 2 } },
  ),
  of(
    'scale is replaced',
    [
      post(DEPLOYMENTS, deployment('a')),
      put(`${DEPLOYMENTS}/a/scale`, {
        apiVersion: 'autoscaling/v1',
        kind: 'Scale',
        metadata: { name: 'a', namespace: '{{ns}}' },
        spec: { replicas: 4 },
      }),
    ],
    200,
    { kind: 'Scale', spec: { replicas: 4 } },
  ),
  of(
    'scale at a stale version',
    [
      post(DEPLOYMENTS, deployment('a')),
      put(`${DEPLOYMENTS}/a/scale`, {
        apiVersion: 'autoscaling/v1',
        kind: 'Scale',
        metadata: { name: 'a', namespace: '{{ns}}', resourceVersion: '1' },
        spec: { replicas: 4 },
      }),
    ],
    409,
    { reason: 'Conflict' },
  ),
  of(
    'scale below zero',
    [post(DEPLOYMENTS, deployment('a')), patch(`${DEPLOYMENTS}/a/scale`, MERGE, { spec: { replicas: -1 } })],
    422,
    { reason: 'Invalid' },
  ),
  of(
    'scale of a kind without',
    [post(CONFIG_MAPS, configMap('a')), get(`${CONFIG_MAPS}/a/scale`)],
    404,
    failure('NotFound', 'the server could not find the requested resource', { details: {} }),
  ),
];
