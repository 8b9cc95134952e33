// The OpenAPI document of version 2, made from those of version 3, as JSON and in the protobuf that clients of Go ask for.
import { isObject } from '../../util/json.ts';
import type { Members } from './json.ts';
import { textAt } from './json.ts';

/** What clients of Go name in their Accept header, and what the answer says it is. */
export const OPENAPI_PROTOBUF = {
  accept: 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf',
  contentType: 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf',
} as const;

/** One document of version 2 out of documents of version 3: the types alone, for nobody reads its paths. */
export function openApiV2Of(documents: readonly Members[]): Members {
  const definitions: Members = {};
  for (const { components } of documents) {
    const { schemas } = components as { schemas: Members };
    for (const [name, schema] of Object.entries(schemas)) definitions[name] = schemaV2(schema);
  }
  const info = documents[0]?.['info'] ?? { title: 'Kubernetes', version: 'unversioned' };
  return { swagger: '2.0', info, paths: {}, definitions };
}

const KEPT = ['description', 'format', 'type', 'required', 'pattern'] as const;

/** A schema in the words of version 2: a reference stands alone, what may have several types has none. */
function schemaV2(schema: unknown): Members {
  if (!isObject(schema)) return {};
  const description = schema['description'] === undefined ? {} : { description: schema['description'] };
  const [only] = Array.isArray(schema['allOf']) ? (schema['allOf'] as unknown[]) : [];
  const reference = textAt(schema, '$ref') || textAt(only, '$ref');
  if (reference !== '') return { ...description, $ref: reference.replace('#/components/schemas/', '#/definitions/') };
  const made: Members = {};
  for (const key of KEPT) if (schema[key] !== undefined) made[key] = schema[key];
  if (isObject(schema['properties'])) made['properties'] = eachV2(schema['properties']);
  if (isObject(schema['items'])) made['items'] = schemaV2(schema['items']);
  if (isObject(schema['additionalProperties'])) made['additionalProperties'] = schemaV2(schema['additionalProperties']);
  for (const [key, value] of Object.entries(schema)) if (key.startsWith('x-kubernetes-')) made[key] = value;
  return made;
}

const eachV2 = (schemas: Members): Members =>
  Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, schemaV2(schema)]));

/**
 * A document of version 2 in protobuf. Numbers of members as in `openapi.v2.Document` of gnostic-models v0.7,
 * openapiv2/OpenAPIv2.proto.
 */
export function encodeOpenApiV2(document: Members): Buffer {
  const info = document['info'] as Members;
  const definitions = namedSchemas(document['definitions']);
  return message(
    textMember(1, document['swagger']),
    member(2, message(textMember(1, info['title']), textMember(2, info['version']))),
    member(8, message()),
    member(9, definitions),
  );
}

function encodeSchema(schema: Members): Buffer {
  const { $ref, format, description, pattern, required, additionalProperties, type, items, properties } = schema;
  const parts = [textMember(1, $ref), textMember(2, format), textMember(4, description), textMember(13, pattern)];
  if (Array.isArray(required)) parts.push(...required.map((name) => textMember(19, name)));
  if (isObject(additionalProperties)) parts.push(member(21, message(member(1, encodeSchema(additionalProperties)))));
  if (type !== undefined) parts.push(member(22, textMember(1, type)));
  if (isObject(items)) parts.push(member(23, message(member(1, encodeSchema(items)))));
  if (isObject(properties)) parts.push(member(25, namedSchemas(properties)));
  for (const [name, value] of Object.entries(schema)) {
    if (!name.startsWith('x-')) continue;
    // An extension is YAML, of which JSON is a part.
    const any = member(2, textMember(2, JSON.stringify(value)));
    parts.push(member(31, message(textMember(1, name), any)));
  }
  return message(...parts);
}

function namedSchemas(schemas: unknown): Buffer {
  const named = Object.entries(isObject(schemas) ? schemas : {});
  return message(
    ...named.map(([name, schema]) =>
      member(1, message(textMember(1, name), member(2, encodeSchema(isObject(schema) ? schema : {})))),
    ),
  );
}

const message = (...parts: readonly Buffer[]): Buffer => Buffer.concat(parts);

/** A member that has a length: a text or a message. */
const member = (number: number, bytes: Buffer): Buffer =>
  Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes]);

const textMember = (number: number, text: unknown): Buffer =>
  typeof text === 'string' && text !== '' ? member(number, Buffer.from(text)) : Buffer.alloc(0);

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let left = value;
  while (left > 127) {
    bytes.push((left % 128) + 128);
    left = Math.floor(left / 128);
  }
  return Buffer.from([...bytes, left]);
}
