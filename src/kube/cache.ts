// The watch cache: shared scopes, our own writes seen at once, and never back in time.
import { BugError, TransientError, messageOf } from '../errors.ts';
import type { Log } from '../telemetry/contract.ts';
import type { Clock } from '../util/clock.ts';
import type { Random } from '../util/random.ts';
import type {
  CacheChange,
  CallOptions,
  KubeCache,
  KubeObject,
  ObjectRef,
  ResourceKind,
  WatchScope,
} from './contract.ts';
import { CacheScope, dropManagedFields, keyOf, kindKeyOf } from './cache-scope.ts';
import { EchoHold } from './echo-hold.ts';
import type { PagedKubeClient } from './paged-client.ts';
import { refTo } from './kinds.ts';
import { OwnWrites } from './own-writes.ts';
import type { StoreChange } from './object-store.ts';
import { isNewer } from './versions.ts';

/** What a cache needs. */
export interface KubeCacheOptions {
  readonly client: PagedKubeClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log?: Log;
}

/** The cache with what the writing client tells it. */
export interface FedKubeCache extends KubeCache {
  /** A write is on its way: its echo may come before its answer, so changes of the object wait, at most a second. Call the function returned with the answer, or null. */
  beginWrite(ref: ObjectRef): (written: KubeObject | null) => void;
  /** Tells the cache that we deleted the object: reads go live until the watch has shown it. */
  noteRemoval(ref: ObjectRef, uid: string, resourceVersion: string): void;
}

/** Makes a cache. It watches nothing until something is wanted. */
export function createKubeCache(options: KubeCacheOptions): FedKubeCache {
  return new WatchCache(options);
}

class WatchCache implements FedKubeCache {
  readonly #options: KubeCacheOptions;
  readonly #scopes = new Map<string, CacheScope[]>();
  readonly #own = new Map<string, OwnWrites>();
  readonly #listeners = new Set<(change: CacheChange) => void>();
  readonly #hold: EchoHold;
  #isClosed = false;

  constructor(options: KubeCacheOptions) {
    this.#options = options;
    this.#hold = new EchoHold(options.clock, (kind, change) => this.#tell(kind, change));
  }

  async want(kind: ResourceKind, wanted: WatchScope): Promise<() => void> {
    if (this.#isClosed) throw new TransientError('IO_ABORTED', `Cannot keep ${kind.plural}: the cache is closed`);
    const kindKey = kindKeyOf(kind);
    const scopes = this.#scopes.get(kindKey) ?? [];
    this.#scopes.set(kindKey, scopes);
    let scope = scopes.find((other) => other.satisfies(wanted));
    if (scope === undefined) {
      scope = new CacheScope({
        ...this.#options,
        kind,
        wanted,
        onChanges: (changes) => this.#take(kind, changes),
        onRebase: () => this.#own.get(kindKey)?.clear(),
      });
      scopes.push(scope);
      scope.start();
    }
    const release = scope.hold(() => this.#drop(kindKey, scope));
    try {
      await scope.synced;
    } catch (error) {
      release();
      throw error;
    }
    return release;
  }

  peek(ref: ObjectRef): KubeObject | null | undefined {
    const scope = this.#covering(ref);
    if (scope !== undefined) return this.#newest(scope, ref) ?? null;
    // A selector says nothing of an object that it does not show.
    const shown = this.#scopesOf(ref.kind).find((other) => other.isFresh() && other.get(ref) !== undefined);
    return shown === undefined ? undefined : this.#newest(shown, ref);
  }

  all(kind: ResourceKind, namespace: string | null): readonly KubeObject[] {
    const scopes = this.#scopesOf(kind).filter((scope) => namespace === null || scope.reaches(namespace));
    const answers = this.#own.get(kindKeyOf(kind))?.answers() ?? [];
    if (scopes.length === 1 && answers.length === 0) return scopes[0]!.values(namespace);
    const found = new Map<string, KubeObject>();
    const add = (scope: CacheScope, object: KubeObject): void => {
      const ref = refTo(kind, object);
      const newest = this.#newest(scope, ref);
      const key = keyOf(ref.namespace, ref.name);
      const held = found.get(key);
      const isBetter = held === undefined || (newest !== undefined && isNewer(versionOf(newest), versionOf(held)));
      if (newest !== undefined && isBetter) found.set(key, newest);
    };
    for (const scope of scopes) for (const object of scope.values(namespace)) add(scope, object);
    // What we created and the watch has not shown yet.
    for (const object of answers) {
      if (namespace !== null && object.metadata.namespace !== namespace) continue;
      const scope = scopes.find((other) => other.covers(object.metadata.namespace ?? null));
      if (scope !== undefined) add(scope, object);
    }
    return [...found.values()];
  }

  async read(ref: ObjectRef, options?: CallOptions): Promise<KubeObject | null> {
    const scope = this.#covering(ref);
    if (scope !== undefined && this.#hasCaughtUp(scope, ref)) return this.#newest(scope, ref) ?? null;
    const live = await this.#options.client.get(ref, options);
    // A cache that recovers behind what was read live must not show less than that.
    if (live !== null) this.#keep(ref, live);
    return live;
  }

  noteWrite(kind: ResourceKind, written: KubeObject): void {
    const ref = refTo(kind, written);
    if (this.#scopesOf(kind).length === 0) return;
    this.#ownOf(kind).expectEcho(keyOf(ref.namespace, ref.name), versionOf(written));
    this.#keep(ref, written);
    for (const scope of this.#scopesOf(kind)) scope.wake();
  }

  noteRemoval(ref: ObjectRef, uid: string, resourceVersion: string): void {
    if (this.#scopesOf(ref.kind).length === 0) return;
    this.#ownOf(ref.kind).keepRemoval(keyOf(ref.namespace, ref.name), { uid, version: resourceVersion });
  }

  beginWrite(ref: ObjectRef): (written: KubeObject | null) => void {
    const end = this.#hold.begin(keyOf(ref.namespace, ref.name, kindKeyOf(ref.kind)));
    return (written) => {
      if (written !== null) this.noteWrite(ref.kind, written);
      end();
    };
  }

  async waitNewer(ref: ObjectRef, resourceVersion: string, limitMs: number): Promise<boolean> {
    const scope = this.#scopesOf(ref.kind).find((other) => other.covers(ref.namespace));
    if (scope === undefined) return false;
    return scope.waitUntil(() => {
      if (!scope.hasSynced) return false;
      const held = this.#newest(scope, ref);
      return isNewer(held === undefined ? scope.version : versionOf(held), resourceVersion);
    }, limitMs);
  }

  onChange(listener: (change: CacheChange) => void): () => void {
    const own = (change: CacheChange): void => listener(change);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  ages(): readonly { kind: ResourceKind; namespace: string | null; ageMs: number }[] {
    return [...this.#scopes.values()].flat().map(({ kind, namespace, ageMs }) => ({ kind, namespace, ageMs }));
  }

  stale(): readonly { kind: ResourceKind; namespace: string | null; ageMs: number }[] {
    return [...this.#scopes.values()]
      .flat()
      .filter((scope) => scope.isSilent())
      .map(({ kind, namespace, ageMs }) => ({ kind, namespace, ageMs }));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#hold.close();
    const scopes = [...this.#scopes.values()].flat();
    this.#scopes.clear();
    await Promise.all(scopes.map((scope) => scope.stop()));
  }

  #drop(kindKey: string, scope: CacheScope): void {
    const rest = (this.#scopes.get(kindKey) ?? []).filter((other) => other !== scope);
    if (rest.length === 0) {
      this.#scopes.delete(kindKey);
      this.#own.delete(kindKey);
    } else this.#scopes.set(kindKey, rest);
    for (const other of rest) other.inherit(scope);
    scope.stop().catch((error: unknown) => {
      this.#options.log?.error('Watch did not stop', { kind: scope.kind.plural, reason: messageOf(error) });
    });
  }

  #scopesOf(kind: ResourceKind): readonly CacheScope[] {
    return this.#scopes.get(kindKeyOf(kind)) ?? [];
  }

  /** A scope that can say of this object whether it exists: of those that keep most of it, the one furthest on. */
  #covering(ref: ObjectRef): CacheScope | undefined {
    const able = this.#scopesOf(ref.kind).filter((scope) => scope.covers(ref.namespace) && scope.isFresh());
    const full = able.filter((scope) => scope.project === dropManagedFields);
    const candidates = full.length > 0 ? full : able;
    if (candidates.length < 2) return candidates[0];
    return candidates.reduce((best, other) => (isNewer(other.version, best.version) ? other : best));
  }

  #newest(scope: CacheScope, ref: ObjectRef): KubeObject | undefined {
    const held = scope.get(ref);
    const own = this.#own.get(kindKeyOf(ref.kind));
    if (own === undefined) return held;
    const key = keyOf(ref.namespace, ref.name);
    const watched = held !== undefined && isNewer(versionOf(held), scope.version) ? versionOf(held) : scope.version;
    return own.newer(key, watched) ?? held;
  }

  #hasCaughtUp(scope: CacheScope, ref: ObjectRef): boolean {
    const own = this.#own.get(kindKeyOf(ref.kind));
    if (own === undefined) return true;
    if (isNewer(own.forgottenVersion, scope.version)) return false;
    return !own.isRemoved(keyOf(ref.namespace, ref.name), scope.get(ref));
  }

  #keep(ref: ObjectRef, object: KubeObject): void {
    const scopes = this.#scopesOf(ref.kind).filter((scope) => scope.reaches(ref.namespace));
    if (scopes.length === 0) return;
    const fullest = scopes.find((scope) => scope.project === dropManagedFields) ?? scopes[0]!;
    this.#ownOf(ref.kind).keep(keyOf(ref.namespace, ref.name), fullest.project(object));
  }

  #ownOf(kind: ResourceKind): OwnWrites {
    const kindKey = kindKeyOf(kind);
    const own = this.#own.get(kindKey) ?? new OwnWrites();
    this.#own.set(kindKey, own);
    return own;
  }

  #take(kind: ResourceKind, changes: readonly StoreChange[]): void {
    for (const change of changes) {
      const { metadata } = (change.after ?? change.before)!;
      const key = keyOf(metadata.namespace ?? null, metadata.name, kindKeyOf(kind));
      if (!this.#hold.take(key, kind, change)) this.#tell(kind, change);
    }
  }

  #tell(kind: ResourceKind, { before, after }: StoreChange): void {
    const own = this.#own.get(kindKeyOf(kind));
    const isOwnWrite =
      after !== null &&
      own !== undefined &&
      own.isEcho(keyOf(after.metadata.namespace ?? null, after.metadata.name), versionOf(after));
    for (const listener of this.#listeners) {
      try {
        listener({ kind, before, after, isOwnWrite });
      } catch (error) {
        this.#options.log?.error('Listener of the cache failed', { kind: kind.plural, reason: messageOf(error) });
      }
    }
  }
}

function versionOf(object: KubeObject): string {
  const version = object.metadata.resourceVersion;
  if (version === undefined)
    throw new BugError(`Cannot order ${object.kind} "${object.metadata.name}": it carries no resourceVersion`);
  return version;
}
