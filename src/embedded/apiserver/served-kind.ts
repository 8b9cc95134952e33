// Builds a served kind from the little that differs between kinds.
import type { ResourceKind } from '../../kube/contract.ts';
import type { ServedKind } from './types.ts';

/** The verbs of an ordinary kind, in the order in which discovery lists them. */
const ALL_VERBS: readonly string[] = [
  'create',
  'delete',
  'deletecollection',
  'get',
  'list',
  'patch',
  'update',
  'watch',
];

/** `group/version`, or `version` for the core group. */
export function groupVersion(kind: { group: string; version: string }): string {
  return kind.group === '' ? kind.version : `${kind.group}/${kind.version}`;
}

/** A served kind; what `more` leaves out is what most kinds have. */
export function serveKind(base: ResourceKind, more: Partial<ServedKind> = {}): ServedKind {
  return {
    singular: base.kind.toLowerCase(),
    listKind: `${base.kind}List`,
    shortNames: [],
    categories: [],
    storageId: `${base.group}/${base.kind}`,
    storageVersion: groupVersion(base),
    isCustom: false,
    hasStatus: false,
    scale: null,
    hasGeneration: false,
    schema: null,
    columns: [],
    selectableFields: [],
    verbs: ALL_VERBS,
    crdName: null,
    ...base,
    ...more,
  };
}
