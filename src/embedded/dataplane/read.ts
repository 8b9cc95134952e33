// Reads members of route objects without trusting their shape: what is not there, or is something else, is empty.
import { isObject } from '../../util/json.ts';

/** The member at a path; undefined when there is none. */
export function at(value: unknown, ...path: readonly string[]): unknown {
  let found = value;
  for (const member of path) found = isObject(found) ? found[member] : undefined;
  return found;
}

/** The objects of a list at a path. */
export function objectsAt(value: unknown, ...path: readonly string[]): readonly Record<string, unknown>[] {
  const found = at(value, ...path);
  return Array.isArray(found) ? found.filter(isObject) : [];
}

/** The texts of a list at a path. */
export function textsAt(value: unknown, ...path: readonly string[]): readonly string[] {
  const found = at(value, ...path);
  return Array.isArray(found) ? found.filter((item) => typeof item === 'string') : [];
}

/** The members of a map at a path. */
export function entriesAt(value: unknown, ...path: readonly string[]): readonly [string, unknown][] {
  const found = at(value, ...path);
  return isObject(found) ? Object.entries(found) : [];
}

/** A text at a path, or null. */
export function textAt(value: unknown, ...path: readonly string[]): string | null {
  const found = at(value, ...path);
  return typeof found === 'string' ? found : null;
}

/** A number at a path, or null. */
export function numberAt(value: unknown, ...path: readonly string[]): number | null {
  const found = at(value, ...path);
  return typeof found === 'number' ? found : null;
}
