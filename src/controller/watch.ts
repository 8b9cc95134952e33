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
    followGauges(change, use);
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
  if (isServedCanary(change, use)) void watchScrape(keyOf(after), after, use, memory);
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
  if (!isServedCanary(change, use)) return memory.watches.keysOf(change);
  if (memory.failures.has(keyOf(object)) && isStatusOnly(change)) return [];
  return [keyOf(object), ...(change.after === null ? rivalsOf(change, use) : [])];
}

const isServedCanary = ({ kind }: CacheChange, use: Drivers): boolean =>
  kind.kind === 'Canary' && use.settings.groups.includes(kind.group);

/**
 * Nothing differs that people write. Such a change of another replica is no reason to look while our own looks fail: each failed look
 * leaves a record, and two replicas would wake each other by turns, without the pause that follows a failure.
 */
function isStatusOnly({ before, after }: CacheChange): boolean {
  if (before === null || after === null) return false;
  const [old, now] = [before.metadata, after.metadata];
  return (
    old.generation === now.generation &&
    old.deletionTimestamp === now.deletionTimestamp &&
    sameJson(old.annotations, now.annotations) &&
    sameJson(old.finalizers, now.finalizers)
  );
}

/** The gauges of this replica follow what another one has written, and let go of what is gone. */
function followGauges(change: CacheChange, use: Drivers): void {
  const object = change.after ?? change.before;
  if (object === null || change.isOwnWrite || !isServedCanary(change, use)) return;
  const { namespace = '', name } = object.metadata;
  if (change.after === null) return use.meters.gone(namespace, name);
  const { phase, canaryWeight } = (object['status'] ?? {}) as { phase?: unknown; canaryWeight?: unknown };
  if (typeof phase === 'string' && typeof canaryWeight === 'number')
    use.meters.followed(namespace, name, phase, canaryWeight);
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
