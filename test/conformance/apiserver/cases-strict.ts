// Cases: what is said of bodies that cannot be read, of odd requests and of sizes.
import type { ApiCase } from './case-runner.ts';
import {
  APPLY,
  configMap,
  CONFIG_MAPS,
  deployment,
  DEPLOYMENTS,
  failure,
  get,
  JSON_PATCH,
  MERGE,
  of,
  patch,
  pod,
  PODS,
  post,
  put,
  remove,
  service,
  SERVICES,
  STRATEGIC,
  widget,
  WIDGETS,
  wrongField,
} from './case-kit.ts';

const MAP = post(CONFIG_MAPS, configMap('a', { k: '1' }));
const REJECTED = {
  reason: 'Invalid',
  message: 'the server rejected our request due to an error in our request',
  code: 422,
};
const json = (...operations: unknown[]) => patch(`${CONFIG_MAPS}/a`, JSON_PATCH, operations);
const unreadable = (name: string, spec: Record<string, unknown>, why: string): ApiCase =>
  of(
    name,
    [post(DEPLOYMENTS, deployment('a', spec))],
    400,
    failure('BadRequest', `Deployment in version "v1" cannot be handled as a Deployment: ${why}`),
  );
const template = (spec: unknown): Record<string, unknown> => ({
  template: { metadata: { labels: { app: 'a' } }, spec },
});

const READING: readonly ApiCase[] = [
  unreadable(
    'a number above int32',
    { replicas: 5_000_000_000 },
    'json: cannot unmarshal number 5000000000 into Go struct field DeploymentSpec.spec.replicas of type int32',
  ),
  unreadable(
    'a fraction for an integer',
    { replicas: 1.5 },
    'json: cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32',
  ),
  unreadable(
    'a string for a boolean',
    { paused: 'x' },
    'json: cannot unmarshal string into Go struct field DeploymentSpec.spec.paused of type bool',
  ),
  unreadable(
    'an object for a list',
    template({ containers: {} }),
    'json: cannot unmarshal object into Go struct field PodSpec.spec.template.spec.containers of type []v1.Container',
  ),
  unreadable(
    'a string for an object',
    { strategy: 'x' },
    'json: cannot unmarshal string into Go struct field DeploymentSpec.spec.strategy of type v1.DeploymentStrategy',
  ),
  unreadable(
    'a quantity that is none',
    template({ containers: [{ name: 'm', image: 'i', resources: { limits: { cpu: 'x' } } }] }),
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
  ),
  of(
    'a label that is a number',
    [post(CONFIG_MAPS, configMap('a', {}, { labels: { a: 1 } }))],
    400,
    failure(
      'BadRequest',
      'ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string',
    ),
  ),
  of(
    'a label of a custom object that is a number',
    [post(WIDGETS, { ...widget('a', { size: 1 }), metadata: { name: 'a', labels: { a: 1 } } })],
    400,
    failure(
      'BadRequest',
      'Widget in version "v1" cannot be handled as a Widget: json: cannot unmarshal number into Go struct field ObjectMeta.labels of type string',
    ),
  ),

  of(
    'unknown metadata is refused when asked',
    [post(`${CONFIG_MAPS}?fieldValidation=Strict`, configMap('a', {}, { foo: 1 }))],
    400,
    failure(
      'BadRequest',
      'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "metadata.foo"',
    ),
  ),
  of('unknown metadata is dropped', [post(CONFIG_MAPS, configMap('a', {}, { foo: 1 }))], 201, {
    metadata: { foo: '{{absent}}' },
  }),
  of('a warning of an unknown member', [post(CONFIG_MAPS, { ...configMap('a'), foo: 1 })], 201),
  of(
    'a merge patch with an unknown member is refused when asked',
    [post(DEPLOYMENTS, deployment('a')), patch(`${DEPLOYMENTS}/a?fieldValidation=Strict`, MERGE, { spec: { foo: 1 } })],
    422,
    {
      reason: 'Invalid',
      message: '/^ "" is invalid: patch: Invalid value: .*: strict decoding error: unknown field "spec.foo"$/',
      details: { name: '{{absent}}', kind: '{{absent}}', causes: [{ field: 'patch', reason: 'FieldValueInvalid' }] },
    },
  ),
  of(
    'a patch of a custom object with an unknown member is refused when asked',
    [
      post(WIDGETS, widget('a', { size: 1 })),
      patch(`${WIDGETS}/a?fieldValidation=Strict`, MERGE, { spec: { foo: 1 } }),
    ],
    422,
    {
      reason: 'Invalid',
      message: '/^ "" is invalid: patch: Invalid value: .*: strict decoding error: unknown field "spec.foo"$/',
    },
  ),
  of(
    'a merge patch to a wrong type',
    [post(DEPLOYMENTS, deployment('a')), patch(`${DEPLOYMENTS}/a`, MERGE, { spec: { replicas: 'x' } })],
    422,
    {
      message:
        '/^ "" is invalid: patch: Invalid value: .*: json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32$/',
    },
  ),
  of(
    'a strategic patch with an unknown member is refused when asked',
    [
      post(DEPLOYMENTS, deployment('a')),
      patch(`${DEPLOYMENTS}/a?fieldValidation=Strict`, STRATEGIC, { spec: { foo: 1 } }),
    ],
    422,
    { message: '/^ "" is invalid: patch: Invalid value: .*: strict decoding error: unknown field "spec.foo"$/' },
  ),
  of(
    'a strategic patch to a wrong type',
    [post(DEPLOYMENTS, deployment('a')), patch(`${DEPLOYMENTS}/a`, STRATEGIC, { spec: { replicas: 'x' } })],
    422,
    { message: '/^ "" is invalid: patch: Invalid value: /' },
  ),
];

const ODD: readonly ApiCase[] = [
  of(
    'a version that is no number in a replace',
    [MAP, put(`${CONFIG_MAPS}/a`, configMap('a', {}, { resourceVersion: 'abc' }))],
    500,
    { message: 'strconv.ParseUint: parsing "abc": invalid syntax', code: 500 },
  ),
  of(
    'a version that is no number in a patch',
    [MAP, patch(`${CONFIG_MAPS}/a`, MERGE, { metadata: { resourceVersion: 'abc' } })],
    500,
    { message: 'strconv.ParseUint: parsing "abc": invalid syntax' },
  ),
  of(
    'a patch without the version is no fence',
    [MAP, json({ op: 'remove', path: '/metadata/resourceVersion' }, { op: 'replace', path: '/data/k', value: '2' })],
    200,
    { data: { k: '2' } },
  ),
  of(
    'a patch of a custom object without the version',
    [
      post(WIDGETS, widget('a', { size: 1 })),
      patch(`${WIDGETS}/a`, MERGE, { metadata: { resourceVersion: null }, spec: { size: 2 } }),
    ],
    422,
    {
      message:
        'widgets.cases.serin.dev "a" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update',
    },
  ),
  of('JSON Patch tests what is missing for null', [MAP, json({ op: 'test', path: '/data/none', value: null })], 200),
  of(
    'JSON Patch tests below what is missing',
    [MAP, json({ op: 'test', path: '/none/deeper', value: null })],
    422,
    REJECTED,
  ),
  of('JSON Patch of the whole document', [MAP, json({ op: 'add', path: '', value: {} })], 422, REJECTED),
  of('an empty JSON Patch changes nothing', [MAP, json()], 200, {
    metadata: { resourceVersion: '{{0.metadata.resourceVersion}}' },
  }),
  of('an empty merge patch changes nothing', [MAP, patch(`${CONFIG_MAPS}/a`, MERGE, {})], 200, {
    metadata: { resourceVersion: '{{0.metadata.resourceVersion}}' },
  }),
  of(
    'delete with another uid names the kind',
    [MAP, remove(`${CONFIG_MAPS}/a`, { preconditions: { uid: 'x' } })],
    409,
    {
      message: '/^Operation cannot be fulfilled on ConfigMap "a": the UID in the precondition/',
      details: { name: 'a', kind: 'ConfigMap' },
    },
  ),
  of(
    'the old way to ask for cascading',
    [
      post(CONFIG_MAPS, configMap('a', {}, { finalizers: ['x.y/z'] })),
      remove(`${CONFIG_MAPS}/a`, { orphanDependents: false }),
    ],
    202,
    { metadata: { deletionTimestamp: '{{any}}' } },
  ),
  of('HEAD', [MAP, { method: 'HEAD', path: `${CONFIG_MAPS}/a` }], 405),
  of(
    'creating a status of a custom kind',
    [post(WIDGETS, widget('a', { size: 1 })), post(`${WIDGETS}/a/status`, {})],
    405,
    failure('MethodNotAllowed', 'create is not supported on resources of kind "widgets.cases.serin.dev"', {
      details: { group: 'cases.serin.dev', kind: 'widgets' },
    }),
  ),
  of('deleting a status', [post(DEPLOYMENTS, deployment('a')), remove(`${DEPLOYMENTS}/a/status`)], 405, {
    message: 'the server does not allow this method on the requested resource',
  }),
  of(
    'a limit that is no number',
    [get(`${CONFIG_MAPS}?limit=abc`)],
    400,
    failure('BadRequest', 'strconv.ParseInt: parsing "abc": invalid syntax'),
  ),
  of(
    'a limit at version 0 is not kept',
    [MAP, post(CONFIG_MAPS, configMap('b')), get(`${CONFIG_MAPS}?limit=1&resourceVersion=0`)],
    200,
    { metadata: { continue: '{{absent}}' } },
  ),
  of(
    'a Lease is created by PUT, whatever its version',
    [
      put('/apis/coordination.k8s.io/v1/namespaces/{{ns}}/leases/a', {
        metadata: { name: 'a', resourceVersion: '5' },
        spec: {},
      }),
    ],
    201,
  ),
  of('a Service is created by PUT', [put(`${SERVICES}/a`, service('a'))], 201, { spec: { clusterIP: '/^10/' } }),
  of(
    'an Ingress is not created by PUT',
    [
      put('/apis/networking.k8s.io/v1/namespaces/{{ns}}/ingresses/a', {
        metadata: { name: 'a' },
        spec: { defaultBackend: { service: { name: 'a', port: { number: 1 } } } },
      }),
    ],
    404,
  ),
  of(
    'an apply of a status that is missing',
    [
      patch(`${WIDGETS}/a/status?fieldManager=one`, APPLY, {
        apiVersion: 'cases.serin.dev/v1',
        kind: 'Widget',
        metadata: { name: 'a' },
        status: { phase: 'z' },
      }),
    ],
    404,
  ),
  of(
    'two controllers',
    [
      post(
        CONFIG_MAPS,
        configMap(
          'a',
          {},
          {
            ownerReferences: ['a', 'b'].map((name) => ({
              apiVersion: 'v1',
              kind: 'A',
              name,
              uid: name,
              controller: true,
            })),
          },
        ),
      ),
    ],
    422,
    {
      message: '/Only one reference can have Controller set to true. Found "true" in references for A\\/a and A\\/b$/',
    },
  ),
  of(
    'an object above what etcd takes',
    [post(WIDGETS, widget('a', { size: 1, free: { a: 'x'.repeat(1.6 * 1024 * 1024) } }))],
    500,
    { message: 'etcdserver: request is too large', code: 500 },
  ),
  of(
    'an object a little below',
    [post(WIDGETS, widget('a', { size: 1, free: { a: 'x'.repeat(1.3 * 1024 * 1024) } }))],
    201,
  ),
  of(
    'a rule on an object does not show it',
    [post(WIDGETS, widget('a', { size: 2, labels: { a: 'longer' } }))],
    422,
    wrongField('spec', 'FieldValueInvalid', 'Invalid value: labels of a small one are too long'),
  ),
  of('a namespace with a bad name', [post('/api/v1/namespaces', { metadata: { name: 'A.b' } })], 422, {
    message: '/metadata.name: Invalid value: "A.b": a lowercase RFC 1123 label must consist/',
  }),
  of(
    'a port without a number',
    [post(PODS, pod('a', { containers: [{ name: 'm', image: 'i', ports: [{ containerPort: 0 }] }] }))],
    422,
    wrongField('spec.containers[0].ports[0].containerPort', 'FieldValueRequired', 'Required value'),
  ),
  of(
    'a container without an image',
    [post(PODS, pod('a', { containers: [{ name: 'm' }] }))],
    422,
    wrongField('spec.containers[0].image', 'FieldValueRequired', 'Required value'),
  ),
  of('a container with a bad name', [post(PODS, pod('a', { containers: [{ name: 'A_b', image: 'i' }] }))], 422, {
    message: '/spec.containers\\[0\\].name: Invalid value: "A_b": a lowercase RFC 1123 label/',
  }),
  of(
    'a restart policy that a Deployment cannot have',
    [post(DEPLOYMENTS, deployment('a', template({ restartPolicy: 'Never', containers: [{ name: 'm', image: 'i' }] })))],
    422,
    wrongField(
      'spec.template.spec.restartPolicy',
      'FieldValueNotSupported',
      'Unsupported value: "Never": supported values: "Always"',
    ),
  ),
  of(
    'Recreate with a rolling update',
    [post(DEPLOYMENTS, deployment('a', { strategy: { type: 'Recreate', rollingUpdate: { maxSurge: 1 } } }))],
    422,
    wrongField(
      'spec.strategy.rollingUpdate',
      'FieldValueForbidden',
      "Forbidden: may not be specified when strategy `type` is 'Recreate'",
    ),
  ),
  of(
    'an unknown strategy',
    [post(DEPLOYMENTS, deployment('a', { strategy: { type: 'Some' } }))],
    422,
    wrongField(
      'spec.strategy',
      'FieldValueNotSupported',
      'Unsupported value: {"Type":"Some","RollingUpdate":null}: supported values: "Recreate", "RollingUpdate"',
    ),
  ),
  of(
    'a rolling update that cannot roll',
    [post(DEPLOYMENTS, deployment('a', { strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 0 } } }))],
    422,
    wrongField(
      'spec.strategy.rollingUpdate.maxUnavailable',
      'FieldValueInvalid',
      'Invalid value: 0: may not be 0 when `maxSurge` is 0',
    ),
  ),
  of(
    'a Service of an unknown type',
    [post(SERVICES, service('a', { type: 'Some' }))],
    422,
    wrongField(
      'spec.type',
      'FieldValueNotSupported',
      'Unsupported value: "Some": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"',
    ),
  ),
  of(
    'a port of an unknown protocol',
    [post(SERVICES, service('a', { ports: [{ port: 80, protocol: 'FOO' }] }))],
    422,
    wrongField(
      'spec.ports[0].protocol',
      'FieldValueNotSupported',
      'Unsupported value: "FOO": supported values: "SCTP", "TCP", "UDP"',
    ),
  ),
];

/** The cases of this file. */
export const STRICT_CASES: readonly ApiCase[] = [...READING, ...ODD];
