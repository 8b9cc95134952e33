// Adds what Go always writes: members of built-in kinds that are there, as zero values, when nobody has set them.
import type { KubeObject } from '../../kube/contract.ts';
import { isObject } from '../../util/json.ts';
import { type Members, setMember } from './json.ts';
import type { SchemaNode } from './schema-types.ts';
import type { ServedKind } from './types.ts';

/** The object with them; the same one when none is missing. Parts identical to `old` have them already. */
export function withZeros(kind: ServedKind, object: KubeObject, old: KubeObject | null): KubeObject {
  const root = kind.schema?.root;
  return kind.isCustom || root === undefined ? object : (fill(root, object, old) as KubeObject);
}

function fill(node: SchemaNode, value: unknown, old: unknown): unknown {
  if (value === old || value === null) return value;
  if (Array.isArray(value)) return fillList(node, value, old);
  if (!isObject(value)) return value;
  const before: Members = isObject(old) ? old : {};
  let filled: Members | null = null;
  for (const [key, member] of node.properties ?? []) {
    const part = value[key] ?? (key in value ? null : member.zero);
    if (part === undefined) continue;
    const next = fill(member, part, before[key]);
    if (next === value[key]) continue;
    filled ??= { ...value };
    setMember(filled, key, next);
  }
  return filled ?? value;
}

function fillList(node: SchemaNode, list: readonly unknown[], old: unknown): readonly unknown[] {
  const { items } = node;
  if (items === null || items.properties === null) return list;
  const before: readonly unknown[] = Array.isArray(old) ? old : [];
  const filled = list.map((item, index) => fill(items, item, before[index]));
  return filled.some((item, index) => item !== list[index]) ? filled : list;
}
