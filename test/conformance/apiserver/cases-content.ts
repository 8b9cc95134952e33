// Cases: content types of requests and answers, and who is noted as a manager.
import type { ApiCase } from './case-runner.ts';
import {
  APPLY,
  CONFIG_MAPS,
  DEPLOYMENTS,
  JSON_PATCH,
  MERGE,
  STRATEGIC,
  WIDGETS,
  apply,
  configMap,
  deployment,
  failure,
  get,
  of,
  patch,
  post,
  put,
  remove,
  widget,
} from './case-kit.ts';

const YAML = 'application/yaml';
const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io';
const PARTIAL = 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io';
const PARTIALS = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io';

const a = post(CONFIG_MAPS, configMap('a', { k: 'v' }));

const CONTENT: readonly ApiCase[] = [
  of('an object as YAML', [a, get(`${CONFIG_MAPS}/a`, { accept: YAML })], 200, { kind: 'ConfigMap', data: { k: 'v' } }),
  of('a custom object as YAML', [post(WIDGETS, widget('a', { size: 1 })), get(`${WIDGETS}/a`, { accept: YAML })], 200, {
    kind: 'Widget',
    spec: { size: 1, color: 'red' },
  }),
  of('a list as YAML', [a, get(CONFIG_MAPS, { accept: YAML })], 200, { kind: 'ConfigMapList' }),
  of('a refusal as YAML', [get(`${CONFIG_MAPS}/a`, { accept: YAML })], 404, { kind: 'Status', reason: 'NotFound' }),
  of('anything will do', [a, get(`${CONFIG_MAPS}/a`, { accept: '*/*' })], 200, { kind: 'ConfigMap' }),
  of('weights of forms are of no account', [a, get(`${CONFIG_MAPS}/a`, { accept: `${YAML};q=0.1, */*;q=0.9` })], 200, {
    kind: 'ConfigMap',
  }),
  of('a table or else the object', [a, get(`${CONFIG_MAPS}/a`, { accept: `${TABLE}, application/json` })], 200, {
    kind: 'Table',
  }),
  of(
    'metadata of a custom object',
    [post(WIDGETS, widget('a', { size: 1 })), get(`${WIDGETS}/a`, { accept: PARTIAL })],
    200,
    {
      kind: 'PartialObjectMetadata',
      metadata: { name: 'a' },
      spec: '{{absent}}',
    },
  ),
  of('metadata of custom objects', [post(WIDGETS, widget('a', { size: 1 })), get(WIDGETS, { accept: PARTIALS })], 200, {
    kind: 'PartialObjectMetadataList',
    items: [{ metadata: { name: 'a' } }],
  }),
  of(
    'a page of a table',
    [a, post(CONFIG_MAPS, configMap('b')), get(`${CONFIG_MAPS}?limit=1`, { accept: TABLE })],
    200,
    {
      kind: 'Table',
      metadata: { continue: '{{any}}', remainingItemCount: 1 },
    },
  ),
  of(
    'JSON with a character set',
    [post(CONFIG_MAPS, configMap('a'), { 'content-type': 'application/json; charset=utf-8' })],
    201,
    { kind: 'ConfigMap' },
  ),
  of(
    'a custom object from YAML',
    [
      post(WIDGETS, 'apiVersion: cases.serin.dev/v1\nkind: Widget\nmetadata: {name: a}\nspec: {size: 2}\n', {
        'content-type': YAML,
      }),
    ],
    201,
    { spec: { size: 2, color: 'red' } },
  ),
  of('a custom object from text', [post(WIDGETS, widget('a', { size: 1 }), { 'content-type': 'text/plain' })], 415, {
    reason: 'UnsupportedMediaType',
  }),
  of(
    'a patch that does not say what it is',
    [a, patch(`${CONFIG_MAPS}/a`, { 'content-type': 'application/json' }, {})],
    415,
    {
      reason: 'UnsupportedMediaType',
    },
  ),
  of(
    'a patch of a custom object that does not say what it is',
    [post(WIDGETS, widget('a', { size: 1 })), patch(`${WIDGETS}/a`, { 'content-type': 'application/json' }, {})],
    415,
    { reason: 'UnsupportedMediaType' },
  ),
  of(
    'apply from JSON',
    [patch(`${CONFIG_MAPS}/a?fieldManager=m`, APPLY, JSON.stringify(configMap('a', { k: '1' }, {})))],
    201,
    {
      data: { k: '1' },
    },
  ),
  of('apply that is no YAML', [patch(`${CONFIG_MAPS}/a?fieldManager=m`, APPLY, '{"a')], 400, { reason: 'BadRequest' }),
  of('PUT of a list path', [put(CONFIG_MAPS, configMap('a'))], 405, { reason: 'MethodNotAllowed' }),
  of('PATCH of a list path', [patch(CONFIG_MAPS, MERGE, {})], 405, { reason: 'MethodNotAllowed' }),
  of('HEAD of an object', [a, { method: 'HEAD', path: `${CONFIG_MAPS}/a` }], 405),
  of(
    'a finalizer of a custom object needs no slash',
    [post(WIDGETS, { ...widget('a', { size: 1 }), metadata: { name: 'a', finalizers: ['abc'] } })],
    201,
    { metadata: { finalizers: ['abc'] } },
  ),
  of(
    'a finalizer of a built-in object needs a slash',
    [post(CONFIG_MAPS, configMap('a', {}, { finalizers: ['abc'] }))],
    422,
    { reason: 'Invalid' },
  ),
  of('empty labels are none', [post(CONFIG_MAPS, configMap('a', { k: 'v' }, { labels: {}, annotations: {} }))], 201, {
    metadata: { labels: '{{absent}}', annotations: '{{absent}}' },
  }),
  of(
    'empty labels of a custom object are none',
    [post(WIDGETS, { ...widget('a', { size: 1, free: {} }), metadata: { name: 'a', labels: {}, finalizers: [] } })],
    201,
    { metadata: { labels: '{{absent}}', finalizers: '{{absent}}' }, spec: { free: {} } },
  ),
];

const managed = (entry: unknown): unknown => ({ metadata: { managedFields: [entry] } });

const MANAGERS: readonly ApiCase[] = [
  of(
    'what nobody owned is noted for nobody',
    [post(CONFIG_MAPS, configMap('a')), put(`${CONFIG_MAPS}/a`, configMap('a', { k: '1' }))],
    200,
    {
      metadata: { managedFields: '{{absent}}' },
    },
  ),
  of(
    'the name of a program is a manager',
    [post(CONFIG_MAPS, configMap('a', { k: '1' }), { 'user-agent': 'kubectl/v1.36.3 (linux/amd64)' })],
    201,
    managed({ manager: 'kubectl', operation: 'Update' }),
  ),
  of(
    'two programs own what each has set',
    [
      post(`${CONFIG_MAPS}?fieldManager=one`, configMap('a', { k: '1' })),
      patch(`${CONFIG_MAPS}/a?fieldManager=two`, MERGE, { data: { l: '2' } }),
    ],
    200,
    { metadata: { managedFields: [{ manager: '{{any}}' }, { manager: '{{any}}' }] } },
  ),
  of(
    'what is removed is owned by nobody',
    [
      post(`${CONFIG_MAPS}?fieldManager=one`, configMap('a', { k: '1', l: '2' })),
      patch(`${CONFIG_MAPS}/a?fieldManager=two`, JSON_PATCH, [{ op: 'remove', path: '/data/l' }]),
    ],
    200,
    managed({ manager: 'one', fieldsV1: { 'f:data': { '.': {}, 'f:k': {} } } }),
  ),
  of('managers may be forgotten', [a, patch(`${CONFIG_MAPS}/a`, MERGE, { metadata: { managedFields: [{}] } })], 200, {
    metadata: { managedFields: '{{absent}}' },
  }),
  of(
    'the status has managers of its own',
    [
      post(`${WIDGETS}?fieldManager=one`, widget('a', { size: 1 })),
      patch(`${WIDGETS}/a/status?fieldManager=one`, MERGE, { status: { phase: 'Good' } }),
    ],
    200,
    { metadata: { managedFields: [{ manager: 'one' }, { manager: 'one', subresource: 'status' }] } },
  ),
  of(
    'the status of a Deployment has managers of its own',
    [
      post(`${DEPLOYMENTS}?fieldManager=one`, deployment('a')),
      patch(`${DEPLOYMENTS}/a/status?fieldManager=two`, STRATEGIC, {
        status: { conditions: [{ type: 'Available', status: 'True' }], replicas: 1, observedGeneration: 1 },
      }),
    ],
    200,
    { status: { replicas: 1 } },
  ),
  of(
    'an image is owned by who changed it last',
    [
      post(`${DEPLOYMENTS}?fieldManager=one`, deployment('a')),
      patch(`${DEPLOYMENTS}/a?fieldManager=two`, STRATEGIC, {
        spec: { template: { spec: { containers: [{ name: 'main', image: 'app:2' }] } } },
      }),
    ],
    200,
    { metadata: { generation: 2 } },
  ),
  of(
    'a fence of an annotation is owned apart',
    [
      post(`${WIDGETS}?fieldManager=one`, widget('a', { size: 1 })),
      patch(`${WIDGETS}/a?fieldManager=serin`, JSON_PATCH, [
        { op: 'replace', path: '/metadata/resourceVersion', value: '{{0.metadata.resourceVersion}}' },
        { op: 'add', path: '/metadata/annotations', value: { 'fence.serin.dev/x': '1/2' } },
      ]),
    ],
    200,
    { metadata: { annotations: { 'fence.serin.dev/x': '1/2' }, generation: 1 } },
  ),
  of(
    'a second fence takes the place of the first',
    [
      post(WIDGETS, {
        ...widget('a', { size: 1 }),
        metadata: { name: 'a', annotations: { 'fence.serin.dev/x': '1/1' } },
      }),
      patch(`${WIDGETS}/a?fieldManager=serin`, JSON_PATCH, [
        { op: 'replace', path: '/metadata/resourceVersion', value: '{{0.metadata.resourceVersion}}' },
        { op: 'test', path: '/metadata/annotations/fence.serin.dev~1x', value: '1/1' },
        { op: 'replace', path: '/metadata/annotations/fence.serin.dev~1x', value: '1/2' },
      ]),
    ],
    200,
    { metadata: { annotations: { 'fence.serin.dev/x': '1/2' } } },
  ),
  of(
    'a stale fence',
    [
      post(WIDGETS, widget('a', { size: 1 })),
      patch(`${WIDGETS}/a`, MERGE, { spec: { size: 2 } }),
      patch(`${WIDGETS}/a?fieldManager=serin`, JSON_PATCH, [
        { op: 'replace', path: '/metadata/resourceVersion', value: '{{0.metadata.resourceVersion}}' },
        { op: 'add', path: '/metadata/annotations', value: { 'fence.serin.dev/x': '1/2' } },
      ]),
    ],
    409,
    { reason: 'Conflict' },
  ),
  of(
    'PUT of a status at a stale version',
    [
      post(WIDGETS, widget('a', { size: 1 })),
      patch(`${WIDGETS}/a`, MERGE, { spec: { size: 2 } }),
      put(`${WIDGETS}/a/status`, {
        ...widget('a', { size: 1 }, { status: { phase: 'x' } }),
        metadata: { name: 'a', resourceVersion: '{{0.metadata.resourceVersion}}' },
      }),
    ],
    409,
    { reason: 'Conflict' },
  ),
  of(
    'PUT of a status changes nothing else',
    [
      post(WIDGETS, widget('a', { size: 1 })),
      put(`${WIDGETS}/a/status`, {
        ...widget('a', { size: 7 }, { status: { phase: 'x' } }),
        metadata: {
          name: 'a',
          resourceVersion: '{{0.metadata.resourceVersion}}',
          labels: { app: 'x' },
          annotations: { note: 'y' },
        },
      }),
    ],
    200,
    { spec: { size: 1 }, status: { phase: 'x' }, metadata: { labels: '{{absent}}', annotations: '{{absent}}' } },
  ),
  of(
    'apply of a Deployment after its creation by another',
    [
      post(`${DEPLOYMENTS}?fieldManager=one`, deployment('a', { replicas: 3 })),
      apply(`${DEPLOYMENTS}/a`, 'serin', deployment('a', { replicas: 2 })),
    ],
    409,
    failure('Conflict', '/conflict/', { message: '/^Apply failed with \\d+ conflict/' }),
  ),
  of(
    'delete in a collection leaves what has a finalizer',
    [
      post(CONFIG_MAPS, configMap('a', {}, { finalizers: ['n.e/x'] })),
      post(CONFIG_MAPS, configMap('b')),
      remove(CONFIG_MAPS),
      get(CONFIG_MAPS),
    ],
    200,
    { items: [{ metadata: { name: 'a', deletionTimestamp: '{{any}}' } }] },
  ),
];

/** The cases of this file. */
export const CONTENT_CASES: readonly ApiCase[] = [...CONTENT, ...MANAGERS];
