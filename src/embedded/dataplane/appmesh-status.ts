// What App Mesh's controllers write: their conditions are true once AWS has taken the object.
import type { KubeObject, ResourceKind } from '../../kube/contract.ts';
import { sameJson } from '../../util/json.ts';
import { timeText } from '../actors/shapes.ts';
import type { StoreAccess } from '../apiserver/access.ts';
import { at, objectsAt, textAt } from './read.ts';

const WRITE = { user: 'appmesh-controller', subresource: 'status' } as const;

/** Writes the conditions of each kind. Only v1beta2 says for which generation they hold. */
export function settleAppMesh(
  store: StoreAccess,
  nowMs: number,
  kinds: readonly (readonly [ResourceKind, readonly string[]])[],
  hasGeneration: boolean,
): void {
  for (const [kind, types] of kinds) {
    for (const object of store.list(kind, null)) settle(store, kind, object, types, nowMs, hasGeneration);
  }
}

function settle(
  store: StoreAccess,
  kind: ResourceKind,
  object: KubeObject,
  types: readonly string[],
  nowMs: number,
  hasGeneration: boolean,
): void {
  const held = objectsAt(object, 'status', 'conditions');
  const conditions = types.map((type) => {
    const before = held.find((condition) => condition['type'] === type && condition['status'] === 'True');
    return { type, status: 'True', lastTransitionTime: textAt(before, 'lastTransitionTime') ?? timeText(nowMs) };
  });
  const status = {
    ...(at(object, 'status') as Record<string, unknown> | undefined),
    conditions,
    ...(hasGeneration ? { observedGeneration: object.metadata.generation ?? 1 } : {}),
  };
  if (sameJson(at(object, 'status'), status)) return;
  const change = (draft: KubeObject): void => {
    draft['status'] = status;
  };
  store.mutate(kind, object.metadata.namespace ?? '', object.metadata.name, change, WRITE);
}
