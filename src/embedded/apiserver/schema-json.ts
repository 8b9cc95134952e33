// Reads the structural JSON schema of a CRD into schema nodes.
import { makeNode } from './schema-node.ts';
import type { JsonSchema, ObjectSchema, SchemaNode } from './schema-types.ts';

/** The schema of a custom kind. The server's own members (apiVersion, kind, metadata) are added. */
export function customSchema(schema: JsonSchema): ObjectSchema {
  const root = readNode({ ...schema, type: 'object' });
  return { root, hasRules: hasRules(schema), openApi: schema };
}

const TYPES: ReadonlySet<string> = new Set(['object', 'array', 'string', 'integer', 'number', 'boolean']);

function readNode(schema: JsonSchema): SchemaNode {
  const properties = schema.properties === undefined ? null : new Map<string, SchemaNode>();
  for (const [name, member] of Object.entries(schema.properties ?? {})) properties?.set(name, readNode(member));
  const items = schema.items === undefined ? null : readNode(schema.items);
  const additional = readAdditional(schema);
  const children = [...(properties?.values() ?? []), items, typeof additional === 'object' ? additional : null];
  const isObject = schema.type === 'object';
  return makeNode({
    type: TYPES.has(schema.type ?? '') ? (schema.type as SchemaNode['type']) : '',
    // An object without members keeps none, unless it says that it preserves them.
    properties: properties ?? (isObject && additional === null ? new Map() : null),
    additional,
    items,
    listType: schema['x-kubernetes-list-type'] ?? 'atomic',
    listKeys: schema['x-kubernetes-list-map-keys'] ?? [],
    isAtomicMap: schema['x-kubernetes-map-type'] === 'atomic',
    isPreservingUnknown: schema['x-kubernetes-preserve-unknown-fields'] === true,
    isIntOrString: schema['x-kubernetes-int-or-string'] === true,
    isNullable: schema.nullable === true,
    isEmbedded: schema['x-kubernetes-embedded-resource'] === true,
    default: schema.default,
    hasDefaults: schema.default !== undefined || children.some((child) => child?.hasDefaults === true),
    source: schema,
  });
}

function readAdditional(schema: JsonSchema): SchemaNode['additional'] {
  const additional = schema.additionalProperties;
  if (additional === undefined || additional === false) return null;
  return additional === true ? true : readNode(additional);
}

function hasRules(schema: JsonSchema): boolean {
  if ((schema['x-kubernetes-validations'] ?? []).length > 0) return true;
  const children = [...Object.values(schema.properties ?? {}), schema.items, schema.additionalProperties];
  return children.some((child) => typeof child === 'object' && hasRules(child));
}
