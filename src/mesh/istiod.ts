// Asks istiod's debug endpoint: synchronization of its proxies, and what it has sent to one of them.
import { messageOf, TransientError } from '../errors.ts';
import type { HttpResponse } from '../http/contract.ts';
import type { MeshOutside, RouteRequest } from './contract.ts';
import { readGeneration, readRoutes, readSyncz } from './istiod-answers.ts';
import type { ProxyRoutes, ProxySync, XdsType } from './istiod-answers.ts';

/** silent: it does not answer, as one that is paused, overloaded or down does. mute: it answers that it will not or cannot tell. */
export type Answer<T> =
  | { readonly kind: 'told'; readonly value: T }
  | { readonly kind: 'silent' | 'mute'; readonly why: string };

const TIMEOUT_MS = 3_000;
/** A mesh whose answers are larger is not asked: reading them would hold up everything else. */
const BYTES_MAX = 16 * 1_048_576;
/** Several Canaries that ask within this time share one answer. */
const SHARED_MS = 500;

/** One istiod. It knows only the proxies that are connected to it. */
export class Istiod {
  readonly #outside: MeshOutside;
  readonly #url: string;
  #sync: { readonly atMs: number; readonly answer: Promise<Answer<readonly ProxySync[]>> } | null = null;

  /** `url` is the base, such as `http://istiod.istio-system:15014`. */
  constructor(outside: MeshOutside, url: string) {
    this.#outside = outside;
    this.#url = url.replace(/\/+$/, '');
  }

  /** Which pushes the proxies have acknowledged. */
  sync(): Promise<Answer<readonly ProxySync[]>> {
    const nowMs = this.#outside.clock.monotonicMs();
    if (this.#sync === null || nowMs - this.#sync.atMs >= SHARED_MS) {
      this.#sync = { atMs: nowMs, answer: this.#ask('/debug/syncz', readSyncz) };
    }
    return this.#sync.answer;
  }

  /** What this istiod makes of the present push for a proxy. */
  routes(proxy: string, type: XdsType, request: RouteRequest): Promise<Answer<ProxyRoutes>> {
    const query = `proxyID=${encodeURIComponent(proxy)}&types=${type}`;
    return this.#ask(`/debug/config_dump?${query}`, (body) => readRoutes(body, request));
  }

  /** The generation of the Canary's VirtualService that it holds; -1 for none. */
  generation({ owner, names }: RouteRequest): Promise<Answer<number>> {
    return this.#ask('/debug/configz', (body) => readGeneration(body, owner.namespace, names.apex) ?? -1);
  }

  async #ask<T>(path: string, read: (body: unknown) => T | null): Promise<Answer<T>> {
    try {
      const token = this.#outside.readIstiodToken();
      const response = await this.#outside.http.send({
        method: 'GET',
        url: this.#url + path,
        headers: { accept: 'application/json', ...(token === null ? {} : { authorization: `Bearer ${token}` }) },
        timeoutMs: TIMEOUT_MS,
        bytesMax: BYTES_MAX,
        purpose: 'istiod',
      });
      return understand(response, read);
    } catch (error) {
      // A certificate, a token file, a forbidden address: asking again would not help.
      const isPassing = error instanceof TransientError && !['IO_TOO_LARGE', 'IO_TLS'].includes(error.code);
      return { kind: isPassing ? 'silent' : 'mute', why: messageOf(error) };
    }
  }
}

function understand<T>({ status, body }: HttpResponse, read: (body: unknown) => T | null): Answer<T> {
  if (status >= 500 || status === 429) return { kind: 'silent', why: `it answered ${status}` };
  if (status !== 200) return { kind: 'mute', why: `it answered ${status}` };
  try {
    const value = read(JSON.parse(body));
    return value === null ? { kind: 'mute', why: 'its answer is not what istiod says' } : { kind: 'told', value };
  } catch {
    return { kind: 'mute', why: 'its answer is no JSON' };
  }
}
