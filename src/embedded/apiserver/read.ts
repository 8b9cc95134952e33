// Reading: one object, or lists with selectors, pages and versions.
import type { KubeObject } from '../../kube/contract.ts';
import { type Engine, findStored, storageOf } from './engine.ts';
import type { ListMeta } from './presentation.ts';
import { type ObjectTest, readSelectors } from './selectors.ts';
import {
  badRequest,
  expired,
  type FieldProblem,
  forbiddenField,
  invalid,
  notFound,
  notSupported,
  StatusFailure,
} from './status.ts';
import { compareText, keyOf, objectsIn } from './store.ts';
import type { RequestInfo, ServedKind } from './types.ts';

/** The object in its stored form. Throws StatusFailure 404, 504. */
export function getObject(engine: Engine, kind: ServedKind, info: RequestInfo, user: string): KubeObject {
  const name = info.name ?? '';
  const version = info.query.get('resourceVersion') ?? '';
  refuseFuture(engine, version);
  const view = version === '0' ? (engine.options.staleView?.(user) ?? null) : null;
  const found = view === null ? findStored(engine, kind, info.namespace, name) : findInView(engine, kind, info, view);
  if (found === null) throw notFound(kind, name);
  return found;
}

function findInView(engine: Engine, kind: ServedKind, info: RequestInfo, rv: number): KubeObject | null {
  const key = keyOf(kind.namespaced ? info.namespace : null, info.name ?? '');
  const objects = engine.store.stateAt(storageOf(engine, kind), rv);
  return objects?.find((object) => keyOf(object.metadata.namespace, object.metadata.name) === key) ?? null;
}

/** 504, as the watch cache answers when asked for a version that it has not seen. */
function refuseFuture(engine: Engine, version: string): void {
  const asked = readRv(version);
  const current = engine.store.currentRv();
  if (asked <= current) return;
  const details = {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  };
  throw new StatusFailure(
    504,
    'Timeout',
    `Timeout: Too large resource version: ${asked}, current: ${current}`,
    details,
  );
}

/** A resourceVersion as a number. Throws StatusFailure 400. */
function readRv(version: string): number {
  if (version === '') return 0;
  if (!/^\d+$/.test(version))
    throw badRequest(
      `invalid resource version: resourceVersion: Invalid value: "${version}": strconv.ParseUint: parsing "${version}": invalid syntax`,
    );
  return Number(version);
}

/** What a list gives. */
export interface ListResult {
  readonly objects: readonly KubeObject[];
  readonly metadata: ListMeta;
}

interface Continuation {
  readonly rv: number;
  readonly start: string;
}

/** Lists objects in their stored form. Throws StatusFailure 400, 410, 422, 504. */
export function listObjects(engine: Engine, kind: ServedKind, info: RequestInfo, user: string): ListResult {
  const { query } = info;
  const continuation = readContinue(query.get('continue') ?? '');
  const rv = chooseRv(engine, info, continuation, user);
  const place = storageOf(engine, kind);
  const isNow = rv === engine.store.currentRv() && kind.namespaced && info.namespace !== null;
  const all = isNow ? objectsIn(place, info.namespace ?? '') : engine.store.stateAt(place, rv);
  if (all === null) throw continuation === null ? tooOld() : expiredContinue(continuation);
  const test = bothTests(namespaceTest(kind, info), nameTest(info), readSelectors(kind, query));
  const placeOf = pagePlace(info);
  const { start } = continuation ?? {};
  const from = start === undefined ? all : all.filter((object) => compareText(placeOf(object), start) > 0);
  const selected = test === null ? from : from.filter(test);
  const limit = readLimit(query);
  if (!(limit > 0) || selected.length <= limit) return { objects: selected, metadata: { resourceVersion: String(rv) } };
  const page = selected.slice(0, limit);
  const last = page.at(-1)!;
  const isCounted = !query.get('labelSelector') && !query.get('fieldSelector');
  return {
    objects: page,
    metadata: {
      resourceVersion: String(rv),
      continue: writeContinue({ rv, start: placeOf(last) }),
      ...(isCounted ? { remainingItemCount: selected.length - limit } : {}),
    },
  };
}

/** What is read at version 0 comes whole, as from the watch cache of the real server. */
function readLimit(query: URLSearchParams): number {
  const text = query.get('limit') ?? '0';
  if (!/^-?\d*$/.test(text)) throw badRequest(`strconv.ParseInt: parsing "${text}": invalid syntax`);
  const isFromCache = query.get('resourceVersion') === '0' && (query.get('continue') ?? '') === '';
  return isFromCache ? 0 : Number(text);
}

function chooseRv(engine: Engine, info: RequestInfo, continuation: Continuation | null, user: string): number {
  const { query } = info;
  const version = query.get('resourceVersion') ?? '';
  const match = query.get('resourceVersionMatch') ?? '';
  const current = engine.store.currentRv();
  const options = { group: 'meta.k8s.io', kind: 'ListOptions' };
  if (continuation !== null) {
    if (match !== '') {
      const why = 'resourceVersionMatch is forbidden when continue is provided';
      throw invalid(options, '', [forbiddenField('resourceVersionMatch', why)]);
    }
    if (version !== '' && version !== '0')
      throw badRequest('specifying resource version is not allowed when using continue');
    return continuation.rv === -1 ? current : continuation.rv;
  }
  const problems: FieldProblem[] = [];
  if (match !== '' && version === '') {
    const why = 'resourceVersionMatch is forbidden unless resourceVersion is provided';
    problems.push(forbiddenField('resourceVersionMatch', why));
  }
  if (query.get('sendInitialEvents') !== null) {
    problems.push(forbiddenField('sendInitialEvents', 'sendInitialEvents is forbidden for list'));
  }
  if (problems.length > 0) throw invalid(options, '', problems);
  if (match === 'Exact' && version === '0') {
    const why = 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"';
    throw invalid(options, '', [forbiddenField('resourceVersionMatch', why)]);
  }
  if (match !== '' && match !== 'Exact' && match !== 'NotOlderThan') {
    throw invalid(options, '', [notSupported('resourceVersionMatch', match, ['Exact', 'NotOlderThan', ''])]);
  }
  refuseFuture(engine, version);
  if (match === 'Exact') return readRv(version);
  // Without a match, a page at a version means exactly that version; a whole list means not older.
  const isPaged = Number(query.get('limit') ?? 0) > 0;
  if (match === '' && isPaged && version !== '' && version !== '0') return readRv(version);
  const view = version === '0' ? (engine.options.staleView?.(user) ?? null) : null;
  return view === null ? current : Math.min(view, current);
}

function namespaceTest(kind: ServedKind, info: RequestInfo): ObjectTest | null {
  if (!kind.namespaced || info.namespace === null) return null;
  return (object) => object.metadata.namespace === info.namespace;
}

function nameTest(info: RequestInfo): ObjectTest | null {
  return info.name === null ? null : (object) => object.metadata.name === info.name;
}

/** The test that all tests must pass; null when there is none. */
function bothTests(...tests: readonly (ObjectTest | null)[]): ObjectTest | null {
  const real = tests.filter((test) => test !== null);
  if (real.length === 0) return null;
  return real.length === 1 ? real[0]! : (object) => real.every((test) => test(object));
}

/** The test of a watch or list: namespace, name and selectors. */
export function requestTest(kind: ServedKind, info: RequestInfo): ObjectTest | null {
  return bothTests(namespaceTest(kind, info), nameTest(info), readSelectors(kind, info.query));
}

/** Where an object stands in its list: by its name, after that of its namespace where the list is of all. */
function pagePlace(info: RequestInfo): (object: KubeObject) => string {
  if (info.namespace !== null) return (object) => object.metadata.name;
  return (object) => keyOf(object.metadata.namespace, object.metadata.name);
}

function writeContinue(value: Continuation): string {
  const text = JSON.stringify({ v: 'meta.k8s.io/v1', rv: value.rv, start: `${value.start}\u0000` });
  return Buffer.from(text).toString('base64url');
}

function readContinue(token: string): Continuation | null {
  if (token === '') return null;
  try {
    const value = JSON.parse(Buffer.from(token, 'base64url').toString()) as { rv: unknown; start: unknown };
    if (typeof value.rv === 'number' && typeof value.start === 'string') {
      return { rv: value.rv, start: value.start.slice(0, -1) };
    }
  } catch {
    // Falls through to the refusal.
  }
  throw badRequest('invalid continue token: continue key is not valid: illegal base64 data');
}

/** 410 for a version of which nothing is known any more. */
function tooOld(): StatusFailure {
  return expired('The resourceVersion for the provided list is too old.');
}

/** 410 with a token by which the list can go on, not consistent with its first pages. */
function expiredContinue(continuation: Continuation): StatusFailure {
  const message =
    'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.';
  const failure = expired(message);
  return new InconsistentContinue(failure, writeContinue({ rv: -1, start: continuation.start }));
}

/** The refusal that carries a new continue token in its metadata. */
class InconsistentContinue extends StatusFailure {
  readonly token: string;

  constructor(failure: StatusFailure, token: string) {
    super(failure.status, failure.reason, failure.message);
    this.token = token;
  }

  override toStatus(): Record<string, unknown> {
    return { ...super.toStatus(), metadata: { continue: this.token } };
  }
}
