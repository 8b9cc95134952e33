// The first station: a change in the cluster becomes keys of the Canaries that it concerns.
import { canaryKind } from '../kube/kinds.ts';
import type { CacheChange } from '../kube/contract.ts';
import { sameJson } from '../util/json.ts';
import { alertProviderKind, metricTemplateKind } from '../kube/kinds.ts';
import type { CanaryKey } from '../queue/contract.ts';
import type { Drivers } from './drivers.ts';
import { keyOf } from './keys.ts';
import type { Memory } from './memory.ts';

/** Watches the Canaries of the served groups, and calls `wake` with each key that a change concerns. Resolves when the first lists are in. */
export async function watchCanaries(use: Drivers, memory: Memory, wake: (key: CanaryKey) => void): Promise<() => void> {
  const stop = use.kube.cache.onChange((change) => {
    for (const key of keysOf(change, memory, use)) {
      memory.asks.breakOff(key);
      wake(key);
    }
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
