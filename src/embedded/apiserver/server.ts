// The embedded API server: puts its parts together. No HTTP in here; see listen.ts.
import { createAccess, type StoreAccess } from './access.ts';
import { followCrds } from './crds.ts';
import type { Engine } from './engine.ts';
import { collectGarbage } from './garbage.ts';
import { endNamespaces } from './namespace-actor.ts';
import { handleRequest } from './handle.ts';
import { builtInKinds } from './kinds-builtin.ts';
import { MESH_KIND_SETS, meshKinds } from './kinds-mesh.ts';
import { createRegistry } from './registry.ts';
import { serveKind } from './served-kind.ts';
import { createStore } from './store.ts';
import type {
  ApiRequest,
  ApiResponse,
  ApiServerOptions,
  Commit,
  FenceViolation,
  LoggedRequest,
  ServedKind,
} from './types.ts';

const HISTORY_MAX = 10_000;
const GARBAGE_DELAY_MS = 200;

/** An API server inside the process. */
export interface ApiServer {
  /** Answers one request. Never rejects. */
  handle(request: ApiRequest): Promise<ApiResponse>;
  /** The same write path without HTTP, for actors and tests. */
  readonly store: StoreAccess;
  /** Calls `listener` after each committed write, before the writer has its answer. Returns the way to stop. */
  onCommit(listener: (commit: Commit) => void): () => void;
  /** Calls `listener` for each answered request, as an audit log would have it. Returns the way to stop. */
  onRequest(listener: (request: LoggedRequest) => void): () => void;
  /** Unfenced writes by users who must fence (S11). */
  readonly violations: readonly FenceViolation[];
  /** The version of the last write. */
  currentRv(): number;
  /** Forgets all history: older watches and continue tokens get 410. */
  compact(): void;
  /** Ends all open watches, as a restart of a real server does. */
  endWatches(): void;
  /** What is served now. */
  kinds(): readonly ServedKind[];
  /** Ends watches and timers. Requests afterwards are still answered. */
  close(): void;
}

/** Builds a server with the namespaces `default`, `kube-system`, `kube-public` and `kube-node-lease`. */
export function createApiServer(options: ApiServerOptions): ApiServer {
  const engine = createEngine(options);
  const store = createAccess(engine);
  const schedule = createScheduler(engine);
  engine.commitListeners.add(followCrds(engine));
  engine.commitListeners.add(collectGarbage(engine, schedule));
  engine.commitListeners.add(endNamespaces(engine, schedule));
  for (const name of ['default', 'kube-system', 'kube-public', 'kube-node-lease']) {
    store.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, { user: 'system:apiserver' });
  }
  return {
    handle: (request) => handleRequest(engine, request),
    store,
    onCommit: (listener) => listen(engine.commitListeners, listener),
    onRequest: (listener) => listen(engine.requestListeners, listener),
    violations: engine.violations,
    currentRv: () => engine.store.currentRv(),
    compact: () => engine.store.compact(),
    endWatches() {
      for (const stream of engine.openStreams) stream.end();
    },
    kinds: () => engine.registry.all(),
    close() {
      engine.closing.abort();
      for (const stream of engine.openStreams) stream.end();
    },
  };
}

/** Calls back after the delay of the server's own actors, unless it has been closed. */
function createScheduler(engine: Engine): (work: () => void) => void {
  const { clock, closing, options } = engine;
  return (work) => {
    if (closing.signal.aborted) return;
    const cancel = clock.setTimer(options.garbageDelayMs ?? GARBAGE_DELAY_MS, () => {
      closing.signal.removeEventListener('abort', cancel);
      work();
    });
    closing.signal.addEventListener('abort', cancel, { once: true });
  };
}

function listen<T>(listeners: Set<(value: T) => void>, listener: (value: T) => void): () => void {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
}

function createEngine(options: ApiServerOptions): Engine {
  const registry = createRegistry();
  for (const kind of builtInKinds()) registry.add(kind);
  for (const set of options.kinds ?? MESH_KIND_SETS) for (const kind of meshKinds(set)) registry.add(kind);
  for (const kind of options.extraKinds ?? []) {
    registry.add(serveKind(kind, { isCustom: true, hasStatus: true, hasGeneration: true }));
  }
  return {
    options,
    clock: options.clock,
    random: options.random,
    store: createStore(options.historyMax ?? HISTORY_MAX),
    registry,
    commitListeners: new Set(),
    requestListeners: new Set(),
    violations: [],
    sizes: new Map(),
    addresses: { count: 0 },
    openStreams: new Set(),
    closing: new AbortController(),
  };
}
