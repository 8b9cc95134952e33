// A server on a virtual clock, and short ways to ask it.
import { createApiServer, type ApiServer } from '../../../../src/embedded/apiserver/server.ts';
import type { ApiResponse, ApiServerOptions } from '../../../../src/embedded/apiserver/types.ts';
import type { KubeObject, OwnerReference } from '../../../../src/kube/contract.ts';
import { seededRandom, VirtualClock } from '../../../support/virtual-clock.ts';

export const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';
export const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments';

/** An answer with its body read as JSON. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Record<string, unknown> & { metadata?: Record<string, unknown>; message?: string };
}

export interface World {
  readonly clock: VirtualClock;
  readonly api: ApiServer;
  readonly ask: (method: string, path: string, body?: unknown, more?: AskOptions) => Promise<Answer>;
  /** Opens a watch and gathers its events. */
  readonly watch: (path: string, user?: string) => Promise<Watched>;
}

export interface AskOptions {
  readonly type?: string;
  readonly user?: string;
  readonly accept?: string;
}

export interface Watched {
  readonly status: number;
  readonly events: { type: string; object: KubeObject & { code?: number } }[];
  readonly isEnded: () => boolean;
  /** Type and name of each event, which is what most tests look at. */
  readonly seen: () => string[];
}

/** A server with its own clock and randomness. */
export function aWorld(options: Partial<ApiServerOptions> = {}, seed = 1): World {
  const clock = new VirtualClock();
  const api = createApiServer({ clock, random: seededRandom(seed), ...options });
  return {
    clock,
    api,
    async ask(method, path, body, more = {}) {
      const headers: Record<string, string> = { 'user-agent': 'test/1' };
      if (body !== undefined) headers['content-type'] = more.type ?? 'application/json';
      if (more.accept !== undefined) headers['accept'] = more.accept;
      const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
      return readAnswer(await api.handle({ method, path, headers, body: text, user: more.user ?? 'admin' }));
    },
    async watch(path, user = 'admin') {
      const mark = path.includes('?') ? '&' : '?';
      const answer = await api.handle({ method: 'GET', path: `${path}${mark}watch=true`, user });
      return gather(answer);
    },
  };
}

function readAnswer(answer: ApiResponse): Answer {
  if (typeof answer.body !== 'string') throw new TypeError('Cannot read the answer: it is a watch');
  const isJson = answer.body.startsWith('{');
  const body = isJson ? (JSON.parse(answer.body) as Answer['body']) : { message: answer.body };
  return { status: answer.status, headers: answer.headers, body };
}

function gather(answer: ApiResponse): Watched {
  const events: Watched['events'] = [];
  let isEnded = false;
  const read = async (): Promise<void> => {
    if (typeof answer.body === 'string') return;
    for await (const line of answer.body) events.push(JSON.parse(line) as Watched['events'][number]);
    isEnded = true;
  };
  void read();
  const seen = (): string[] => events.map(({ type, object }) => `${type} ${object.metadata?.name ?? ''}`.trim());
  return { status: answer.status, events, isEnded: () => isEnded, seen };
}

/** A ConfigMap. */
export function configMap(name: string, data: Record<string, string> = {}, metadata: object = {}): KubeObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default', ...metadata }, data };
}

/** A Deployment that passes. */
export function deployment(name: string, spec: object = {}, metadata: object = {}): KubeObject {
  const labels = { app: name };
  const template = { metadata: { labels }, spec: { containers: [{ name: 'main', image: 'app:1' }] } };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'default', ...metadata },
    spec: { selector: { matchLabels: labels }, template, ...spec },
  };
}

/** A reference to an owner. */
export function ownedBy(owner: KubeObject, isBlocking = false): { ownerReferences: OwnerReference[] } {
  const { apiVersion, kind, metadata } = owner;
  const reference = { apiVersion, kind, name: metadata.name, uid: metadata.uid ?? '' };
  return { ownerReferences: [isBlocking ? { ...reference, blockOwnerDeletion: true } : reference] };
}
