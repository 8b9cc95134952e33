// Keeps a store equal to the server: one loop of list and watch that never ends by itself.
import { RefusedError, TransientError, UnsupportedError, messageOf } from '../errors.ts';
import type { Log } from '../telemetry/contract.ts';
import type { Clock } from '../util/clock.ts';
import { sleep } from '../util/clock.ts';
import type { Random } from '../util/random.ts';
import { orAbort } from './abort.ts';
import { Backoff } from './backoff.ts';
import type { PagedKubeClient } from './paged-client.ts';
import type { KubeObject, ResourceKind, WatchEvent } from './contract.ts';
import type { ObjectStore, StoreChange } from './object-store.ts';
import { compareVersions, newerOf } from './versions.ts';

const WATCH_SECONDS_MIN = 300;
const WATCH_SECONDS_SPREAD = 300;
/** A watch that ends sooner, in milliseconds, is not resumed at once. */
const SHORT_WATCH_MS = 1_000;
/** A server that is behind what it said before is believed only after so many consistent lists over so long: then it was restored from a backup. */
const REBASE_LISTS = 5;
const REBASE_AFTER_MS = 60_000;

/** What a reflector needs. */
export interface ReflectorOptions {
  readonly client: Pick<PagedKubeClient, 'listPaged' | 'watch'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log?: Log;
  readonly kind: ResourceKind;
  readonly namespace: string | null;
  readonly labelSelector?: string;
  readonly store: ObjectStore;
  /** Keeps what is needed of an object; applied before anything is held. */
  readonly project: (object: KubeObject) => KubeObject;
  /** Called after the store changed, or (with no changes) after the version moved on. Must not throw. */
  readonly onProgress: (changes: readonly StoreChange[]) => void;
  /** Called when the server has been restored to an older state: versions begin anew, what was remembered by version is void. */
  readonly onRebase?: () => void;
}

/**
 * List, watch from the list's version, resume from the last version seen; list again when the server has forgotten that
 * version, sent an error or something unreadable. `synced` resolves with the first list; it rejects, and the loop ends, only when
 * the server refuses that one for good (the kind is not served, or not for us).
 */
export class Reflector {
  readonly synced: Promise<void>;
  readonly #options: ReflectorOptions;
  readonly #controller = new AbortController();
  readonly #backoff: Backoff;
  readonly #first = Promise.withResolvers<void>();
  #running: Promise<void> = Promise.resolve();
  #version = '';
  #hasSynced = false;
  #mustList = true;
  #listFrom = '';
  #lastSignMs: number;
  #behind: { lists: number; readonly sinceMs: number } | null = null;

  constructor(options: ReflectorOptions) {
    this.#options = options;
    this.#backoff = new Backoff(options.clock, options.random);
    this.#lastSignMs = options.clock.monotonicMs();
    this.synced = this.#first.promise;
    this.synced.catch(() => undefined);
  }

  /** Starts the loop. */
  start(): void {
    this.#running = this.#run();
  }

  /** Ends the loop, wherever it waits. */
  async stop(): Promise<void> {
    const what = `Cannot keep ${this.#options.kind.plural}: the watch was stopped`;
    this.#controller.abort(new TransientError('IO_ABORTED', what));
    this.#first.reject(this.#controller.signal.reason);
    await this.#running;
  }

  /** True once the first list is in. */
  get hasSynced(): boolean {
    return this.#hasSynced;
  }

  /** The newest version that the server has shown; empty before the first list. */
  get version(): string {
    return this.#version;
  }

  /** Milliseconds since the server last showed a sign of life: a list, an event or a bookmark. */
  silentMs(): number {
    return this.#options.clock.monotonicMs() - this.#lastSignMs;
  }

  async #run(): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#controller;
    while (!signal.aborted) {
      let waitMs = 0;
      try {
        if (this.#mustList) await this.#list();
        if (await this.#watch()) continue;
      } catch (error) {
        if (signal.aborted) return;
        if (!this.#hasSynced && isFinal(error)) {
          this.#first.reject(error);
          return;
        }
        if (error instanceof TransientError) waitMs = error.retryAfterMs ?? 0;
        this.#warn('Watch failed, trying again', messageOf(error));
      }
      await sleep(clock, Math.max(waitMs, this.#backoff.pauseMs()), signal);
    }
  }

  async #list(): Promise<void> {
    const { client, kind, namespace, labelSelector, project, store } = this.#options;
    const { signal } = this.#controller;
    const from = this.#listFrom;
    // Whatever goes wrong with "not older than": the next list asks for the most recent state.
    this.#listFrom = '';
    let items: KubeObject[] = [];
    const listing = client.listPaged(
      kind,
      namespace,
      {
        lane: 'resync',
        signal,
        ...(labelSelector === undefined ? {} : { labelSelector }),
        ...(from === '' ? {} : { resourceVersion: from }),
      },
      {
        begin: () => {
          items = [];
        },
        take: (page) => {
          for (const item of page) items.push(project(item));
          if (!signal.aborted) this.#lastSignMs = this.#options.clock.monotonicMs();
        },
      },
    );
    const version = await orAbort(listing, signal);
    const isRebased = this.#refuseOlder(version, from);
    if (isRebased) this.#options.onRebase?.();
    const forgotten = isRebased ? store.clear() : [];
    const changes = [...forgotten, ...store.replace(items, version)];
    this.#version = isRebased ? version : newerOf(version, this.#version);
    this.#mustList = false;
    this.#sign(changes);
    if (!this.#hasSynced) {
      this.#hasSynced = true;
      this.#first.resolve();
    }
  }

  /** Throws when the list is older than what we know; true when the server has been behind for so long that it must have been restored. */
  #refuseOlder(version: string, from: string): boolean {
    if (compareVersions(version, this.#version) >= 0) {
      this.#behind = null;
      return false;
    }
    const nowMs = this.#options.clock.monotonicMs();
    this.#behind ??= { lists: 0, sinceMs: nowMs };
    if (from === '') this.#behind.lists += 1;
    if (this.#behind.lists >= REBASE_LISTS && nowMs - this.#behind.sinceMs >= REBASE_AFTER_MS) {
      this.#warn('Server has gone back in time, starting anew', `from version ${this.#version} to ${version}`);
      this.#behind = null;
      return true;
    }
    const what = `Cannot list ${this.#options.kind.plural}`;
    throw new TransientError(
      'IO_STALE',
      `${what}: the server is at version ${version}, must not be older than ${this.#version}`,
    );
  }

  /** True when the watch ended in good order and may be resumed at once. */
  async #watch(): Promise<boolean> {
    const { client, clock, random, kind, namespace, labelSelector } = this.#options;
    const { signal } = this.#controller;
    const startMs = clock.monotonicMs();
    const events = client.watch(kind, namespace, {
      resourceVersion: this.#version,
      timeoutSeconds: WATCH_SECONDS_MIN + Math.floor(WATCH_SECONDS_SPREAD * random.next()),
      signal,
      ...(labelSelector === undefined ? {} : { labelSelector }),
    });
    try {
      for await (const event of events) {
        if (signal.aborted) return false;
        if (event.type === 'ERROR') {
          this.#listAgain();
          this.#warn('Watch was ended by the server, listing again', describeError(event));
          return false;
        }
        this.#take(event);
      }
    } catch (error) {
      // What could not be read is lost: the watch cannot be resumed behind it.
      if (error instanceof TransientError && LOSSES.has(error.code)) this.#listAgain();
      throw error;
    }
    return clock.monotonicMs() - startMs >= SHORT_WATCH_MS;
  }

  #take({ type, object }: WatchEvent): void {
    const { store, project } = this.#options;
    let changes: readonly StoreChange[] = [];
    if (type === 'DELETED') changes = store.remove(object);
    else if (type !== 'BOOKMARK') changes = store.put(project(object));
    this.#version = newerOf(object.metadata.resourceVersion ?? '', this.#version);
    this.#sign(changes);
  }

  #listAgain(): void {
    this.#mustList = true;
    this.#listFrom = this.#version;
  }

  #sign(changes: readonly StoreChange[]): void {
    this.#lastSignMs = this.#options.clock.monotonicMs();
    this.#options.onProgress(changes);
  }

  #warn(message: string, reason: string): void {
    const { log, kind, namespace } = this.#options;
    log?.warn(message, { kind: kind.plural, namespace, reason });
  }
}

const LOSSES = new Set(['IO_PROTOCOL', 'IO_TOO_LARGE']);

function isFinal(error: unknown): boolean {
  return error instanceof UnsupportedError || error instanceof RefusedError;
}

function describeError({ object }: WatchEvent): string {
  const { code, reason, message } = object as { code?: number; reason?: string; message?: string };
  return messageOf(`${code ?? ''} ${reason ?? ''} ${message ?? ''}`.trim());
}
