// A small API server in memory for one kind: versions, watches, paging and fences as the real one has them; reached through a transport or over HTTP.
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { apiVersionOf } from '../../../src/kube/kinds.ts';
import type { KubeObject, ResourceKind } from '../../../src/kube/contract.ts';
import type { KubeTransport } from '../../../src/kube/transport.ts';

export const WIDGET: ResourceKind = {
  group: 'examine.serin.dev',
  version: 'v1',
  kind: 'Widget',
  plural: 'widgets',
  namespaced: true,
};

export interface LittleRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
}

export interface LittleReply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string | AsyncIterable<Uint8Array>;
  /** Tells an endless body that its reader has gone. */
  readonly leave?: () => void;
}

interface Logged {
  readonly version: number;
  readonly type: string;
  readonly object: KubeObject;
}

interface Watcher {
  readonly isWanted: (object: KubeObject) => boolean;
  readonly push: (bytes: Uint8Array | null) => void;
}

/** State and behaviour; `intercept` may answer a request in its place. */
export class LittleServer {
  readonly kind: ResourceKind;
  readonly requests: LittleRequest[] = [];
  intercept: ((request: LittleRequest) => LittleReply | Promise<LittleReply> | undefined) | null = null;
  /** Called with what was stored before the answer goes out; a test may hold the answer back. */
  beforeAnswer: (() => Promise<void>) | null = null;
  version = 100;
  #oldest = 0;
  #uids = 0;
  readonly #objects = new Map<string, KubeObject>();
  readonly #log: Logged[] = [];
  readonly #watchers = new Set<Watcher>();
  readonly #snapshots = new Map<string, KubeObject[]>();

  constructor(kind: ResourceKind = WIDGET) {
    this.kind = kind;
  }

  objects(): KubeObject[] {
    return [...this.#objects.values()];
  }

  find(name: string, namespace = 'shop'): KubeObject | undefined {
    return this.#objects.get(`${namespace}/${name}`);
  }

  /** Creates or changes an object as somebody else would. */
  write(name: string, members: Record<string, unknown> = {}, namespace = 'shop'): KubeObject {
    const held = this.find(name, namespace);
    const { metadata, ...rest } = members as { metadata?: Record<string, unknown> };
    return this.#store({
      ...(held ?? { apiVersion: apiVersionOf(this.kind), kind: this.kind.kind }),
      ...rest,
      metadata: { ...held?.metadata, ...metadata, name, namespace },
    });
  }

  delete(name: string, namespace = 'shop'): void {
    const held = this.find(name, namespace);
    if (held === undefined) return;
    this.#objects.delete(`${namespace}/${name}`);
    this.version += 1;
    this.#tell('DELETED', { ...held, metadata: { ...held.metadata, resourceVersion: String(this.version) } });
  }

  /** Forgets the history: older versions can be watched no more, and lists under way expire. */
  compact(): void {
    this.#oldest = this.version;
    this.#log.length = 0;
    this.#snapshots.clear();
  }

  /** Ends all watches in good order. */
  endWatches(): void {
    for (const watcher of this.#watchers) watcher.push(null);
    this.#watchers.clear();
  }

  get watchCount(): number {
    return this.#watchers.size;
  }

  bookmark(): void {
    this.raw(`${JSON.stringify({ type: 'BOOKMARK', object: this.#bare() })}\n`);
  }

  /** Sends bytes on all watches. */
  raw(bytes: string | Uint8Array): void {
    const sent = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
    for (const watcher of this.#watchers) watcher.push(sent);
  }

  async handle(request: LittleRequest): Promise<LittleReply> {
    this.requests.push(request);
    const taken = await this.intercept?.(request);
    if (taken !== undefined) return taken;
    const reply = this.#route(request);
    await this.beforeAnswer?.();
    return reply;
  }

  #route(request: LittleRequest): LittleReply {
    const { group, version, plural } = this.kind;
    const base = `/apis/${group}/${version}`;
    const path = request.url.pathname;
    if (path === '/apis') {
      const groups = [{ name: group, versions: [{ groupVersion: `${group}/${version}`, version }] }];
      return json(200, { kind: 'APIGroupList', apiVersion: 'v1', groups });
    }
    if (path === base) {
      const resources = [
        { name: plural, kind: this.kind.kind, namespaced: true },
        { name: `${plural}/status`, kind: this.kind.kind, namespaced: true },
      ];
      return json(200, { kind: 'APIResourceList', apiVersion: 'v1', resources });
    }
    const match = new RegExp(`^${base}/(?:namespaces/([^/]+)/)?${plural}(?:/([^/]+))?(/status)?$`).exec(path);
    if (match === null) return { status: 404, headers: { 'content-type': 'text/plain' }, body: '404 page not found\n' };
    const [, namespace = null, name, subresource] = match;
    if (name === undefined) {
      if (request.method === 'POST') return this.#create(request, namespace!);
      return request.url.searchParams.has('watch') ? this.#watch(request, namespace) : this.#list(request, namespace);
    }
    return this.#single(request, namespace!, decodeURIComponent(name), subresource !== undefined);
  }

  #create(request: LittleRequest, namespace: string): LittleReply {
    const object = JSON.parse(request.body) as KubeObject;
    const { name } = object.metadata;
    if (this.find(name, namespace)) return this.#status(409, 'AlreadyExists', name);
    return json(201, this.write(name, object, namespace));
  }

  #single(request: LittleRequest, namespace: string, name: string, isStatus: boolean): LittleReply {
    const held = this.find(name, namespace);
    if (held === undefined) return this.#status(404, 'NotFound', name);
    if (request.method === 'GET') return json(200, held);
    const body = JSON.parse(request.body) as unknown;
    if (request.method === 'DELETE') {
      const { uid, resourceVersion } = (body as { preconditions: Record<string, string> }).preconditions;
      if (uid !== held.metadata.uid || resourceVersion !== held.metadata.resourceVersion) {
        return this.#status(409, 'Conflict', name);
      }
      this.delete(name, namespace);
      return json(200, { kind: 'Status', apiVersion: 'v1', status: 'Success' });
    }
    if (request.method === 'PUT') {
      const put = body as KubeObject;
      if (put.metadata.resourceVersion !== held.metadata.resourceVersion) return this.#status(409, 'Conflict', name);
      return json(200, this.#store(isStatus ? { ...held, status: put['status'] } : put));
    }
    const type = request.headers['content-type'];
    if (type === 'application/json-patch+json') return this.#patch(held, body as PatchOperation[]);
    if (type === 'application/apply-patch+yaml') {
      const applied = body as KubeObject;
      if (applied.metadata.resourceVersion !== held.metadata.resourceVersion)
        return this.#status(409, 'Conflict', name);
      return json(200, this.#store(merge(held, applied) as KubeObject));
    }
    return this.#status(415, 'UnsupportedMediaType', name);
  }

  #patch(held: KubeObject, operations: PatchOperation[]): LittleReply {
    const next = structuredClone(held) as unknown as Record<string, unknown>;
    for (const { op, path, value } of operations) {
      const keys = path
        .slice(1)
        .split('/')
        .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
      const last = keys.pop()!;
      let here: unknown = next;
      for (const key of keys) here = (here as Record<string, unknown> | undefined)?.[key];
      if (typeof here !== 'object' || here === null) return this.#status(422, 'Invalid', held.metadata.name);
      const target = here as Record<string, unknown>;
      if (op !== 'add' && !(last in target)) return this.#status(422, 'Invalid', held.metadata.name);
      if (op === 'remove') delete target[last];
      else if (Array.isArray(target) && last === '-') target.push(value);
      else target[last] = value;
    }
    const patched = next as unknown as KubeObject;
    if (patched.metadata.resourceVersion !== held.metadata.resourceVersion) {
      return this.#status(409, 'Conflict', held.metadata.name);
    }
    return json(200, this.#store(patched));
  }

  #list(request: LittleRequest, namespace: string | null): LittleReply {
    const query = request.url.searchParams;
    const limit = Number(query.get('limit') ?? 1e9);
    const [snapshot, from] = (query.get('continue') ?? `${this.version}:0`).split(':') as [string, string];
    const key = `${snapshot}|${namespace}|${query.get('labelSelector')}`;
    if (query.has('continue') && !this.#snapshots.has(key)) return this.#status(410, 'Expired', '');
    const isWanted = selected(namespace, query.get('labelSelector'));
    const all = this.#snapshots.get(key) ?? this.objects().filter(isWanted);
    const items = all.slice(Number(from), Number(from) + limit);
    const next = Number(from) + items.length;
    const isMore = next < all.length;
    if (isMore) this.#snapshots.set(key, all);
    const metadata = { resourceVersion: snapshot, ...(isMore ? { continue: `${snapshot}:${next}` } : {}) };
    // As a typed list of the real server: the items do not say what they are.
    const bare = items.map(({ apiVersion: _a, kind: _k, ...rest }) => rest);
    return json(200, { kind: `${this.kind.kind}List`, apiVersion: apiVersionOf(this.kind), metadata, items: bare });
  }

  #watch(request: LittleRequest, namespace: string | null): LittleReply {
    const from = Number(request.url.searchParams.get('resourceVersion'));
    if (from < this.#oldest) return this.#status(410, 'Expired', '');
    const pending: (Uint8Array | null)[] = [];
    let wake = (): void => undefined;
    const push = (bytes: Uint8Array | null): void => {
      pending.push(bytes);
      wake();
    };
    const watcher: Watcher = { isWanted: selected(namespace, request.url.searchParams.get('labelSelector')), push };
    for (const logged of this.#log) if (logged.version > from && watcher.isWanted(logged.object)) push(line(logged));
    this.#watchers.add(watcher);
    const watchers = this.#watchers;
    const body = (async function* () {
      try {
        for (;;) {
          while (pending.length > 0) {
            const bytes = pending.shift()!;
            if (bytes === null) return;
            yield bytes;
          }
          await new Promise<void>((resolve) => (wake = resolve));
        }
      } finally {
        watchers.delete(watcher);
      }
    })();
    const leave = (): void => {
      watchers.delete(watcher);
      push(null);
    };
    return { status: 200, headers: { 'content-type': 'application/json;stream=watch' }, body, leave };
  }

  #store(object: KubeObject): KubeObject {
    const { name, namespace } = object.metadata;
    const key = `${namespace}/${name}`;
    const held = this.#objects.get(key);
    const uid = held?.metadata.uid ?? `uid-${(this.#uids += 1)}`;
    if (held !== undefined && JSON.stringify(held) === JSON.stringify(object)) return held;
    this.version += 1;
    const stored = { ...object, metadata: { ...object.metadata, uid, resourceVersion: String(this.version) } };
    this.#objects.set(key, stored);
    this.#tell(held === undefined ? 'ADDED' : 'MODIFIED', stored);
    return stored;
  }

  #tell(type: string, object: KubeObject): void {
    const logged = { version: this.version, type, object };
    this.#log.push(logged);
    for (const watcher of this.#watchers) if (watcher.isWanted(object)) watcher.push(line(logged));
  }

  #bare(): unknown {
    const metadata = { resourceVersion: String(this.version) };
    return { kind: this.kind.kind, apiVersion: apiVersionOf(this.kind), metadata };
  }

  #status(code: number, reason: string, name: string): LittleReply {
    const details = name === '' ? {} : { name, kind: this.kind.plural, group: this.kind.group };
    return json(code, { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message: reason, details });
  }
}

interface PatchOperation {
  readonly op: string;
  readonly path: string;
  readonly value?: unknown;
}

export function json(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): LittleReply {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(value) };
}

function line({ type, object }: { type: string; object: unknown }): Uint8Array {
  return Buffer.from(`${JSON.stringify({ type, object })}\n`);
}

function selected(namespace: string | null, selector: string | null): (object: KubeObject) => boolean {
  return ({ metadata }) => {
    if (namespace !== null && metadata.namespace !== namespace) return false;
    return (selector ?? '')
      .split(',')
      .filter(Boolean)
      .every((term) => {
        const [key, value] = term.split('=') as [string, string];
        return metadata.labels?.[key] === value;
      });
  };
}

function merge(held: unknown, applied: unknown): unknown {
  if (typeof held !== 'object' || typeof applied !== 'object' || held === null || applied === null) return applied;
  if (Array.isArray(held) || Array.isArray(applied)) return applied;
  const merged: Record<string, unknown> = { ...held };
  for (const [key, value] of Object.entries(applied)) merged[key] = merge(merged[key], value);
  return merged;
}

/** The server without a network, for virtual time. */
export function littleTransport(server: LittleServer): KubeTransport {
  return {
    async request({ method, path, headers, body, signal }) {
      const url = new URL(path, 'http://little');
      const reply = await server.handle({ method, url, headers, body: body ?? '' });
      signal.addEventListener('abort', () => reply.leave?.(), { once: true });
      signal.throwIfAborted();
      return { status: reply.status, headers: reply.headers ?? {}, body: bytesOf(reply.body) };
    },
    close: () => Promise.resolve(),
  };
}

async function* bytesOf(body: LittleReply['body']): AsyncGenerator<Uint8Array, void, void> {
  if (typeof body === 'string') yield Buffer.from(body);
  else yield* body;
}

export interface HttpServer {
  readonly url: string;
  /** Connections accepted since the start. */
  connections(): number;
  close(): Promise<void>;
}

/** Serves anything over real HTTP/1.1 on a free port of 127.0.0.1. */
export async function serveHttp(
  answer: (request: IncomingMessage, body: string, response: ServerResponse) => void | Promise<void>,
): Promise<HttpServer> {
  let connections = 0;
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => void answer(request, Buffer.concat(pieces).toString('utf8'), response));
  });
  server.keepAliveTimeout = 90_000;
  server.on('connection', () => (connections += 1));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    connections: () => connections,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** The server over real HTTP. */
export function serveLittle(server: LittleServer): Promise<HttpServer> {
  return serveHttp(async (request, body, response) => {
    const url = new URL(request.url ?? '/', 'http://little');
    const headers = request.headers as Record<string, string | undefined>;
    const reply = await server.handle({ method: request.method ?? '', url, headers, body });
    response.writeHead(reply.status, reply.headers);
    response.flushHeaders();
    const pieces = bytesOf(reply.body);
    let isGone = false;
    response.on('close', () => {
      isGone = true;
      reply.leave?.();
    });
    for await (const piece of pieces) {
      if (isGone) break;
      response.write(piece);
    }
    response.end();
  });
}
