// What every part of the server shares: store, registry, clock, hooks; and the one place where a write is committed.
import type { KubeObject } from '../../kube/contract.ts';
import type { Clock } from '../../util/clock.ts';
import type { Random } from '../../util/random.ts';
import { sortMembers } from './json.ts';
import type { Registry } from './registry.ts';
import { keyOf, type Storage, type Store } from './store.ts';
import type { LineStream } from './stream.ts';
import type { ApiServerOptions, Commit, FenceViolation, LoggedRequest, ServedKind } from './types.ts';

/** The inside of the server. */
export interface Engine {
  readonly options: ApiServerOptions;
  readonly clock: Clock;
  readonly random: Random;
  readonly store: Store;
  readonly registry: Registry;
  readonly commitListeners: Set<(commit: Commit) => void>;
  readonly requestListeners: Set<(request: LoggedRequest) => void>;
  readonly violations: FenceViolation[];
  /** Bytes of each object by uid, an estimate from above. */
  readonly sizes: Map<string, number>;
  /** How many cluster addresses have been given out. */
  readonly addresses: { count: number };
  /** Watches that are open. */
  readonly openStreams: Set<LineStream>;
  /** Cancels everything that still waits on the clock; set when the server is closed. */
  readonly closing: AbortController;
}

/** Who writes what, and how. */
export interface WriteContext {
  readonly kind: ServedKind;
  readonly namespace: string | null;
  readonly name: string;
  readonly subresource: string;
  readonly user: string;
  readonly verb: Commit['verb'];
  readonly isDryRun: boolean;
  /** The field manager and its kind of operation. */
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly fieldValidation: 'Strict' | 'Warn' | 'Ignore';
  /** Texts for Warning headers. */
  readonly warnings: string[];
  readonly body: unknown;
  /** Whether the body is a strategic merge patch. */
  readonly isStrategic: boolean;
  readonly bodyBytes: number;
}

/** The outcome: the object as it was last, and whether it is gone from the store. */
export interface DeleteOutcome {
  readonly object: KubeObject;
  readonly isGone: boolean;
}

/** The storage of a kind. */
export function storageOf(engine: Engine, kind: ServedKind): Storage {
  return engine.store.storage(kind.storageId);
}

/** The stored object, in its stored form. */
export function findStored(
  engine: Engine,
  kind: ServedKind,
  namespace: string | null,
  name: string,
): KubeObject | null {
  return storageOf(engine, kind).objects.get(keyOf(kind.namespaced ? namespace : null, name)) ?? null;
}

/** Writes (or, with null, removes) the object and tells everybody; gives it with its new version. */
export function commit(engine: Engine, context: WriteContext, after: KubeObject | null): KubeObject {
  const namespace = context.kind.namespaced ? context.namespace : null;
  // The real server holds custom objects as maps, which come out in order of their names whatever order they went in.
  const stored = after === null || !context.kind.isCustom ? after : sortMembers(after);
  const event = engine.store.commit(storageOf(engine, context.kind), keyOf(namespace, context.name), stored);
  const record: Commit = {
    verb: context.verb,
    kind: context.kind,
    ref: { kind: context.kind, namespace, name: context.name },
    before: event.before,
    after: event.after,
    resourceVersion: event.resourceVersion,
    user: context.user,
    subresource: context.subresource,
    body: context.body,
  };
  if (after === null) engine.sizes.delete(event.shown.metadata.uid ?? '');
  for (const listener of engine.commitListeners) listener(record);
  return event.shown;
}
