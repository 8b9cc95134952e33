// Cases: deleting, preconditions and finalizers.
import type { ApiCase } from './case-runner.ts';
import {
  CONFIG_MAPS,
  DEPLOYMENTS,
  JSON_PATCH,
  MERGE,
  PODS,
  configMap,
  deployment,
  get,
  of,
  patch,
  pod,
  post,
  remove,
} from './case-kit.ts';

/** The cases of this file. */
export const DELETION_CASES: readonly ApiCase[] = [
  of('delete answers with a Status', [post(CONFIG_MAPS, configMap('a')), remove(`${CONFIG_MAPS}/a`)], 200, {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: { name: 'a', kind: 'configmaps', uid: '{{0.metadata.uid}}' },
  }),
  of('delete in a group names it', [post(DEPLOYMENTS, deployment('a')), remove(`${DEPLOYMENTS}/a`)], 200, {
    status: 'Success',
    details: { name: 'a', group: 'apps', kind: 'deployments' },
  }),
  of('delete what is missing', [remove(`${CONFIG_MAPS}/a`)], 404, {
    reason: 'NotFound',
    message: 'configmaps "a" not found',
  }),
  of(
    'delete with another uid',
    [post(CONFIG_MAPS, configMap('a')), remove(`${CONFIG_MAPS}/a`, { preconditions: { uid: 'x' } })],
    409,
    {
      reason: 'Conflict',
      message:
        '/the UID in the precondition \\(x\\) does not match the UID in record \\({{0.metadata.uid}}\\). The object might have been deleted and then recreated$/',
    },
  ),
  of(
    'delete at a stale version',
    [post(CONFIG_MAPS, configMap('a')), remove(`${CONFIG_MAPS}/a`, { preconditions: { resourceVersion: '1' } })],
    409,
    {
      reason: 'Conflict',
      message:
        '/the ResourceVersion in the precondition \\(1\\) does not match the ResourceVersion in record \\({{0.metadata.resourceVersion}}\\). The object might have been modified$/',
    },
  ),
  of(
    'delete exactly',
    [
      post(CONFIG_MAPS, configMap('a')),
      remove(`${CONFIG_MAPS}/a`, {
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        preconditions: { uid: '{{0.metadata.uid}}', resourceVersion: '{{0.metadata.resourceVersion}}' },
      }),
    ],
    200,
    { status: 'Success' },
  ),
  of(
    'delete dry',
    [post(CONFIG_MAPS, configMap('a')), remove(`${CONFIG_MAPS}/a?dryRun=All`), get(`${CONFIG_MAPS}/a`)],
    200,
  ),
  of(
    'delete with an unknown policy',
    [post(CONFIG_MAPS, configMap('a')), remove(`${CONFIG_MAPS}/a`, { propagationPolicy: 'Soon' })],
    422,
    {
      reason: 'Invalid',
      message:
        '/propagationPolicy: Unsupported value: "Soon": supported values: "Foreground", "Background", "Orphan", "nil"$/',
    },
  ),
  of(
    'delete with a finalizer marks',
    [post(CONFIG_MAPS, configMap('a', {}, { finalizers: ['x.y/z'] })), remove(`${CONFIG_MAPS}/a`)],
    200,
    {
      kind: 'ConfigMap',
      metadata: { deletionTimestamp: '{{any}}', deletionGracePeriodSeconds: 0, finalizers: ['x.y/z'] },
    },
  ),
  of(
    'a marked object is still there',
    [
      post(CONFIG_MAPS, configMap('a', {}, { finalizers: ['x.y/z'] })),
      remove(`${CONFIG_MAPS}/a`),
      get(`${CONFIG_MAPS}/a`),
    ],
    200,
    { metadata: { deletionTimestamp: '{{any}}' } },
  ),
  of(
    'deleting twice changes nothing',
    [
      post(CONFIG_MAPS, configMap('a', {}, { finalizers: ['x.y/z'] })),
      remove(`${CONFIG_MAPS}/a`),
      remove(`${CONFIG_MAPS}/a`),
    ],
    200,
    { metadata: { resourceVersion: '{{1.metadata.resourceVersion}}' } },
  ),
  of(
    'a deletion mark is a new generation',
    [post(DEPLOYMENTS, deployment('a', {}, { finalizers: ['x.y/z'] })), remove(`${DEPLOYMENTS}/a`)],
    200,
    { metadata: { generation: 2 } },
  ),
  of(
    'the last finalizer off, the object gone',
    [
      post(CONFIG_MAPS, configMap('a', {}, { finalizers: ['x.y/z'] })),
      remove(`${CONFIG_MAPS}/a`),
      patch(`${CONFIG_MAPS}/a`, MERGE, { metadata: { finalizers: null } }),
      get(`${CONFIG_MAPS}/a`),
    ],
    404,
  ),
  of(
    'the write that takes the last finalizer off shows the object',
    [
      post(CONFIG_MAPS, configMap('a', {}, { finalizers: ['x.y/z'] })),
      remove(`${CONFIG_MAPS}/a`),
      patch(`${CONFIG_MAPS}/a`, MERGE, { metadata: { finalizers: null } }),
    ],
    200,
    {
      kind: 'ConfigMap',
      metadata: { name: 'a', finalizers: '{{absent}}', resourceVersion: '{{1.metadata.resourceVersion}}' },
    },
  ),
  of(
    'one of two finalizers off, the object stays',
    [
      post(CONFIG_MAPS, configMap('a', {}, { finalizers: ['x.y/z', 'x.y/q'] })),
      remove(`${CONFIG_MAPS}/a`),
      patch(`${CONFIG_MAPS}/a`, JSON_PATCH, [{ op: 'remove', path: '/metadata/finalizers/0' }]),
      get(`${CONFIG_MAPS}/a`),
    ],
    200,
    { metadata: { finalizers: ['x.y/q'] } },
  ),
  of(
    'no new finalizer on a marked object',
    [
      post(CONFIG_MAPS, configMap('a', {}, { finalizers: ['x.y/z'] })),
      remove(`${CONFIG_MAPS}/a`),
      patch(`${CONFIG_MAPS}/a`, MERGE, { metadata: { finalizers: ['x.y/z', 'n.e/w'] } }),
    ],
    422,
    {
      reason: 'Invalid',
      message:
        '/metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers \\[\\]string\\{"n.e\\/w"\\}/',
    },
  ),
  of(
    'a finalizer needs no slash to be refused',
    [post(CONFIG_MAPS, configMap('a', {}, { finalizers: ['a b'] }))],
    422,
    { reason: 'Invalid' },
  ),
  of(
    'foreground deletion leaves a finalizer',
    [post(DEPLOYMENTS, deployment('a')), remove(`${DEPLOYMENTS}/a`, { propagationPolicy: 'Foreground' })],
    200,
    { metadata: { finalizers: ['foregroundDeletion'], deletionTimestamp: '{{any}}' } },
  ),
  of(
    'orphaning leaves a finalizer',
    [post(DEPLOYMENTS, deployment('a')), remove(`${DEPLOYMENTS}/a`, { propagationPolicy: 'Orphan' })],
    200,
    { metadata: { finalizers: ['orphan'], deletionTimestamp: '{{any}}' } },
  ),
  of(
    'delete a collection',
    [
      post(CONFIG_MAPS, configMap('a', {}, { labels: { x: '1' } })),
      post(CONFIG_MAPS, configMap('b')),
      remove(`${CONFIG_MAPS}?labelSelector=x%3D1`),
      get(`${CONFIG_MAPS}/b`),
    ],
    200,
  ),
  of(
    'delete a collection takes the selected',
    [
      post(CONFIG_MAPS, configMap('a', {}, { labels: { x: '1' } })),
      remove(`${CONFIG_MAPS}?labelSelector=x%3D1`),
      get(`${CONFIG_MAPS}/a`),
    ],
    404,
  ),
  of('a pod without a node goes at once', [post(PODS, pod('a')), remove(`${PODS}/a`), get(`${PODS}/a`)], 404),
  of('a pod on a node ends gracefully', [post(PODS, pod('a', { nodeName: 'n' })), remove(`${PODS}/a`)], 200, {
    kind: 'Pod',
    metadata: { deletionTimestamp: '{{any}}', deletionGracePeriodSeconds: 30 },
  }),
  of(
    'a pod deleted with no grace goes at once',
    [post(PODS, pod('a', { nodeName: 'n' })), remove(`${PODS}/a`, { gracePeriodSeconds: 0 }), get(`${PODS}/a`)],
    404,
  ),
  of('a pod is shown when it is deleted', [post(PODS, pod('a')), remove(`${PODS}/a`)], 200, {
    kind: 'Pod',
    metadata: { name: 'a' },
  }),
];
