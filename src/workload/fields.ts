// Reads members of raw JSON objects whose shape nobody vouches for.
import { isObject } from '../util/json.ts';

/** The member at `path`; undefined when any part of the way is missing. */
export function fieldOf(value: unknown, ...path: readonly string[]): unknown {
  let here: unknown = value;
  for (const key of path) {
    if (!isObject(here) || !Object.hasOwn(here, key)) return undefined;
    here = here[key];
  }
  return here;
}

/** The object at `path`; an empty one when there is none. */
export function objectOf(value: unknown, ...path: readonly string[]): Record<string, unknown> {
  const found = fieldOf(value, ...path);
  return isObject(found) ? found : {};
}

/** The objects in the list at `path`; other items are left out. */
export function listOf(value: unknown, ...path: readonly string[]): readonly Record<string, unknown>[] {
  const found = fieldOf(value, ...path);
  return Array.isArray(found) ? found.filter(isObject) : [];
}

/** The string at `path`; empty when there is none. */
export function textOf(value: unknown, ...path: readonly string[]): string {
  const found = fieldOf(value, ...path);
  return typeof found === 'string' ? found : '';
}

/** The finite number at `path`; null when there is none. */
export function numberOf(value: unknown, ...path: readonly string[]): number | null {
  const found = fieldOf(value, ...path);
  return typeof found === 'number' && Number.isFinite(found) ? found : null;
}

/** The string members of the object at `path`, such as labels. */
export function textsOf(value: unknown, ...path: readonly string[]): Record<string, string> {
  const entries = Object.entries(objectOf(value, ...path));
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}
