// Watches: a stream of changes from a version on, with bookmarks, a time limit and an end.
import type { KubeObject } from '../../kube/contract.ts';
import { type Engine, storageOf } from './engine.ts';
import type { Accept } from './media.ts';
import { presentBookmark, presentEvent, storedText } from './present.ts';
import type { Presentation } from './presentation.ts';
import { requestTest } from './read.ts';
import type { ObjectTest } from './selectors.ts';
import { expired, forbiddenField, invalid, StatusFailure } from './status.ts';
import { eventsAfter, type Storage, type StoreEvent } from './store.ts';
import { isTrue } from './path.ts';
import { createStream, type LineStream } from './stream.ts';
import type { ApiResponse, RequestInfo, ServedKind } from './types.ts';

const BOOKMARK_INTERVAL_MS = 60_000;
const TIMEOUT_MIN_SECONDS = 1800;
const LAST_BOOKMARK_SECONDS = 2;

/** Opens a watch. Throws StatusFailure 400, 410, 422. */
export function openWatch(
  engine: Engine,
  kind: ServedKind,
  info: RequestInfo,
  accept: Accept,
  signal: AbortSignal | undefined,
): ApiResponse {
  const { query } = info;
  const wantsInitial = readInitial(query);
  const version = query.get('resourceVersion') ?? '';
  const rv = readWatchRv(version);
  const place = storageOf(engine, kind);
  const how: Presentation = {
    kind,
    form: accept.form,
    nowMs: engine.clock.nowMs(),
    includeObject: query.get('includeObject') ?? 'Metadata',
  };
  const stream = createStream();
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-cache, private' };
  const response: ApiResponse = { status: 200, headers, body: stream.lines };
  const isResumed = wantsInitial === null ? version !== '' && version !== '0' : !wantsInitial && rv > 0;
  if (isResumed && rv < place.forgottenRv) {
    const failure = expired(`too old resource version: ${rv} (${place.forgottenRv})`);
    if (engine.options.isExpiredWatchRefused === true) throw failure;
    stream.push(errorLine(failure));
    stream.end();
    return response;
  }
  const watch: WatchState = { engine, place, how, stream, test: requestTest(kind, info), rv, isFirst: true };
  startStream(watch, isResumed, wantsInitial, query, signal);
  return response;
}

/** The real server does not expect this of a watch, and it shows. */
function readWatchRv(version: string): number {
  if (version === '' || /^\d+$/.test(version)) return Number(version);
  const why = `resourceVersion: Invalid value: "${version}": strconv.ParseUint: parsing "${version}": invalid syntax`;
  throw new StatusFailure(500, '', why);
}

interface WatchState {
  readonly engine: Engine;
  readonly place: Storage;
  readonly how: Presentation;
  readonly stream: LineStream;
  readonly test: ObjectTest | null;
  /** Events up to here are not shown. */
  readonly rv: number;
  isFirst: boolean;
}

function readInitial(query: URLSearchParams): boolean | null {
  const text = query.get('sendInitialEvents');
  const match = query.get('resourceVersionMatch') ?? '';
  const options = { group: 'meta.k8s.io', kind: 'ListOptions' };
  if (text === null) {
    if (match === '') return null;
    const why = 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided';
    throw invalid(options, '', [forbiddenField('resourceVersionMatch', why)]);
  }
  if (match !== 'NotOlderThan') {
    const why = 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan';
    throw invalid(options, '', [forbiddenField('resourceVersionMatch', why)]);
  }
  return isTrue(text);
}

function startStream(
  watch: WatchState,
  isResumed: boolean,
  wantsInitial: boolean | null,
  query: URLSearchParams,
  signal: AbortSignal | undefined,
): void {
  const { engine, place, stream } = watch;
  const hasBookmarks = isTrue(query.get('allowWatchBookmarks'));
  const from = isResumed ? watch.rv : engine.store.currentRv();
  if (isResumed) for (const event of eventsAfter(place, watch.rv)) sendEvent(watch, event);
  else if (wantsInitial !== false) sendInitial(watch);
  if (wantsInitial === true && hasBookmarks) stream.push(bookmarkLine(watch, true));
  const listener = (event: StoreEvent): void => {
    if (event.resourceVersion > from) sendEvent(watch, event);
  };
  place.listeners.add(listener);
  const timers = startTimers(watch, query, hasBookmarks);
  const stop = (): void => stream.end();
  signal?.addEventListener('abort', stop, { once: true });
  engine.openStreams.add(stream);
  stream.onEnd(() => {
    place.listeners.delete(listener);
    for (const cancel of timers) cancel();
    signal?.removeEventListener('abort', stop);
    engine.openStreams.delete(stream);
  });
  if (signal?.aborted === true) stream.end();
}

function startTimers(watch: WatchState, query: URLSearchParams, hasBookmarks: boolean): Set<() => void> {
  const { engine, stream } = watch;
  const timers = new Set<() => void>();
  const asked = Number(query.get('timeoutSeconds') ?? 0);
  const seconds = asked > 0 ? asked : TIMEOUT_MIN_SECONDS * (1 + engine.random.next());
  timers.add(engine.clock.setTimer(seconds * 1000, () => stream.end()));
  if (!hasBookmarks) return timers;
  // The last bookmark comes shortly before the end, so that the next watch starts from a fresh version.
  if (seconds > LAST_BOOKMARK_SECONDS) {
    const lastMs = (seconds - LAST_BOOKMARK_SECONDS) * 1000;
    timers.add(engine.clock.setTimer(lastMs, () => stream.push(bookmarkLine(watch, false))));
  }
  scheduleBookmark(watch, timers);
  return timers;
}

function scheduleBookmark(watch: WatchState, timers: Set<() => void>): void {
  const { engine, stream } = watch;
  const cancel = engine.clock.setTimer(engine.options.bookmarkIntervalMs ?? BOOKMARK_INTERVAL_MS, () => {
    timers.delete(cancel);
    stream.push(bookmarkLine(watch, false));
    scheduleBookmark(watch, timers);
  });
  timers.add(cancel);
}

function sendInitial(watch: WatchState): void {
  const { engine, place, test } = watch;
  for (const object of engine.store.stateAt(place, engine.store.currentRv()) ?? []) {
    if (test === null || test(object)) watch.stream.push(line('ADDED', showObject(watch, object)));
  }
}

function sendEvent(watch: WatchState, event: StoreEvent): void {
  const { test, stream } = watch;
  const isSelected = event.after !== null && (test === null || test(event.after));
  const wasSelected = event.before !== null && (test === null || test(event.before));
  if (!isSelected && !wasSelected) return;
  if (isSelected) {
    stream.push(cachedLine(watch, event, wasSelected ? 'MODIFIED' : 'ADDED', event.shown));
    return;
  }
  // Leaving the selection looks like a deletion: the last selected state, with the version of the change.
  const version = String(event.resourceVersion);
  const last = event.before!;
  const shown =
    event.after === null ? event.shown : { ...last, metadata: { ...last.metadata, resourceVersion: version } };
  stream.push(cachedLine(watch, event, 'DELETED', shown));
}

/** Lines of whole objects are made once for all watchers. */
function cachedLine(watch: WatchState, event: StoreEvent, type: string, object: KubeObject): string {
  const { how } = watch;
  if (how.form !== 'object') return line(type, showObject(watch, object));
  const key = `${type} ${how.kind.version} ${how.kind.group}`;
  const held = event.texts.get(key);
  if (held !== undefined) return held;
  const stored = storedText(how, object);
  const text = stored === null ? line(type, presentEvent(how, object, false)) : lineOf(type, stored);
  event.texts.set(key, text);
  return text;
}

function showObject(watch: WatchState, object: KubeObject): unknown {
  const isFirst = watch.isFirst;
  watch.isFirst = false;
  return presentEvent({ ...watch.how, nowMs: watch.engine.clock.nowMs() }, object, isFirst);
}

function bookmarkLine(watch: WatchState, isInitialEnd: boolean): string {
  const rv = String(watch.engine.store.currentRv());
  return line('BOOKMARK', presentBookmark(watch.how, rv, isInitialEnd));
}

function errorLine(failure: StatusFailure): string {
  return line('ERROR', failure.toStatus());
}

function line(type: string, object: unknown): string {
  return lineOf(type, JSON.stringify(object));
}

function lineOf(type: string, text: string): string {
  return `{"type":"${type}","object":${text}}\n`;
}
