// Reads members of JSON objects whose shape is not ours to trust, and builds objects without undefined members.
import { isObject } from '../util/json.ts';
import type { Json, JsonObject } from '../util/json.ts';

/** The member at `keys`, undefined when anything on the way is missing. */
export function memberAt(value: unknown, ...keys: readonly (string | number)[]): unknown {
  let here: unknown = value;
  for (const key of keys) {
    if (Array.isArray(here)) here = here[Number(key)];
    else if (isObject(here) && Object.hasOwn(here, key)) here = here[key];
    else return undefined;
  }
  return here;
}

/** The text at `keys`; null when there is none. */
export function textAt(value: unknown, ...keys: readonly (string | number)[]): string | null {
  const found = memberAt(value, ...keys);
  return typeof found === 'string' ? found : null;
}

/** The number at `keys`; null when there is none. */
export function numberAt(value: unknown, ...keys: readonly (string | number)[]): number | null {
  const found = memberAt(value, ...keys);
  return typeof found === 'number' && Number.isFinite(found) ? found : null;
}

/** The objects of the list at `keys`; empty when there is no list. Items that are no objects become empty objects, so that indexes stay true. */
export function objectsAt(value: unknown, ...keys: readonly (string | number)[]): readonly JsonObject[] {
  const found = memberAt(value, ...keys);
  return Array.isArray(found) ? found.map((item) => (isObject(item) ? (item as JsonObject) : {})) : [];
}

/** The texts of the list at `keys`; empty when there is no list. */
export function textsAt(value: unknown, ...keys: readonly (string | number)[]): readonly string[] {
  const found = memberAt(value, ...keys);
  return Array.isArray(found) ? found.filter((item) => typeof item === 'string') : [];
}

/** The object without the members that are undefined or null. */
export function compact(members: Readonly<Record<string, Json | undefined>>): JsonObject {
  const kept: Record<string, Json> = {};
  for (const [key, value] of Object.entries(members)) {
    if (value !== undefined && value !== null) kept[key] = value;
  }
  return kept;
}

/** A copy of `value` in which the member at `keys` is `member`. The way there must exist. */
export function replaceAt<T>(value: T, keys: readonly (string | number)[], member: unknown): T {
  const [key, ...rest] = keys;
  if (key === undefined) return member as T;
  if (Array.isArray(value)) {
    return value.map((item: unknown, index) => (index === key ? replaceAt(item, rest, member) : item)) as T;
  }
  const object = value as Record<string, unknown>;
  return { ...object, [key]: replaceAt(object[key], rest, member) } as T;
}
