// The content types of patches.
import type { ServedKind } from './types.ts';

export const JSON_PATCH = 'application/json-patch+json';
export const MERGE_PATCH = 'application/merge-patch+json';
export const STRATEGIC_PATCH = 'application/strategic-merge-patch+json';
export const APPLY_PATCH = 'application/apply-patch+yaml';

/** Which content types a kind's PATCH takes. */
export function patchTypes(kind: ServedKind): string[] {
  const common = [JSON_PATCH, MERGE_PATCH];
  return kind.isCustom ? [...common, APPLY_PATCH] : [...common, STRATEGIC_PATCH, APPLY_PATCH];
}
