// Route requests for the mesh exam: one Canary `web` in namespace `shop`, changed by what a test is about.
import type { ServiceSpec } from '../../../src/api/types.ts';
import type { RouteRequest } from '../../../src/mesh/contract.ts';

const OWNER_UID = '1b7b0a38-5b0f-4a51-a0a5-1f3c7a0d9c11';
export const FENCE_KEY = `fence.serin.dev/${OWNER_UID}`;

/** A service that sets nothing but what every provider takes. */
function aService(changes: Partial<ServiceSpec> = {}): ServiceSpec {
  const none = { labels: {}, annotations: {} };
  return {
    apexName: 'web',
    port: 80,
    portName: 'http',
    targetPort: 8080,
    appProtocol: null,
    trafficDistribution: null,
    portDiscovery: false,
    headless: false,
    timeout: null,
    backendTimeout: null,
    gateways: [],
    gatewayRefs: [],
    hosts: [],
    delegation: false,
    trafficPolicy: null,
    match: [],
    rewrite: null,
    retries: null,
    headers: null,
    corsPolicy: null,
    meshName: null,
    backends: [],
    grpc: null,
    apex: none,
    primary: none,
    canary: none,
    unmanagedMetadata: { labels: [], annotations: [] },
    ...changes,
  };
}

/** The request of that Canary. */
export function aRequest(
  service: Partial<ServiceSpec> = {},
  protocol: RouteRequest['protocol'] = 'http',
  uid: string = OWNER_UID,
): RouteRequest {
  const spec = aService({ portName: protocol, ...service });
  const name = spec.apexName;
  return {
    owner: { group: 'serin.dev', apiVersion: 'serin.dev/v1beta1', namespace: 'shop', name, uid, generation: 1 },
    service: spec,
    names: { apex: name, primary: `${name}-primary`, canary: `${name}-canary` },
    workloads: {
      target: name,
      primary: `${name}-primary`,
      selectorLabel: 'app',
      targetValue: name,
      primaryValue: `${name}-primary`,
    },
    ports: [{ name: spec.portName, port: spec.port, targetPort: spec.targetPort, appProtocol: spec.appProtocol }],
    protocol,
    fenceKey: `fence.serin.dev/${uid}`,
  };
}
