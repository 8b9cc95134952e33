// Fits objects to the schema of their kind: drops what it does not know, adds defaults, says what is wrong.
import type { KubeObject } from '../../kube/contract.ts';
import type { Engine, WriteContext } from './engine.ts';
import { isObject } from '../../util/json.ts';
import { type Fitting, fitValue } from './schema-fit.ts';
import { checkObject } from './schema-check.ts';
import type { SchemaNode } from './schema-types.ts';
import { badRequest, type FieldProblem, type StatusFailure } from './status.ts';
import type { ServedKind } from './types.ts';

/** The object without unknown members and with defaults; parts identical to `old` are left alone. Throws StatusFailure 400. */
export function fitToSchema(
  engine: Engine,
  context: WriteContext,
  next: KubeObject,
  old: KubeObject | null,
): KubeObject {
  const { kind } = context;
  if (kind.schema === null) return next;
  const fitting: Fitting = {
    unknown: [],
    isKeepingUnknown: !kind.isCustom && engine.options.isKeepingUnknownFields === true,
    onWrongType: kind.isCustom ? null : refuseType(kind),
  };
  const { apiVersion, kind: kindName, metadata, ...rest } = next;
  const { apiVersion: _version, kind: _kind, metadata: _metadata, ...before } = old ?? ({} as Partial<KubeObject>);
  const fitted = fitValue(fitting, kind.schema.root, rest, before, '', '') as Record<string, unknown>;
  reportUnknown(context, fitting);
  if (fitted === rest) return next;
  return { apiVersion, kind: kindName, metadata, ...fitted };
}

function reportUnknown(context: WriteContext, fitting: Fitting): void {
  if (fitting.isKeepingUnknown || context.fieldValidation === 'Ignore' || fitting.unknown.length === 0) return;
  const texts = fitting.unknown.map((path) => `unknown field "${path}"`);
  if (context.fieldValidation === 'Strict') throw strictFailure(context.kind, texts);
  context.warnings.push(...texts);
}

function strictFailure(kind: ServedKind, texts: readonly string[]): StatusFailure {
  const head = `${kind.kind} in version "${kind.version}" cannot be handled as a ${kind.kind}`;
  return badRequest(`${head}: strict decoding error: ${[...texts].sort().join(', ')}`);
}

function refuseType(kind: ServedKind): Fitting['onWrongType'] {
  return (path, typeName, value, node) => {
    const head = `${kind.kind} in version "${kind.version}" cannot be handled as a ${kind.kind}`;
    if (node.format === 'bytes' && typeof value === 'string') {
      throw badRequest(`${head}: illegal base64 data at input byte 0`);
    }
    if (node.format === 'quantity') {
      const why = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
      throw badRequest(`${head}: ${why}`);
    }
    const field = `${typeName || kind.kind}.${fieldOf(kind, path)}`;
    const shown = typeof value === 'number' && node.type === 'integer' ? `number ${value}` : jsonType(value);
    throw badRequest(`${head}: json: cannot unmarshal ${shown} into Go struct field ${field} of type ${goType(node)}`);
  };
}

/** Go names the field of the struct, not the key of a map in it nor the item of a list. */
function fieldOf(kind: ServedKind, path: string): string {
  const names: string[] = [];
  let node: SchemaNode | null = kind.schema?.root ?? null;
  for (const name of path.replace(/\[\d+\]/g, '').split('.')) {
    while (node !== null && node.items !== null) node = node.items;
    const next: SchemaNode | undefined = node?.properties?.get(name);
    if (next === undefined) break;
    names.push(name);
    node = next;
  }
  return names.join('.');
}

function jsonType(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (isObject(value)) return 'object';
  if (typeof value === 'boolean') return 'bool';
  return typeof value;
}

function goType(node: SchemaNode): string {
  if (node.format === 'int32' || node.format === 'int64') return node.format;
  if (node.type === 'boolean') return 'bool';
  if (node.type === 'number') return 'float64';
  if (node.type === 'array') return `[]${node.items === null ? 'interface {}' : goName(node.items)}`;
  if (node.type === 'object') return goName(node);
  return 'string';
}

function goName(node: SchemaNode): string {
  if (node.typeName !== '') return `v1.${node.typeName}`;
  return node.type === 'object'
    ? `map[string]${node.additional === null || node.additional === true ? 'interface {}' : goType(node.additional)}`
    : goType(node);
}

/** What the schema says against it; parts identical to `old` are not looked at. */
export function validateBySchema(context: WriteContext, next: KubeObject, old: KubeObject | null): FieldProblem[] {
  const { kind, subresource } = context;
  if (kind.schema === null || !kind.isCustom) return [];
  return checkObject(kind.schema, next, old, subresource === 'status');
}
