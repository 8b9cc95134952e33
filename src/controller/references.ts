// References of a Canary into other namespaces: refused unless the object that is named grants it.
import type { Canary } from '../api/types.ts';
import { InvalidSpecError, UnsupportedError } from '../errors.ts';
import type { CallOptions, KubeObject, ObjectRef } from '../kube/contract.ts';
import { alertProviderKind, metricTemplateKind, refOf } from '../kube/kinds.ts';
import type { Drivers } from './drivers.ts';

interface Reference {
  readonly path: string;
  readonly ref: ObjectRef;
}

/** The templates and alert providers that a Canary names: each change of one concerns it. */
export function watchedReferences(canary: Canary): readonly ObjectRef[] {
  return referencesIn(canary).map(({ ref }) => ref);
}

function referencesIn({ identity, policy }: Canary): readonly Reference[] {
  const templates = policy.checks.flatMap(({ name, source }): Reference[] =>
    source.kind === 'template'
      ? [
          {
            path: `templateRef of metric ${name}`,
            ref: refOf(metricTemplateKind(identity.group), source.namespace ?? identity.namespace, source.name),
          },
        ]
      : [],
  );
  const alerts = policy.alerts.map(({ name, provider }): Reference => {
    const kind = alertProviderKind(identity.group);
    return {
      path: `providerRef of alert ${name}`,
      ref: refOf(kind, provider.namespace ?? identity.namespace, provider.name),
    };
  });
  return [...templates, ...alerts];
}

/**
 * The first reference that is not granted, or to a type that comes later, in one sentence; null when all are good. In another
 * namespace one that names nothing is not granted by anybody; in the Canary's own it may still come.
 */
export async function refusedReference(
  canary: Canary,
  use: Drivers,
  options: CallOptions,
): Promise<{ readonly reason: string; readonly message: string } | null> {
  for (const { path, ref } of referencesIn(canary)) {
    const object = await use.kube.cache.read(ref, options);
    const isOwn = ref.namespace === canary.identity.namespace;
    const what = `${ref.kind.kind} ${ref.namespace ?? ''}/${ref.name}`;
    if (isOwn || (object !== null && use.isGranted(object, canary.identity.namespace))) {
      const later = object === null ? null : laterType(object, use);
      if (later === null) continue;
      return { reason: 'InvalidSpec', message: `Cannot use ${path}: ${what} cannot be used: ${later}` };
    }
    return {
      reason: 'NotGranted',
      message: `Cannot use ${path}: ${what} is in another namespace, must exist and be annotated serin.dev/allow-from: ${canary.identity.namespace}`,
    };
  }
  return null;
}

/** Why nothing here serves the type of a template or of an alert provider; null when something does. */
function laterType(object: KubeObject, use: Drivers): string | null {
  try {
    if (object.kind === 'AlertProvider') use.parseAlertProvider(object);
    else use.parseTemplate(object);
    return null;
  } catch (error) {
    if (error instanceof UnsupportedError) return error.message;
    // What is wrong with it otherwise is said where it is used.
    if (error instanceof InvalidSpecError) return null;
    throw error;
  }
}
