// The finalizer: there before the target is first scaled, gone only when everything was handed back.
import type { CallOptions, KubeObject, PatchOperation } from '../kube/contract.ts';
import { canaryKind, refTo } from '../kube/kinds.ts';
import { announceEnd } from './direct-events.ts';
import type { Drivers } from './drivers.ts';
import type { Found } from './found.ts';

/** The finalizer that guards a release, in both groups. */
export const FINALIZER = 'serin.dev/release';
/** Flagger's own; a Canary that is taken over loses it together with ours. */
const FLAGGER_FINALIZER = 'finalizer.flagger.app';

/** Puts our finalizer on the Canary. */
export async function addFinalizer(found: Found, use: Drivers, options: CallOptions): Promise<void> {
  const finalizers = found.object.metadata.finalizers ?? [];
  if (finalizers.includes(FINALIZER)) return;
  found.object = await write(found.object, [...finalizers, FINALIZER], use, options);
}

/** Takes our finalizer, and Flagger's, off the Canary: the API server then removes it and collects what it owns. */
export async function removeFinalizer(found: Found, use: Drivers, options: CallOptions): Promise<void> {
  // A namespace that goes takes no new objects.
  if (!found.seen.isNamespaceTerminating) await announceEnd(found.object, use, options);
  found.object = await dropFinalizer(found.object, use, options);
}

/** The same for a Canary that cannot be worked. Returns the object as it is then. */
export async function dropFinalizer(object: KubeObject, use: Drivers, options: CallOptions): Promise<KubeObject> {
  const finalizers = object.metadata.finalizers ?? [];
  const rest = finalizers.filter((name) => name !== FINALIZER && name !== FLAGGER_FINALIZER);
  return rest.length === finalizers.length ? object : write(object, rest, use, options);
}

async function write(
  object: KubeObject,
  finalizers: readonly string[],
  use: Drivers,
  options: CallOptions,
): Promise<KubeObject> {
  const operations: PatchOperation[] = [
    { op: 'replace', path: '/metadata/resourceVersion', value: object.metadata.resourceVersion ?? '' },
    { op: 'add', path: '/metadata/finalizers', value: [...finalizers] },
  ];
  const kind = canaryKind(object.apiVersion.split('/')[0] ?? '');
  const written = await use.kube.client.patch(refTo(kind, object), operations, options);
  use.kube.cache.noteWrite(kind, written);
  return written;
}
