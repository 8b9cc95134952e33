// Finds out which kinds the cluster serves, at which version and under which plural.
import { TransientError } from '../errors.ts';
import type { Clock } from '../util/clock.ts';
import { isObject } from '../util/json.ts';
import type { Answer } from './answers.ts';
import { refusalOf } from './answers.ts';
import type { Caller } from './call.ts';
import type { CallOptions, ResourceKind } from './contract.ts';
import { groupVersionPath } from './paths.ts';

/** How long what is served is believed, in milliseconds. A call that is answered as if the kind were gone ends it sooner. */
const SERVED_TTL_MS = 600_000;
/** How long a missing kind is taken to be missing, in milliseconds. */
const MISSING_TTL_MS = 30_000;
const BYTES_MAX = 8 * 2 ** 20;

interface Cached<T> {
  readonly value: Promise<T>;
  readonly untilMs: number;
}

/** What of a resource list is kept: plural and scope by kind. */
type Resources = ReadonlyMap<string, ResourceKind>;

/** Asks the server's own lists: `/apis` for groups and versions, then the list of one version. Every list is read once for all kinds. */
export class Discovery {
  readonly #caller: Caller;
  readonly #clock: Clock;
  readonly #resources = new Map<string, Cached<Resources>>();
  #groups: Cached<ReadonlySet<string>> | null = null;

  constructor(caller: Caller, clock: Clock) {
    this.#caller = caller;
    this.#clock = clock;
  }

  /** The kind at the first of `versions` that serves it; null when none does. Throws TransientError when the server cannot say. */
  async find(
    group: string,
    kind: string,
    versions: readonly string[],
    options?: CallOptions,
  ): Promise<ResourceKind | null> {
    for (const version of versions) {
      const found = await this.#lookUp(group, kind, version, options);
      if (found !== null) return found;
    }
    return null;
  }

  /** Asks the server again whether it serves exactly this kind: after an answer that looks as if it did not. */
  async isServed(kind: ResourceKind, options?: CallOptions): Promise<boolean> {
    this.#groups = null;
    this.#resources.delete(groupVersionPath(kind.group, kind.version));
    const found = await this.#lookUp(kind.group, kind.kind, kind.version, options);
    return found?.plural === kind.plural;
  }

  async #lookUp(group: string, kind: string, version: string, options?: CallOptions): Promise<ResourceKind | null> {
    // Asking for the group list first keeps a version that is not served apart from a proxy that knows no path at all.
    if (group !== '' && !(await this.#isVersionServed(`${group}/${version}`, options))) return null;
    return (
      (await this.#resourcesOf(group, version, options)).get(kind) ?? this.#retryMissing(group, kind, version, options)
    );
  }

  async #retryMissing(
    group: string,
    kind: string,
    version: string,
    options?: CallOptions,
  ): Promise<ResourceKind | null> {
    const path = groupVersionPath(group, version);
    const cached = this.#resources.get(path);
    if (cached !== undefined && cached.untilMs - SERVED_TTL_MS + MISSING_TTL_MS > this.#clock.monotonicMs())
      return null;
    this.#resources.delete(path);
    return (await this.#resourcesOf(group, version, options)).get(kind) ?? null;
  }

  /** A version that was served is believed for longer than one that was missing. */
  async #isVersionServed(groupVersion: string, options?: CallOptions): Promise<boolean> {
    const known = this.#groups;
    const isYoung = known !== null && known.untilMs - MISSING_TTL_MS + SERVED_TTL_MS > this.#clock.monotonicMs();
    if (isYoung && (await known.value).has(groupVersion)) return true;
    return (await this.#groupVersions(options)).has(groupVersion);
  }

  #groupVersions(options?: CallOptions): Promise<ReadonlySet<string>> {
    const nowMs = this.#clock.monotonicMs();
    if (this.#groups !== null && this.#groups.untilMs > nowMs) return this.#groups.value;
    const value = this.#fetch('/apis', 'the API groups', options).then(readGroups);
    const cached = { value, untilMs: nowMs + MISSING_TTL_MS };
    this.#groups = cached;
    value.catch(() => {
      if (this.#groups === cached) this.#groups = null;
    });
    return value;
  }

  #resourcesOf(group: string, version: string, options?: CallOptions): Promise<Resources> {
    const nowMs = this.#clock.monotonicMs();
    const path = groupVersionPath(group, version);
    const known = this.#resources.get(path);
    if (known !== undefined && known.untilMs > nowMs) return known.value;
    const value = this.#fetch(path, `the kinds of ${path}`, options).then((list) =>
      readResources(list, group, version),
    );
    const cached = { value, untilMs: nowMs + SERVED_TTL_MS };
    this.#resources.set(path, cached);
    value.catch(() => {
      if (this.#resources.get(path) === cached) this.#resources.delete(path);
    });
    return value;
  }

  async #fetch(path: string, subject: string, options?: CallOptions): Promise<Record<string, unknown>> {
    const what = `Cannot discover ${subject}`;
    const answer: Answer = await this.#caller.send({
      verb: 'discover',
      kind: '',
      what,
      method: 'GET',
      path,
      lane: options?.lane ?? 'progress',
      bytesMax: BYTES_MAX,
    });
    // The path is one that the server itself named, so a 404 is a race with the end of that version or a proxy's.
    if (answer.status === 404) throw new TransientError('IO_PROTOCOL', `${what}: there is no such path`);
    if (answer.status >= 400) throw refusalOf(answer, what, false);
    if (!isObject(answer.value)) throw new TransientError('IO_PROTOCOL', `${what}: the answer is no JSON object`);
    return answer.value;
  }
}

// APIGroupList of apimachinery meta/v1.
function readGroups(list: Record<string, unknown>): ReadonlySet<string> {
  if (list['kind'] !== 'APIGroupList' || !Array.isArray(list['groups']))
    throw strange('the API groups', 'APIGroupList');
  const served = new Set<string>();
  for (const group of list['groups'] as unknown[]) {
    const versions = isObject(group) && Array.isArray(group['versions']) ? (group['versions'] as unknown[]) : [];
    for (const version of versions) {
      if (isObject(version) && typeof version['groupVersion'] === 'string') served.add(version['groupVersion']);
    }
  }
  return served;
}

// APIResourceList of apimachinery meta/v1; names with a slash are subresources.
function readResources(list: Record<string, unknown>, group: string, version: string): Resources {
  if (list['kind'] !== 'APIResourceList' || !Array.isArray(list['resources']))
    throw strange('a list of kinds', 'APIResourceList');
  const found = new Map<string, ResourceKind>();
  for (const item of list['resources'] as unknown[]) {
    if (!isObject(item) || typeof item['name'] !== 'string' || typeof item['kind'] !== 'string') continue;
    if (item['name'].includes('/') || found.has(item['kind'])) continue;
    const { name: plural, kind, namespaced } = item as { name: string; kind: string; namespaced?: unknown };
    found.set(kind, { group, version, kind, plural, namespaced: namespaced === true });
  }
  return found;
}

function strange(subject: string, wanted: string): TransientError {
  return new TransientError('IO_PROTOCOL', `Cannot discover ${subject}: the answer is no ${wanted}`);
}
