// OpenAPI documents, made from the schemas of the served kinds, so that kubectl can validate, apply and explain.
import type { Engine } from './engine.ts';
import type { Members } from './json.ts';
import { openApiV2Of } from './openapi-v2.ts';
import { patchTypes } from './patch-types.ts';
import { builtInSchema } from './schema-builtin.ts';
import type { JsonSchema, SchemaNode } from './schema-types.ts';
import { groupVersion } from './served-kind.ts';
import type { ServedKind } from './types.ts';

const INFO = { title: 'Kubernetes', version: 'v1.36.3' };

/** The document of version 2, with the types of all kinds. */
export function openApiV2(engine: Engine): Members {
  const names = new Set(engine.registry.all().map(documentName));
  return openApiV2Of(
    [...names]
      .sort()
      .map((name) => openApiV3Document(engine, name))
      .filter((one) => one !== null),
  );
}

/** The list of documents of version 3. */
export function openApiV3Index(engine: Engine): unknown {
  const names = new Set(engine.registry.all().map(documentName));
  const revision = engine.registry.revision();
  const paths = Object.fromEntries(
    [...names].sort().map((name) => [name, { serverRelativeURL: `/openapi/v3/${name}?hash=${revision}` }]),
  );
  return { paths };
}

function documentName(kind: ServedKind): string {
  return kind.group === '' ? `api/${kind.version}` : `apis/${groupVersion(kind)}`;
}

/** One document of version 3; null when there is none at this path. */
export function openApiV3Document(engine: Engine, name: string): Members | null {
  const kinds = engine.registry.all().filter((kind) => documentName(kind) === name);
  if (kinds.length === 0) return null;
  const schemas: Members = {};
  addNode(schemas, builtInSchema('ObjectMeta').root);
  const paths: Members = {};
  for (const kind of kinds) {
    schemas[schemaName(kind)] = { ...kindSchema(schemas, kind), 'x-kubernetes-group-version-kind': [kindTag(kind)] };
    Object.assign(paths, pathsOf(kind));
  }
  return { openapi: '3.0.0', info: INFO, paths, components: { schemas } };
}

const kindTag = (kind: ServedKind): Members => ({ group: kind.group, kind: kind.kind, version: kind.version });

function schemaName(kind: ServedKind): string {
  const group = kind.group === '' ? 'core' : kind.group;
  return `${kind.isCustom ? '' : 'io.k8s.api.'}${group.split('.').reverse().join('.')}.${kind.version}.${kind.kind}`;
}

const META_REF = { allOf: [{ $ref: '#/components/schemas/types.ObjectMeta' }], default: {} };

function kindSchema(schemas: Members, kind: ServedKind): Members {
  const head = { apiVersion: { type: 'string' }, kind: { type: 'string' }, metadata: META_REF };
  if (kind.schema === null) {
    return { type: 'object', properties: head, 'x-kubernetes-preserve-unknown-fields': true };
  }
  if (kind.schema.openApi !== null) {
    const { openApi } = kind.schema;
    return { ...openApi, properties: { ...openApi.properties, ...typeMembers(openApi), metadata: META_REF } };
  }
  const properties = { ...propertiesOf(schemas, kind.schema.root), ...head };
  return { type: 'object', properties };
}

function typeMembers(schema: JsonSchema): Members {
  const { apiVersion, kind } = schema.properties ?? {};
  return { apiVersion: apiVersion ?? { type: 'string' }, kind: kind ?? { type: 'string' } };
}

function propertiesOf(schemas: Members, node: SchemaNode): Members {
  const properties: Members = {};
  for (const [name, member] of node.properties ?? []) properties[name] = memberSchema(schemas, member);
  return properties;
}

/** Adds the type of a node to the schemas, once. */
function addNode(schemas: Members, node: SchemaNode): void {
  const name = `types.${node.typeName}`;
  if (schemas[name] !== undefined) return;
  schemas[name] = {};
  schemas[name] = { type: 'object', properties: propertiesOf(schemas, node) };
}

function memberSchema(schemas: Members, node: SchemaNode): Members {
  if (node.typeName !== '') {
    addNode(schemas, node);
    const atomic = node.isAtomicMap ? { 'x-kubernetes-map-type': 'atomic' } : {};
    const union = node.isUnion ? { 'x-kubernetes-patch-strategy': 'retainKeys' } : {};
    return { allOf: [{ $ref: `#/components/schemas/types.${node.typeName}` }], ...atomic, ...union };
  }
  if (node.type === 'array') return listSchema(schemas, node);
  if (node.isIntOrString)
    return { oneOf: [{ type: 'integer' }, { type: 'string' }], 'x-kubernetes-int-or-string': true };
  if (node.type === 'object') {
    const { additional } = node;
    return {
      type: 'object',
      ...(additional === null || additional === true
        ? {}
        : { additionalProperties: memberSchema(schemas, additional) }),
    };
  }
  if (node.format === 'quantity') return { oneOf: [{ type: 'string' }, { type: 'number' }] };
  if (node.format === 'time') return { type: 'string', format: 'date-time' };
  if (node.type === '') return { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  return { type: node.type, ...(node.format === 'int32' || node.format === 'int64' ? { format: node.format } : {}) };
}

function listSchema(schemas: Members, node: SchemaNode): Members {
  const items = node.items === null ? {} : memberSchema(schemas, node.items);
  const merge =
    node.mergeKey === ''
      ? {}
      : {
          'x-kubernetes-patch-strategy': node.isUnion ? 'merge,retainKeys' : 'merge',
          ...(node.mergeKey === '=' ? {} : { 'x-kubernetes-patch-merge-key': node.mergeKey }),
        };
  return {
    type: 'array',
    items,
    'x-kubernetes-list-type': node.listType,
    ...(node.listKeys.length === 0 ? {} : { 'x-kubernetes-list-map-keys': node.listKeys }),
    ...merge,
  };
}

function pathsOf(kind: ServedKind): Members {
  const root = kind.group === '' ? `/api/${kind.version}` : `/apis/${groupVersion(kind)}`;
  const base = kind.namespaced ? `${root}/namespaces/{namespace}/${kind.plural}` : `${root}/${kind.plural}`;
  const tag = { 'x-kubernetes-group-version-kind': kindTag(kind) };
  const reference = { $ref: `#/components/schemas/${schemaName(kind)}` };
  const body = (types: readonly string[]): Members => ({
    content: Object.fromEntries(types.map((type) => [type, { schema: reference }])),
  });
  const ok = { responses: { '200': { description: 'OK' } }, ...tag };
  const query = (name: string, type: string): Members => ({ name, in: 'query', schema: { type, uniqueItems: true } });
  const write = [query('dryRun', 'string'), query('fieldManager', 'string'), query('fieldValidation', 'string')];
  const json = ['application/json', 'application/yaml'];
  const collection: Members = {
    post: { ...ok, 'x-kubernetes-action': 'post', parameters: write, requestBody: body(json) },
  };
  if (!kind.verbs.includes('get')) return { [base]: collection };
  return {
    [base]: { get: { ...ok, 'x-kubernetes-action': 'list' }, ...collection },
    [`${base}/{name}`]: {
      get: { ...ok, 'x-kubernetes-action': 'get' },
      put: { ...ok, 'x-kubernetes-action': 'put', parameters: write, requestBody: body(json) },
      patch: {
        ...ok,
        'x-kubernetes-action': 'patch',
        parameters: [...write, query('force', 'boolean')],
        requestBody: body(patchTypes(kind)),
      },
      delete: { ...ok, 'x-kubernetes-action': 'delete' },
    },
  };
}
