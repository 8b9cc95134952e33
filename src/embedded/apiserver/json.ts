// Fast comparing, copying and sharing of JSON values: the store never changes a value that it holds.
import { isObject } from '../../util/json.ts';

/** A JSON object whose members may be set. */
export type Members = Record<string, unknown>;

/** True when both are the same JSON value; undefined members count as absent. */
export function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false;
    return a.every((item, index) => isSame(item, b[index]));
  }
  if (!isObject(a) || !isObject(b)) return false;
  let count = 0;
  for (const key in a) {
    if (a[key] === undefined) continue;
    count += 1;
    if (b[key] === undefined || !isSame(a[key], b[key])) return false;
  }
  for (const key in b) if (b[key] !== undefined) count -= 1;
  return count === 0;
}

/** `next` with every part that equals the one in `old` replaced by it, so that equal parts are identical afterwards. */
export function shareWith<T>(old: unknown, next: T): T {
  return share(old, next) as T;
}

function share(old: unknown, next: unknown): unknown {
  if (old === next) return old;
  if (Array.isArray(next)) return Array.isArray(old) ? shareList(old, next) : next;
  if (isObject(next)) return isObject(old) ? shareMembers(old, next) : next;
  return next;
}

function shareList(old: readonly unknown[], next: readonly unknown[]): readonly unknown[] {
  let isEqual = old.length === next.length;
  const shared = next.map((item, index) => {
    const part = share(old[index], item);
    if (part !== old[index]) isEqual = false;
    return part;
  });
  return isEqual ? old : shared;
}

function shareMembers(old: Members, next: Members): Members {
  let isEqual = true;
  let count = 0;
  const shared: Members = {};
  for (const key in next) {
    const value = next[key];
    if (value === undefined) continue;
    count += 1;
    const part = share(old[key], value);
    setMember(shared, key, part);
    if (part !== old[key]) isEqual = false;
  }
  if (!isEqual) return shared;
  for (const key in old) if (old[key] !== undefined) count -= 1;
  return count === 0 ? old : shared;
}

/** A deep copy, quicker than structuredClone. */
export function copyOf<T>(value: T): T {
  return copy(value) as T;
}

function copy(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copy);
  if (!isObject(value)) return value;
  const result: Members = {};
  for (const key in value) if (value[key] !== undefined) setMember(result, key, copy(value[key]));
  return result;
}

/** The value with the members of each object in order of their names; parts that are in order already stay the same. */
export function sortMembers<T>(value: T): T {
  return sorted(value) as T;
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(sorted);
    return items.every((item, index) => item === value[index]) ? value : items;
  }
  if (!isObject(value)) return value;
  const keys = Object.keys(value);
  const inOrder = keys.toSorted();
  const result: Members = {};
  let isSameAsBefore = true;
  for (const [index, key] of inOrder.entries()) {
    const part = sorted(value[key]);
    setMember(result, key, part);
    if (part !== value[key] || key !== keys[index]) isSameAsBefore = false;
  }
  return isSameAsBefore ? value : result;
}

/** Sets a member, also one named `__proto__`, which plain assignment would lose. */
export function setMember(target: Members, key: string, value: unknown): void {
  if (key === '__proto__')
    Object.defineProperty(target, key, { value, enumerable: true, writable: true, configurable: true });
  else target[key] = value;
}

/** The member `key` as an object; an empty one when it is none. */
export function objectAt(value: unknown, key: string): Members {
  const member = isObject(value) ? value[key] : undefined;
  return isObject(member) ? member : {};
}

/** The member `key` as a list; an empty one when it is none. */
export function listAt(value: unknown, key: string): readonly unknown[] {
  const member = isObject(value) ? value[key] : undefined;
  return Array.isArray(member) ? member : [];
}

/** The member `key` as a string; empty when it is none. */
export function textAt(value: unknown, key: string): string {
  const member = isObject(value) ? value[key] : undefined;
  return typeof member === 'string' ? member : '';
}

/** The value at a path of member names; undefined when there is none. */
export function valueAt(value: unknown, path: readonly string[]): unknown {
  let current = value;
  for (const key of path) {
    if (!isObject(current)) return undefined;
    current = current[key];
  }
  return current;
}

/** `value` with `part` set at a path, copying only what lies on the way. */
export function withValueAt(value: unknown, path: readonly string[], part: unknown): Members {
  const [key, ...rest] = path;
  const result: Members = { ...(isObject(value) ? value : {}) };
  if (key === undefined) return result;
  const next = rest.length === 0 ? part : withValueAt(result[key], rest, part);
  if (next === undefined) delete result[key];
  else setMember(result, key, next);
  return result;
}
