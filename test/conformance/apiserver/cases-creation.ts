// Cases: creating.
import type { ApiCase } from './case-runner.ts';
import { CONFIG_MAPS, DEPLOYMENTS, configMap, deployment, failure, get, of, post, wrongField } from './case-kit.ts';

/** The cases of this file. */
export const CREATION_CASES: readonly ApiCase[] = [
  of('create sets what the server owns', [post(CONFIG_MAPS, configMap('a', { k: 'v' }))], 201, {
    kind: 'ConfigMap',
    apiVersion: 'v1',
    metadata: {
      name: 'a',
      namespace: '{{ns}}',
      uid: '/^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/',
      resourceVersion: '/^\\d+$/',
      creationTimestamp: '/^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ$/',
      generation: '{{absent}}',
    },
    data: { k: 'v' },
  }),
  of(
    'create again under the same name',
    [post(CONFIG_MAPS, configMap('a')), post(CONFIG_MAPS, configMap('a'))],
    409,
    failure('AlreadyExists', 'configmaps "a" already exists', {
      code: 409,
      details: { name: 'a', kind: 'configmaps' },
    }),
  ),
  of(
    'create again in a group',
    [post(DEPLOYMENTS, deployment('a')), post(DEPLOYMENTS, deployment('a'))],
    409,
    failure('AlreadyExists', 'deployments.apps "a" already exists', {
      details: { name: 'a', group: 'apps', kind: 'deployments' },
    }),
  ),
  of(
    'create without a name',
    [post(CONFIG_MAPS, { apiVersion: 'v1', kind: 'ConfigMap', metadata: {} })],
    422,
    wrongField('metadata.name', 'FieldValueRequired', 'Required value: name or generateName is required'),
  ),
  of(
    'create with generateName',
    [post(CONFIG_MAPS, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'g-' } })],
    201,
    { metadata: { name: '/^g-[bcdfghjklmnpqrstvwxz2456789]{5}$/', generateName: 'g-' } },
  ),
  of('create with a bad name', [post(CONFIG_MAPS, configMap('Bad_Name'))], 422, {
    reason: 'Invalid',
    message: '/^ConfigMap "Bad_Name" is invalid: metadata.name: Invalid value: "Bad_Name": a lowercase/',
    details: { causes: [{ field: 'metadata.name', reason: 'FieldValueInvalid' }] },
  }),
  of('create with a name that is too long', [post(CONFIG_MAPS, configMap('a'.repeat(254)))], 422, {
    reason: 'Invalid',
    details: { causes: [{ field: 'metadata.name', message: '/must be no more than 253/' }] },
  }),
  of(
    'create in a namespace that is missing',
    [post('/api/v1/namespaces/none-{{ns}}/configmaps', configMap('a'))],
    404,
    failure('NotFound', 'namespaces "none-{{ns}}" not found', { details: { name: 'none-{{ns}}', kind: 'namespaces' } }),
  ),
  of(
    'create with another namespace in the body',
    [post(CONFIG_MAPS, configMap('a', {}, { namespace: 'other' }))],
    400,
    failure('BadRequest', 'the namespace of the provided object does not match the namespace sent on the request'),
  ),
  of('create with a resourceVersion', [post(CONFIG_MAPS, configMap('a', {}, { resourceVersion: '5' }))], 500, {
    message: 'resourceVersion should not be set on objects to be created',
    code: 500,
  }),
  of(
    'create ignores uid, generation and deletionTimestamp',
    [post(DEPLOYMENTS, deployment('a', {}, { uid: 'mine', generation: 9, deletionTimestamp: '2020-01-01T00:00:00Z' }))],
    201,
    { metadata: { uid: '/^[0-9a-f-]{36}$/', generation: 1, deletionTimestamp: '{{absent}}' } },
  ),
  of(
    'create in all namespaces',
    [post('/api/v1/configmaps', configMap('a'))],
    405,
    failure('MethodNotAllowed', 'the server does not allow this method on the requested resource', {
      details: {},
      code: 405,
    }),
  ),
  of('create on an object path', [post(`${CONFIG_MAPS}/a`, configMap('a'))], 405, { reason: 'MethodNotAllowed' }),
  of('create without type on a built-in kind', [post(CONFIG_MAPS, { metadata: { name: 'a' } })], 201, {
    kind: 'ConfigMap',
    apiVersion: 'v1',
  }),
  of('create another kind', [post(CONFIG_MAPS, { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a' } })], 400, {
    reason: 'BadRequest',
    message: '/^Secret in version "v1" cannot be handled as a ConfigMap/',
  }),
  of(
    'create another version',
    [post(CONFIG_MAPS, { apiVersion: 'v2', kind: 'ConfigMap', metadata: { name: 'a' } })],
    400,
    {
      reason: 'BadRequest',
      message:
        '/^ConfigMap in version "v2" cannot be handled as a ConfigMap: no kind "ConfigMap" is registered for version "v2"/',
    },
  ),
  of(
    'create from broken JSON',
    [post(CONFIG_MAPS, '{"a"')],
    400,
    failure(
      'BadRequest',
      `the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; json parse error: unexpected end of JSON input ({"a")`,
    ),
  ),
  of('create from nothing', [post(CONFIG_MAPS, '', { 'content-type': 'application/json' })], 400, {
    reason: 'BadRequest',
  }),
  of(
    'create from YAML',
    [
      post(CONFIG_MAPS, 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  k: v\n', {
        'content-type': 'application/yaml',
      }),
    ],
    201,
    { data: { k: 'v' } },
  ),
  of(
    'create from text',
    [post(CONFIG_MAPS, 'x', { 'content-type': 'text/plain' })],
    415,
    failure(
      'UnsupportedMediaType',
      'the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf',
    ),
  ),
  of('create dry', [post(`${CONFIG_MAPS}?dryRun=All`, configMap('a')), get(`${CONFIG_MAPS}/a`)], 404),
  of('create dry with another value', [post(`${CONFIG_MAPS}?dryRun=Some`, configMap('a'))], 422, {
    reason: 'Invalid',
    message: '/^CreateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value/',
  }),
  of('create with bad labels', [post(CONFIG_MAPS, configMap('a', {}, { labels: { 'a b': 'c' } }))], 422, {
    reason: 'Invalid',
    details: {
      causes: [
        {
          field: 'metadata.labels',
          reason: 'FieldValueInvalid',
          message: '/^Invalid value: "a b": name part must consist of alphanumeric/',
        },
      ],
    },
  }),
  of('create with a bad label value', [post(CONFIG_MAPS, configMap('a', {}, { labels: { a: 'x y' } }))], 422, {
    details: {
      causes: [
        {
          field: 'metadata.labels',
          message: '/^Invalid value: "x y": a valid label must be an empty string or consist of/',
        },
      ],
    },
  }),
  of(
    'create with an owner that is not whole',
    [
      post(
        CONFIG_MAPS,
        configMap('a', {}, { ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'o', uid: '' }] }),
      ),
    ],
    422,
    wrongField('metadata.ownerReferences.uid', 'FieldValueInvalid', 'Invalid value: "": must not be empty'),
  ),
];
