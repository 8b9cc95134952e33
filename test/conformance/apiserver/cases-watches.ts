// Cases: watches and tables.
import type { ApiCase, CaseRequest } from './case-runner.ts';
import {
  CONFIG_MAPS,
  DEPLOYMENTS,
  MERGE,
  WIDGETS,
  configMap,
  deployment,
  get,
  of,
  patch,
  post,
  remove,
  widget,
} from './case-kit.ts';

const map = (name: string, labels: Record<string, string> = {}): CaseRequest =>
  post(CONFIG_MAPS, configMap(name, {}, { labels }));

const options = (message: string) => ({
  reason: 'Invalid',
  message: `ListOptions.meta.k8s.io "" is invalid: ${message}`,
});

const watch = (path: string, more = ''): CaseRequest => get(`${path}?watch=true&timeoutSeconds=1${more}`);

const needingNewEtcd = (...parts: Parameters<typeof of>): ApiCase => ({ ...of(...parts), needs: 'etcd 3.4.25' });

const WATCHES: readonly ApiCase[] = [
  of(
    'a watch from a version shows what came after',
    [
      map('a'),
      map('b'),
      patch(`${CONFIG_MAPS}/a`, MERGE, { data: { k: '1' } }),
      remove(`${CONFIG_MAPS}/b`),
      watch(CONFIG_MAPS, '&resourceVersion={{0.metadata.resourceVersion}}'),
    ],
    200,
    [
      {
        type: 'ADDED',
        object: {
          kind: 'ConfigMap',
          apiVersion: 'v1',
          metadata: { name: 'b', resourceVersion: '{{1.metadata.resourceVersion}}' },
        },
      },
      {
        type: 'MODIFIED',
        object: { metadata: { name: 'a', resourceVersion: '{{2.metadata.resourceVersion}}' }, data: { k: '1' } },
      },
      { type: 'DELETED', object: { metadata: { name: 'b', resourceVersion: '{{any}}' } } },
    ],
  ),
  of('a watch from nowhere shows what is there', [map('a'), map('b'), watch(CONFIG_MAPS)], 200, [
    { type: 'ADDED', object: { metadata: { name: 'a' } } },
    { type: 'ADDED', object: { metadata: { name: 'b' } } },
  ]),
  of('a watch from 0 shows what is there', [map('a'), watch(CONFIG_MAPS, '&resourceVersion=0')], 200, [
    { type: 'ADDED', object: { metadata: { name: 'a' } } },
  ]),
  of(
    'leaving the selection looks like a deletion',
    [
      map('a', { app: 'x' }),
      patch(`${CONFIG_MAPS}/a`, MERGE, { metadata: { labels: { app: 'y' } } }),
      watch(CONFIG_MAPS, '&resourceVersion={{0.metadata.resourceVersion}}&labelSelector=app%3Dx'),
    ],
    200,
    [
      {
        type: 'DELETED',
        object: { metadata: { name: 'a', labels: { app: 'x' }, resourceVersion: '{{1.metadata.resourceVersion}}' } },
      },
    ],
  ),
  of(
    'coming into the selection looks like an addition',
    [
      map('a', { app: 'x' }),
      patch(`${CONFIG_MAPS}/a`, MERGE, { metadata: { labels: { app: 'y' } } }),
      watch(CONFIG_MAPS, '&resourceVersion={{0.metadata.resourceVersion}}&labelSelector=app%3Dy'),
    ],
    200,
    [{ type: 'ADDED', object: { metadata: { name: 'a', labels: { app: 'y' } } } }],
  ),
  of('a watch of one object', [map('a'), map('b'), watch(CONFIG_MAPS, '&fieldSelector=metadata.name%3Db')], 200, [
    { type: 'ADDED', object: { metadata: { name: 'b' } } },
  ]),
  needingNewEtcd(
    'a watch that sends what is there and says when that is done',
    [
      map('a'),
      watch(CONFIG_MAPS, '&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true'),
    ],
    200,
    [
      { type: 'ADDED', object: { metadata: { name: 'a' } } },
      {
        type: 'BOOKMARK',
        object: {
          kind: 'ConfigMap',
          apiVersion: 'v1',
          metadata: { annotations: { 'k8s.io/initial-events-end': 'true' }, resourceVersion: '{{any}}' },
        },
      },
    ],
  ),
  of(
    'sendInitialEvents without a match',
    [watch(CONFIG_MAPS, '&sendInitialEvents=true')],
    422,
    options('resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'),
  ),
  of(
    'a match without sendInitialEvents',
    [watch(CONFIG_MAPS, '&resourceVersion=1&resourceVersionMatch=NotOlderThan')],
    422,
    options(
      'resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
    ),
  ),
  of(
    'a watch as a table',
    [
      map('a'),
      get(`${CONFIG_MAPS}?watch=true&timeoutSeconds=1`, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' }),
    ],
    200,
    [
      {
        type: 'ADDED',
        object: {
          kind: 'Table',
          columnDefinitions: [{ name: 'Name' }, { name: 'Data' }, { name: 'Age' }],
          rows: [{ cells: ['a', 0, '/s$/'] }],
        },
      },
    ],
  ),
  of(
    'a watch of metadata',
    [
      map('a'),
      get(`${CONFIG_MAPS}?watch=true&timeoutSeconds=1`, {
        accept: 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io',
      }),
    ],
    200,
    [
      {
        type: 'ADDED',
        object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: { name: 'a' } },
      },
    ],
  ),
  of('a watch with a version that is no number', [watch(CONFIG_MAPS, '&resourceVersion=abc')], 500, {
    code: 500,
    message: '/^resourceVersion: Invalid value: "abc"/',
  }),
];

const TABLES: readonly ApiCase[] = [
  of(
    'a table of a custom kind',
    [post(WIDGETS, widget('a', { size: 3 })), get(WIDGETS, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' })],
    200,
    {
      kind: 'Table',
      columnDefinitions: [
        { name: 'Name', type: 'string', format: 'name', priority: 0 },
        {
          name: 'Size',
          type: 'integer',
          format: '',
          priority: 0,
          description: 'Custom resource definition column (in JSONPath format): .spec.size',
        },
        { name: 'Color', priority: 1 },
        { name: 'Ready' },
        { name: 'Age', type: 'date' },
      ],
      rows: [{ cells: ['a', 3, 'red', null, '/s$/'] }],
    },
  ),
  of(
    'a column that looks into conditions',
    [
      post(WIDGETS, widget('a', { size: 3 })),
      patch(`${WIDGETS}/a/status`, MERGE, {
        status: {
          conditions: [
            { type: 'Other', status: 'False' },
            { type: 'Ready', status: 'True' },
          ],
        },
      }),
      get(WIDGETS, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' }),
    ],
    200,
    { rows: [{ cells: ['a', 3, 'red', 'True', '/s$/'] }] },
  ),
  of(
    'a table of Deployments',
    [
      post(DEPLOYMENTS, deployment('a', { replicas: 2 })),
      get(DEPLOYMENTS, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' }),
    ],
    200,
    {
      columnDefinitions: ['Name', 'Ready', 'Up-to-date', 'Available', 'Age', 'Containers', 'Images', 'Selector'].map(
        (name) => ({ name }),
      ),
      rows: [{ cells: ['a', '0/2', 0, 0, '/s$/', 'main', 'app:1', 'app=a'] }],
    },
  ),
  of(
    'a table with whole objects',
    [
      post(DEPLOYMENTS, deployment('a')),
      get(`${DEPLOYMENTS}?includeObject=Object`, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' }),
    ],
    200,
    { rows: [{ object: { kind: 'Deployment', apiVersion: 'apps/v1', spec: { replicas: 1 } } }] },
  ),
  of(
    'a table without objects',
    [
      post(DEPLOYMENTS, deployment('a')),
      get(`${DEPLOYMENTS}?includeObject=None`, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' }),
    ],
    200,
    { rows: [{ cells: ['a', '0/1', 0, 0, '/s$/', 'main', 'app:1', 'app=a'] }] },
  ),
];

/** The cases of this file. */
export const WATCH_CASES: readonly ApiCase[] = [...WATCHES, ...TABLES];
