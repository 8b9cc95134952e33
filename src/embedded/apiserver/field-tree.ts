// Sets of field paths in the form of FieldsV1: `f:` a member, `k:` an item by keys, `v:` an item by value, `.` the thing itself.
import { isObject } from '../../util/json.ts';
import type { Members } from './json.ts';

/** A set of paths. Trees are never changed once they are made. */
export interface FieldTree {
  /** Whether the path that leads here is in the set. */
  readonly isOwned: boolean;
  readonly children: ReadonlyMap<string, FieldTree>;
}

const NO_CHILDREN: ReadonlyMap<string, FieldTree> = new Map();

/** The empty set. */
export const EMPTY_TREE: FieldTree = { isOwned: false, children: NO_CHILDREN };
/** The set of just the path that leads here. */
export const LEAF_TREE: FieldTree = { isOwned: true, children: NO_CHILDREN };

/** A tree of its parts; the shared empty or leaf tree where it is one. */
export function makeTree(isOwned: boolean, children: ReadonlyMap<string, FieldTree>): FieldTree {
  if (children.size > 0) return { isOwned, children };
  return isOwned ? LEAF_TREE : EMPTY_TREE;
}

/** True when no path is in the set. */
export function isEmptyTree(tree: FieldTree): boolean {
  return !tree.isOwned && tree.children.size === 0;
}

const parsed = new WeakMap<object, FieldTree>();

/** Reads FieldsV1. */
export function treeFromJson(value: unknown): FieldTree {
  if (!isObject(value)) return EMPTY_TREE;
  const held = parsed.get(value);
  if (held !== undefined) return held;
  const tree = readMembers(value, false);
  parsed.set(value, tree);
  return tree;
}

function readMembers(value: Members, isBelowRoot: boolean): FieldTree {
  const children = new Map<string, FieldTree>();
  let isOwned = false;
  for (const [key, child] of Object.entries(value)) {
    if (key === '.') isOwned = true;
    else children.set(key, readMembers(isObject(child) ? child : {}, true));
  }
  return makeTree(isOwned || (isBelowRoot && children.size === 0), children);
}

/** FieldsV1 of a set. */
export function treeToJson(tree: FieldTree): Members {
  const value: Members = {};
  if (tree.isOwned && tree.children.size > 0) value['.'] = {};
  for (const key of [...tree.children.keys()].sort()) value[key] = treeToJson(tree.children.get(key)!);
  parsed.set(value, tree.isOwned && tree.children.size === 0 ? EMPTY_TREE : tree);
  return value;
}

/** Paths in either. Gives `a` itself when `b` adds nothing. */
export function unionOf(a: FieldTree, b: FieldTree): FieldTree {
  if (a === b || isEmptyTree(b)) return a;
  if (isEmptyTree(a)) return b;
  let children: Map<string, FieldTree> | null = null;
  for (const [key, child] of b.children) {
    const held = a.children.get(key);
    const joined = held === undefined ? child : unionOf(held, child);
    if (joined === held) continue;
    children ??= new Map(a.children);
    children.set(key, joined);
  }
  const isOwned = a.isOwned || b.isOwned;
  if (children === null && isOwned === a.isOwned) return a;
  return makeTree(isOwned, children ?? a.children);
}

/** Paths of `a` that are not in `b`. Gives `a` itself when nothing goes. */
export function differenceOf(a: FieldTree, b: FieldTree): FieldTree {
  if (isEmptyTree(b)) return a;
  let children: Map<string, FieldTree> | null = null;
  for (const [key, child] of a.children) {
    const other = b.children.get(key);
    if (other === undefined) continue;
    const rest = differenceOf(child, other);
    if (rest === child) continue;
    children ??= new Map(a.children);
    if (isEmptyTree(rest)) children.delete(key);
    else children.set(key, rest);
  }
  const isOwned = a.isOwned && !b.isOwned;
  if (children === null && isOwned === a.isOwned) return a;
  return makeTree(isOwned, children ?? a.children);
}

/** Paths in both. */
export function intersectionOf(a: FieldTree, b: FieldTree): FieldTree {
  const children = new Map<string, FieldTree>();
  const [small, large] = a.children.size <= b.children.size ? [a, b] : [b, a];
  for (const [key, child] of small.children) {
    const other = large.children.get(key);
    if (other === undefined) continue;
    const common = intersectionOf(child, other);
    if (!isEmptyTree(common)) children.set(key, common);
  }
  return makeTree(a.isOwned && b.isOwned, children);
}

/** The paths of a set as messages show them: `.spec.containers[name="c"].image`. */
export function pathsOf(tree: FieldTree, prefix = ''): string[] {
  const here = tree.isOwned && prefix !== '' ? [prefix] : [];
  const below = [...tree.children].flatMap(([key, child]) => pathsOf(child, `${prefix}${showElement(key)}`));
  return [...here, ...below];
}

/** One step of a path as messages show it. */
export function showElement(key: string): string {
  const text = key.slice(2);
  if (key.startsWith('f:')) return `.${text}`;
  if (key.startsWith('v:')) return `[=${text}]`;
  const keys = JSON.parse(text) as Members;
  return `[${Object.entries(keys)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(',')}]`;
}
