// The controller's requests as the API server's log shows them, and their sums.
import type { ApiServer } from '../../src/embedded/apiserver/server.ts';
import { CONTROLLER } from './cluster.ts';
import { isObject, sameJson } from '../../src/util/json.ts';
import { until } from './until.ts';

/** One request of the controller. */
export interface Asked {
  /** Monotonic, in milliseconds. */
  readonly atMs: number;
  readonly verb: string;
  /** `plural`, with its subresource. */
  readonly resource: string;
  readonly name: string;
  readonly status: number;
  /** Members of a Canary's status that it changed, by dotted path. */
  readonly changed: readonly string[];
}

/** Sums of requests, watches left out. */
export interface RequestSums {
  /** Without Events. */
  readonly requests: number;
  /** Of these, those that change something. */
  readonly writes: number;
  /** Creations of Events. */
  readonly events: number;
  /** Answered with 409 because somebody wrote first. */
  readonly conflicts: number;
  /** `verb resource` → count. */
  readonly byKind: Readonly<Record<string, number>>;
}

const WRITES = ['create', 'update', 'patch', 'delete', 'deletecollection'];
export const isWrite = ({ verb }: Asked): boolean => WRITES.includes(verb);
const isEvent = ({ resource }: Asked): boolean => resource.startsWith('events');

/** Keeps every request of the controller. */
export class RequestLog {
  readonly asked: Asked[] = [];
  readonly watches: Asked[] = [];
  readonly #stops: readonly (() => void)[];

  constructor(api: ApiServer) {
    let changed: readonly string[] = [];
    const stopCommits = api.onCommit(({ kind, before, after, subresource }) => {
      if (kind.kind === 'Canary' && subresource === 'status')
        changed = changesOf(before?.['status'], after?.['status']);
    });
    const stopRequests = api.onRequest(({ user, verb, resource, subresource, name, status }) => {
      if (user !== CONTROLLER) return;
      const [plural = ''] = resource.split('.');
      const entry = {
        atMs: performance.now(),
        verb,
        resource: subresource === '' ? plural : `${plural}/${subresource}`,
        name: name ?? '',
        status,
        changed,
      };
      changed = [];
      (verb === 'watch' ? this.watches : this.asked).push(entry);
    });
    this.#stops = [stopCommits, stopRequests];
  }

  /** Requests since a moment, watches left out. */
  since(fromMs: number): readonly Asked[] {
    return this.asked.filter(({ atMs }) => atMs >= fromMs);
  }

  /** Waits until there was none for `calmMs`. */
  async untilCalm(calmMs: number, limitMs: number): Promise<void> {
    const startMs = performance.now();
    const last = (): number => Math.max(startMs, this.asked.at(-1)?.atMs ?? 0);
    await until(
      () => performance.now() - last() >= calmMs,
      limitMs,
      () => 'the controller to become calm',
    );
  }

  stop(): void {
    for (const stop of this.#stops) stop();
  }
}

/** Paths, two deep, under which two values differ. */
function changesOf(before: unknown, after: unknown, depth = 2): readonly string[] {
  const [left, right] = [isObject(before) ? before : {}, isObject(after) ? after : {}];
  const keys = [...new Set([...Object.keys(left), ...Object.keys(right)])];
  return keys.flatMap((key) => {
    if (sameJson(left[key], right[key])) return [];
    const deeper = depth > 1 && isObject(left[key]) ? changesOf(left[key], right[key], depth - 1) : [];
    return deeper.length === 0 ? [key] : deeper.map((path) => `${key}.${path}`);
  });
}

/** Adds up. */
export function sumUp(asked: readonly Asked[]): RequestSums {
  const plain = asked.filter((one) => !isEvent(one));
  const byKind: Record<string, number> = {};
  for (const { verb, resource } of asked) byKind[`${verb} ${resource}`] = (byKind[`${verb} ${resource}`] ?? 0) + 1;
  return {
    requests: plain.length,
    writes: plain.filter(isWrite).length,
    events: asked.length - plain.length,
    conflicts: plain.filter(({ status }) => status === 409).length,
    byKind,
  };
}
