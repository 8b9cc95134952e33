// The finalizer: there before the target is first scaled, gone only when everything was handed back.
import type { CallOptions, KubeObject, PatchOperation } from '../kube/contract.ts';
import { canaryKind, refTo } from '../kube/kinds.ts';
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
  await write(found, [...finalizers, FINALIZER], use, options);
}

/** Takes our finalizer, and Flagger's, off the Canary: the API server then removes it and collects what it owns. */
export async function removeFinalizer(found: Found, use: Drivers, options: CallOptions): Promise<void> {
  const finalizers = found.object.metadata.finalizers ?? [];
  const rest = finalizers.filter((name) => name !== FINALIZER && name !== FLAGGER_FINALIZER);
  if (rest.length === finalizers.length) return;
  await write(found, rest, use, options);
}

async function write(found: Found, finalizers: readonly string[], use: Drivers, options: CallOptions): Promise<void> {
  const operations: PatchOperation[] = [
    { op: 'replace', path: '/metadata/resourceVersion', value: found.object.metadata.resourceVersion ?? '' },
    { op: 'add', path: '/metadata/finalizers', value: [...finalizers] },
  ];
  const kind = canaryKind(found.object.apiVersion.split('/')[0] ?? '');
  const written: KubeObject = await use.kube.client.patch(refTo(kind, found.object), operations, options);
  use.kube.cache.noteWrite(kind, written);
  found.object = written;
}
