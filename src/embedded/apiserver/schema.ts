// Fits objects to the schema of their kind: drops what it does not know, adds defaults, says what is wrong.
import type { KubeObject, ObjectMeta } from '../../kube/contract.ts';
import type { Engine, WriteContext } from './engine.ts';
import { isObject } from '../../util/json.ts';
import type { Members } from './json.ts';
import { type Fitting, fitValue } from './schema-fit.ts';
import { checkObject } from './schema-check.ts';
import { builtInSchema } from './schema-builtin.ts';
import type { SchemaNode } from './schema-types.ts';
import { badRequest, type FieldProblem, invalidValue, StatusFailure } from './status.ts';
import type { ServedKind } from './types.ts';

/** The object without unknown members and with defaults; parts identical to `old` are left alone. Throws StatusFailure 400, 422. */
export function fitToSchema(
  engine: Engine,
  context: WriteContext,
  next: KubeObject,
  old: KubeObject | null,
): KubeObject {
  const { kind } = context;
  const refuse = refuseType(context, next);
  const fitting: Fitting = {
    unknown: [],
    isKeepingUnknown: !kind.isCustom && engine.options.isKeepingUnknownFields === true,
    onWrongType: kind.isCustom ? null : refuse,
  };
  const { apiVersion, kind: kindName, metadata, ...rest } = next;
  const { apiVersion: _version, kind: _kind, metadata: oldMetadata, ...before } = old ?? ({} as Partial<KubeObject>);
  // Metadata is read as strictly in custom kinds as in others.
  const metaFitting = { ...fitting, onWrongType: refuse };
  const meta = fitValue(metaFitting, META, metadata, oldMetadata, 'metadata', '') as ObjectMeta;
  const root = kind.schema?.root;
  const fitted = (root === undefined ? rest : fitValue(fitting, root, rest, before, '', '')) as Members;
  reportUnknown(context, fitting, next);
  if (fitted === rest && meta === metadata) return next;
  return { apiVersion, kind: kindName, metadata: meta, ...fitted };
}

const META = builtInSchema('ObjectMeta').root;

function reportUnknown(context: WriteContext, fitting: Fitting, next: KubeObject): void {
  if (fitting.isKeepingUnknown || context.fieldValidation === 'Ignore' || fitting.unknown.length === 0) return;
  const texts = fitting.unknown.map((path) => `unknown field "${path}"`);
  if (context.fieldValidation === 'Strict') {
    throw unreadable(context, next, `strict decoding error: ${texts.toSorted().join(', ')}`);
  }
  context.warnings.push(...texts);
}

/** A whole object that cannot be read is a bad request; a patch that makes one is invalid. */
function unreadable(context: WriteContext, next: KubeObject, why: string): StatusFailure {
  const { kind, verb, operation } = context;
  if (verb !== 'patch' || operation === 'Apply') {
    return badRequest(`${kind.kind} in version "${kind.version}" cannot be handled as a ${kind.kind}: ${why}`);
  }
  // A strategic patch is named itself, as Go prints it; of other patches, what they made.
  const problem = invalidValue('patch', context.isStrategic ? goText(context.body) : JSON.stringify(next), why);
  const details = { causes: [problem] };
  return new StatusFailure(422, 'Invalid', ` "" is invalid: patch: ${problem.message}`, details);
}

/** A value as Go prints it. */
function goText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(goText).join(' ')}]`;
  if (!isObject(value)) return value === null ? '<nil>' : `${value as string | number | boolean}`;
  const members = Object.keys(value).toSorted();
  return `map[${members.map((key) => `${key}:${goText(value[key])}`).join(' ')}]`;
}

type RefuseType = NonNullable<Fitting['onWrongType']>;

function refuseType(context: WriteContext, next: KubeObject): RefuseType {
  const { kind } = context;
  return (path, typeName, value, node) => {
    const why = context.isStrategic
      ? `unrecognized type: ${goType(node)}`
      : wrongType(kind, path, typeName, value, node);
    throw unreadable(context, next, why);
  };
}

function wrongType(kind: ServedKind, path: string, typeName: string, value: unknown, node: SchemaNode): string {
  if (node.format === 'bytes' && typeof value === 'string') return 'illegal base64 data at input byte 0';
  if (node.format === 'quantity') {
    return "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
  }
  if (node.format === 'time' && typeof value === 'string') {
    return `parsing time "${value}" as "2006-01-02T15:04:05Z07:00": cannot parse "${value}" as "2006"`;
  }
  const shown = typeof value === 'number' && node.type === 'integer' ? `number ${value}` : jsonType(value);
  const field = `${typeName || kind.kind}.${fieldOf(kind, path)}`;
  return `json: cannot unmarshal ${shown} into Go struct field ${field} of type ${goType(node)}`;
}

/** Go names the field of the struct, not the key of a map in it nor the item of a list. */
function fieldOf(kind: ServedKind, path: string): string {
  const names: string[] = [];
  const isMeta = path.startsWith('metadata.');
  let node: SchemaNode | null = isMeta ? META : (kind.schema?.root ?? null);

  const steps = path.replace(/\[\d+\]/g, '').split('.');
  for (const name of isMeta ? steps.slice(1) : steps) {
    while (node !== null && node.items !== null) node = node.items;
    const next: SchemaNode | undefined = node?.properties?.get(name);
    if (next === undefined) break;
    names.push(name);
    node = next;
  }
  return isMeta && !kind.isCustom ? `metadata.${names.join('.')}` : names.join('.');
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
