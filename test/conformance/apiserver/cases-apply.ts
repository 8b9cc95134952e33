// Cases: server-side apply.
import type { ApiCase } from './case-runner.ts';
import {
  APPLY,
  CONFIG_MAPS,
  DEPLOYMENTS,
  MERGE,
  STALE,
  WIDGETS,
  apply,
  configMap,
  deployment,
  failure,
  of,
  patch,
  post,
  put,
  remove,
  widget,
} from './case-kit.ts';

const MAP_PATH = `${CONFIG_MAPS}/a`;

const WIDGET_PATH = `${WIDGETS}/a`;

const owner = (manager: string, fields: unknown, more: Record<string, unknown> = {}) => ({
  manager,
  operation: 'Apply',
  fieldsType: 'FieldsV1',
  fieldsV1: fields,
  ...more,
});

/** The cases of this file. */
export const APPLY_CASES: readonly ApiCase[] = [
  of('apply creates', [apply(MAP_PATH, 'one', configMap('a', { k: '1' }))], 201, {
    data: { k: '1' },
    metadata: { managedFields: [owner('one', { 'f:data': { 'f:k': {} } }, { apiVersion: 'v1', time: '{{any}}' })] },
  }),
  of(
    'apply again changes nothing',
    [apply(MAP_PATH, 'one', configMap('a', { k: '1' })), apply(MAP_PATH, 'one', configMap('a', { k: '1' }))],
    200,
    { metadata: { resourceVersion: '{{0.metadata.resourceVersion}}' } },
  ),
  of('apply without a manager', [patch(MAP_PATH, APPLY, configMap('a'))], 422, {
    message: 'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
  }),
  of(
    'apply removes what is no longer applied',
    [apply(MAP_PATH, 'one', configMap('a', { k: '1', l: '2' })), apply(MAP_PATH, 'one', configMap('a', { k: '1' }))],
    200,
    { data: { k: '1', l: '{{absent}}' } },
  ),
  of(
    'apply of another value conflicts',
    [apply(MAP_PATH, 'one', configMap('a', { k: '1' })), apply(MAP_PATH, 'two', configMap('a', { k: '2' }))],
    409,
    failure('Conflict', 'Apply failed with 1 conflict: conflict with "one": .data.k', {
      code: 409,
      details: { causes: [{ reason: 'FieldManagerConflict', message: 'conflict with "one"', field: '.data.k' }] },
    }),
  ),
  of(
    'apply with two conflicts',
    [
      apply(MAP_PATH, 'one', configMap('a', { k: '1', l: '1' })),
      apply(MAP_PATH, 'two', configMap('a', { k: '2', l: '2' })),
    ],
    409,
    { message: 'Apply failed with 2 conflicts: conflicts with "one":\n- .data.k\n- .data.l' },
  ),
  of(
    'apply of the same value is shared',
    [
      apply(MAP_PATH, 'one', configMap('a', { k: '1' })),
      apply(MAP_PATH, 'two', configMap('a', { k: '1' })),
      apply(MAP_PATH, 'one', configMap('a', {})),
    ],
    200,
    { data: { k: '1' } },
  ),
  of(
    'apply with force takes over',
    [
      apply(MAP_PATH, 'one', configMap('a', { k: '1' })),
      apply(MAP_PATH, 'two', configMap('a', { k: '2' }), '&force=true'),
      apply(MAP_PATH, 'one', configMap('a', {})),
    ],
    200,
    { data: { k: '2' } },
  ),
  of(
    'apply at a stale version',
    [
      apply(MAP_PATH, 'one', configMap('a', { k: '1' })),
      apply(MAP_PATH, 'one', configMap('a', { k: '2' }, { resourceVersion: '1' })),
    ],
    409,
    { message: `Operation cannot be fulfilled on configmaps "a": ${STALE}` },
  ),
  of(
    'apply at a stale version with force',
    [
      apply(MAP_PATH, 'one', configMap('a', { k: '1' })),
      apply(MAP_PATH, 'one', configMap('a', { k: '2' }, { resourceVersion: '1' }), '&force=true'),
    ],
    409,
    { reason: 'Conflict' },
  ),
  of(
    'apply at a stale version that changes nothing',
    [
      apply(MAP_PATH, 'one', configMap('a', { k: '1' })),
      apply(MAP_PATH, 'one', configMap('a', { k: '1' }, { resourceVersion: '1' })),
    ],
    409,
    { reason: 'Conflict' },
  ),
  of(
    'apply with a version creates what is gone',
    [apply(MAP_PATH, 'one', configMap('a', {}, { resourceVersion: '1' }))],
    201,
  ),
  of(
    'apply with a uid does not create what is gone',
    [apply(MAP_PATH, 'one', configMap('a', {}, { uid: 'x' }))],
    409,
    failure(
      'Conflict',
      'Operation cannot be fulfilled on configmaps "a": uid mismatch: the provided object specified uid x, and no existing object was found',
    ),
  ),
  of(
    'apply with another uid',
    [apply(MAP_PATH, 'one', configMap('a')), apply(MAP_PATH, 'one', configMap('a', {}, { uid: 'x' }))],
    422,
    { message: 'ConfigMap "a" is invalid: metadata.uid: Invalid value: "x": field is immutable' },
  ),
  of(
    'apply with managedFields',
    [apply(MAP_PATH, 'one', configMap('a', {}, { managedFields: [] }))],
    400,
    failure('BadRequest', 'metadata.managedFields must be nil'),
  ),
  of('apply of another name', [apply(MAP_PATH, 'one', configMap('b'))], 400, { reason: 'BadRequest' }),
  of(
    'apply without a type',
    [apply(MAP_PATH, 'one', { metadata: { name: 'a' } })],
    400,
    failure('BadRequest', 'invalid object type: /, Kind='),
  ),
  of('apply of an unknown field', [apply(MAP_PATH, 'one', { ...configMap('a'), foo: 1 })], 500, {
    message: 'failed to create typed patch object (/a; /v1, Kind=ConfigMap): .foo: field not declared in schema',
    code: 500,
  }),
  of(
    'apply as YAML',
    [apply(MAP_PATH, 'one', 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  k: "1"\n')],
    201,
    { data: { k: '1' } },
  ),
  of(
    'an update takes over without asking',
    [
      apply(MAP_PATH, 'one', configMap('a', { k: '1' })),
      patch(`${MAP_PATH}?fieldManager=two`, MERGE, { data: { k: '2' } }),
      apply(MAP_PATH, 'one', configMap('a', { k: '1' })),
    ],
    409,
    { message: 'Apply failed with 1 conflict: conflict with "two" using v1: .data.k' },
  ),
  of(
    'an update is recorded',
    [
      apply(MAP_PATH, 'one', configMap('a', { k: '1' })),
      patch(`${MAP_PATH}?fieldManager=two`, MERGE, { data: { l: '2' } }),
    ],
    200,
    {
      metadata: {
        managedFields: [
          { manager: 'one', operation: 'Apply' },
          { manager: 'two', operation: 'Update', fieldsV1: { 'f:data': { 'f:l': {} } } },
        ],
      },
    },
  ),
  of(
    'creating by POST is recorded',
    [post(`${CONFIG_MAPS}?fieldManager=one`, configMap('a', { k: '1' }, { labels: { x: 'y' } }))],
    201,
    {
      metadata: {
        managedFields: [
          {
            manager: 'one',
            operation: 'Update',
            apiVersion: 'v1',
            fieldsType: 'FieldsV1',
            fieldsV1: { 'f:data': { '.': {}, 'f:k': {} }, 'f:metadata': { 'f:labels': { '.': {}, 'f:x': {} } } },
          },
        ],
      },
    },
  ),
  of(
    'apply leaves what others own',
    [
      post(`${CONFIG_MAPS}?fieldManager=one`, configMap('a', { k: '1' })),
      apply(MAP_PATH, 'two', configMap('a', { l: '2' })),
      apply(MAP_PATH, 'two', configMap('a', {})),
    ],
    200,
    { data: { k: '1', l: '{{absent}}' } },
  ),
  of(
    'apply owns items by their keys',
    [apply(WIDGET_PATH, 'one', widget('a', { size: 1, parts: [{ name: 'x', count: 1 }], tags: ['t'] }))],
    201,
    {
      metadata: {
        managedFields: [
          owner('one', {
            'f:spec': {
              'f:size': {},
              'f:parts': { 'k:{"name":"x"}': { '.': {}, 'f:name': {}, 'f:count': {} } },
              'f:tags': { 'v:"t"': {} },
            },
          }),
        ],
      },
    },
  ),
  of(
    'two apply different items',
    [
      apply(WIDGET_PATH, 'one', widget('a', { size: 1, parts: [{ name: 'x', count: 1 }] })),
      apply(WIDGET_PATH, 'two', widget('a', { size: 1, parts: [{ name: 'z', count: 2 }] })),
    ],
    200,
    {
      spec: {
        parts: [
          { name: 'x', count: 1 },
          { name: 'z', count: 2 },
        ],
      },
    },
  ),
  of(
    'an item goes with its last owner',
    [
      apply(WIDGET_PATH, 'one', widget('a', { size: 1, parts: [{ name: 'x', count: 1 }] })),
      apply(WIDGET_PATH, 'two', widget('a', { size: 1, parts: [{ name: 'z', count: 2 }] })),
      apply(WIDGET_PATH, 'one', widget('a', { size: 1 })),
    ],
    200,
    { spec: { parts: [{ name: 'z', count: 2 }] } },
  ),
  of(
    'a conflict inside an item',
    [
      apply(WIDGET_PATH, 'one', widget('a', { size: 1, parts: [{ name: 'x', count: 1 }] })),
      apply(WIDGET_PATH, 'two', widget('a', { size: 1, parts: [{ name: 'x', count: 2 }] })),
    ],
    409,
    { message: 'Apply failed with 1 conflict: conflict with "one": .spec.parts[name="x"].count' },
  ),
  of(
    'a set is joined',
    [
      apply(WIDGET_PATH, 'one', widget('a', { size: 1, tags: ['t'] })),
      apply(WIDGET_PATH, 'two', widget('a', { size: 1, tags: ['u'] })),
    ],
    200,
    { spec: { tags: ['t', 'u'] } },
  ),
  of(
    'a plain list is owned as a whole',
    [
      apply(WIDGET_PATH, 'one', widget('a', { size: 1, list: ['t'] })),
      apply(WIDGET_PATH, 'two', widget('a', { size: 1, list: ['u'] })),
    ],
    409,
    { message: 'Apply failed with 1 conflict: conflict with "one": .spec.list' },
  ),
  of(
    'apply of a custom kind with an unknown field',
    [apply(WIDGET_PATH, 'one', widget('a', { size: 1, zzz: 1 }))],
    500,
    {
      message:
        'failed to create typed patch object (/a; cases.serin.dev/v1, Kind=Widget): .spec.zzz: field not declared in schema',
    },
  ),
  of(
    'apply of the status',
    [
      post(WIDGETS, widget('a', { size: 1 })),
      patch(`${WIDGET_PATH}/status?fieldManager=one`, APPLY, {
        apiVersion: 'cases.serin.dev/v1',
        kind: 'Widget',
        metadata: { name: 'a' },
        status: { phase: 'x' },
      }),
    ],
    200,
    {
      status: { phase: 'x' },
      spec: { size: 1 },
      metadata: {
        managedFields: [
          owner('one', { 'f:status': { 'f:phase': {} } }, { subresource: 'status' }),
          { operation: 'Update' },
        ],
      },
    },
  ),
  of(
    'apply of what was deleted starts anew',
    [
      apply(MAP_PATH, 'one', configMap('a', { k: '1' })),
      remove(MAP_PATH),
      apply(MAP_PATH, 'one', configMap('a', { l: '1' })),
    ],
    201,
    { data: { l: '1', k: '{{absent}}' } },
  ),
  of('apply of a Deployment owns containers by name', [apply(`${DEPLOYMENTS}/a`, 'one', deployment('a'))], 201, {
    metadata: {
      managedFields: [
        owner('one', {
          'f:spec': {
            'f:selector': {},
            'f:template': {
              'f:metadata': { 'f:labels': { 'f:app': {} } },
              'f:spec': {
                'f:containers': {
                  'k:{"name":"main"}': {
                    '.': {},
                    'f:name': {},
                    'f:image': {},
                    'f:ports': { 'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {} } },
                  },
                },
              },
            },
          },
        }),
      ],
    },
    spec: { replicas: 1 },
  }),
  of(
    'apply leaves replicas to who scales',
    [
      apply(`${DEPLOYMENTS}/a`, 'one', deployment('a')),
      patch(`${DEPLOYMENTS}/a/scale?fieldManager=two`, MERGE, { spec: { replicas: 4 } }),
      apply(`${DEPLOYMENTS}/a`, 'one', deployment('a')),
    ],
    200,
    { spec: { replicas: 4 } },
  ),
  of(
    'apply against who scales',
    [
      apply(`${DEPLOYMENTS}/a`, 'one', deployment('a', { replicas: 1 })),
      put(`${DEPLOYMENTS}/a/scale?fieldManager=two`, {
        apiVersion: 'autoscaling/v1',
        kind: 'Scale',
        metadata: { name: 'a', namespace: '{{ns}}' },
        spec: { replicas: 4 },
      }),
      apply(`${DEPLOYMENTS}/a`, 'one', deployment('a', { replicas: 2 })),
    ],
    409,
    {
      message:
        'Apply failed with 1 conflict: conflict with "two" with subresource "scale" using apps/v1: .spec.replicas',
    },
  ),
];
