// The kinds of the Gateway API.
import type { ResourceKind } from '../../kube/contract.ts';

const GROUP = 'gateway.networking.k8s.io';
const kind = (version: string, name: string, plural: string): ResourceKind => ({
  group: GROUP,
  version,
  kind: name,
  plural,
  namespaced: true,
});

export const HTTP_ROUTE = kind('v1', 'HTTPRoute', 'httproutes');
export const GRPC_ROUTE = kind('v1', 'GRPCRoute', 'grpcroutes');
export const GATEWAY = kind('v1', 'Gateway', 'gateways');
export const REFERENCE_GRANT = kind('v1beta1', 'ReferenceGrant', 'referencegrants');
