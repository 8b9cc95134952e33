// The objects of one scope as the server showed them: never back in time for one uid, every difference told once.
import type { KubeObject } from './contract.ts';
import { compareVersions, isNewer } from './versions.ts';

/** One difference. Null stands for an object that is not there. */
export interface StoreChange {
  readonly before: KubeObject | null;
  readonly after: KubeObject | null;
}

const GRAVES_MAX = 4_096;

/** Objects by namespace and name. A name that another uid has taken is a deletion and an addition. */
export class ObjectStore {
  readonly #byNamespace = new Map<string, Map<string, KubeObject>>();
  /** Versions at which uids were deleted, so that a late event does not bring one back; the oldest are forgotten. */
  readonly #graves = new Map<string, string>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The object; undefined when there is none. */
  get(namespace: string | null, name: string): KubeObject | undefined {
    return this.#byNamespace.get(namespace ?? '')?.get(name);
  }

  /** The objects of a namespace; with null, of all. */
  values(namespace: string | null): KubeObject[] {
    if (namespace !== null) return [...(this.#byNamespace.get(namespace)?.values() ?? [])];
    return [...this.#byNamespace.values()].flatMap((objects) => [...objects.values()]);
  }

  /** Takes an object in, unless what is held is as new. */
  put(object: KubeObject): StoreChange[] {
    const { namespace = null, name } = object.metadata;
    const held = this.get(namespace, name);
    if (!this.#isNews(object, held)) return [];
    this.#set(object);
    if (held === undefined) return [{ before: null, after: object }];
    if (held.metadata.uid === object.metadata.uid) return [{ before: held, after: object }];
    this.#bury(held, object.metadata.resourceVersion ?? '');
    return [
      { before: held, after: null },
      { before: null, after: object },
    ];
  }

  /** Takes an object out; `object` is its last state, with the version of the deletion. */
  remove(object: KubeObject): StoreChange[] {
    const { namespace = null, name, uid, resourceVersion = '' } = object.metadata;
    const held = this.get(namespace, name);
    this.#bury(object, resourceVersion);
    if (held === undefined || held.metadata.uid !== uid) return [];
    // An object that left a selector by a write of ours is deleted at the very version that we were answered.
    if (compareVersions(resourceVersion, held.metadata.resourceVersion ?? '') < 0) return [];
    this.#unset(held);
    return [{ before: held, after: null }];
  }

  /** Takes in a whole list as of `version`: what it does not name was deleted unseen. */
  replace(objects: readonly KubeObject[], version: string): StoreChange[] {
    const listed = new Map<string, Set<string>>();
    for (const { metadata } of objects) {
      const namespace = metadata.namespace ?? '';
      const names = listed.get(namespace) ?? new Set<string>();
      listed.set(namespace, names.add(metadata.name));
    }
    const changes: StoreChange[] = [];
    for (const held of this.values(null)) {
      if (listed.get(held.metadata.namespace ?? '')?.has(held.metadata.name)) continue;
      this.#unset(held);
      this.#bury(held, version);
      changes.push({ before: held, after: null });
    }
    for (const object of objects) changes.push(...this.put(object));
    return changes;
  }

  /** Forgets everything, for a server that has itself gone back in time. */
  clear(): StoreChange[] {
    const changes = this.values(null).map((held) => ({ before: held, after: null }));
    this.#byNamespace.clear();
    this.#graves.clear();
    this.#size = 0;
    return changes;
  }

  /** Takes over what another store of the same kind knows, so that nobody who read there goes back in time here. Tells no changes: they were told there. */
  absorb(other: ObjectStore): void {
    for (const [uid, version] of other.#graves) {
      this.#graves.delete(uid);
      this.#graves.set(uid, version);
    }
    for (const held of this.values(null)) {
      const version = other.#graves.get(held.metadata.uid ?? '');
      if (version !== undefined && isNewer(version, held.metadata.resourceVersion ?? '')) this.#unset(held);
    }
    for (const object of other.values(null)) this.put(object);
    this.#trim();
  }

  #isNews(object: KubeObject, held: KubeObject | undefined): boolean {
    const { uid = '', resourceVersion = '' } = object.metadata;
    const grave = this.#graves.get(uid);
    if (grave !== undefined && !isNewer(resourceVersion, grave)) return false;
    return held === undefined || isNewer(resourceVersion, held.metadata.resourceVersion ?? '');
  }

  #set(object: KubeObject): void {
    const namespace = object.metadata.namespace ?? '';
    let objects = this.#byNamespace.get(namespace);
    if (objects === undefined) this.#byNamespace.set(namespace, (objects = new Map()));
    if (!objects.has(object.metadata.name)) this.#size += 1;
    objects.set(object.metadata.name, object);
  }

  #unset(object: KubeObject): void {
    const namespace = object.metadata.namespace ?? '';
    const objects = this.#byNamespace.get(namespace);
    if (objects?.delete(object.metadata.name)) this.#size -= 1;
    if (objects?.size === 0) this.#byNamespace.delete(namespace);
  }

  #bury(object: KubeObject, version: string): void {
    const uid = object.metadata.uid ?? '';
    const known = this.#graves.get(uid);
    if (known !== undefined && !isNewer(version, known)) return;
    this.#graves.delete(uid);
    this.#graves.set(uid, version);
    this.#trim();
  }

  #trim(): void {
    for (const uid of this.#graves.keys()) {
      if (this.#graves.size <= GRAVES_MAX) return;
      this.#graves.delete(uid);
    }
  }
}
