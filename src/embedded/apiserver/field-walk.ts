// Walks values by their schema: which paths a value sets, and which paths differ between two values.
import { isObject } from '../../util/json.ts';
import { EMPTY_TREE, type FieldTree, LEAF_TREE, makeTree } from './field-tree.ts';
import { isSame, type Members } from './json.ts';
import { memberNode } from './schema-node.ts';
import type { SchemaNode } from './schema-types.ts';

type Node = SchemaNode | null;

/** True for lists whose items have names of their own. */
export function isKeyedList(node: Node): node is SchemaNode {
  return node !== null && (node.listType === 'map' || node.listType === 'set');
}

/** True for objects whose members are owned one by one. */
export function isGranular(node: Node): boolean {
  return node === null || !node.isAtomicMap;
}

/** The schema of a member; null when nothing is known of it. */
export function childNode(node: Node, key: string): Node {
  return node === null ? null : (memberNode(node, key) ?? null);
}

/** The name of a list item: by its keys, or by its value. */
export function itemKey(node: SchemaNode, item: unknown): string {
  if (node.listType === 'set') return `v:${JSON.stringify(item)}`;
  const members = isObject(item) ? item : {};
  const keys: Members = {};
  for (const key of [...node.listKeys].sort()) {
    const value = members[key] ?? childNode(node.items, key)?.default;
    if (value !== undefined) keys[key] = value;
  }
  return `k:${JSON.stringify(keys)}`;
}

/** The paths that a value sets, as an apply claims them. */
export function fieldsOf(node: Node, value: unknown): FieldTree {
  if (Array.isArray(value)) {
    if (!isKeyedList(node)) return LEAF_TREE;
    const children = new Map<string, FieldTree>();
    for (const item of value as unknown[]) {
      const inside = node.listType === 'set' ? EMPTY_TREE : fieldsOf(node.items, item);
      children.set(itemKey(node, item), makeTree(true, inside.children));
    }
    return makeTree(false, children);
  }
  if (!isObject(value) || !isGranular(node)) return LEAF_TREE;
  const children = new Map<string, FieldTree>();
  for (const [key, member] of Object.entries(value)) {
    if (member === undefined) continue;
    const inside = fieldsOf(childNode(node, key), member);
    const isStructField = node?.properties?.has(key) === true;
    const isOwned = inside.isOwned || !isStructField || (isObject(member) && Object.keys(member).length === 0);
    const tree = makeTree(isOwned, inside.children);
    if (tree !== EMPTY_TREE) children.set(`f:${key}`, tree);
  }
  return makeTree(false, children);
}

/** What differs between two values. */
export interface Differences {
  /** Paths that are new or have another value. */
  readonly changed: FieldTree;
  readonly removed: FieldTree;
}

const NONE: Differences = { changed: EMPTY_TREE, removed: EMPTY_TREE };

/** Compares two values; undefined stands for an absent one. Identical parts cost nothing. */
export function compareValues(node: Node, before: unknown, after: unknown): Differences {
  if (before === after) return NONE;
  if (before === undefined) return { changed: everythingIn(node, after), removed: EMPTY_TREE };
  if (after === undefined) return { changed: EMPTY_TREE, removed: everythingIn(node, before) };
  // Two that hold nothing differ as wholes: null is not empty.
  if (!(isHollow(before) && isHollow(after))) {
    if (isListOrNull(before) && isListOrNull(after) && isKeyedList(node)) {
      return compareParts(listParts(node, before ?? []), listParts(node, after ?? []));
    }
    if (isObjectOrNull(before) && isObjectOrNull(after) && isGranular(node) && !isList(node)) {
      return compareParts(memberParts(node, before ?? {}), memberParts(node, after ?? {}));
    }
  }
  return isSame(before, after) ? NONE : { changed: LEAF_TREE, removed: EMPTY_TREE };
}

const isList = (node: Node): boolean => node?.type === 'array';
const isListOrNull = (value: unknown): value is readonly unknown[] | null => value === null || Array.isArray(value);
const isObjectOrNull = (value: unknown): value is Members | null => value === null || isObject(value);

function isHollow(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  return value === null || (isObject(value) && Object.keys(value).length === 0);
}

interface Part {
  readonly node: Node;
  readonly value: unknown;
}

function listParts(node: SchemaNode, list: readonly unknown[]): Map<string, Part> {
  const parts = new Map<string, Part>();
  for (const item of list) parts.set(itemKey(node, item), { node: node.items, value: item });
  return parts;
}

function memberParts(node: Node, value: Members): Map<string, Part> {
  const parts = new Map<string, Part>();
  for (const key in value) {
    if (value[key] !== undefined) parts.set(`f:${key}`, { node: childNode(node, key), value: value[key] });
  }
  return parts;
}

function compareParts(before: ReadonlyMap<string, Part>, after: ReadonlyMap<string, Part>): Differences {
  const changed = new Map<string, FieldTree>();
  const removed = new Map<string, FieldTree>();
  const note = (key: string, differences: Differences): void => {
    if (differences.changed !== EMPTY_TREE) changed.set(key, differences.changed);
    if (differences.removed !== EMPTY_TREE) removed.set(key, differences.removed);
  };
  for (const [key, { node, value }] of after) {
    const held = before.get(key);
    note(key, compareValues(node, held === undefined ? node?.zero : held.value, value));
  }
  for (const [key, { node, value }] of before) {
    if (!after.has(key)) note(key, compareValues(node, value, node?.zero));
  }
  return { changed: makeTree(false, changed), removed: makeTree(false, removed) };
}

/** Every path in a value, those of containers too. */
function everythingIn(node: Node, value: unknown): FieldTree {
  const isKeyed = Array.isArray(value) && isKeyedList(node);
  if (!isKeyed && !(isObject(value) && isGranular(node))) return LEAF_TREE;
  const parts = isKeyed ? listParts(node, value) : memberParts(node, value as Members);
  const children = new Map<string, FieldTree>();
  for (const [key, part] of parts) children.set(key, everythingIn(part.node, part.value));
  return makeTree(true, children);
}
