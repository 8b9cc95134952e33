// What a Gateway API controller writes: whether each parent took a route, and whether its references can be followed.
import type { KubeObject, ResourceKind } from '../../kube/contract.ts';
import { SERVICE } from '../../kube/kinds.ts';
import { sameJson } from '../../util/json.ts';
import type { Condition } from '../actors/shapes.ts';
import { timeText } from '../actors/shapes.ts';
import type { StoreAccess } from '../apiserver/access.ts';
import { GATEWAY, GRPC_ROUTE, HTTP_ROUTE, REFERENCE_GRANT } from './gateway-kinds.ts';
import { at, objectsAt, textAt } from './read.ts';

const CONTROLLER = 'serin.dev/embedded-gateway';
const WRITE = { user: 'gateway-controller', subresource: 'status' } as const;
const GROUP = HTTP_ROUTE.group;

/** A parent that a route names. */
export interface Parent {
  readonly ref: Record<string, unknown>;
  readonly isService: boolean;
  readonly namespace: string;
  readonly name: string;
  /** The Gateway or Service exists; otherwise nobody is responsible and there is no status. */
  readonly isFound: boolean;
}

/** The parents of a route. */
export function parentsOf(store: StoreAccess, route: KubeObject): readonly Parent[] {
  return objectsAt(route, 'spec', 'parentRefs').map((ref) => {
    const isService = textAt(ref, 'kind') === 'Service';
    const namespace = textAt(ref, 'namespace') ?? route.metadata.namespace ?? '';
    const name = textAt(ref, 'name') ?? '';
    return {
      ref,
      isService,
      namespace,
      name,
      isFound: store.get(isService ? SERVICE : GATEWAY, namespace, name) !== null,
    };
  });
}

/** A reference into another namespace needs a ReferenceGrant there. */
export function isBackendAllowed(
  store: StoreAccess,
  kind: ResourceKind,
  route: KubeObject,
  ref: Record<string, unknown>,
): boolean {
  const own = route.metadata.namespace ?? '';
  const namespace = textAt(ref, 'namespace') ?? own;
  if (namespace === own) return true;
  return store.list(REFERENCE_GRANT, namespace).some((grant) => {
    const isFrom = objectsAt(grant, 'spec', 'from').some(
      (from) => from['group'] === GROUP && from['kind'] === kind.kind && from['namespace'] === own,
    );
    const isTo = objectsAt(grant, 'spec', 'to').some(
      (to) => to['kind'] === 'Service' && (to['name'] === undefined || to['name'] === ref['name']),
    );
    return isFrom && isTo;
  });
}

/** Writes the statuses of Gateways and routes. */
export function settleGateways(store: StoreAccess, nowMs: number): void {
  for (const gateway of store.list(GATEWAY, null)) settleGateway(store, gateway, nowMs);
  for (const kind of [HTTP_ROUTE, GRPC_ROUTE]) {
    for (const route of store.list(kind, null)) settleRoute(store, kind, route, nowMs);
  }
}

function settleGateway(store: StoreAccess, gateway: KubeObject, nowMs: number): void {
  const held = objectsAt(gateway, 'status', 'conditions');
  const conditions = [
    settle(held, gateway, nowMs, 'Accepted', true, 'Accepted', 'The gateway is accepted'),
    settle(held, gateway, nowMs, 'Programmed', true, 'Programmed', 'The gateway is programmed'),
  ];
  write(store, GATEWAY, gateway, { addresses: [{ type: 'IPAddress', value: '127.0.0.1' }], conditions });
}

function settleRoute(store: StoreAccess, kind: ResourceKind, route: KubeObject, nowMs: number): void {
  const held = objectsAt(route, 'status', 'parents');
  const foreign = held.filter((parent) => parent['controllerName'] !== CONTROLLER);
  const own = parentsOf(store, route)
    .filter(({ isFound }) => isFound)
    .map(({ ref }) => {
      const before = held.find(
        (parent) => parent['controllerName'] === CONTROLLER && sameJson(parent['parentRef'], ref),
      );
      return {
        parentRef: ref,
        controllerName: CONTROLLER,
        conditions: routeConditions(store, kind, route, before, nowMs),
      };
    });
  if (own.length === 0 && held.length === 0) return;
  write(store, kind, route, { parents: [...foreign, ...own] });
}

function routeConditions(
  store: StoreAccess,
  kind: ResourceKind,
  route: KubeObject,
  before: Record<string, unknown> | undefined,
  nowMs: number,
): readonly Condition[] {
  const held = objectsAt(before, 'conditions');
  const refs = objectsAt(route, 'spec', 'rules').flatMap((rule) => objectsAt(rule, 'backendRefs'));
  const refused = refs.find((ref) => !isBackendAllowed(store, kind, route, ref));
  const missing = refs.find((ref) => {
    const namespace = textAt(ref, 'namespace') ?? route.metadata.namespace ?? '';
    return store.get(SERVICE, namespace, textAt(ref, 'name') ?? '') === null;
  });
  const accepted = settle(held, route, nowMs, 'Accepted', true, 'Accepted', 'Route is accepted');
  const resolved =
    refused === undefined
      ? missing === undefined
        ? settle(held, route, nowMs, 'ResolvedRefs', true, 'ResolvedRefs', 'All references are resolved')
        : settle(
            held,
            route,
            nowMs,
            'ResolvedRefs',
            false,
            'BackendNotFound',
            `Service ${String(missing['name'])} not found`,
          )
      : settle(
          held,
          route,
          nowMs,
          'ResolvedRefs',
          false,
          'RefNotPermitted',
          `Service ${String(refused['name'])} not permitted`,
        );
  return [accepted, resolved];
}

type ObservedCondition = Condition & { readonly observedGeneration: number };

function settle(
  held: readonly Record<string, unknown>[],
  object: KubeObject,
  nowMs: number,
  type: string,
  isTrue: boolean,
  reason: string,
  message: string,
): ObservedCondition {
  const status = isTrue ? 'True' : 'False';
  const before = held.find((condition) => condition['type'] === type);
  const lastTransitionTime =
    before !== undefined && before['status'] === status
      ? (textAt(before, 'lastTransitionTime') ?? timeText(nowMs))
      : timeText(nowMs);
  return { type, status, reason, message, observedGeneration: object.metadata.generation ?? 1, lastTransitionTime };
}

function write(store: StoreAccess, kind: ResourceKind, object: KubeObject, status: Record<string, unknown>): void {
  if (sameJson(at(object, 'status'), status)) return;
  const change = (draft: KubeObject): void => {
    draft['status'] = status;
  };
  store.mutate(kind, object.metadata.namespace ?? '', object.metadata.name, change, WRITE);
}
