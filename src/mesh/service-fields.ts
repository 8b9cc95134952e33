// Checks what a Canary sets in spec.service against what a provider honours.
import type { ServiceSpec } from '../api/types.ts';
import type { MeshCapabilities, RouteRequest, ServiceField } from './contract.ts';

/** What is wrong with a spec: where, and what would be right. */
export interface Flaw {
  readonly path: string;
  readonly message: string;
}

/** Every member of spec.service whose support differs between providers, and whether a user has set it. */
const IS_SET: Readonly<Record<ServiceField, (service: ServiceSpec) => boolean>> = {
  timeout: ({ timeout }) => timeout !== null,
  backendTimeout: ({ backendTimeout }) => backendTimeout !== null,
  gateways: ({ gateways }) => gateways.length > 0,
  gatewayRefs: ({ gatewayRefs }) => gatewayRefs.length > 0,
  hosts: ({ hosts }) => hosts.length > 0,
  delegation: ({ delegation }) => delegation,
  trafficPolicy: ({ trafficPolicy }) => trafficPolicy !== null,
  match: ({ match }) => match.length > 0,
  rewrite: ({ rewrite }) => rewrite !== null,
  retries: ({ retries }) => retries !== null,
  headers: ({ headers }) => headers !== null,
  corsPolicy: ({ corsPolicy }) => corsPolicy !== null,
  meshName: ({ meshName }) => meshName !== null,
  backends: ({ backends }) => backends.length > 0,
  grpc: ({ grpc }) => grpc !== null,
};

/** The path of a member of spec.service. */
export function servicePath(...keys: readonly (string | number)[]): string {
  return keys.reduce<string>(
    (path, key) => (typeof key === 'number' ? `${path}[${key}]` : `${path}.${key}`),
    'spec.service',
  );
}

/** The fields that are set but not honoured, and a protocol that is not spoken. */
export function judgeFields(request: RouteRequest, provider: string, capabilities: MeshCapabilities): readonly Flaw[] {
  const { serviceFields, protocols } = capabilities;
  const flaws = (Object.keys(IS_SET) as ServiceField[])
    .filter((field) => IS_SET[field](request.service) && !serviceFields.includes(field))
    .map((field): Flaw => {
      const honoured = serviceFields.length === 0 ? 'none of these fields' : serviceFields.join(', ');
      return {
        path: servicePath(field),
        message: `mesh provider "${provider}" does not honour it, must be unset (it honours ${honoured})`,
      };
    });
  if (protocols.includes(request.protocol)) return flaws;
  const message = `mesh provider "${provider}" does not speak ${request.protocol}, must be ${protocols.join(' or ')}`;
  return [...flaws, { path: servicePath('appProtocol'), message }];
}

/** A grpc match goes with the protocol grpc, and takes the place of `match`. */
export function judgeGrpc(request: RouteRequest): readonly Flaw[] {
  const { grpc, match } = request.service;
  if (grpc === null) return [];
  const path = servicePath('grpc');
  if (request.protocol !== 'grpc') return [{ path, message: `the port speaks ${request.protocol}, must be grpc` }];
  if (match.length > 0) return [{ path, message: 'spec.service.match is set too, must be one of the two' }];
  const isLost = grpc.serviceName === null && grpc.methodName !== null;
  return isLost
    ? [{ path: servicePath('grpc', 'serviceName'), message: 'methodName alone matches nothing, must be set with it' }]
    : [];
}
