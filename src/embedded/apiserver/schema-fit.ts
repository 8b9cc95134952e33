// Drops what a schema does not know and adds its defaults, touching only what differs from the old object.
import { isObject } from '../../util/json.ts';
import { copyOf, type Members, setMember } from './json.ts';
import { canonicalQuantity } from './quantity.ts';
import { memberNode } from './schema-node.ts';
import type { SchemaNode } from './schema-types.ts';

/** How to fit, and what was found on the way. */
export interface Fitting {
  /** Paths of members that were not known. */
  readonly unknown: string[];
  readonly isKeepingUnknown: boolean;
  /** Says that a value is of the wrong type; only built-in kinds are that strict when they are read. */
  readonly onWrongType: ((path: string, typeName: string, value: unknown, node: SchemaNode) => never) | null;
}

/** `value` fitted to `node`. A value identical to `old` is left as it is. */
export function fitValue(
  fitting: Fitting,
  node: SchemaNode,
  value: unknown,
  old: unknown,
  path: string,
  owner: string,
): unknown {
  if (value === old && value !== undefined) return value;
  if (value === null) return null;
  if (node.isIntOrString) return value;
  if (Array.isArray(value)) return fitList(fitting, node, value, old, path, owner);
  if (isObject(value)) return fitObject(fitting, node, value, old, path, owner);
  return fitScalar(fitting, node, value, path, owner);
}

function fitScalar(fitting: Fitting, node: SchemaNode, value: unknown, path: string, owner: string): unknown {
  if (fitting.onWrongType === null) return value;
  if (node.format === 'quantity' && (typeof value === 'string' || typeof value === 'number')) {
    return canonicalQuantity(value) ?? fitting.onWrongType(path, owner, value, node);
  }
  const isTime = node.format === 'time' && typeof value === 'string';
  if (!isOfType(node, value) || (isTime && Number.isNaN(Date.parse(value)))) {
    fitting.onWrongType(path, owner, value, node);
  }
  return value;
}

function isOfType(node: SchemaNode, value: unknown): boolean {
  switch (node.type) {
    case '':
      return true;
    case 'string':
      return typeof value === 'string' && (node.format !== 'bytes' || isBase64(value));
    case 'boolean':
      return typeof value === 'boolean';
    case 'number':
      return typeof value === 'number';
    case 'integer':
      return (
        typeof value === 'number' && Number.isInteger(value) && (node.format !== 'int32' || Math.abs(value) < 2 ** 31)
      );
    case 'object':
    case 'array':
      return false;
  }
}

function isBase64(value: string): boolean {
  return value.length % 4 === 0 && /^[A-Za-z0-9+/\r\n]*={0,2}$/.test(value);
}

function fitList(
  fitting: Fitting,
  node: SchemaNode,
  list: readonly unknown[],
  old: unknown,
  path: string,
  owner: string,
): unknown {
  if (fitting.onWrongType !== null && node.type !== 'array' && node.type !== '') {
    fitting.onWrongType(path, owner, list, node);
  }
  const { items } = node;
  if (items === null) return list;
  const before: readonly unknown[] = Array.isArray(old) ? old : [];
  let isEqual = true;
  const fitted = list.map((item, index) => {
    const next = fitValue(fitting, items, item, before[index], `${path}[${index}]`, owner);
    if (next !== item) isEqual = false;
    return next;
  });
  return isEqual ? list : fitted;
}

function fitObject(
  fitting: Fitting,
  node: SchemaNode,
  value: Members,
  old: unknown,
  path: string,
  owner: string,
): unknown {
  if (fitting.onWrongType !== null && node.type !== 'object' && node.type !== '') {
    fitting.onWrongType(path, owner, value, node);
  }
  const before: Members = isObject(old) ? old : {};
  const holder = node.typeName === '' ? owner : node.typeName;
  let fitted: Members | null = null;
  for (const key in value) {
    const part = value[key];
    if (part === undefined) continue;
    const member = memberNode(node, key) ?? (node.isEmbedded && isTypeMember(key) ? null : undefined);
    const where = path === '' ? key : `${path}.${key}`;
    if (member === undefined && memberNode(node, key) === undefined && !(node.isEmbedded && isTypeMember(key))) {
      fitting.unknown.push(where);
      if (fitting.isKeepingUnknown) continue;
      fitted ??= { ...value };
      delete fitted[key];
      continue;
    }
    if (member === null || member === undefined) continue;
    const own = part === null ? fitNull(fitting, member) : fitValue(fitting, member, part, before[key], where, holder);
    const next = fitting.onWrongType !== null && isEmptyCollection(member, own) ? nothingFor(member) : own;
    if (next === part) continue;
    fitted ??= { ...value };
    if (next === undefined) delete fitted[key];
    else setMember(fitted, key, next);
  }
  return addDefaults(fitting, node, fitted ?? value, value);
}

/** Lists and maps of built-in kinds are stored by what is in them: an empty one is none. */
function isEmptyCollection(node: SchemaNode, value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  return isObject(value) && node.additional !== null && Object.keys(value).length === 0;
}

const nothingFor = (node: SchemaNode): unknown => (node.zero === undefined ? undefined : null);

const isTypeMember = (key: string): boolean => key === 'apiVersion' || key === 'kind' || key === 'metadata';

/** A null where none may be stands for an absent value. */
function fitNull(fitting: Fitting, node: SchemaNode): unknown {
  if (fitting.onWrongType !== null) return undefined;
  return node.isNullable || node.type === '' ? null : undefined;
}

function addDefaults(fitting: Fitting, node: SchemaNode, fitted: Members, value: Members): Members {
  if (fitting.onWrongType !== null || !node.hasDefaults || node.properties === null) return fitted;
  let result: Members | null = fitted === value ? null : fitted;
  for (const [key, member] of node.properties) {
    if (!member.hasDefaults || member.default === undefined || fitted[key] !== undefined) continue;
    result ??= { ...value };
    const given = copyOf(member.default);
    setMember(result, key, fitValue(fitting, member, given, undefined, '', ''));
  }
  return result ?? fitted;
}
