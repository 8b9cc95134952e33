// One scope of the cache: a reflector and its store, shared by all who want it.
import type { Log } from '../telemetry/contract.ts';
import type { Clock } from '../util/clock.ts';
import type { Random } from '../util/random.ts';
import type { PagedKubeClient } from './paged-client.ts';
import type { KubeObject, ObjectRef, ResourceKind, WatchScope } from './contract.ts';
import { SILENCE_LIMIT_MS } from './exchange.ts';
import { ObjectStore } from './object-store.ts';
import type { StoreChange } from './object-store.ts';
import { Reflector } from './reflector.ts';

/** The projection that is used where none is given. */
export function dropManagedFields(object: KubeObject): KubeObject {
  if (object.metadata['managedFields'] === undefined) return object;
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

/** Key of a kind at one version. */
export function kindKeyOf(kind: ResourceKind): string {
  return `${kind.group}/${kind.version}/${kind.plural}`;
}

/** Key of an object among those of its kind, or with `kindKey` among all. No name holds a slash or a space. */
export function keyOf(namespace: string | null, name: string, kindKey = ''): string {
  return `${kindKey} ${namespace ?? ''}/${name}`;
}

/** What a scope needs. */
export interface CacheScopeOptions {
  readonly client: PagedKubeClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log?: Log;
  readonly kind: ResourceKind;
  readonly wanted: WatchScope;
  readonly onChanges: (changes: readonly StoreChange[]) => void;
  readonly onRebase: () => void;
}

/** Kept from the first hold to the last release. */
export class CacheScope {
  readonly kind: ResourceKind;
  readonly namespace: string | null;
  readonly project: (object: KubeObject) => KubeObject;
  readonly #selector: string;
  readonly #clock: Clock;
  readonly #store = new ObjectStore();
  readonly #reflector: Reflector;
  readonly #waiters = new Set<() => void>();
  #holders = 0;
  #isStopped = false;

  constructor(options: CacheScopeOptions) {
    const { kind, wanted } = options;
    this.kind = kind;
    this.namespace = kind.namespaced ? wanted.namespace : null;
    this.project = wanted.project ?? dropManagedFields;
    this.#selector = wanted.labelSelector ?? '';
    this.#clock = options.clock;
    this.#reflector = new Reflector({
      client: options.client,
      clock: options.clock,
      random: options.random,
      ...(options.log === undefined ? {} : { log: options.log }),
      kind,
      namespace: this.namespace,
      ...(this.#selector === '' ? {} : { labelSelector: this.#selector }),
      store: this.#store,
      project: this.project,
      onRebase: options.onRebase,
      onProgress: (changes) => {
        if (this.#isStopped) return;
        options.onChanges(changes);
        this.wake();
      },
    });
  }

  start(): void {
    this.#reflector.start();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.wake();
    await this.#reflector.stop();
  }

  /** Adds a holder; the function returned takes it away, once, and calls `onLast` when it was the last. */
  hold(onLast: () => void): () => void {
    this.#holders += 1;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#holders -= 1;
      if (this.#holders === 0) onLast();
    };
  }

  get synced(): Promise<void> {
    return this.#reflector.synced;
  }

  get hasSynced(): boolean {
    return this.#reflector.hasSynced;
  }

  get version(): string {
    return this.#reflector.version;
  }

  get ageMs(): number {
    return this.#reflector.silentMs();
  }

  /** True when whoever wants that is served by this scope as well. */
  satisfies(wanted: WatchScope): boolean {
    const project = wanted.project ?? dropManagedFields;
    const isKept = this.project === project || this.project === dropManagedFields;
    const reaches = this.namespace === null || this.namespace === wanted.namespace || !this.kind.namespaced;
    return isKept && reaches && this.#selector === (wanted.labelSelector ?? '');
  }

  /** True when objects of this namespace may be here. */
  reaches(namespace: string | null): boolean {
    return this.namespace === null || this.namespace === namespace;
  }

  /** True when an object of this namespace that is not here does not exist. */
  covers(namespace: string | null): boolean {
    return this.#selector === '' && this.reaches(namespace);
  }

  /** True when nothing has been heard for longer than a healthy watch is silent. */
  isSilent(): boolean {
    return this.ageMs > SILENCE_LIMIT_MS;
  }

  isFresh(): boolean {
    return this.hasSynced && !this.isSilent();
  }

  get(ref: ObjectRef): KubeObject | undefined {
    return this.#store.get(ref.namespace, ref.name);
  }

  values(namespace: string | null): readonly KubeObject[] {
    return this.#store.values(namespace);
  }

  /** Takes over what a scope that ends knows, so that reading here does not go back in time. */
  inherit(other: CacheScope): void {
    const isInside = this.namespace === null && this.#selector === '' && other.#selector === '';
    if (isInside && this.project === other.project && this.hasSynced) this.#store.absorb(other.#store);
  }

  /** Lets those who wait look again. */
  wake(): void {
    for (const look of this.#waiters) look();
  }

  /** Waits until `isReached` holds, at most `limitMs`; false when it does not, or when the scope ends. */
  waitUntil(isReached: () => boolean, limitMs: number): Promise<boolean> {
    if (isReached()) return Promise.resolve(true);
    if (this.#isStopped) return Promise.resolve(false);
    return new Promise((resolve) => {
      const end = (isDone: boolean): void => {
        cancel();
        this.#waiters.delete(look);
        resolve(isDone);
      };
      const look = (): void => {
        if (isReached()) end(true);
        else if (this.#isStopped) end(false);
      };
      const cancel = this.#clock.setTimer(limitMs, () => end(false));
      this.#waiters.add(look);
    });
  }
}
