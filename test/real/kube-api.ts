// A small client of the API server for tests: it shares no code with serin's own, so that it can be a witness.
import { Agent, request as httpsRequest } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import type { KubeObject } from '../../src/kube/contract.ts';

/** Where the API server is and who asks. */
export interface KubeApiOptions {
  readonly url: string;
  readonly caPem: string;
  readonly token: string;
}

/** An answer as it came. */
export interface KubeAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

export interface KubeRequest {
  readonly method?: string;
  readonly path: string;
  readonly contentType?: string;
  /** Sent as it is when it is a text, else as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** One change that a watch told. */
export interface KubeChange {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: KubeObject;
}

/** The parts of a CRD that its own paths follow from. */
interface Discovered {
  readonly resources: readonly { readonly name: string; readonly kind: string; readonly namespaced: boolean }[];
}

const APPLY = 'application/apply-patch+yaml';
const MERGE = 'application/merge-patch+json';

/** Asks one API server as one user. */
export class KubeApi {
  readonly #options: KubeApiOptions;
  readonly #agent: Agent;
  readonly #discovered = new Map<string, Promise<Discovered>>();

  constructor(options: KubeApiOptions) {
    this.#options = options;
    this.#agent = new Agent({ keepAlive: true, ca: options.caPem, maxSockets: 32 });
  }

  /** The same server as another user. */
  as(token: string): KubeApi {
    return new KubeApi({ ...this.#options, token });
  }

  /** Any request; every status is an answer. Throws only when there is none. */
  async ask(request: KubeRequest): Promise<KubeAnswer> {
    const incoming = await this.#send(request);
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    return {
      status: incoming.statusCode ?? 0,
      headers: incoming.headers,
      text: Buffer.concat(chunks).toString(),
    };
  }

  /** The object at a path, or null when there is none. */
  async get(path: string): Promise<KubeObject | null> {
    const answer = await this.ask({ path });
    return answer.status === 404 ? null : accepted(`get ${path}`, answer);
  }

  async list(path: string): Promise<readonly KubeObject[]> {
    const answer = accepted(`list ${path}`, await this.ask({ path })) as unknown as { items: readonly KubeObject[] };
    return answer.items;
  }

  /** Server-side apply with force, as `kubectl apply --server-side` does, unknown fields forbidden. */
  async apply(object: KubeObject, manager = 'kubectl'): Promise<KubeObject> {
    const path = await this.pathOf(object);
    const query = `?fieldManager=${manager}&force=true&fieldValidation=Strict`;
    const answer = await this.ask({ method: 'PATCH', path: path + query, contentType: APPLY, body: object });
    return accepted(`apply ${path}`, answer);
  }

  async patch(path: string, change: unknown, contentType = MERGE): Promise<KubeObject> {
    return accepted(`patch ${path}`, await this.ask({ method: 'PATCH', path, contentType, body: change }));
  }

  async create(path: string, object: unknown): Promise<KubeObject> {
    return accepted(`create ${path}`, await this.ask({ method: 'POST', path, body: object }));
  }

  /** Deletes; an object that is not there is no error. */
  async remove(path: string, options: unknown = {}): Promise<void> {
    const answer = await this.ask({ method: 'DELETE', path, body: options });
    if (answer.status !== 404) accepted(`delete ${path}`, answer);
  }

  /** Lists, then tells every change until the signal aborts, over broken connections and restarts of the server. */
  async watch(path: string, signal: AbortSignal, onChange: (change: KubeChange) => void): Promise<void> {
    const known = new Map<string, KubeObject>();
    while (!signal.aborted) {
      try {
        const version = await this.#relist(path, known, onChange);
        await this.#follow(path, version, signal, (change) => {
          const uid = change.object.metadata.uid ?? '';
          if (change.type === 'DELETED') known.delete(uid);
          else known.set(uid, change.object);
          onChange(change);
        });
      } catch {
        // The server is away: ask again.
      }
      if (!signal.aborted) await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** Where an object lives, by what the server says of its kind. */
  async pathOf({ apiVersion, kind, metadata }: KubeObject): Promise<string> {
    const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    const { resources } = await this.#discover(root);
    const resource = resources.find((one) => one.kind === kind && !one.name.includes('/'));
    if (resource === undefined) {
      this.#discovered.delete(root);
      throw new Error(`Cannot find ${kind} of ${apiVersion}: not served`);
    }
    const place = resource.namespaced ? `/namespaces/${metadata.namespace ?? 'default'}` : '';
    return `${root}${place}/${resource.name}/${metadata.name}`;
  }

  close(): void {
    this.#agent.destroy();
  }

  #discover(root: string): Promise<Discovered> {
    const held = this.#discovered.get(root);
    if (held !== undefined) return held;
    const asked = this.ask({ path: root }).then((answer) => accepted(root, answer) as unknown as Discovered);
    asked.catch(() => this.#discovered.delete(root));
    this.#discovered.set(root, asked);
    return asked;
  }

  async #relist(path: string, known: Map<string, KubeObject>, onChange: (change: KubeChange) => void): Promise<string> {
    const answer = accepted(`list ${path}`, await this.ask({ path })) as KubeObject & { items: KubeObject[] };
    const present = new Set(answer.items.map(({ metadata }) => metadata.uid));
    for (const [uid, object] of known) {
      if (present.has(uid)) continue;
      known.delete(uid);
      onChange({ type: 'DELETED', object });
    }
    for (const object of answer.items) {
      const uid = object.metadata.uid ?? '';
      const before = known.get(uid);
      known.set(uid, object);
      if (before?.metadata.resourceVersion !== object.metadata.resourceVersion)
        onChange({ type: before === undefined ? 'ADDED' : 'MODIFIED', object });
    }
    return answer.metadata.resourceVersion ?? '';
  }

  async #follow(
    path: string,
    version: string,
    signal: AbortSignal,
    onChange: (change: KubeChange) => void,
  ): Promise<void> {
    const separator = path.includes('?') ? '&' : '?';
    const incoming = await this.#send({ path: `${path}${separator}watch=1&resourceVersion=${version}` }, signal);
    const lines = createInterface({ input: incoming });
    incoming.on('error', () => lines.close());
    for await (const line of lines) {
      const change = JSON.parse(line) as KubeChange;
      if (change.type === 'ERROR') return;
      if (change.type !== 'BOOKMARK') onChange(change);
    }
  }

  #send(request: KubeRequest, signal?: AbortSignal): Promise<IncomingMessage> {
    const { url, token } = this.#options;
    const { method = 'GET', path, body, contentType = 'application/json', headers = {} } = request;
    const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const outgoing = httpsRequest(
        url + path,
        {
          method,
          agent: this.#agent,
          headers: {
            authorization: `Bearer ${token}`,
            accept: 'application/json',
            // Without its length, the body of a DELETE would be taken for the next request.
            ...(text === undefined
              ? {}
              : { 'content-type': contentType, 'content-length': String(Buffer.byteLength(text)) }),
            ...headers,
          },
          ...(signal === undefined ? {} : { signal }),
        },
        resolve,
      );
      outgoing.on('error', reject);
      outgoing.end(text);
    });
  }
}

function accepted(what: string, { status, text }: KubeAnswer): KubeObject {
  if (status >= 300) throw new Error(`Cannot ${what}: ${status} ${text.slice(0, 1_000)}`);
  return JSON.parse(text) as KubeObject;
}
