// Cases: paths, methods, media types and discovery.
import type { ApiCase } from './case-runner.ts';
import { CONFIG_MAPS, configMap, failure, get, of, post } from './case-kit.ts';

/** The cases of this file. */
export const PATH_CASES: readonly ApiCase[] = [
  of(
    'get what is missing',
    [get(`${CONFIG_MAPS}/a`)],
    404,
    failure('NotFound', 'configmaps "a" not found', { code: 404, details: { name: 'a', kind: 'configmaps' } }),
  ),
  of('get from a namespace that is missing', [get('/api/v1/namespaces/none-{{ns}}/configmaps/a')], 404, {
    message: 'configmaps "a" not found',
  }),
  of('list of a namespace that is missing', [get('/api/v1/namespaces/none-{{ns}}/configmaps')], 200, {
    kind: 'ConfigMapList',
    items: [],
  }),
  of('an unknown group', [get('/apis/no.such.group/v1/things')], 404, '404 page not found\n'),
  of(
    'an unknown resource',
    [get('/api/v1/things')],
    404,
    failure('NotFound', 'the server could not find the requested resource', { details: {}, code: 404 }),
  ),
  of('an unknown path', [get('/no/such/path')], 404, '404 page not found\n'),
  of('an unknown subresource', [post(CONFIG_MAPS, configMap('a')), get(`${CONFIG_MAPS}/a/status`)], 404, {
    reason: 'NotFound',
    message: 'the server could not find the requested resource',
  }),
  of(
    'no form that can be served',
    [post(CONFIG_MAPS, configMap('a')), get(`${CONFIG_MAPS}/a`, { accept: 'text/html' })],
    406,
    failure(
      'NotAcceptable',
      '406: Not Acceptable\n\nAvailable representations: application/json, application/yaml, application/vnd.kubernetes.protobuf',
      { code: 406 },
    ),
  ),
  of(
    'a form among others',
    [post(CONFIG_MAPS, configMap('a')), get(`${CONFIG_MAPS}/a`, { accept: 'text/html, application/json' })],
    200,
    { kind: 'ConfigMap' },
  ),
  of(
    'metadata only',
    [
      post(CONFIG_MAPS, configMap('a', { k: 'v' })),
      get(`${CONFIG_MAPS}/a`, { accept: 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io' }),
    ],
    200,
    { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: { name: 'a' }, data: '{{absent}}' },
  ),
  of(
    'a list of metadata',
    [
      post(CONFIG_MAPS, configMap('a', { k: 'v' })),
      get(CONFIG_MAPS, { accept: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io' }),
    ],
    200,
    { kind: 'PartialObjectMetadataList', items: [{ metadata: { name: 'a' } }] },
  ),
  of(
    'a table',
    [
      post(CONFIG_MAPS, configMap('a', { k: 'v' })),
      get(`${CONFIG_MAPS}/a`, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' }),
    ],
    200,
    {
      kind: 'Table',
      apiVersion: 'meta.k8s.io/v1',
      columnDefinitions: [{ name: 'Name' }, { name: 'Data' }, { name: 'Age' }],
      rows: [{ cells: ['a', 1, '/s$/'], object: { kind: 'PartialObjectMetadata', metadata: { name: 'a' } } }],
    },
  ),
  of('the version', [get('/version')], 200, { major: '1', minor: '36', gitVersion: '/^v1\\.36\\./' }),
  of('the list of groups', [get('/apis')], 200, { kind: 'APIGroupList', apiVersion: 'v1' }),
  of('a group', [get('/apis/apps')], 200, {
    kind: 'APIGroup',
    apiVersion: 'v1',
    name: 'apps',
    preferredVersion: { groupVersion: 'apps/v1', version: 'v1' },
  }),
  of('a group that is missing', [get('/apis/no.such.group')], 404, '404 page not found\n'),
  of('versions of the core group', [get('/api')], 200, { kind: 'APIVersions', versions: ['v1'] }),
  of('resources of a group', [get('/apis/coordination.k8s.io/v1')], 200, {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: 'coordination.k8s.io/v1',
  }),
  of(
    'aggregated discovery',
    [get('/apis', { accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList' })],
    200,
    { kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2' },
  ),
  of('health', [get('/livez')], 200, 'ok'),
  of('readiness', [get('/readyz')], 200, 'ok'),
  of(
    'reviewing access',
    [
      post('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SelfSubjectAccessReview',
        spec: { resourceAttributes: { verb: 'get', resource: 'pods' } },
      }),
    ],
    201,
    { kind: 'SelfSubjectAccessReview', status: { allowed: true } },
  ),
  of('reviews cannot be listed', [get('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews')], 405, {
    reason: 'MethodNotAllowed',
  }),
  of(
    'who am I',
    [
      post('/apis/authentication.k8s.io/v1/selfsubjectreviews', {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'SelfSubjectReview',
      }),
    ],
    201,
    { status: { userInfo: { username: 'admin' } } },
  ),
  of(
    'a body above 3 MiB',
    [post(CONFIG_MAPS, configMap('a', { k: 'x'.repeat(3.2 * 1024 * 1024) }))],
    413,
    failure('RequestEntityTooLarge', 'Request entity too large: limit is 3145728', { code: 413 }),
  ),
];
