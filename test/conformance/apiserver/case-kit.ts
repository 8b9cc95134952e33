// Short forms of what cases are made of.
import type { ApiCase, CaseRequest } from './case-runner.ts';

export const CONFIG_MAPS = '/api/v1/namespaces/{{ns}}/configmaps';
export const SECRETS = '/api/v1/namespaces/{{ns}}/secrets';
export const SERVICES = '/api/v1/namespaces/{{ns}}/services';
export const PODS = '/api/v1/namespaces/{{ns}}/pods';
export const DEPLOYMENTS = '/apis/apps/v1/namespaces/{{ns}}/deployments';
export const WIDGETS = '/apis/cases.serin.dev/v1/namespaces/{{ns}}/widgets';

export const MERGE = { 'content-type': 'application/merge-patch+json' };
export const JSON_PATCH = { 'content-type': 'application/json-patch+json' };
export const STRATEGIC = { 'content-type': 'application/strategic-merge-patch+json' };
export const APPLY = { 'content-type': 'application/apply-patch+yaml' };

type Members = Record<string, unknown>;

export const get = (path: string, headers?: Record<string, string>): CaseRequest => ({
  method: 'GET',
  path,
  ...(headers === undefined ? {} : { headers }),
});
export const post = (path: string, body: unknown, headers?: Record<string, string>): CaseRequest => ({
  method: 'POST',
  path,
  body,
  ...(headers === undefined ? {} : { headers }),
});
export const put = (path: string, body: unknown): CaseRequest => ({ method: 'PUT', path, body });
export const patch = (path: string, headers: Record<string, string>, body: unknown): CaseRequest => ({
  method: 'PATCH',
  path,
  headers,
  body,
});
export const remove = (path: string, body?: unknown): CaseRequest => ({
  method: 'DELETE',
  path,
  ...(body === undefined ? {} : { body }),
});
/** Server-side apply of an object as a manager. */
export const apply = (path: string, manager: string, body: unknown, query = ''): CaseRequest =>
  patch(`${path}?fieldManager=${manager}${query}`, APPLY, body);

export const configMap = (name: string, data: Members = {}, metadata: Members = {}): Members => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, ...metadata },
  data,
});

export const deployment = (name: string, spec: Members = {}, metadata: Members = {}): Members => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, ...metadata },
  spec: {
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { containers: [{ name: 'main', image: 'app:1', ports: [{ containerPort: 80 }] }] },
    },
    ...spec,
  },
});

export const pod = (name: string, spec: Members = {}, metadata: Members = {}): Members => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, ...metadata },
  spec: { containers: [{ name: 'main', image: 'app:1' }], ...spec },
});

export const service = (name: string, spec: Members = {}): Members => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name },
  spec: { ports: [{ port: 80 }], ...spec },
});

export const widget = (name: string, spec: unknown, more: Members = {}): Members => ({
  apiVersion: 'cases.serin.dev/v1',
  kind: 'Widget',
  metadata: { name },
  spec,
  ...more,
});

export const of = (name: string, requests: readonly CaseRequest[], status: number, bodyMatch?: unknown): ApiCase => ({
  name,
  requests,
  expected: { status, ...(bodyMatch === undefined ? {} : { bodyMatch }) },
});

/** A Status object of kind Failure. */
export const failure = (reason: string, message: string, more: Members = {}): Members => ({
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Failure',
  reason,
  message,
  ...more,
});

/** A refusal that names one field. */
export const wrongField = (field: string, reason: string, message: string): Members => ({
  kind: 'Status',
  status: 'Failure',
  reason: 'Invalid',
  code: 422,
  details: { causes: [{ field, reason, message }] },
});

export const STALE = 'the object has been modified; please apply your changes to the latest version and try again';

/** The CRD of the kind Widget, which the cases of custom kinds use. */
export const WIDGET_CRD = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.cases.serin.dev' },
  spec: {
    group: 'cases.serin.dev',
    scope: 'Namespaced',
    names: { plural: 'widgets', singular: 'widget', kind: 'Widget', listKind: 'WidgetList', shortNames: ['wd'] },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {} },
        additionalPrinterColumns: [
          { name: 'Size', type: 'integer', jsonPath: '.spec.size' },
          { name: 'Color', type: 'string', jsonPath: '.spec.color', priority: 1 },
          { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
          { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
        ],
        schema: {
          openAPIV3Schema: {
            type: 'object',
            required: ['spec'],
            properties: {
              apiVersion: { type: 'string' },
              kind: { type: 'string' },
              metadata: { type: 'object' },
              spec: {
                type: 'object',
                required: ['size'],
                properties: {
                  size: { type: 'integer', minimum: 1, maximum: 10 },
                  color: { type: 'string', enum: ['red', 'blue'], default: 'red' },
                  name: { type: 'string', pattern: '^[a-z]+$', maxLength: 5, minLength: 2 },
                  ratio: { type: 'number', minimum: 0, exclusiveMinimum: true },
                  tags: {
                    type: 'array',
                    items: { type: 'string' },
                    'x-kubernetes-list-type': 'set',
                    maxItems: 3,
                    minItems: 1,
                  },
                  parts: {
                    type: 'array',
                    'x-kubernetes-list-type': 'map',
                    'x-kubernetes-list-map-keys': ['name'],
                    items: {
                      type: 'object',
                      required: ['name'],
                      properties: { name: { type: 'string' }, count: { type: 'integer', default: 3 } },
                    },
                  },
                  list: { type: 'array', items: { type: 'string' } },
                  port: { 'x-kubernetes-int-or-string': true },
                  free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
                  labels: { type: 'object', additionalProperties: { type: 'string', maxLength: 20 }, maxProperties: 2 },
                  optional: { type: 'string', nullable: true },
                  one: {
                    type: 'object',
                    properties: { a: { type: 'string' }, b: { type: 'string' } },
                    oneOf: [{ required: ['a'] }, { required: ['b'] }],
                  },
                  any: {
                    type: 'object',
                    properties: { a: { type: 'string' }, b: { type: 'string' } },
                    anyOf: [{ required: ['a'] }, { required: ['b'] }],
                  },
                  fixed: {
                    type: 'string',
                    'x-kubernetes-validations': [{ rule: 'self == oldSelf', message: 'fixed is immutable' }],
                  },
                },
                'x-kubernetes-validations': [
                  {
                    rule: 'self.size < 10 || self.color == "blue"',
                    message: 'ten must be blue',
                    fieldPath: '.color',
                    reason: 'FieldValueForbidden',
                  },
                  {
                    rule: '!has(self.labels) || self.labels.all(k, self.labels[k].size() < 5)',
                    messageExpression: 'self.size < 5 ? "labels of a small one are too long" : "labels are too long"',
                  },
                ],
              },
              status: {
                type: 'object',
                properties: {
                  phase: { type: 'string' },
                  count: { type: 'integer' },
                  conditions: {
                    type: 'array',
                    'x-kubernetes-list-type': 'map',
                    'x-kubernetes-list-map-keys': ['type'],
                    items: {
                      type: 'object',
                      required: ['type', 'status'],
                      properties: { type: { type: 'string' }, status: { type: 'string' } },
                    },
                  },
                },
              },
            },
          },
        },
      },
    ],
  },
};
