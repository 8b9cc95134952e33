// Empties namespaces that end, and lets them go once they are empty.
import type { KubeObject } from '../../kube/contract.ts';
import { deleteObject } from './delete.ts';
import { commit as commitWrite, type Engine, findStored, type WriteContext } from './engine.ts';
import { objectAt, withValueAt } from './json.ts';
import { isEnding, namespaceKind } from './namespaces.ts';
import { StatusFailure } from './status.ts';
import { sortedKeys } from './store.ts';
import type { Commit, ServedKind } from './types.ts';

const USER = 'system:serviceaccount:kube-system:namespace-controller';

/** Follows namespaces that end. `schedule` calls back after the actor's delay. */
export function endNamespaces(engine: Engine, schedule: (work: () => void) => void): (commit: Commit) => void {
  const ending = new Set<string>();
  const waiting = new Set<string>();
  const look = (name: string): void => {
    if (waiting.has(name)) return;
    waiting.add(name);
    schedule(() => {
      waiting.delete(name);
      if (finish(engine, name)) ending.delete(name);
    });
  };
  return (commit) => {
    if (commit.kind.storageId === '/Namespace' && commit.after !== null && isEnding(commit.after)) {
      ending.add(commit.ref.name);
      look(commit.ref.name);
    } else if (ending.size > 0 && commit.after === null && ending.has(commit.ref.namespace ?? '')) {
      look(commit.ref.namespace ?? '');
    }
  };
}

/** True when the namespace is gone. */
function finish(engine: Engine, name: string): boolean {
  const kind = namespaceKind(engine);
  const namespace = findStored(engine, kind, null, name);
  if (namespace === null) return true;
  if (deleteContents(engine, name) > 0) return false;
  const context = contextOf(kind, null, name, 'update');
  const freed = withValueAt(namespace, ['spec'], { ...objectAt(namespace, 'spec'), finalizers: [] });
  if ((namespace.metadata.finalizers ?? []).length > 0) {
    const isFree = JSON.stringify(objectAt(namespace, 'spec')['finalizers'] ?? []) === '[]';
    if (!isFree) commitWrite(engine, context, freed as unknown as KubeObject);
    return false;
  }
  commitWrite(engine, { ...context, verb: 'delete' }, null);
  return true;
}

/** Deletes everything in a namespace; gives how many objects are still there. */
function deleteContents(engine: Engine, namespace: string): number {
  let left = 0;
  for (const place of engine.store.storages()) {
    const kind = engine.registry.byStorage(place.id)[0];
    if (kind === undefined || !kind.namespaced) continue;
    for (const key of sortedKeys(place).filter((each) => each.startsWith(`${namespace}/`))) {
      if (!deleteOne(engine, kind, namespace, key.slice(namespace.length + 1))) left += 1;
    }
  }
  return left;
}

function deleteOne(engine: Engine, kind: ServedKind, namespace: string, name: string): boolean {
  try {
    const context = contextOf(kind, namespace, name, 'delete');
    return deleteObject(engine, context, { propagation: 'Background', graceSeconds: null }).isGone;
  } catch (error) {
    if (error instanceof StatusFailure && error.status === 404) return true;
    throw error;
  }
}

function contextOf(kind: ServedKind, namespace: string | null, name: string, verb: Commit['verb']): WriteContext {
  return {
    kind,
    namespace,
    name,
    subresource: '',
    user: USER,
    verb,
    isDryRun: false,
    manager: 'kube-controller-manager',
    operation: 'Update',
    fieldValidation: 'Ignore',
    warnings: [],
    body: undefined,
    isStrategic: false,
    bodyBytes: 0,
  };
}
