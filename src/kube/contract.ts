// The Kubernetes port: raw JSON objects, fenced writes, and a cache that is kept by watches.
import type { Json } from '../util/json.ts';

/** Object metadata as the API server sends it. Unknown members survive. */
export interface ObjectMeta {
  name: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  ownerReferences?: OwnerReference[];
  [member: string]: unknown;
}

/** An entry of metadata.ownerReferences. */
export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

/** An object as JSON: never a typed model, because those drop members they do not know. */
export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
  [member: string]: unknown;
}

/** One kind at one version. `group` is empty for the core group. */
export interface ResourceKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
}

/** The name of one object. */
export interface ObjectRef {
  readonly kind: ResourceKind;
  readonly namespace: string | null;
  readonly name: string;
}

/** One operation of a JSON Patch (RFC 6902). */
export interface PatchOperation {
  op: 'add' | 'remove' | 'replace' | 'test';
  path: string;
  value?: Json;
}

/** Which lane of the request limit a call takes: rollbacks go first, then progress, then resync. */
export type Lane = 'rollback' | 'progress' | 'resync';

/** Options of a call. */
export interface CallOptions {
  readonly lane?: Lane;
  readonly signal?: AbortSignal;
}

/**
 * Reads and writes at the API server. Errors: ConflictError (409), TransientError (network, 429, 5xx, outcome may be
 * unknown), RefusedError (other 4xx), UnsupportedError CAPABILITY_KIND (the kind is not served). Every write is fenced:
 * a patch must `replace /metadata/resourceVersion`, an apply or a replace must carry metadata.resourceVersion (or be a
 * create), a delete takes uid and resourceVersion; an unfenced write is a BugError before anything is sent.
 */
export interface KubeClient {
  /** The object, or null when there is none. Always asks the server. */
  get(ref: ObjectRef, options?: CallOptions): Promise<KubeObject | null>;
  /** All objects of a kind, paged; in one namespace or, with null, in all. */
  list(kind: ResourceKind, namespace: string | null, options?: CallOptions & ListOptions): Promise<ObjectList>;
  /** POST: fails with ConflictError when the name is taken. */
  create(object: KubeObject, kind: ResourceKind, options?: CallOptions): Promise<KubeObject>;
  /** Server-side apply as field manager `serin`, force: only for objects that we own. metadata.uid and metadata.resourceVersion are required: without the uid the server would create an object that is gone. */
  apply(object: KubeObject, kind: ResourceKind, options?: CallOptions): Promise<KubeObject>;
  /** JSON Patch on an object that others own too; must contain `replace /metadata/resourceVersion`. */
  patch(ref: ObjectRef, operations: readonly PatchOperation[], options?: CallOptions): Promise<KubeObject>;
  /** Replaces the status subresource; metadata.resourceVersion is required. */
  replaceStatus(object: KubeObject, kind: ResourceKind, options?: CallOptions): Promise<KubeObject>;
  /** Deletes exactly the object with this uid and resourceVersion. A 404 is not an error. */
  remove(ref: ObjectRef, uid: string, resourceVersion: string, options?: CallOptions): Promise<void>;
  /**
   * The kind as the cluster serves it, at the first served of `versions` (in order of preference); null when none is.
   * Cached; a kind that is missing is asked for again after a while.
   */
  discover(group: string, kind: string, versions: readonly string[]): Promise<ResourceKind | null>;
  /** One watch connection: yields events until it ends. For the reflector; others use the cache. */
  watch(kind: ResourceKind, namespace: string | null, options: WatchOptions): AsyncIterable<WatchEvent>;
}

export interface ListOptions {
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** '' asks for the most recent; 'N' for not older than N. */
  readonly resourceVersion?: string;
}

export interface ObjectList {
  readonly resourceVersion: string;
  readonly items: readonly KubeObject[];
}

export interface WatchOptions {
  readonly resourceVersion: string;
  readonly labelSelector?: string;
  readonly timeoutSeconds: number;
  readonly signal: AbortSignal;
}

/** ERROR carries the Status object of the server. */
export interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: KubeObject;
}

/** What changed in the cache. `before` and `after` are null for added and deleted. `isOwnWrite`: the event echoes an answer that we were given for a write of ours. */
export interface CacheChange {
  readonly kind: ResourceKind;
  readonly before: KubeObject | null;
  readonly after: KubeObject | null;
  readonly isOwnWrite: boolean;
}

/**
 * The watch cache. A kind (in a namespace, or everywhere) is watched from the first `want`; it holds projections, so
 * only the members that `project` keeps are there. It never goes back in time for one uid.
 */
export interface KubeCache {
  /** Starts to keep a kind; resolves when the first list is in. A second call with the same scope shares it. Release with the returned function. */
  want(kind: ResourceKind, scope: WatchScope): Promise<() => void>;
  /** The object as cached, null when it does not exist, undefined when the kind is not kept here, not yet listed or stale. */
  peek(ref: ObjectRef): KubeObject | null | undefined;
  /** Cached objects of a kind in a namespace (null: all kept namespaces). */
  all(kind: ResourceKind, namespace: string | null): readonly KubeObject[];
  /** The cached object when the cache is fresh and has caught up with our own writes of it; otherwise a live GET. */
  read(ref: ObjectRef, options?: CallOptions): Promise<KubeObject | null>;
  /** Tells the cache of an answer to a write of ours, so that the next read sees it and its echo wakes nobody. */
  noteWrite(kind: ResourceKind, written: KubeObject): void;
  /** Waits until the cache has seen a newer version of the object than `resourceVersion`, at most `limitMs`; false when it did not. */
  waitNewer(ref: ObjectRef, resourceVersion: string, limitMs: number): Promise<boolean>;
  /** Calls `listener` for each change. Returns the way to stop. */
  onChange(listener: (change: CacheChange) => void): () => void;
  /** Kinds whose watch has shown no sign of life for longer than the limit, with the age in milliseconds. */
  stale(): readonly { kind: ResourceKind; namespace: string | null; ageMs: number }[];
  /** For each watch, the time since its last sign of life, in milliseconds. */
  ages(): readonly { kind: ResourceKind; namespace: string | null; ageMs: number }[];
  /** Ends all watches. */
  close(): Promise<void>;
}

export interface WatchScope {
  readonly namespace: string | null;
  readonly labelSelector?: string;
  /** Keeps only what is needed of an object; the default drops metadata.managedFields. */
  readonly project?: (object: KubeObject) => KubeObject;
}

/** Both doors to the cluster, as the rest of the controller is given them. Writes through `write*` feed the cache. */
export interface Kube {
  readonly client: KubeClient;
  readonly cache: KubeCache;
}
