// Compares a spec with the one that should be: what is ours must be as wanted, what others added survives.
import { isObject } from '../util/json.ts';
import type { Json } from '../util/json.ts';
import type { PatchOperation } from '../kube/contract.ts';
import { pointerTo } from './patches.ts';

/**
 * The members of a kind that are ours to set, by name. A member of ours that is there but not wanted is drift, other members are
 * not. `exact`: everything below it is ours too. `loose`: members of others below it survive.
 */
export type OurMembers = Readonly<Record<string, 'exact' | 'loose'>>;

/** True when everything that is wanted is found, and nothing of ours is found that is not wanted. Empty lists and objects count as absent. */
export function isAsWanted(wanted: unknown, found: unknown, ours: OurMembers, isExact = false): boolean {
  if (isEmpty(wanted) && isEmpty(found)) return true;
  if (Array.isArray(wanted)) {
    if (!Array.isArray(found) || found.length !== wanted.length) return false;
    return wanted.every((item, index) => isAsWanted(item, found[index], ours, isExact));
  }
  if (!isObject(wanted)) return wanted === found;
  if (!isObject(found)) return false;
  const keys = [...Object.keys(wanted), ...surplusKeys(wanted, found, ours, isExact)];
  return keys.every((key) => isAsWanted(wanted[key], found[key], ours, isExact || ours[key] === 'exact'));
}

/**
 * The spec to apply: as wanted, and inside lists, which server-side apply replaces as a whole, with the members that others
 * added to items at the same place. Outside lists it holds only what is wanted: what others own there stays anyway.
 */
export function keepForeign<T extends Json>(
  wanted: T,
  found: unknown,
  ours: OurMembers,
  isExact = false,
  isInList = false,
): T {
  if (Array.isArray(wanted)) {
    const items = Array.isArray(found) && found.length === wanted.length ? (found as unknown[]) : [];
    return wanted.map((item: Json, index) => keepForeign(item, items[index], ours, isExact, true)) as unknown as T;
  }
  if (!isObject(wanted) || !isObject(found)) return wanted;
  const merged: Record<string, Json> = {};
  for (const [key, member] of Object.entries(wanted)) {
    merged[key] = keepForeign(member as Json, found[key], ours, isExact || ours[key] === 'exact', isInList);
  }
  if (isInList && !isExact) {
    for (const key of Object.keys(found)) {
      if (!(key in merged) && !(key in ours)) merged[key] = found[key] as Json;
    }
  }
  return merged as T;
}

/** Operations that remove what is ours, not wanted and outside lists: server-side apply leaves what a creation by POST had set. */
export function removeSurplus(
  wanted: unknown,
  found: unknown,
  ours: OurMembers,
  path: readonly string[],
  isExact = false,
): PatchOperation[] {
  if (!isObject(wanted) || !isObject(found)) return [];
  const operations: PatchOperation[] = [];
  for (const key of surplusKeys(wanted, found, ours, isExact)) {
    if (!isEmpty(found[key])) operations.push({ op: 'remove', path: pointerTo(...path, key) });
  }
  for (const key of Object.keys(wanted)) {
    operations.push(...removeSurplus(wanted[key], found[key], ours, [...path, key], isExact || ours[key] === 'exact'));
  }
  return operations;
}

function surplusKeys(
  wanted: Record<string, unknown>,
  found: Record<string, unknown>,
  ours: OurMembers,
  isExact: boolean,
): string[] {
  return Object.keys(found).filter((key) => !(key in wanted) && (isExact || key in ours));
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  return Array.isArray(value) ? value.length === 0 : isObject(value) && Object.keys(value).length === 0;
}
