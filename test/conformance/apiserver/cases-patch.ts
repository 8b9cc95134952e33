// Cases: JSON Patch and merge patch.
import type { ApiCase } from './case-runner.ts';
import {
  CONFIG_MAPS,
  DEPLOYMENTS,
  JSON_PATCH,
  MERGE,
  STALE,
  configMap,
  deployment,
  failure,
  get,
  of,
  patch,
  post,
} from './case-kit.ts';

const REJECTED = failure('Invalid', 'the server rejected our request due to an error in our request', {
  details: {},
  code: 422,
});

const MAP = post(CONFIG_MAPS, configMap('a', { k: '1', other: 'x' }));

const json = (...operations: unknown[]) => patch(`${CONFIG_MAPS}/a`, JSON_PATCH, operations);

const merge = (body: unknown) => patch(`${CONFIG_MAPS}/a`, MERGE, body);

const JSON_CASES: readonly ApiCase[] = [
  of('JSON Patch replaces', [MAP, json({ op: 'replace', path: '/data/k', value: '2' })], 200, {
    data: { k: '2', other: 'x' },
  }),
  of(
    'JSON Patch adds and removes',
    [MAP, json({ op: 'add', path: '/data/n', value: '3' }, { op: 'remove', path: '/data/other' })],
    200,
    { data: { k: '1', n: '3', other: '{{absent}}' } },
  ),
  of(
    'JSON Patch with escapes',
    [
      MAP,
      json(
        { op: 'add', path: '/metadata/annotations', value: {} },
        { op: 'add', path: '/metadata/annotations/a.b~1c', value: 'v' },
      ),
    ],
    200,
    { metadata: { annotations: { 'a.b/c': 'v' } } },
  ),
  of(
    'JSON Patch copies and moves',
    [MAP, json({ op: 'copy', from: '/data/k', path: '/data/c' }, { op: 'move', from: '/data/other', path: '/data/m' })],
    200,
    { data: { k: '1', c: '1', m: 'x', other: '{{absent}}' } },
  ),
  of(
    'JSON Patch test that holds',
    [MAP, json({ op: 'test', path: '/data/k', value: '1' }, { op: 'replace', path: '/data/k', value: '2' })],
    200,
    { data: { k: '2' } },
  ),
  of(
    'JSON Patch test that fails',
    [MAP, json({ op: 'test', path: '/data/k', value: '9' }, { op: 'replace', path: '/data/k', value: '2' })],
    422,
    REJECTED,
  ),
  of(
    'JSON Patch test of the version that fails',
    [MAP, json({ op: 'test', path: '/metadata/resourceVersion', value: '1' })],
    422,
    REJECTED,
  ),
  of(
    'JSON Patch replaces the version: stale',
    [
      MAP,
      json(
        { op: 'replace', path: '/metadata/resourceVersion', value: '1' },
        { op: 'replace', path: '/data/k', value: '2' },
      ),
    ],
    409,
    failure('Conflict', `Operation cannot be fulfilled on configmaps "a": ${STALE}`),
  ),
  of(
    'JSON Patch replaces the version: stale, and nothing changes',
    [MAP, json({ op: 'replace', path: '/metadata/resourceVersion', value: '1' })],
    409,
    { reason: 'Conflict' },
  ),
  of(
    'JSON Patch replaces the version: right',
    [
      MAP,
      json(
        { op: 'replace', path: '/metadata/resourceVersion', value: '{{0.metadata.resourceVersion}}' },
        { op: 'replace', path: '/data/k', value: '2' },
      ),
    ],
    200,
    { data: { k: '2' } },
  ),
  of(
    'JSON Patch that changes nothing keeps the version',
    [MAP, json({ op: 'replace', path: '/data/k', value: '1' })],
    200,
    { metadata: { resourceVersion: '{{0.metadata.resourceVersion}}' } },
  ),
  of(
    'JSON Patch replaces a member that is missing',
    [MAP, json({ op: 'replace', path: '/data/none', value: '2' })],
    200,
    { data: { none: '2' } },
  ),
  of(
    'JSON Patch replaces below what is missing',
    [MAP, json({ op: 'replace', path: '/none/deeper', value: '2' })],
    422,
    REJECTED,
  ),
  of('JSON Patch removes what is missing', [MAP, json({ op: 'remove', path: '/data/none' })], 422, REJECTED),
  of(
    'JSON Patch adds below what is missing',
    [MAP, json({ op: 'add', path: '/none/deeper', value: '2' })],
    422,
    REJECTED,
  ),
  of('JSON Patch of an unknown operation', [MAP, json({ op: 'spin', path: '/data/k', value: '2' })], 422, REJECTED),
  of('JSON Patch that is no list', [MAP, patch(`${CONFIG_MAPS}/a`, JSON_PATCH, {})], 400, {
    reason: 'BadRequest',
    message: '/^error decoding patch: json: cannot unmarshal object into Go value of type/',
  }),
  of(
    'JSON Patch that is no JSON',
    [MAP, patch(`${CONFIG_MAPS}/a`, JSON_PATCH, '[{')],
    400,
    failure('BadRequest', 'error decoding patch: unexpected end of JSON input'),
  ),
  of('JSON Patch of what is missing', [json({ op: 'add', path: '/data', value: {} })], 404, { reason: 'NotFound' }),
  of(
    'JSON Patch appends to a list',
    [
      post(CONFIG_MAPS, configMap('a', {}, { finalizers: ['a.b/c'] })),
      json({ op: 'add', path: '/metadata/finalizers/-', value: 'd.e/f' }),
    ],
    200,
    { metadata: { finalizers: ['a.b/c', 'd.e/f'] } },
  ),
  of(
    'JSON Patch inserts into a list',
    [
      post(CONFIG_MAPS, configMap('a', {}, { finalizers: ['a.b/c'] })),
      json({ op: 'add', path: '/metadata/finalizers/0', value: 'd.e/f' }),
    ],
    200,
    { metadata: { finalizers: ['d.e/f', 'a.b/c'] } },
  ),
  of(
    'JSON Patch past the end of a list',
    [
      post(CONFIG_MAPS, configMap('a', {}, { finalizers: ['a.b/c'] })),
      json({ op: 'add', path: '/metadata/finalizers/5', value: 'd.e/f' }),
    ],
    422,
    REJECTED,
  ),
];

const MERGE_CASES: readonly ApiCase[] = [
  of('merge patch joins', [MAP, merge({ data: { k: '2' } })], 200, { data: { k: '2', other: 'x' } }),
  of('merge patch removes with null', [MAP, merge({ data: { other: null } })], 200, {
    data: { k: '1', other: '{{absent}}' },
  }),
  of('merge patch at a stale version', [MAP, merge({ metadata: { resourceVersion: '1' }, data: { k: '2' } })], 409, {
    reason: 'Conflict',
    message: `Operation cannot be fulfilled on configmaps "a": ${STALE}`,
  }),
  of('merge patch at a stale version that changes nothing', [MAP, merge({ metadata: { resourceVersion: '1' } })], 409, {
    reason: 'Conflict',
  }),
  of(
    'merge patch at the right version',
    [MAP, merge({ metadata: { resourceVersion: '{{0.metadata.resourceVersion}}' }, data: { k: '2' } })],
    200,
    { data: { k: '2' } },
  ),
  of('merge patch that changes nothing keeps the version', [MAP, merge({ data: { k: '1' } })], 200, {
    metadata: { resourceVersion: '{{0.metadata.resourceVersion}}' },
  }),
  of(
    'merge patch of the name',
    [MAP, merge({ metadata: { name: 'b' } })],
    400,
    failure('BadRequest', 'the name of the object (b) does not match the name on the URL (a)'),
  ),
  of('merge patch of the uid', [MAP, merge({ metadata: { uid: 'x' } })], 422, {
    reason: 'Invalid',
    message: 'ConfigMap "a" is invalid: metadata.uid: Invalid value: "x": field is immutable',
  }),
  of(
    'merge patch that is a list',
    [MAP, merge([])],
    400,
    failure(
      'BadRequest',
      'error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}',
    ),
  ),
  of(
    'merge patch that is no JSON',
    [MAP, merge('[{')],
    400,
    failure('BadRequest', 'error decoding patch: unexpected end of JSON input'),
  ),
  of('merge patch of what is missing', [merge({ data: {} })], 404, { reason: 'NotFound' }),
  of(
    'merge patch replaces lists',
    [
      post(DEPLOYMENTS, deployment('a')),
      patch(`${DEPLOYMENTS}/a`, MERGE, {
        spec: { template: { spec: { containers: [{ name: 'only', image: 'b:2' }] } } },
      }),
    ],
    200,
    {
      spec: {
        template: {
          spec: { containers: [{ name: 'only', image: 'b:2', imagePullPolicy: 'IfNotPresent', ports: '{{absent}}' }] },
        },
      },
    },
  ),
  of(
    'patch of an unknown type',
    [MAP, patch(`${CONFIG_MAPS}/a`, { 'content-type': 'application/json' }, {})],
    415,
    failure('UnsupportedMediaType', '415: Unsupported Media Type', { details: {}, code: 415 }),
  ),
  of(
    'patch dry',
    [MAP, patch(`${CONFIG_MAPS}/a?dryRun=All`, MERGE, { data: { k: '2' } }), get(`${CONFIG_MAPS}/a`)],
    200,
    { data: { k: '1' } },
  ),
  of('patch dry shows the outcome', [MAP, patch(`${CONFIG_MAPS}/a?dryRun=All`, MERGE, { data: { k: '2' } })], 200, {
    data: { k: '2' },
    metadata: { resourceVersion: '{{0.metadata.resourceVersion}}' },
  }),
  of('force with a merge patch', [MAP, patch(`${CONFIG_MAPS}/a?force=true`, MERGE, {})], 422, {
    message: 'PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified for non-apply patch',
  }),
];

/** The cases of this file. */
export const PATCH_CASES: readonly ApiCase[] = [...JSON_CASES, ...MERGE_CASES];
