// The first station: a change in the cluster becomes keys of the Canaries that it concerns.
import { alertProviderKind, canaryKind, metricTemplateKind, POD } from '../kube/kinds.ts';
import type { CacheChange } from '../kube/contract.ts';
import { sameJson } from '../util/json.ts';
import type { CanaryKey } from '../queue/contract.ts';
import type { Drivers } from './drivers.ts';
import { keyOf, refOfKey } from './keys.ts';
import type { Memory } from './memory.ts';
import { watchScrape } from './scraping.ts';

/** Watches the Canaries of the served groups, and calls `wake` with each key that a change concerns. Resolves when the first lists are in. */
export async function watchCanaries(use: Drivers, memory: Memory, wake: (key: CanaryKey) => void): Promise<() => void> {
  const stop = use.kube.cache.onChange((change) => {
    for (const key of keysOf(change, memory, use)) {
      memory.asks.breakOff(key);
      wake(key);
    }
    followScrapes(change, use, memory);
  });
  for (const group of use.settings.groups) {
    await memory.watches.want(canaryKind(group), use);
    await Promise.all([
      memory.watches.want(metricTemplateKind(group), use),
      memory.watches.want(alertProviderKind(group), use),
    ]);
  }
  return stop;
}

/** Another replica may have begun a run, or its pods may have changed: this one scrapes them too. */
function followScrapes(change: CacheChange, use: Drivers, memory: Memory): void {
  const { kind, after } = change;
  if (after === null) return;
  if (kind.kind === 'Canary' && use.settings.groups.includes(kind.group))
    void watchScrape(keyOf(after), after, use, memory);
  if (kind.kind !== POD.kind) return;
  for (const key of memory.watches.keysOf(change)) {
    const ref = refOfKey(key, use.settings.groups);
    const canary = ref === null ? null : use.kube.cache.peek(ref);
    if (canary != null) void watchScrape(key, canary, use, memory);
  }
}

/** An echo of our own write wakes nobody; neither does a change of a Canary's status that is ours alone to write. */
function keysOf(change: CacheChange, memory: Memory, use: Drivers): readonly CanaryKey[] {
  if (change.isOwnWrite) return [];
  const object = change.after ?? change.before;
  if (object === null) return [];
  const isCanary = change.kind.kind === 'Canary' && use.settings.groups.includes(change.kind.group);
  if (!isCanary) return memory.watches.keysOf(change);
  return [keyOf(object), ...(change.after === null ? rivalsOf(change, use) : [])];
}

/** When a Canary goes, one that was refused because of it may have the target. */
function rivalsOf(change: CacheChange, use: Drivers): readonly CanaryKey[] {
  const spec = (change.before?.['spec'] ?? {}) as Record<string, unknown>;
  const namespace = change.before?.metadata.namespace ?? null;
  return use.settings.groups
    .flatMap((group) => use.kube.cache.all(canaryKind(group), namespace))
    .filter((other) =>
      sameJson((other['spec'] as Record<string, unknown> | undefined)?.['targetRef'], spec['targetRef']),
    )
    .map(keyOf);
}
