// Merges an applied configuration into a live object, and takes out what is no longer applied.
import { isObject } from '../../util/json.ts';
import type { FieldTree } from './field-tree.ts';
import { childNode, isGranular, isKeyedList, itemKey } from './field-walk.ts';
import { type Members, setMember } from './json.ts';
import type { SchemaNode } from './schema-types.ts';

type Node = SchemaNode | null;

/** The live value with the applied one laid over it. */
export function mergeApplied(node: Node, live: unknown, applied: unknown): unknown {
  if (Array.isArray(live) && Array.isArray(applied) && isKeyedList(node)) return mergeLists(node, live, applied);
  if (isObject(live) && isObject(applied) && isGranular(node)) {
    const result: Members = { ...live };
    for (const [key, value] of Object.entries(applied)) {
      setMember(result, key, mergeApplied(childNode(node, key), live[key], value));
    }
    return result;
  }
  return applied;
}

/** Applied items keep their order; live ones that are not applied keep their places among them. */
function mergeLists(node: SchemaNode, live: readonly unknown[], applied: readonly unknown[]): unknown[] {
  const liveByKey = new Map(live.map((item) => [itemKey(node, item), item]));
  const wanted = new Set(applied.map((item) => itemKey(node, item)));
  const liveKeys = [...liveByKey.keys()];
  const taken = new Set<string>();
  const result: unknown[] = [];
  let at = 0;
  for (const item of applied) {
    while (at < liveKeys.length && (!wanted.has(liveKeys[at]!) || taken.has(liveKeys[at]!))) {
      if (!wanted.has(liveKeys[at]!)) result.push(liveByKey.get(liveKeys[at]!));
      at += 1;
    }
    const key = itemKey(node, item);
    if (taken.has(key)) continue;
    taken.add(key);
    result.push(liveByKey.has(key) ? mergeApplied(node.items, liveByKey.get(key), item) : item);
  }
  for (const key of liveKeys.slice(at)) if (!wanted.has(key)) result.push(liveByKey.get(key));
  return result;
}

/** `value` without what is in `last` and owned by nobody in `kept`. Undefined when nothing is left. */
export function removeUnowned(node: Node, value: unknown, last: FieldTree, kept: FieldTree): unknown {
  if (Array.isArray(value) && isKeyedList(node)) return removeItems(node, value, last, kept);
  if (!isObject(value) || !isGranular(node)) return value;
  let result: Members | null = null;
  for (const [element, below] of last.children) {
    const key = element.slice(2);
    const part = value[key];
    if (part === undefined) continue;
    const owned = kept.children.get(element);
    const next = owned === undefined ? undefined : removeUnowned(childNode(node, key), part, below, owned);
    if (next === part) continue;
    result ??= { ...value };
    if (next === undefined) delete result[key];
    else setMember(result, key, next);
  }
  return result ?? value;
}

function removeItems(node: SchemaNode, list: readonly unknown[], last: FieldTree, kept: FieldTree): unknown {
  let isEqual = true;
  const result: unknown[] = [];
  for (const item of list) {
    const key = itemKey(node, item);
    const below = last.children.get(key);
    const owned = kept.children.get(key);
    if (below !== undefined && owned === undefined) {
      isEqual = false;
      continue;
    }
    const next =
      below === undefined || owned === undefined
        ? item
        : keepKeys(node, item, removeUnowned(node.items, item, below, owned));
    if (next !== item) isEqual = false;
    result.push(next);
  }
  return isEqual ? list : result;
}

/** An item that stays keeps the members that name it. */
function keepKeys(node: SchemaNode, item: unknown, next: unknown): unknown {
  if (next === item || !isObject(item) || !isObject(next)) return next;
  const result: Members = { ...next };
  for (const key of node.listKeys) if (item[key] !== undefined) setMember(result, key, item[key]);
  return result;
}
