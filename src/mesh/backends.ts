// Lists of weighted backends inside a route: which of them are ours to steer, what they ask, and how they are rewritten.
import type { KubeObject, PatchOperation } from '../kube/contract.ts';
import { canonicalJson } from '../util/json.ts';
import type { Json, JsonObject } from '../util/json.ts';
import { objectsAt, replaceAt } from './members.ts';
import type { Role } from './names.ts';
import { pointerTo } from './patches.ts';
import { shareOf, weightOf } from './weights.ts';

/** Where a kind of route keeps its weighted backends, and how it names a Service in one. */
export interface BackendDialect {
  /** Paths of the lists of weighted backends in a spec, in order of evaluation. */
  lists(spec: unknown): readonly (readonly (string | number)[])[];
  /** The part that a backend plays; null for a backend of somebody else. */
  roleOf(backend: JsonObject): Role | null;
  /** The backend for another of the three, with everything else as it is. */
  retarget(backend: JsonObject, to: Role): JsonObject;
  /** Why a backend that names the apex cannot be split; null when it can. */
  flawOf(backend: JsonObject): string | null;
  /** What a backend without a weight counts beside another one. */
  readonly weightAbsent: number;
  /** A single backend carries a weight too. */
  readonly isWeightRequired: boolean;
}

/** pair: our primary and canary; apex: only the apex; mixed: names ours beside others; other: not ours. */
type ListKind = 'pair' | 'apex' | 'mixed' | 'other';

export interface BackendList {
  readonly path: readonly (string | number)[];
  readonly backends: readonly JsonObject[];
  readonly kind: ListKind;
}

/** Every list of weighted backends in a spec, judged. */
export function judgeLists(spec: unknown, dialect: BackendDialect): readonly BackendList[] {
  return dialect.lists(spec).map((path) => {
    const backends = objectsAt(spec, ...path);
    return { path, backends, kind: kindOf(backends.map((backend) => dialect.roleOf(backend))) };
  });
}

function kindOf(roles: readonly (Role | null)[]): ListKind {
  const names = [...roles].map(String).sort().join();
  if (names === 'canary,primary') return 'pair';
  if (names === 'apex') return 'apex';
  return roles.includes('apex') || (roles.includes('primary') && roles.includes('canary')) ? 'mixed' : 'other';
}

/** The canary's share that all pairs ask for; null when there is no pair, one cannot be read, or they disagree. */
export function askedOf(lists: readonly BackendList[], dialect: BackendDialect): number | null {
  const shares = lists.filter(({ kind }) => kind === 'pair').map((list) => shareOfPair(list, dialect));
  const first = shares[0] ?? null;
  return shares.every((share) => share === first) ? first : null;
}

function shareOfPair(list: BackendList, dialect: BackendDialect): number | null {
  const weight = (role: Role): number | null =>
    weightOf(
      list.backends.find((backend) => dialect.roleOf(backend) === role),
      dialect.weightAbsent,
    );
  return shareOf(weight('primary'), weight('canary'));
}

/** The spec with all its pairs at a share, primary first. Two specs that differ in weights only become equal. */
export function withShare<T>(spec: T, dialect: BackendDialect, weightPercent: number): T {
  let changed = spec;
  for (const list of judgeLists(spec, dialect)) {
    if (list.kind !== 'pair') continue;
    const ordered = [...list.backends].sort((a) => (dialect.roleOf(a) === 'primary' ? -1 : 1));
    const pair = ordered.map((backend) => ({ ...backend, weight: weightFor(backend, dialect, weightPercent) }));
    changed = replaceAt(changed, list.path, pair);
  }
  return changed;
}

/** The spec with all its pairs replaced by the apex alone. */
export function withApex<T>(spec: T, dialect: BackendDialect): T {
  let changed = spec;
  for (const list of judgeLists(spec, dialect)) {
    if (list.kind === 'pair') changed = replaceAt(changed, list.path, [apexOf(list, dialect)]);
  }
  return changed;
}

/** Operations that bring every pair of a route to a share, both weights of a pair or none. */
export function weightOps(
  route: KubeObject,
  dialect: BackendDialect,
  weightPercent: number,
): readonly PatchOperation[] {
  return judgeLists(route['spec'], dialect).flatMap((list) => {
    if (list.kind !== 'pair' || shareOfPair(list, dialect) === weightPercent) return [];
    return list.backends.map((backend, index): PatchOperation => {
      const path = pointerTo('spec', ...list.path, index, 'weight');
      const value = weightFor(backend, dialect, weightPercent);
      return { op: backend['weight'] === undefined ? 'add' : 'replace', path, value };
    });
  });
}

function weightFor(backend: JsonObject, dialect: BackendDialect, weightPercent: number): number {
  return dialect.roleOf(backend) === 'canary' ? weightPercent : 100 - weightPercent;
}

/** A list that was rewritten, with what it held before. Kept on the route as JSON in the annotation serin.dev/original-route. */
interface SavedList {
  readonly path: string;
  readonly backends: readonly JsonObject[];
}

/** The annotation that keeps what adoption replaced. An entry is written once. */
export const ORIGINAL_KEY = 'serin.dev/original-route';

/** What the annotation keeps; empty when there is none or it cannot be read. */
export function readSaved(route: KubeObject): readonly SavedList[] {
  try {
    const saved: unknown = JSON.parse(route.metadata.annotations?.[ORIGINAL_KEY] ?? '[]');
    return objectsAt(saved).filter((entry) => typeof entry['path'] === 'string') as unknown as readonly SavedList[];
  } catch {
    return [];
  }
}

/** Operations that turn every list that names the apex into a pair at a share, and the annotation that remembers them; null when there is no such list. */
export function adoption(
  route: KubeObject,
  dialect: BackendDialect,
  weightPercent: number,
): { readonly operations: readonly PatchOperation[]; readonly saved: string } | null {
  const lists = judgeLists(route['spec'], dialect).filter(({ kind }) => kind === 'apex');
  if (lists.length === 0) return null;
  const saved = [...readSaved(route)];
  const operations = lists.map(({ path, backends }): PatchOperation => {
    const at = pointerTo('spec', ...path);
    if (!saved.some((entry) => entry.path === at)) saved.push({ path: at, backends });
    return { op: 'replace', path: at, value: pairFrom(backends[0]!, dialect, weightPercent) };
  });
  return { operations, saved: JSON.stringify(saved) };
}

function pairFrom(backend: JsonObject, dialect: BackendDialect, weightPercent: number): Json {
  return (['primary', 'canary'] as const).map((role) => {
    const target = dialect.retarget(backend, role);
    return { ...target, weight: weightFor(target, dialect, weightPercent) };
  });
}

/**
 * Operations that give every pair back to the apex. `shouldRevert` puts back exactly what adoption had replaced, as far as
 * the pair still is what was made of it; a route that was reordered since is recognised by its backends.
 */
export function restoreOps(
  route: KubeObject,
  dialect: BackendDialect,
  shouldRevert: boolean,
): readonly PatchOperation[] {
  const saved = shouldRevert ? readSaved(route) : [];
  return judgeLists(route['spec'], dialect).flatMap((list): PatchOperation[] => {
    if (list.kind !== 'pair') return [];
    const path = pointerTo('spec', ...list.path);
    const sources = saved.filter((entry) => isMadeFrom(list, entry, dialect));
    const original = sources.find((entry) => entry.path === path) ?? sources[0];
    return [{ op: 'replace', path, value: original?.backends ?? [apexOf(list, dialect)] }];
  });
}

function isMadeFrom(list: BackendList, saved: SavedList, dialect: BackendDialect): boolean {
  const original = objectsAt(saved, 'backends');
  if (original.length !== 1 || dialect.roleOf(original[0]!) !== 'apex') return false;
  const key = (backends: unknown): string => {
    const stripped = objectsAt(backends).map((backend) => canonicalJson({ ...backend, weight: 0 }));
    return stripped.sort().join();
  };
  return key(list.backends) === key(pairFrom(original[0]!, dialect, 0));
}

function apexOf(list: BackendList, dialect: BackendDialect): JsonObject {
  const primary = list.backends.find((backend) => dialect.roleOf(backend) === 'primary')!;
  const { weight: _weight, ...apex } = dialect.retarget(primary, 'apex');
  return dialect.isWeightRequired ? { ...apex, weight: 100 } : apex;
}
