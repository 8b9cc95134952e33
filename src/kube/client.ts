// The REST client: fenced writes, checked answers, paged lists and watches on raw JSON.
import { ConflictError, TransientError, UnsupportedError } from '../errors.ts';
import type { Clock } from '../util/clock.ts';
import { isObject } from '../util/json.ts';
import type { Random } from '../util/random.ts';
import { checkObject, readStatus, refusalOf } from './answers.ts';
import type { Answer } from './answers.ts';
import { Caller } from './call.ts';
import type { Authorize, Call, RequestSeen } from './call.ts';
import type {
  CallOptions,
  KubeObject,
  ListOptions,
  ObjectList,
  ObjectRef,
  PatchOperation,
  ResourceKind,
  WatchEvent,
  WatchOptions,
} from './contract.ts';
import { Discovery } from './discovery.ts';
import { checkApply, checkCreate, checkPatch, checkRemove, checkVersioned } from './fence.ts';
import { apiVersionOf, describeRef } from './kinds.ts';
import { Limiter } from './limiter.ts';
import type { PageSink, PagedKubeClient } from './paged-client.ts';
import { pagePath, readPage } from './pages.ts';
import type { Page } from './pages.ts';
import { collectionPath, objectPath, withQuery } from './paths.ts';
import type { KubeTransport } from './transport.ts';
import { EVENT_BYTES_MAX, parseEvent, splitLines } from './watch-stream.ts';

/** The name under which our writes are recorded in metadata.managedFields. */
const FIELD_MANAGER = 'serin';
/** Requests per second to the API server, where no setting says otherwise. */
const REQUESTS_PER_SECOND = 1_000;
const OBJECT_BYTES_MAX = 4 * 2 ** 20;
const LIST_BYTES_MAX = 64 * 2 ** 20;
const LIST_RESTARTS_MAX = 5;

/** What a client needs. */
export interface KubeClientOptions {
  readonly transport: KubeTransport;
  readonly clock: Clock;
  readonly random: Random;
  readonly authorize?: Authorize;
  readonly requestsPerSecond?: number;
  readonly onRequest?: (seen: RequestSeen) => void;
}

/** Makes the client of one cluster. It keeps the promises of KubeClient and never writes anything unfenced. */
export function createKubeClient(options: KubeClientOptions): PagedKubeClient {
  const limiter = new Limiter(options.clock, options.requestsPerSecond ?? REQUESTS_PER_SECOND);
  const caller = new Caller({ ...options, limiter });
  return new RestClient(caller, new Discovery(caller, options.clock));
}

class RestClient implements PagedKubeClient {
  readonly #caller: Caller;
  readonly #discovery: Discovery;

  constructor(caller: Caller, discovery: Discovery) {
    this.#caller = caller;
    this.#discovery = discovery;
  }

  async get(ref: ObjectRef, options?: CallOptions): Promise<KubeObject | null> {
    const call = callOf('get', 'GET', ref, objectPath(ref), options);
    const answer = await this.#caller.send(call);
    if (answer.status === 404) return this.#absent(answer, ref, call);
    return this.#object(answer, ref, call);
  }

  async list(
    kind: ResourceKind,
    namespace: string | null,
    options: CallOptions & ListOptions = {},
  ): Promise<ObjectList> {
    let items: KubeObject[] = [];
    const sink: PageSink = {
      begin: () => {
        items = [];
      },
      take: (page) => {
        for (const item of page) items.push(item);
      },
    };
    const resourceVersion = await this.listPaged(kind, namespace, options, sink);
    return { resourceVersion, items };
  }

  async listPaged(
    kind: ResourceKind,
    namespace: string | null,
    options: CallOptions & ListOptions,
    sink: PageSink,
  ): Promise<string> {
    for (let restarts = 0; ; restarts += 1) {
      sink.begin();
      let version = '';
      let token = '';
      do {
        const page = await this.#page(kind, namespace, options, token);
        if (page === 'expired') {
          if (restarts >= LIST_RESTARTS_MAX) {
            throw new TransientError(
              'IO_EXPIRED',
              `Cannot list ${kind.plural}: the list expired ${restarts + 1} times before its end`,
            );
          }
          version = '';
          break;
        }
        sink.take(page.items);
        version ||= page.version;
        token = page.token;
      } while (token !== '');
      if (version !== '') return version;
    }
  }

  async create(object: KubeObject, kind: ResourceKind, options?: CallOptions): Promise<KubeObject> {
    const ref = checkCreate(object, kind);
    objectPath(ref);
    const path = withQuery(collectionPath(kind, ref.namespace), { fieldManager: FIELD_MANAGER });
    const call = callOf('create', 'POST', ref, path, options, 'application/json', object);
    return this.#written(await this.#caller.send(call), ref, call);
  }

  async apply(object: KubeObject, kind: ResourceKind, options?: CallOptions): Promise<KubeObject> {
    const ref = checkApply(object, kind);
    const path = withQuery(objectPath(ref), { fieldManager: FIELD_MANAGER, force: 'true' });
    // The server refuses an apply that carries managedFields, as an object that was read does.
    const { managedFields: _, ...metadata } = object.metadata;
    const body = { ...object, metadata };
    // JSON is YAML, and servers before 1.32 know no apply type but this.
    const call = callOf('apply', 'PATCH', ref, path, options, 'application/apply-patch+yaml', body);
    return this.#written(await this.#caller.send(call), ref, call);
  }

  async patch(ref: ObjectRef, operations: readonly PatchOperation[], options?: CallOptions): Promise<KubeObject> {
    checkPatch(ref, operations);
    const path = withQuery(objectPath(ref), { fieldManager: FIELD_MANAGER });
    const call = callOf('patch', 'PATCH', ref, path, options, 'application/json-patch+json', operations);
    return this.#written(await this.#caller.send(call), ref, call);
  }

  async replaceStatus(object: KubeObject, kind: ResourceKind, options?: CallOptions): Promise<KubeObject> {
    const ref = checkVersioned('replace the status of', object, kind);
    const path = withQuery(objectPath(ref, 'status'), { fieldManager: FIELD_MANAGER });
    const call = callOf('replace the status of', 'PUT', ref, path, options, 'application/json', object);
    return this.#written(await this.#caller.send(call), ref, call);
  }

  async remove(ref: ObjectRef, uid: string, resourceVersion: string, options?: CallOptions): Promise<void> {
    checkRemove(ref, uid, resourceVersion);
    const body = {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      preconditions: { uid, resourceVersion },
      propagationPolicy: 'Background',
    };
    const call = callOf('delete', 'DELETE', ref, objectPath(ref), options, 'application/json', body);
    const answer = await this.#caller.send(call);
    if (answer.status === 404) {
      // Where the kind itself has gone, the object has gone with it.
      if (!isAbout(answer, ref)) await this.#explain404(ref.kind, call);
      return;
    }
    if (answer.status >= 400) throw refusalOf(answer, call.what, isSecretKind(ref.kind));
  }

  discover(group: string, kind: string, versions: readonly string[]): Promise<ResourceKind | null> {
    return this.#discovery.find(group, kind, versions);
  }

  async *watch(
    kind: ResourceKind,
    namespace: string | null,
    options: WatchOptions,
  ): AsyncGenerator<WatchEvent, void, void> {
    const path = withQuery(collectionPath(kind, namespace), {
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion: options.resourceVersion,
      timeoutSeconds: String(options.timeoutSeconds),
      labelSelector: options.labelSelector,
    });
    const what = `Cannot watch ${kind.plural}${inNamespace(namespace)}`;
    const call: Call = {
      verb: 'watch',
      kind: kind.kind,
      what,
      method: 'GET',
      path,
      lane: 'resync',
      signal: options.signal,
      bytesMax: OBJECT_BYTES_MAX,
    };
    const opened = await this.#caller.open(call);
    if ('refusal' in opened) {
      const { refusal } = opened;
      if (refusal.status === 404) throw await this.#unserved(kind, call);
      // A version that is too old is told as a status or as an event; callers see one form.
      if (refusal.status !== 410) throw refusalOf(refusal, what, false);
      yield { type: 'ERROR', object: statusObject(refusal) };
      return;
    }
    for await (const line of splitLines(opened.chunks, EVENT_BYTES_MAX, what)) yield parseEvent(line, kind, what);
  }

  async #page(
    kind: ResourceKind,
    namespace: string | null,
    options: CallOptions & ListOptions,
    token: string,
  ): Promise<Page | 'expired'> {
    const what = `Cannot list ${kind.plural}${inNamespace(namespace)}`;
    const call: Call = {
      verb: 'list',
      kind: kind.kind,
      what,
      method: 'GET',
      path: pagePath(kind, namespace, options, token),
      lane: options.lane ?? 'progress',
      signal: options.signal,
      bytesMax: LIST_BYTES_MAX,
    };
    const answer = await this.#caller.send(call);
    if (answer.status === 410 && token !== '') return 'expired';
    if (answer.status === 404) throw await this.#unserved(kind, call);
    if (answer.status >= 400) throw refusalOf(answer, what, isSecretKind(kind));
    return readPage(answer.value, kind, what);
  }

  #object(answer: Answer, ref: ObjectRef, call: Call): KubeObject {
    if (answer.status >= 400) throw refusalOf(answer, call.what, isSecretKind(ref.kind));
    return checkObject(answer.value, ref, call.what);
  }

  async #written(answer: Answer, ref: ObjectRef, call: Call): Promise<KubeObject> {
    if (answer.status !== 404) return this.#object(answer, ref, call);
    // A POST answers with the name of a missing namespace, or of the object it was about to write.
    if (readStatus(answer.value)?.reason !== 'NotFound') throw await this.#unserved(ref.kind, call);
    if (!isAbout(answer, ref)) throw refusalOf(answer, call.what, isSecretKind(ref.kind));
    throw new ConflictError(`${call.what}: it does not exist any more`);
  }

  async #absent(answer: Answer, ref: ObjectRef, call: Call): Promise<null> {
    if (!isAbout(answer, ref)) throw await this.#unserved(ref.kind, call);
    return null;
  }

  async #unserved(kind: ResourceKind, call: Call): Promise<UnsupportedError> {
    await this.#explain404(kind, call);
    return new UnsupportedError(
      'CAPABILITY_KIND',
      `${call.what}: the cluster does not serve ${apiVersionOf(kind)} ${kind.kind}; install its CustomResourceDefinition`,
    );
  }

  /** A 404 that does not name the object is a kind that is not served, or a page of something that is not the API server: throws for the latter. */
  async #explain404(kind: ResourceKind, call: Call): Promise<void> {
    if (await this.#discovery.isServed(kind, { lane: call.lane })) {
      throw new TransientError(
        'IO_PROTOCOL',
        `${call.what}: the answer is a 404 that does not come from the API server`,
      );
    }
  }
}

function callOf(
  verb: string,
  method: Call['method'],
  ref: ObjectRef,
  path: string,
  options: CallOptions | undefined,
  contentType?: string,
  body?: unknown,
): Call {
  return {
    verb: method === 'PUT' ? 'update' : verb,
    kind: ref.kind.kind,
    what: `Cannot ${verb} ${describeRef(ref)}`,
    method,
    path,
    lane: options?.lane ?? 'progress',
    signal: options?.signal,
    bytesMax: OBJECT_BYTES_MAX,
    ...(contentType === undefined ? {} : { contentType, body: JSON.stringify(body) }),
  };
}

/** True when a 404 says that this very object is not there. */
function isAbout(answer: Answer, ref: ObjectRef): boolean {
  const status = readStatus(answer.value);
  return status?.reason === 'NotFound' && status.name === ref.name;
}

function statusObject(answer: Answer): KubeObject {
  const status = isObject(answer.value) ? answer.value : {};
  return { ...status, code: answer.status } as unknown as KubeObject;
}

function isSecretKind(kind: ResourceKind): boolean {
  return kind.group === '' && kind.kind === 'Secret';
}

function inNamespace(namespace: string | null): string {
  return namespace === null ? '' : ` in ${namespace}`;
}
