// Which kinds are served: looked up by path on every request, changed when CRDs come and go.
import type { ResourceKind } from '../../kube/contract.ts';
import { groupVersion } from './served-kind.ts';
import type { ServedKind } from './types.ts';

/** The served kinds. */
export interface Registry {
  /** The kind at `group/version` with this plural. */
  find(group: string, version: string, plural: string): ServedKind | undefined;
  /** The kind at an apiVersion with this kind name. */
  findKind(apiVersion: string, kind: string): ServedKind | undefined;
  /** Any served version of a stored kind. */
  byStorage(storageId: string): readonly ServedKind[];
  all(): readonly ServedKind[];
  hasGroupVersion(group: string, version: string): boolean;
  /** Serves a kind, in place of one that had the same group, version and plural. */
  add(kind: ServedKind): void;
  /** Serves a kind no longer. */
  remove(kind: ServedKind): void;
  /** Goes up with each change. */
  revision(): number;
}

const pathOf = (kind: { group: string; version: string; plural: string }): string =>
  `${kind.group}/${kind.version}/${kind.plural}`;

/** An empty registry. */
export function createRegistry(): Registry {
  const byPath = new Map<string, ServedKind>();
  const byKind = new Map<string, ServedKind>();
  const byStorage = new Map<string, ServedKind[]>();
  let revision = 0;

  const remove = (kind: ServedKind): void => {
    const held = byPath.get(pathOf(kind));
    if (held === undefined) return;
    revision += 1;
    byPath.delete(pathOf(kind));
    byKind.delete(`${groupVersion(held)}/${held.kind}`);
    const rest = (byStorage.get(held.storageId) ?? []).filter((other) => other !== held);
    if (rest.length === 0) byStorage.delete(held.storageId);
    else byStorage.set(held.storageId, rest);
  };

  return {
    find: (group, version, plural) => byPath.get(`${group}/${version}/${plural}`),
    findKind: (apiVersion, kind) => byKind.get(`${apiVersion}/${kind}`),
    byStorage: (storageId) => byStorage.get(storageId) ?? [],
    all: () => [...byPath.values()],
    hasGroupVersion: (group, version) =>
      [...byPath.values()].some((kind) => kind.group === group && kind.version === version),
    add(kind) {
      remove(kind);
      revision += 1;
      byPath.set(pathOf(kind), kind);
      byKind.set(`${groupVersion(kind)}/${kind.kind}`, kind);
      byStorage.set(kind.storageId, [...(byStorage.get(kind.storageId) ?? []), kind]);
    },
    remove,
    revision: () => revision,
  };
}

/** The served kind that `kind` names; an error of ours when there is none. */
export function requireKind(registry: Registry, kind: ResourceKind): ServedKind {
  const served = registry.find(kind.group, kind.version, kind.plural);
  if (served === undefined) throw new TypeError(`Cannot use kind ${pathOf(kind)}: this server does not serve it`);
  return served;
}
