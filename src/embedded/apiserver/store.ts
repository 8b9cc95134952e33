// The objects, their versions and their history: one resourceVersion over all kinds, as in etcd.
import type { KubeObject } from '../../kube/contract.ts';

/** One committed change of one object, as watches see it. */
export interface StoreEvent {
  readonly resourceVersion: number;
  readonly key: string;
  /** Null when the object was created. */
  readonly before: KubeObject | null;
  /** Null when the object is gone. */
  readonly after: KubeObject | null;
  /** The object as the event shows it: `after`, or the last state with the version of the deletion. */
  readonly shown: KubeObject;
  /** `shown` as text, made at most once a form; filled by watches. */
  readonly texts: Map<string, string>;
}

/** The objects of one kind, shared by its versions. Objects in it are never changed, only replaced. */
export interface Storage {
  readonly id: string;
  readonly objects: Map<string, KubeObject>;
  /** Keys in order; null when they must be sorted again. */
  sortedKeys: string[] | null;
  /** Events in order of resourceVersion. */
  history: StoreEvent[];
  /** Changes up to this version have been forgotten. */
  forgottenRv: number;
  readonly listeners: Set<(event: StoreEvent) => void>;
}

/** The whole store. */
export interface Store {
  /** The version of the last write. */
  currentRv(): number;
  storage(id: string): Storage;
  storages(): Iterable<Storage>;
  /** Writes, or with `after` null removes, one object; gives the event. `after` gets its resourceVersion here. */
  commit(storage: Storage, key: string, after: KubeObject | null): StoreEvent;
  /** Objects as they were at a version, in order; null when that has been forgotten. */
  stateAt(storage: Storage, resourceVersion: number): readonly KubeObject[] | null;
  /** Forgets all history: older watches and continue tokens get 410. */
  compact(): void;
  /** Moves the version on without a write, as writes to other kinds of a real cluster do. */
  skip(versions: number): void;
}

/** The key of an object in its storage; sorts as the real server does. */
export function keyOf(namespace: string | null | undefined, name: string): string {
  return namespace === null || namespace === undefined || namespace === '' ? name : `${namespace}/${name}`;
}

/** An empty store that keeps at most `historyMax` events a kind. */
export function createStore(historyMax: number): Store {
  const storages = new Map<string, Storage>();
  let rv = 1;
  let compactedRv = 0;

  const storage = (id: string): Storage => {
    const held = storages.get(id);
    if (held !== undefined) return held;
    const made: Storage = {
      id,
      objects: new Map(),
      sortedKeys: [],
      history: [],
      forgottenRv: compactedRv,
      listeners: new Set(),
    };
    storages.set(id, made);
    return made;
  };

  return {
    currentRv: () => rv,
    storage,
    storages: () => storages.values(),
    commit(place, key, after) {
      rv += 1;
      const event = applyChange(place, key, after, rv);
      remember(place, event, historyMax);
      for (const listener of place.listeners) listener(event);
      return event;
    },
    stateAt: (place, version) => stateAt(place, version),
    compact() {
      compactedRv = rv;
      for (const place of storages.values()) {
        place.history = [];
        place.forgottenRv = rv;
      }
    },
    skip(versions) {
      rv += versions;
    },
  };
}

function applyChange(place: Storage, key: string, after: KubeObject | null, rv: number): StoreEvent {
  const before = place.objects.get(key) ?? null;
  const written = after === null ? null : withRv(after, rv);
  if (written === null) {
    place.objects.delete(key);
    place.sortedKeys = null;
  } else {
    if (before === null) place.sortedKeys = null;
    place.objects.set(key, written);
  }
  const shown = written ?? withRv(before!, rv);
  return { resourceVersion: rv, key, before, after: written, shown, texts: new Map() };
}

function withRv(object: KubeObject, rv: number): KubeObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(rv) } };
}

function remember(place: Storage, event: StoreEvent, historyMax: number): void {
  place.history.push(event);
  // Cut in large pieces, so that a write costs the same however long the history is.
  if (place.history.length < historyMax * 2) return;
  const cut = place.history.length - historyMax;
  place.forgottenRv = place.history[cut - 1]?.resourceVersion ?? place.forgottenRv;
  place.history = place.history.slice(cut);
}

/** Keys of a storage in order. */
export function sortedKeys(place: Storage): readonly string[] {
  place.sortedKeys ??= [...place.objects.keys()].sort(compareText);
  return place.sortedKeys;
}

/** The objects of one namespace as they are now, in order. */
export function objectsIn(place: Storage, namespace: string): readonly KubeObject[] {
  const keys = sortedKeys(place);
  const prefix = `${namespace}/`;
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (keys[middle]! < prefix) low = middle + 1;
    else high = middle;
  }
  const found: KubeObject[] = [];
  for (let index = low; keys[index]?.startsWith(prefix) === true; index += 1) {
    found.push(place.objects.get(keys[index]!)!);
  }
  return found;
}

/** Orders by code units, as etcd orders ASCII keys. */
export function compareText(a: string, b: string): number {
  if (a < b) return -1;
  return a > b ? 1 : 0;
}

/** Events after a version, in order. */
export function eventsAfter(place: Storage, rv: number): readonly StoreEvent[] {
  const { history } = place;
  let low = 0;
  let high = history.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (history[middle]!.resourceVersion <= rv) low = middle + 1;
    else high = middle;
  }
  return low === history.length ? [] : history.slice(low);
}

function stateAt(place: Storage, rv: number): readonly KubeObject[] | null {
  if (rv < place.forgottenRv) return null;
  const undone = eventsAfter(place, rv);
  if (undone.length === 0) return sortedKeys(place).map((key) => place.objects.get(key)!);
  const objects = new Map(place.objects);
  for (const event of [...undone].reverse()) {
    if (event.before === null) objects.delete(event.key);
    else objects.set(event.key, event.before);
  }
  return [...objects.keys()].sort(compareText).map((key) => objects.get(key)!);
}
