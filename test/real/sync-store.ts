// A real API server as the embedded one's store: every call stands still until the server has answered, so that exams run unchanged.
import { MessageChannel, receiveMessageOnPort, Worker, type MessagePort } from 'node:worker_threads';
import type { StoreAccess } from '../../src/embedded/apiserver/access.ts';
import type { KubeObject, ResourceKind } from '../../src/kube/contract.ts';

/** Where the worker asks. */
export interface AskingData {
  readonly url: string;
  readonly caPem: string;
  readonly token: string;
  /** Counts answers; the asker sleeps on it. */
  readonly signal: SharedArrayBuffer;
}

export interface AskedFor {
  readonly method: string;
  readonly path: string;
  readonly body?: string;
}

/** The part of the store that exams use. */
export type ExamStore = Pick<StoreAccess, 'get' | 'create' | 'mutate' | 'remove'>;

const LIMIT_MS = 30_000;

/** Asks a real server as if it were a store. `close` ends the worker. */
export class SyncStore implements ExamStore {
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #signal = new SharedArrayBuffer(4);

  constructor(server: { readonly url: string; readonly caPem: string; readonly token: string }) {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.#worker = new Worker(new URL('asking-process.ts', import.meta.url), {
      workerData: { ...server, signal: this.#signal, port: port2 },
      transferList: [port2],
    });
    this.#worker.unref();
  }

  get(kind: ResourceKind, namespace: string | null, name: string): KubeObject | null {
    const { status, text } = this.ask('GET', `${pathOf(kind, namespace)}/${name}`);
    return status === 404 ? null : accepted(status, text);
  }

  create(object: KubeObject): KubeObject {
    const kind = this.#kindOf(object);
    const path = pathOf(kind, object.metadata.namespace ?? 'default');
    return this.#write('POST', `${path}?fieldValidation=Strict`, object);
  }

  /** What the server would answer to a creation, of which nothing comes. */
  tryCreate(object: KubeObject): { readonly status: number; readonly text: string } {
    const path = pathOf(this.#kindOf(object), object.metadata.namespace ?? 'default');
    return this.ask('POST', `${path}?fieldValidation=Strict&dryRun=All`, object);
  }

  mutate(
    kind: ResourceKind,
    namespace: string | null,
    name: string,
    change: (draft: KubeObject) => void,
    options: { readonly subresource?: 'status' | 'scale' } = {},
  ): KubeObject | null {
    const found = this.get(kind, namespace, name);
    if (found === null) return null;
    change(found);
    const subresource = options.subresource === undefined ? '' : `/${options.subresource}`;
    return this.#write('PUT', `${pathOf(kind, namespace)}/${name}${subresource}`, found);
  }

  remove(kind: ResourceKind, namespace: string | null, name: string): ReturnType<StoreAccess['remove']> {
    const found = this.get(kind, namespace, name);
    if (found === null) return null;
    this.ask('DELETE', `${pathOf(kind, namespace)}/${name}`);
    return { object: found, isGone: true };
  }

  /** Any request, answered before this returns. */
  ask(method: string, path: string, body?: unknown): { readonly status: number; readonly text: string } {
    const counter = new Int32Array(this.#signal);
    const before = Atomics.load(counter, 0);
    const text = body === undefined ? undefined : JSON.stringify(body);
    const asked: AskedFor = { method, path, ...(text === undefined ? {} : { body: text }) };
    // A port between threads has no origin.
    // oxlint-disable-next-line unicorn/require-post-message-target-origin
    this.#port.postMessage(asked);
    if (Atomics.wait(counter, 0, before, LIMIT_MS) === 'timed-out') {
      throw new Error(`Cannot ${method} ${path}: no answer within ${LIMIT_MS} ms`);
    }
    const received: { message: { status: number; text: string } } | undefined = receiveMessageOnPort(this.#port);
    if (received === undefined) throw new Error(`Cannot ${method} ${path}: the answer was lost`);
    return received.message;
  }

  async close(): Promise<void> {
    this.#port.close();
    await this.#worker.terminate();
  }

  #write(method: string, path: string, object: KubeObject): KubeObject {
    const { status, text } = this.ask(method, path, object);
    return accepted(status, text);
  }

  #kindOf({ apiVersion, kind }: KubeObject): ResourceKind {
    const [version = '', group = ''] = apiVersion.split('/').toReversed();
    const { status, text } = this.ask('GET', group === '' ? `/api/${version}` : `/apis/${group}/${version}`);
    const { resources } = accepted(status, text) as unknown as { resources: readonly Discovered[] };
    const found = resources.find((resource) => resource.kind === kind && !resource.name.includes('/'));
    if (found === undefined) throw new Error(`Cannot find ${kind} of ${apiVersion}: not served`);
    return { group, version, kind, plural: found.name, namespaced: found.namespaced };
  }
}

interface Discovered {
  readonly name: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

/** The path of a kind's objects. */
function pathOf({ group, version, plural, namespaced }: ResourceKind, namespace: string | null): string {
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  return namespaced && namespace !== null ? `${root}/namespaces/${namespace}/${plural}` : `${root}/${plural}`;
}

function accepted(status: number, text: string): KubeObject {
  if (status < 200 || status >= 300) throw new Error(`Cannot go on: ${status} ${text.slice(0, 1_000)}`);
  return JSON.parse(text) as KubeObject;
}
