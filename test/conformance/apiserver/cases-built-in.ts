// Cases: what is particular to other built-in kinds.
import type { ApiCase } from './case-runner.ts';
import {
  CONFIG_MAPS,
  MERGE,
  SECRETS,
  SERVICES,
  configMap,
  failure,
  get,
  of,
  patch,
  post,
  put,
  remove,
  service,
  wrongField,
} from './case-kit.ts';

/** The cases of this file. */
export const BUILT_IN_CASES: readonly ApiCase[] = [
  of('a Service is defaulted', [post(SERVICES, service('a', { selector: { a: 'b' } }))], 201, {
    spec: {
      type: 'ClusterIP',
      clusterIP: '/^10\\.96\\./',
      clusterIPs: ['/^10\\.96\\./'],
      sessionAffinity: 'None',
      internalTrafficPolicy: 'Cluster',
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }],
    },
    status: { loadBalancer: {} },
    metadata: { generation: '{{absent}}' },
  }),
  of('a headless Service', [post(SERVICES, service('a', { clusterIP: 'None', selector: { a: 'b' } }))], 201, {
    spec: { clusterIP: 'None', clusterIPs: ['None'] },
  }),
  of(
    'a Service keeps its address',
    [post(SERVICES, service('a')), put(`${SERVICES}/a`, service('a', { selector: { x: 'y' } }))],
    200,
    { spec: { clusterIP: '{{0.spec.clusterIP}}', selector: { x: 'y' } } },
  ),
  of(
    'the address of a Service cannot change',
    [post(SERVICES, service('a')), patch(`${SERVICES}/a`, MERGE, { spec: { clusterIP: '10.96.255.1' } })],
    422,
    wrongField('spec.clusterIPs[0]', 'FieldValueInvalid', 'Invalid value: ["10.96.255.1"]: may not change once set'),
  ),
  of(
    'a Service without ports',
    [post(SERVICES, service('a', { ports: [] }))],
    422,
    wrongField('spec.ports', 'FieldValueRequired', 'Required value'),
  ),
  of('two ports need names', [post(SERVICES, service('a', { ports: [{ port: 80 }, { port: 81 }] }))], 422, {
    details: {
      causes: [
        { field: 'spec.ports[0].name', message: 'Required value' },
        { field: 'spec.ports[1].name', message: 'Required value' },
      ],
    },
  }),
  of(
    'a port twice',
    [
      post(
        SERVICES,
        service('a', {
          ports: [
            { port: 80, name: 'a' },
            { port: 80, name: 'b' },
          ],
        }),
      ),
    ],
    422,
    { details: { causes: [{ field: 'spec.ports[1]', reason: 'FieldValueDuplicate' }] } },
  ),
  of('a port that cannot be', [post(SERVICES, service('a', { ports: [{ port: 70000 }] }))], 422, {
    message: '/spec.ports\\[0\\].port: Invalid value: 70000: must be between 1 and 65535, inclusive/',
  }),
  of('a Service of type NodePort', [post(SERVICES, service('a', { type: 'NodePort' }))], 201, {
    spec: { externalTrafficPolicy: 'Cluster', ports: [{ nodePort: '{{any}}' }] },
  }),
  of(
    'an external Service',
    [post(SERVICES, { metadata: { name: 'a' }, spec: { type: 'ExternalName', externalName: 'a.b' } })],
    201,
    { spec: { clusterIP: '{{absent}}', externalName: 'a.b' } },
  ),
  of('a Service with dots in its name', [post(SERVICES, service('a.b'))], 422, {
    details: { causes: [{ field: 'metadata.name', message: 'Invalid value: "a.b": must not contain dots' }] },
  }),
  of('a deleted Service is shown', [post(SERVICES, service('a')), remove(`${SERVICES}/a`)], 200, {
    kind: 'Service',
    metadata: { name: 'a' },
  }),
  of('a Secret takes text', [post(SECRETS, { metadata: { name: 'a' }, stringData: { k: 'v' } })], 201, {
    data: { k: 'dg==' },
    type: 'Opaque',
    stringData: '{{absent}}',
  }),
  of(
    'the type of a Secret cannot change',
    [post(SECRETS, { metadata: { name: 'a' } }), patch(`${SECRETS}/a`, MERGE, { type: 'x/y' })],
    422,
    wrongField('type', 'FieldValueInvalid', 'Invalid value: "x/y": field is immutable'),
  ),
  of(
    'a Secret with what is not base64',
    [post(SECRETS, { metadata: { name: 'a' }, data: { k: '!!' } })],
    400,
    failure('BadRequest', 'Secret in version "v1" cannot be handled as a Secret: illegal base64 data at input byte 0'),
  ),
  of('a key that a ConfigMap cannot have', [post(CONFIG_MAPS, configMap('a', { 'a b': '1' }))], 422, {
    details: {
      causes: [
        { field: 'data[a b]', message: '/^Invalid value: "a b": a valid config key must consist of alphanumeric/' },
      ],
    },
  }),
  of(
    'an immutable ConfigMap',
    [
      post(CONFIG_MAPS, { ...configMap('a', { k: '1' }), immutable: true }),
      patch(`${CONFIG_MAPS}/a`, MERGE, { data: { k: '2' } }),
    ],
    422,
    wrongField('data', 'FieldValueForbidden', 'Forbidden: field is immutable when `immutable` is set'),
  ),
  of('a ConfigMap above 1 MiB', [post(CONFIG_MAPS, configMap('a', { k: 'x'.repeat(1.2 * 1024 * 1024) }))], 422, {
    message: 'ConfigMap "a" is invalid: []: Too long: may not be more than 1048576 bytes',
  }),
  of('a namespace gets a label and a phase', [post('/api/v1/namespaces', { metadata: { name: 'n-{{ns}}' } })], 201, {
    metadata: { labels: { 'kubernetes.io/metadata.name': 'n-{{ns}}' } },
    spec: { finalizers: ['kubernetes'] },
    status: { phase: 'Active' },
  }),
  of('a deleted namespace ends', [remove('/api/v1/namespaces/{{ns}}')], 200, {
    kind: 'Namespace',
    status: { phase: 'Terminating' },
    metadata: { deletionTimestamp: '{{any}}' },
  }),
  of(
    'nothing new in a namespace that ends',
    [
      post('/api/v1/namespaces/{{ns}}/configmaps', configMap('k', {}, { finalizers: ['a.b/c'] })),
      remove('/api/v1/namespaces/{{ns}}'),
      post(CONFIG_MAPS, configMap('a')),
    ],
    403,
    failure(
      'Forbidden',
      'configmaps "a" is forbidden: unable to create new content in namespace {{ns}} because it is being terminated',
      {
        code: 403,
        details: {
          name: 'a',
          kind: 'configmaps',
          causes: [
            {
              reason: 'NamespaceTerminating',
              message: 'namespace {{ns}} is being terminated',
              field: 'metadata.namespace',
            },
          ],
        },
      },
    ),
  ),
  of(
    'the default namespace stays',
    [remove('/api/v1/namespaces/default')],
    403,
    failure('Forbidden', 'namespaces "default" is forbidden: this namespace may not be deleted'),
  ),
  of(
    'an event of the core group read as a new one',
    [
      post('/api/v1/namespaces/{{ns}}/events', {
        metadata: { name: 'e' },
        involvedObject: { kind: 'Pod', name: 'p', namespace: '{{ns}}' },
        reason: 'R',
        message: 'm',
        type: 'Normal',
        count: 2,
        source: { component: 'c' },
      }),
      get('/apis/events.k8s.io/v1/namespaces/{{ns}}/events/e'),
    ],
    200,
    {
      apiVersion: 'events.k8s.io/v1',
      note: 'm',
      regarding: { kind: 'Pod', name: 'p' },
      deprecatedCount: 2,
      deprecatedSource: { component: 'c' },
      message: '{{absent}}',
    },
  ),
  of(
    'a new event read in the core group',
    [
      post('/apis/events.k8s.io/v1/namespaces/{{ns}}/events', {
        metadata: { name: 'e', namespace: '{{ns}}' },
        regarding: { kind: 'Pod', name: 'p', namespace: '{{ns}}' },
        reason: 'R',
        note: 'm',
        type: 'Normal',
        eventTime: '2026-01-01T00:00:00.000000Z',
        reportingController: 'a/b',
        reportingInstance: 'i',
        action: 'A',
      }),
      get('/api/v1/namespaces/{{ns}}/events/e'),
    ],
    200,
    {
      apiVersion: 'v1',
      message: 'm',
      involvedObject: { kind: 'Pod' },
      reportingComponent: 'a/b',
      action: 'A',
      eventTime: '2026-01-01T00:00:00.000000Z',
    },
  ),
  of(
    'an event about another namespace',
    [
      post('/api/v1/namespaces/{{ns}}/events', {
        metadata: { name: 'e' },
        involvedObject: { kind: 'Pod', name: 'p', namespace: 'other' },
        reason: 'R',
      }),
    ],
    422,
    wrongField(
      'involvedObject.namespace',
      'FieldValueInvalid',
      'Invalid value: "other": does not match event.namespace',
    ),
  ),
  of(
    'an Ingress without rules',
    [post('/apis/networking.k8s.io/v1/namespaces/{{ns}}/ingresses', { metadata: { name: 'a' }, spec: {} })],
    422,
    wrongField(
      'spec',
      'FieldValueInvalid',
      'Invalid value: null: either `defaultBackend` or `rules` must be specified',
    ),
  ),
  of(
    'a NetworkPolicy is defaulted',
    [
      post('/apis/networking.k8s.io/v1/namespaces/{{ns}}/networkpolicies', {
        metadata: { name: 'a' },
        spec: { podSelector: {} },
      }),
    ],
    201,
    { spec: { policyTypes: ['Ingress'] }, metadata: { generation: 1 } },
  ),
  of(
    'a PodDisruptionBudget',
    [
      post('/apis/policy/v1/namespaces/{{ns}}/poddisruptionbudgets', {
        metadata: { name: 'a' },
        spec: { minAvailable: 1 },
      }),
    ],
    201,
    { metadata: { generation: 1 }, status: { disruptionsAllowed: 0 } },
  ),
  of(
    'an EndpointSlice is defaulted',
    [
      post('/apis/discovery.k8s.io/v1/namespaces/{{ns}}/endpointslices', {
        metadata: { name: 'a' },
        addressType: 'IPv4',
        endpoints: [{ addresses: ['10.1.1.1'] }],
        ports: [{ port: 80 }],
      }),
    ],
    201,
    {
      metadata: { generation: 1 },
      endpoints: [{ addresses: ['10.1.1.1'], conditions: {} }],
      ports: [{ port: 80, name: '', protocol: 'TCP' }],
    },
  ),
  of(
    'a Lease is created by PUT',
    [
      put('/apis/coordination.k8s.io/v1/namespaces/{{ns}}/leases/a', {
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: { name: 'a' },
        spec: { holderIdentity: 'x', leaseDurationSeconds: 3 },
      }),
    ],
    201,
    { spec: { holderIdentity: 'x' } },
  ),
  of(
    'a name of RBAC may hold a colon',
    [
      post('/apis/rbac.authorization.k8s.io/v1/namespaces/{{ns}}/roles', {
        metadata: { name: 'a:b' },
        rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }],
      }),
    ],
    201,
    { metadata: { name: 'a:b' } },
  ),
  of(
    'the role of a binding cannot change',
    [
      post('/apis/rbac.authorization.k8s.io/v1/namespaces/{{ns}}/rolebindings', {
        metadata: { name: 'a' },
        roleRef: { kind: 'Role', name: 'x', apiGroup: 'rbac.authorization.k8s.io' },
      }),
      patch('/apis/rbac.authorization.k8s.io/v1/namespaces/{{ns}}/rolebindings/a', MERGE, { roleRef: { name: 'y' } }),
    ],
    422,
    { message: '/roleRef: Invalid value: .*cannot change roleRef/' },
  ),
];
