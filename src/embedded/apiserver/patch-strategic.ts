// Strategic merge patch: lists of built-in kinds are joined by key, and directives say what to replace or delete.
import { isObject } from '../../util/json.ts';
import { isSame, type Members, setMember } from './json.ts';
import { memberNode } from './schema-node.ts';
import type { SchemaNode } from './schema-types.ts';
import { StatusFailure } from './status.ts';

type Node = SchemaNode | null;

const ORDER = '$setElementOrder/';
const DELETE_FROM = '$deleteFromPrimitiveList/';

/** The document after a strategic merge patch. Throws StatusFailure 500 for directives that cannot be. */
export function applyStrategicPatch(node: Node, document: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  return mergeMembers(node, isObject(document) ? document : {}, patch);
}

function refuse(message: string): StatusFailure {
  return new StatusFailure(500, '', message);
}

function childOf(node: Node, key: string): Node {
  return node === null ? null : (memberNode(node, key) ?? null);
}

function mergeMembers(node: Node, document: Members, patch: Members): Members {
  const directive = patch['$patch'];
  if (directive === 'replace') return withoutDirectives(patch);
  if (directive === 'delete') return {};
  if (directive !== undefined && directive !== 'merge') throw badDirective(directive, patch);
  const result: Members = { ...document };
  retainKeys(result, patch);
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith(DELETE_FROM)) dropValues(result, key.slice(DELETE_FROM.length), value);
    if (key.startsWith(ORDER)) orderUnpatched(node, result, patch, key.slice(ORDER.length), value);
    if (key.startsWith('$')) continue;
    const next = mergeMember(childOf(node, key), document[key], value, patch[`${ORDER}${key}`], result[key]);
    if (next === undefined) delete result[key];
    else setMember(result, key, next);
  }
  return result;
}

function badDirective(directive: unknown, patch: Members): StatusFailure {
  const shown = Object.entries(patch).map(([key, value]) => `${key}:${String(value)}`);
  return refuse(`unknown patch type: ${String(directive)} in map: map[${shown.sort().join(' ')}]`);
}

/** Undefined when the member goes. `held` is the member after directives that came before. */
function mergeMember(node: Node, before: unknown, value: unknown, order: unknown, held: unknown): unknown {
  if (value === null) return undefined;
  if (isObject(value)) {
    if (value['$patch'] === 'delete') return undefined;
    return mergeMembers(node, isObject(before) ? before : {}, value);
  }
  if (!Array.isArray(value) || node === null || node.mergeKey === '') return value;
  const list: readonly unknown[] = Array.isArray(held) ? held : [];
  return node.mergeKey === '=' ? mergeValues(list, value, order) : mergeItems(node, list, value, order);
}

function withoutDirectives(patch: Members): Members {
  return Object.fromEntries(Object.entries(patch).filter(([key]) => !key.startsWith('$')));
}

/** `$retainKeys` names the only members that may stay beside those that the patch sets. */
function retainKeys(result: Members, patch: Members): void {
  const kept = patch['$retainKeys'];
  if (!Array.isArray(kept)) return;
  for (const key of Object.keys(result)) if (!kept.includes(key)) delete result[key];
}

function dropValues(result: Members, key: string, values: unknown): void {
  const list = result[key];
  if (!Array.isArray(list) || !Array.isArray(values)) return;
  result[key] = (list as unknown[]).filter((item) => !values.some((value: unknown) => isSame(value, item)));
}

/** An order alone, without a patch of the list, still orders what is there. */
function orderUnpatched(node: Node, result: Members, patch: Members, key: string, order: unknown): void {
  const list = result[key];
  const child = childOf(node, key);
  if (patch[key] !== undefined || !Array.isArray(list) || child === null || child.mergeKey === '') return;
  result[key] = arrange(list, [], order, nameBy(child.mergeKey));
}

type Name = (item: unknown) => unknown;

function nameBy(mergeKey: string): Name {
  return (item) => (mergeKey === '=' || !isObject(item) ? item : item[mergeKey]);
}

function mergeValues(list: readonly unknown[], patch: readonly unknown[], order: unknown): unknown[] {
  const added = patch.filter((value, index) => patch.indexOf(value) === index);
  const kept = list.filter((item) => !added.some((value) => isSame(value, item)));
  return arrange(list, [...kept, ...added], order, nameBy('='), added);
}

function mergeItems(node: SchemaNode, list: readonly unknown[], patch: readonly unknown[], order: unknown): unknown[] {
  const { mergeKey } = node;
  const nameOf = nameBy(mergeKey);
  const items = patch.filter((item) => !isListDirective(item, mergeKey));
  if (patch.length > items.length) return items.map((item) => (isObject(item) ? withoutDirectives(item) : item));
  const result = [...list];
  const patched: unknown[] = [];
  for (const item of items) {
    if (!isObject(item) || item[mergeKey] === undefined) {
      const shown = isObject(item) ? Object.entries(item).map(([key, value]) => `${key}:${String(value)}`) : [];
      throw refuse(`map: map[${shown.sort().join(' ')}] does not contain declared merge key: ${mergeKey}`);
    }
    const at = result.findIndex((held) => isSame(nameOf(held), item[mergeKey]));
    if (item['$patch'] === 'delete') {
      if (at >= 0) result.splice(at, 1);
      continue;
    }
    const held = at < 0 ? {} : result[at];
    const next = mergeMembers(node.items, isObject(held) ? held : {}, item);
    if (at < 0) result.push(next);
    else result[at] = next;
    patched.push(next);
  }
  return arrange(list, result, order, nameOf, patched);
}

/** `{$patch: replace}` among the items replaces the whole list with the other items. */
function isListDirective(item: unknown, mergeKey: string): boolean {
  return isObject(item) && item['$patch'] === 'replace' && item[mergeKey] === undefined;
}

/**
 * Orders a merged list as the real server does: patched items keep the order of the patch (or of the directive), the
 * others that of the live list, and where both are known to the live list its order decides.
 */
function arrange(
  live: readonly unknown[],
  merged: readonly unknown[],
  order: unknown,
  nameOf: Name,
  patched: readonly unknown[] = [],
): unknown[] {
  const all = merged.length === 0 ? live : merged;
  const wanted: readonly unknown[] = Array.isArray(order) ? order.map(nameOf) : patched.map(nameOf);
  const place = (item: unknown): number => wanted.findIndex((name) => isSame(name, nameOf(item)));
  const first = all.filter((item) => place(item) >= 0).sort((a, b) => place(a) - place(b));
  const rest = all.filter((item) => place(item) < 0);
  const liveIndex = (item: unknown): number => live.findIndex((held) => isSame(nameOf(held), nameOf(item)));
  const result: unknown[] = [];
  while (first.length > 0 || rest.length > 0) {
    const [left] = first;
    const [right] = rest;
    if (first.length === 0) result.push(rest.shift());
    else if (rest.length === 0) result.push(first.shift());
    else {
      const [i, j] = [liveIndex(left), liveIndex(right)];
      result.push(i >= 0 && j >= 0 && i > j ? rest.shift() : first.shift());
    }
  }
  return result;
}
