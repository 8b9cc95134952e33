// The store without HTTP: for actors and tests, through the same write path as requests.
import type { KubeObject, ResourceKind } from '../../kube/contract.ts';
import { toServed, toStored } from './convert.ts';
import { deleteObject, type DeleteOptions } from './delete.ts';
import { type DeleteOutcome, type Engine, findStored, storageOf, type WriteContext } from './engine.ts';
import { copyOf } from './json.ts';
import { requireKind } from './registry.ts';
import { parseLabelSelector } from './selectors.ts';
import { objectsIn } from './store.ts';
import type { Commit, ServedKind } from './types.ts';
import { createObject, updateObject } from './write.ts';

/** Who writes, and which subresource. */
export interface AccessOptions {
  /** Shown in commits and as field manager; `test` when left out. */
  readonly user?: string;
  readonly subresource?: 'status' | 'scale';
}

/** The store as actors see it. Objects that come out must not be changed. Refusals are StatusFailure. */
export interface StoreAccess {
  /** The object at the version of `kind`, or null. */
  get(kind: ResourceKind, namespace: string | null, name: string): KubeObject | null;
  /** Objects of a kind in a namespace or, with null, everywhere, in order. */
  list(kind: ResourceKind, namespace: string | null, labelSelector?: string): KubeObject[];
  /** Creates; the kind is found by apiVersion and kind, the namespace defaults to `default`. */
  create(object: KubeObject, options?: AccessOptions): KubeObject;
  /** Replaces; metadata.resourceVersion, when given, is the precondition. */
  update(object: KubeObject, options?: AccessOptions): KubeObject;
  /** Creates, or replaces what is there. */
  put(object: KubeObject, options?: AccessOptions): KubeObject;
  /** Lets `change` alter a copy of the object and writes it; null when there is none. */
  mutate(
    kind: ResourceKind,
    namespace: string | null,
    name: string,
    change: (draft: KubeObject) => void,
    options?: AccessOptions,
  ): KubeObject | null;
  /** Deletes, or begins to; null when there is none. */
  remove(
    kind: ResourceKind,
    namespace: string | null,
    name: string,
    options?: AccessOptions & Partial<DeleteOptions>,
  ): DeleteOutcome | null;
  /** Calls `listener` in the same turn for each change of a kind. Returns the way to stop. */
  watch(kind: ResourceKind, listener: (before: KubeObject | null, after: KubeObject | null) => void): () => void;
}

/** Opens the store of an engine. */
export function createAccess(engine: Engine): StoreAccess {
  const access: StoreAccess = {
    get(kind, namespace, name) {
      const served = requireKind(engine.registry, kind);
      const stored = findStored(engine, served, namespace, name);
      return stored === null ? null : toServed(served, stored);
    },
    list: (kind, namespace, labelSelector) => list(engine, kind, namespace, labelSelector),
    create(object, options = {}) {
      const kind = kindOf(engine, object);
      const context = contextOf(kind, object, 'create', options);
      // A CRD is not copied, so that its schema is read once however many servers get it.
      const given = kind.group === 'apiextensions.k8s.io' ? object : copyOf(object);
      return toServed(kind, createObject(engine, context, toStored(kind, given)));
    },
    update(object, options = {}) {
      const kind = kindOf(engine, object);
      const context = contextOf(kind, object, 'update', options);
      const given = toStored(kind, copyOf(object));
      return toServed(
        kind,
        updateObject(engine, context, (current) => withVersion(given, current)),
      );
    },
    put(object, options = {}) {
      const kind = kindOf(engine, object);
      const { namespace, name } = contextOf(kind, object, 'update', options);
      const isThere = findStored(engine, kind, namespace, name) !== null;
      return isThere ? access.update(object, options) : access.create(object, options);
    },
    mutate(kind, namespace, name, change, options = {}) {
      const held = access.get(kind, namespace, name);
      if (held === null) return null;
      const draft = copyOf(held);
      change(draft);
      return access.update(draft, options);
    },
    remove(kind, namespace, name, options = {}) {
      const served = requireKind(engine.registry, kind);
      const stored = findStored(engine, served, namespace, name);
      if (stored === null) return null;
      const context = contextOf(served, stored, 'delete', options);
      return deleteObject(engine, context, { graceSeconds: null, ...options });
    },
    watch(kind, listener) {
      const served = requireKind(engine.registry, kind);
      const show = (object: KubeObject | null): KubeObject | null =>
        object === null ? null : toServed(served, object);
      const place = storageOf(engine, served);
      const onEvent = (event: { before: KubeObject | null; after: KubeObject | null }): void =>
        listener(show(event.before), show(event.after));
      place.listeners.add(onEvent);
      return () => {
        place.listeners.delete(onEvent);
      };
    },
  };
  return access;
}

function list(engine: Engine, kind: ResourceKind, namespace: string | null, labelSelector = ''): KubeObject[] {
  const served = requireKind(engine.registry, kind);
  const matches = labelSelector === '' ? null : parseLabelSelector(labelSelector);
  const place = storageOf(engine, served);
  const isWhole = namespace === null || !served.namespaced;
  const all = isWhole ? engine.store.stateAt(place, engine.store.currentRv()) : objectsIn(place, namespace);
  return (all ?? [])
    .filter((object) => matches === null || matches(object.metadata.labels ?? {}))
    .map((object) => toServed(served, object));
}

function kindOf(engine: Engine, object: KubeObject): ServedKind {
  const kind = engine.registry.findKind(object.apiVersion, object.kind);
  if (kind === undefined) throw new TypeError(`Cannot write ${object.kind}: ${object.apiVersion} is not served`);
  return kind;
}

function withVersion(given: KubeObject, current: KubeObject): KubeObject {
  if (given.metadata.resourceVersion !== undefined) return given;
  const resourceVersion = current.metadata.resourceVersion ?? '';
  return { ...given, metadata: { ...given.metadata, resourceVersion } };
}

function contextOf(kind: ServedKind, object: KubeObject, verb: Commit['verb'], options: AccessOptions): WriteContext {
  const user = options.user ?? 'test';
  return {
    kind,
    namespace: kind.namespaced ? (object.metadata.namespace ?? 'default') : null,
    name: object.metadata.name,
    subresource: options.subresource ?? '',
    user,
    verb,
    isDryRun: false,
    manager: user,
    operation: 'Update',
    fieldValidation: 'Warn',
    warnings: [],
    body: object,
    isStrategic: false,
    bodyBytes: 4096,
  };
}
