// From a zod schema to a CustomResourceDefinition: the structural schema that the API server takes, for either group.
import { z } from 'zod';
import type { CanaryGroup } from '../kube/kinds.ts';
import { isObject, type Json, type JsonObject } from '../util/json.ts';
import { alertProviderSpecSchema } from './alert-provider-schema.ts';
import { canarySpecSchema } from './canary-schema.ts';
import { metricTemplateSpecSchema } from './metric-template-schema.ts';
import type { FieldNotes } from './schema-kit.ts';
import { statusSchema } from './status-schema.ts';

/** The kinds that serin defines. */
export const KINDS = ['Canary', 'MetricTemplate', 'AlertProvider'] as const;
export type KindName = (typeof KINDS)[number];

interface Column {
  readonly name: string;
  readonly type: 'string' | 'boolean';
  readonly jsonPath: string;
  readonly priority?: 1;
}

interface KindInfo {
  readonly plural: string;
  /** Only serin.dev has them: one short name in two groups would be ambiguous, and kubectl would take flagger.app's. */
  readonly shortNames: readonly string[];
  readonly description: string;
  readonly spec: z.ZodType;
  readonly status: z.ZodType | null;
  readonly columns: readonly Column[];
}

/** Flagger's columns in Flagger's order, then ours: scripts read them by position. */
const CANARY_COLUMNS: readonly Column[] = [
  { name: 'Status', type: 'string', jsonPath: '.status.phase' },
  { name: 'Weight', type: 'string', jsonPath: '.status.canaryWeight' },
  { name: 'Suspended', type: 'boolean', jsonPath: '.spec.suspend', priority: 1 },
  { name: 'FailedChecks', type: 'string', jsonPath: '.status.failedChecks', priority: 1 },
  { name: 'Interval', type: 'string', jsonPath: '.spec.analysis.interval', priority: 1 },
  { name: 'Mirror', type: 'boolean', jsonPath: '.spec.analysis.mirror', priority: 1 },
  { name: 'StepWeight', type: 'string', jsonPath: '.spec.analysis.stepWeight', priority: 1 },
  { name: 'StepWeights', type: 'string', jsonPath: '.spec.analysis.stepWeights', priority: 1 },
  { name: 'MaxWeight', type: 'string', jsonPath: '.spec.analysis.maxWeight', priority: 1 },
  { name: 'LastTransitionTime', type: 'string', jsonPath: '.status.lastTransitionTime' },
  { name: 'Version', type: 'string', jsonPath: '.status.observedTarget.version', priority: 1 },
  { name: 'Message', type: 'string', jsonPath: '.status.message', priority: 1 },
];

const INFO: Readonly<Record<KindName, KindInfo>> = {
  Canary: {
    plural: 'canaries',
    shortNames: ['can'],
    description: 'One workload and how its new revisions are released.',
    spec: canarySpecSchema,
    status: statusSchema,
    columns: CANARY_COLUMNS,
  },
  MetricTemplate: {
    plural: 'metrictemplates',
    shortNames: [],
    description: 'A query that Canaries share.',
    spec: metricTemplateSpecSchema,
    status: null,
    columns: [{ name: 'Provider', type: 'string', jsonPath: '.spec.provider.type' }],
  },
  AlertProvider: {
    plural: 'alertproviders',
    shortNames: [],
    description: 'A receiver of alerts that Canaries share.',
    spec: alertProviderSpecSchema,
    status: null,
    columns: [{ name: 'Type', type: 'string', jsonPath: '.spec.type' }],
  },
};

/** The CustomResourceDefinition of a kind in a group. */
export function crdOf(kind: KindName, group: CanaryGroup): JsonObject {
  const info = INFO[kind];
  const singular = kind.toLowerCase();
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    // Uninstalling the chart must not delete the Canaries of a cluster.
    metadata: { name: `${info.plural}.${group}`, annotations: { 'helm.sh/resource-policy': 'keep' } },
    spec: {
      group,
      names: {
        kind,
        listKind: `${kind}List`,
        plural: info.plural,
        singular,
        ...(info.shortNames.length > 0 && group === 'serin.dev' ? { shortNames: info.shortNames } : {}),
        categories: ['all', 'serin'],
      },
      scope: 'Namespaced',
      versions: [
        {
          name: 'v1beta1',
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: info.columns.map((column) => ({ ...column })),
          schema: { openAPIV3Schema: rootSchema(info, group) },
        },
      ],
    },
  };
}

/** The schema of spec (or status) of a kind, as the CRD of that group has it. */
export function kindSchema(kind: KindName, part: 'spec' | 'status', group: CanaryGroup): JsonObject | null {
  const schema = INFO[kind][part];
  return schema === null ? null : structural(z.toJSONSchema(schema, { io: 'input', target: 'openapi-3.0' }), group);
}

/** The sentence that describes a kind. */
export const kindDescription = (kind: KindName): string => INFO[kind].description;

function rootSchema(info: KindInfo, group: CanaryGroup): JsonObject {
  const convert = (schema: z.ZodType): JsonObject =>
    structural(z.toJSONSchema(schema, { io: 'input', target: 'openapi-3.0' }), group);
  return {
    description: info.description,
    type: 'object',
    properties: {
      apiVersion: { description: 'Group and version of this object.', type: 'string' },
      kind: { description: 'Kind of this object.', type: 'string' },
      metadata: { type: 'object' },
      spec: convert(info.spec),
      ...(info.status === null ? {} : { status: convert(info.status) }),
    },
    required: ['spec'],
  };
}

const KEPT = [
  'description',
  'type',
  'enum',
  'pattern',
  'minLength',
  'maxLength',
  'minimum',
  'maximum',
  'maxItems',
] as const;

/** Keeps what a structural schema may hold, and merges in the notes of the field. */
function structural(node: unknown, group: CanaryGroup): JsonObject {
  if (!isObject(node)) return {};
  const out: Record<string, Json> = {};
  for (const key of KEPT) {
    const value = node[key];
    // zod bounds every integer by what a double holds exactly; that is noise in a CRD.
    if (value === undefined || Math.abs(Number(value)) === Number.MAX_SAFE_INTEGER) continue;
    out[key] = value as Json;
  }
  const notes = (node['notes'] ?? {}) as FieldNotes;
  const kube = { ...notes.kube, ...notes.byGroup?.[group] };
  // Neither has a type of its own in a structural schema.
  if (kube['x-kubernetes-int-or-string'] === true) delete out['type'];
  if (notes.preset !== undefined && group === 'serin.dev') out['default'] = notes.preset;
  Object.assign(out, kube);
  Object.assign(out, childrenOf(node, group));
  const rules = [...(notes.rules ?? []), ...(notes.rulesByGroup?.[group] ?? [])];
  if (rules.length > 0) out['x-kubernetes-validations'] = rules.map((rule) => ({ ...rule }));
  return out;
}

function childrenOf(node: Record<string, unknown>, group: CanaryGroup): Record<string, Json> {
  const out: Record<string, Json> = {};
  const { items, properties, additionalProperties, required } = node;
  if (isObject(items)) out['items'] = structural(items, group);
  if (isObject(properties) && Object.keys(properties).length > 0) {
    out['properties'] = Object.fromEntries(
      Object.entries(properties).map(([name, child]) => [name, structural(child, group)]),
    );
  }
  // A map has additionalProperties with a schema; a loose object has an empty one, which a structural schema may not have beside properties.
  if (isObject(additionalProperties) && Object.keys(additionalProperties).length > 0) {
    out['additionalProperties'] = structural(additionalProperties, group);
  }
  if (Array.isArray(required) && required.length > 0) out['required'] = required as Json;
  return out;
}
