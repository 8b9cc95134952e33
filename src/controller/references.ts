// References of a Canary into other namespaces: refused unless the object that is named grants it.
import type { Canary } from '../api/types.ts';
import type { CallOptions, ObjectRef } from '../kube/contract.ts';
import { alertProviderKind, metricTemplateKind, refOf } from '../kube/kinds.ts';
import type { Drivers } from './drivers.ts';

interface Reference {
  readonly path: string;
  readonly ref: ObjectRef;
}

/** What a Canary names in other namespaces, and where its alerts go: each change of one concerns it. */
export function watchedReferences(canary: Canary): readonly ObjectRef[] {
  const { identity, policy } = canary;
  const kind = alertProviderKind(identity.group);
  const providers = policy.alerts.map(({ provider }) =>
    refOf(kind, provider.namespace ?? identity.namespace, provider.name),
  );
  return [...referencesIn(canary).map(({ ref }) => ref), ...providers];
}

function referencesIn({ identity, policy }: Canary): readonly Reference[] {
  const templates = policy.checks.flatMap(({ name, source }): Reference[] =>
    source.kind === 'template' && source.namespace !== null
      ? [
          {
            path: `templateRef of metric ${name}`,
            ref: refOf(metricTemplateKind(identity.group), source.namespace, source.name),
          },
        ]
      : [],
  );
  const alerts = policy.alerts.flatMap(({ name, provider }): Reference[] =>
    provider.namespace === null
      ? []
      : [
          {
            path: `providerRef of alert ${name}`,
            ref: refOf(alertProviderKind(identity.group), provider.namespace, provider.name),
          },
        ],
  );
  return [...templates, ...alerts];
}

/** The first reference that is not granted, in one sentence; null when all are. One that names nothing is not granted by anybody. */
export async function refusedReference(
  canary: Canary,
  use: Drivers,
  options: CallOptions,
): Promise<{ readonly reason: string; readonly message: string } | null> {
  for (const { path, ref } of referencesIn(canary)) {
    const object = await use.kube.cache.read(ref, options);
    if (object !== null && use.isGranted(object, canary.identity.namespace)) continue;
    const what = `${ref.kind.kind} ${ref.namespace ?? ''}/${ref.name}`;
    return {
      reason: 'NotGranted',
      message: `Cannot use ${path}: ${what} is in another namespace, must exist and be annotated serin.dev/allow-from: ${canary.identity.namespace}`,
    };
  }
  return null;
}
