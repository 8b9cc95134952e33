// Namespaces: writes need one that is there, and one that ends takes everything in it along.
import type { KubeObject } from '../../kube/contract.ts';
import { commit, type DeleteOutcome, type Engine, findStored, type WriteContext } from './engine.ts';
import { requireKind } from './registry.ts';
import { listAt, textAt } from './json.ts';
import { timeText, withMeta } from './metadata.ts';
import { forbidden, notFound } from './status.ts';
import type { ServedKind } from './types.ts';

const NAMESPACE = { group: '', version: 'v1', kind: 'Namespace', plural: 'namespaces', namespaced: false };

/** The served kind Namespace. */
export function namespaceKind(engine: Engine): ServedKind {
  return requireKind(engine.registry, NAMESPACE);
}

/** Refuses to create in a namespace that is missing (404) or ending (403). */
export function admitNamespace(engine: Engine, kind: ServedKind, namespace: string | null, name: string): void {
  if (!kind.namespaced) return;
  const held = findStored(engine, namespaceKind(engine), null, namespace ?? '');
  if (held === null) throw notFound(NAMESPACE, namespace ?? '');
  if (held.metadata.deletionTimestamp === undefined) return;
  const why = `unable to create new content in namespace ${namespace ?? ''} because it is being terminated`;
  const message = `namespace ${namespace ?? ''} is being terminated`;
  throw forbidden(kind, name, why, [{ reason: 'NamespaceTerminating', message, field: 'metadata.namespace' }]);
}

/** Namespaces that the real server refuses to delete. */
const PERMANENT = new Set(['default', 'kube-system', 'kube-public']);

/** Marks a namespace as ending; the namespace actor empties it afterwards. */
export function startNamespaceEnd(engine: Engine, context: WriteContext, current: KubeObject): DeleteOutcome {
  if (PERMANENT.has(context.name)) throw forbidden(NAMESPACE, context.name, 'this namespace may not be deleted');
  if (current.metadata.deletionTimestamp !== undefined) {
    if (!isEmptyOfFinalizers(current)) return { object: current, isGone: false };
    return { object: context.isDryRun ? current : commit(engine, context, null), isGone: true };
  }
  const next = {
    ...withMeta(current, { ...current.metadata, deletionTimestamp: timeText(engine.clock.nowMs()) }),
    status: { phase: 'Terminating' },
  };
  return { object: context.isDryRun ? next : commit(engine, context, next), isGone: false };
}

/** True when neither metadata nor spec hold the namespace back. */
function isEmptyOfFinalizers(namespace: KubeObject): boolean {
  return (namespace.metadata.finalizers ?? []).length === 0 && listAt(namespace['spec'], 'finalizers').length === 0;
}

/** True when the namespace is there and ending. */
export function isEnding(namespace: KubeObject): boolean {
  return textAt(namespace['status'], 'phase') === 'Terminating';
}
