// Cases: custom kinds with their schema and rules, and CRDs.
import type { ApiCase } from './case-runner.ts';
import { MERGE, WIDGETS, failure, get, of, patch, post, put, remove, widget, wrongField } from './case-kit.ts';

const create = (spec: unknown, more: Record<string, unknown> = {}) => post(WIDGETS, widget('a', spec, more));

const UNCHECKED = {
  reason: 'FieldValueInvalid',
  field: '<nil>',
  message:
    'Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
};

const blocked = (name: string, spec: unknown, field: string, reason: string, message: string): ApiCase =>
  of(name, [create(spec)], 422, {
    reason: 'Invalid',
    code: 422,
    details: { name: 'a', group: 'cases.serin.dev', kind: 'Widget', causes: [{ field, reason, message }, UNCHECKED] },
  });

const refused = (name: string, spec: unknown, field: string, reason: string, message: string): ApiCase =>
  of(name, [create(spec)], 422, wrongField(field, reason, message));

const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

const crd = (spec: Record<string, unknown>, name = 'things.{{ns}}.dev') =>
  post(CRDS, {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name },
    spec: {
      group: '{{ns}}.dev',
      scope: 'Namespaced',
      names: { plural: 'things', kind: 'Thing' },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
      ...spec,
    },
  });

const SCHEMA: readonly ApiCase[] = [
  of('a good custom object is defaulted', [create({ size: 1, parts: [{ name: 'x' }] })], 201, {
    metadata: { generation: 1 },
    spec: { size: 1, color: 'red', parts: [{ name: 'x', count: 3 }] },
  }),
  blocked('a required member is missing', {}, 'spec.size', 'FieldValueRequired', 'Required value'),
  of(
    'the spec is missing',
    [post(WIDGETS, { apiVersion: 'cases.serin.dev/v1', kind: 'Widget', metadata: { name: 'a' } })],
    422,
    { details: { causes: [{ field: 'spec', message: 'Required value' }, UNCHECKED] } },
  ),
  blocked(
    'a wrong type',
    { size: 'x' },
    'spec.size',
    'FieldValueTypeInvalid',
    'Invalid value: "string": spec.size in body must be of type integer: "string"',
  ),
  blocked(
    'a list for an object',
    [],
    'spec',
    'FieldValueTypeInvalid',
    'Invalid value: "array": spec in body must be of type object: "array"',
  ),
  refused(
    'below the minimum',
    { size: 0 },
    'spec.size',
    'FieldValueInvalid',
    'Invalid value: 0: spec.size in body should be greater than or equal to 1',
  ),
  of(
    'above the maximum',
    [create({ size: 11, color: 'blue' })],
    422,
    wrongField(
      'spec.size',
      'FieldValueInvalid',
      'Invalid value: 11: spec.size in body should be less than or equal to 10',
    ),
  ),
  refused(
    'at an exclusive minimum',
    { size: 1, ratio: 0 },
    'spec.ratio',
    'FieldValueInvalid',
    'Invalid value: 0: spec.ratio in body should be greater than 0',
  ),
  blocked(
    'none of an enum',
    { size: 1, color: 'green' },
    'spec.color',
    'FieldValueNotSupported',
    'Unsupported value: "green": supported values: "red", "blue"',
  ),
  refused(
    'not the pattern',
    { size: 1, name: 'A1' },
    'spec.name',
    'FieldValueInvalid',
    `Invalid value: "A1": spec.name in body should match '^[a-z]+$'`,
  ),
  blocked(
    'too long',
    { size: 1, name: 'abcdefg' },
    'spec.name',
    'FieldValueTooLong',
    'Too long: may not be more than 5 bytes',
  ),
  refused(
    'too short',
    { size: 1, name: 'a' },
    'spec.name',
    'FieldValueInvalid',
    'Invalid value: "a": spec.name in body should be at least 2 chars long',
  ),
  blocked(
    'too many items',
    { size: 1, tags: ['a', 'b', 'c', 'd'] },
    'spec.tags',
    'FieldValueTooMany',
    'Too many: 4: must have at most 3 items',
  ),
  refused(
    'too few items',
    { size: 1, tags: [] },
    'spec.tags',
    'FieldValueInvalid',
    'Invalid value: 0: spec.tags in body should have at least 1 items',
  ),
  refused(
    'a value twice in a set',
    { size: 1, tags: ['a', 'a'] },
    'spec.tags[1]',
    'FieldValueDuplicate',
    'Duplicate value: "a"',
  ),
  refused(
    'a key twice in a keyed list',
    { size: 1, parts: [{ name: 'a' }, { name: 'a' }] },
    'spec.parts[1]',
    'FieldValueDuplicate',
    'Duplicate value: {"name":"a"}',
  ),
  blocked(
    'an item without its key',
    { size: 1, parts: [{}] },
    'spec.parts[0].name',
    'FieldValueRequired',
    'Required value',
  ),
  blocked(
    'neither integer nor string',
    { size: 1, port: true },
    'spec.port',
    'FieldValueTypeInvalid',
    'Invalid value: "boolean": spec.port in body must be of type integer,string: "boolean"',
  ),
  of(
    'an integer or a string',
    [create({ size: 1, port: 'http' }), patch(`${WIDGETS}/a`, MERGE, { spec: { port: 80 } })],
    200,
    { spec: { port: 80 } },
  ),
  blocked(
    'a wrong value in a map',
    { size: 1, labels: { a: 1 } },
    'spec.labels.a',
    'FieldValueTypeInvalid',
    'Invalid value: "integer": spec.labels.a in body must be of type string: "integer"',
  ),
  blocked(
    'too many members of a map',
    { size: 1, labels: { a: '1', b: '2', c: '3' } },
    'spec.labels',
    'FieldValueTooMany',
    'Too many: 3: must have at most 2 items',
  ),
  of('two of oneOf', [create({ size: 1, one: { a: 'x', b: 'y' } })], 422, {
    details: {
      causes: [
        {
          field: '<nil>',
          message:
            'Invalid value: "": "spec.one" must validate one and only one schema (oneOf). Found 2 valid alternatives',
        },
      ],
    },
  }),
  of('none of oneOf', [create({ size: 1, one: {} })], 422, {
    details: {
      causes: [
        {
          field: '<nil>',
          message: 'Invalid value: "": "spec.one" must validate one and only one schema (oneOf). Found none valid',
        },
        { field: 'spec.one.a', message: 'Required value' },
        UNCHECKED,
      ],
    },
  }),
  of('none of anyOf', [create({ size: 1, any: {} })], 422, {
    details: {
      causes: [
        { field: '<nil>', message: 'Invalid value: "": "spec.any" must validate at least one schema (anyOf)' },
        { field: 'spec.any.a', message: 'Required value' },
        UNCHECKED,
      ],
    },
  }),
  of('null where a default is', [create({ size: 1, color: null })], 201, { spec: { color: 'red' } }),
  of('null where none may be', [create({ size: 1, name: null })], 201, { spec: { name: '{{absent}}' } }),
  of('null where it may be', [create({ size: 1, optional: null })], 201, { spec: { optional: null } }),
  of('unknown members are dropped with a warning', [create({ size: 1, foo: 1, one: { a: 'b', z: 1 } })], 201, {
    spec: { foo: '{{absent}}', one: { a: 'b', z: '{{absent}}' } },
  }),
  of(
    'unknown members are refused when asked',
    [post(`${WIDGETS}?fieldValidation=Strict`, widget('a', { size: 1, foo: 1, bar: 2 }))],
    400,
    failure(
      'BadRequest',
      'Widget in version "v1" cannot be handled as a Widget: strict decoding error: unknown field "spec.bar", unknown field "spec.foo"',
      { code: 400 },
    ),
  ),
  of('free members are kept', [create({ size: 1, free: { a: { b: [1, 'x', null] } } })], 201, {
    spec: { free: { a: { b: [1, 'x', null] } } },
  }),
  of('fieldValidation of an unknown value', [patch(`${WIDGETS}/a?fieldValidation=Some`, MERGE, {})], 422, {
    message:
      'PatchOptions.meta.k8s.io "" is invalid: fieldValidation: Unsupported value: "Some": supported values: "", "Ignore", "Strict", "Warn"',
  }),
  of(
    'a rule that does not hold',
    [create({ size: 10 })],
    422,
    wrongField('spec.color', 'FieldValueForbidden', 'Forbidden: ten must be blue'),
  ),
  of('a rule that holds', [create({ size: 10, color: 'blue' })], 201),
  of('a rule with a message of its own', [create({ size: 2, labels: { a: 'longer' } })], 422, {
    details: {
      causes: [{ field: 'spec', reason: 'FieldValueInvalid', message: '/: labels of a small one are too long$/' }],
    },
  }),
  of(
    'a rule on changes',
    [create({ size: 1, fixed: 'f' }), patch(`${WIDGETS}/a`, MERGE, { spec: { fixed: 'g' } })],
    422,
    wrongField('spec.fixed', 'FieldValueInvalid', 'Invalid value: "g": fixed is immutable'),
  ),
  of(
    'a rule on changes does not see a first value',
    [create({ size: 1 }), patch(`${WIDGETS}/a`, MERGE, { spec: { fixed: 'g' } })],
    200,
    { spec: { fixed: 'g' } },
  ),
  of(
    'replace of a custom object without a version',
    [create({ size: 1 }), put(`${WIDGETS}/a`, widget('a', { size: 2 }))],
    422,
    {
      message:
        'widgets.cases.serin.dev "a" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update',
      details: { kind: 'widgets' },
    },
  ),
  of(
    'replace of a custom object',
    [
      create({ size: 1 }),
      put(`${WIDGETS}/a`, {
        ...widget('a', { size: 2 }),
        metadata: { name: 'a', resourceVersion: '{{0.metadata.resourceVersion}}' },
      }),
    ],
    200,
    { spec: { size: 2 }, metadata: { generation: 2 } },
  ),
  of('create of a custom object drops its status', [create({ size: 1 }, { status: { phase: 'x' } })], 201, {
    status: '{{absent}}',
  }),
  of(
    'the status of a custom object apart',
    [
      create({ size: 1 }),
      patch(`${WIDGETS}/a/status`, MERGE, {
        spec: { size: 9 },
        metadata: { labels: { a: 'b' } },
        status: { phase: 'x' },
      }),
    ],
    200,
    { spec: { size: 1 }, metadata: { labels: '{{absent}}', generation: 1 }, status: { phase: 'x' } },
  ),
  of('a wrong status', [create({ size: 1 }), patch(`${WIDGETS}/a/status`, MERGE, { status: { count: 'x' } })], 422, {
    details: {
      causes: [
        { field: 'status.count', message: 'Invalid value: "string": count in body must be of type integer: "string"' },
        UNCHECKED,
      ],
    },
  }),
  of(
    'a custom object without a kind',
    [post(WIDGETS, {})],
    400,
    failure(
      'BadRequest',
      "the object provided is unrecognized (must be of type Widget): Object 'Kind' is missing in '{}' ({})",
    ),
  ),
  of(
    'a custom object of another kind',
    [post(WIDGETS, { apiVersion: 'cases.serin.dev/v1', kind: 'Other', metadata: { name: 'a' } })],
    422,
    { message: 'Other.cases.serin.dev "a" is invalid: kind: Invalid value: "Other": must be Widget' },
  ),
  of(
    'a custom object of another version',
    [post(WIDGETS, { apiVersion: 'cases.serin.dev/v2', kind: 'Widget', metadata: { name: 'a' } })],
    400,
    failure(
      'BadRequest',
      'the API version in the data (cases.serin.dev/v2) does not match the expected API version (cases.serin.dev/v1)',
    ),
  ),
  of('delete of a custom object', [create({ size: 1 }), remove(`${WIDGETS}/a`)], 200, {
    status: 'Success',
    details: { name: 'a', group: 'cases.serin.dev', kind: 'widgets', uid: '{{0.metadata.uid}}' },
  }),
  of('no scale of a custom kind without one', [create({ size: 1 }), get(`${WIDGETS}/a/scale`)], 404, {
    message: 'widgets.cases.serin.dev "a" not found',
  }),
];

const DEFINITIONS: readonly ApiCase[] = [
  of('a CRD is defaulted', [crd({})], 201, {
    spec: {
      names: { plural: 'things', singular: 'thing', kind: 'Thing', listKind: 'ThingList' },
      conversion: { strategy: 'None' },
    },
  }),
  of('a CRD under another name', [crd({}, 'others.{{ns}}.dev')], 422, {
    details: {
      causes: [
        {
          field: 'metadata.name',
          message: 'Invalid value: "others.{{ns}}.dev": must be spec.names.plural+"."+spec.group',
        },
      ],
    },
  }),
  of('a CRD without a schema', [crd({ versions: [{ name: 'v1', served: true, storage: true }] })], 422, {
    message: '/spec.versions\\[0\\].schema.openAPIV3Schema: Required value$/',
  }),
  of('a CRD of an unknown scope', [crd({ scope: 'Galaxy' })], 422, {
    message: '/spec.scope: Unsupported value: "Galaxy": supported values: "Cluster", "Namespaced"/',
  }),
];

/** The cases of this file. */
export const CUSTOM_CASES: readonly ApiCase[] = [...SCHEMA, ...DEFINITIONS];
